//! Waits that could last for ever: pipes in the place of files, questions that nobody answers,
//! servers that do not answer. The programs refuse such an input, or a signal ends the wait.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::support::wait::{hear, signal};
use crate::support::{Outcome, Sandbox, finish, project, server, wait_until};

const INT: Option<i32> = Some(2);

fn fifo(sandbox: &Sandbox, name: &str) -> PathBuf {
    let path = sandbox.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    nix::unistd::mkfifo(&path, Mode::from_bits_truncate(0o600)).unwrap();
    path
}

/// The writing end of a pipe that somebody reads.
fn writer(path: &Path) -> File {
    let mut options = File::options();
    let options = options.write(true).custom_flags(OFlag::O_NONBLOCK.bits());
    let mut end = None;
    wait_until("somebody reads the pipe", || {
        end = options.open(path).ok();
        end.is_some()
    });
    end.unwrap()
}

/// Interrupts a program that reads from a pipe into which nobody writes.
#[track_caller]
fn interrupted_while_reading(reader: Child, pipe: &Path) {
    let end = writer(pipe);
    signal("INT", reader.id());
    let outcome = finish(reader, None);
    assert_eq!(outcome.signal, INT, "{outcome}");
    assert!(outcome.stderr.contains("interrupted"), "{outcome}");
    drop(end);
}

#[test]
fn a_pipe_that_may_be_a_dotenv_is_read_until_a_signal_comes() {
    let mut sandbox = project::with_source("");
    let pipe = fifo(&sandbox, "pipe");
    let arguments = ["check", "-f", pipe.to_str().unwrap()];
    interrupted_while_reading(sandbox.spawn("database", arguments), &pipe);
    sandbox.set("HECTIC_DOTENV_FILE", &pipe);
    interrupted_while_reading(sandbox.spawn("database", ["check"]), &pipe);
    // the content of the pipe counts
    let check = sandbox.spawn("database", ["check"]);
    writer(&pipe).write_all(b"A=one\n").unwrap();
    finish(check, None).success();
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_refused() {
    let mut sandbox = project::with_source("");
    let refused = |outcome: Outcome| {
        let said = &outcome.stderr;
        assert!(said.contains("regular file") && outcome.code.is_some_and(|c| c > 0), "{outcome}");
    };
    let pipe = fifo(&sandbox, "project/test-data.sql");
    refused(sandbox.database(["check"]));
    std::fs::remove_file(&pipe).unwrap();
    let pipe = fifo(&sandbox, "project/db/diff-ignore.toml");
    refused(sandbox.database(["diff", "--against", "postgresql://nobody@localhost:1/none"]));
    std::fs::remove_file(&pipe).unwrap();
    fifo(&sandbox, "backup/base.tar");
    refused(sandbox.database(["restore", "backup"]));
    sandbox.set("PG_CONF_FILE", fifo(&sandbox, "own.conf"));
    refused(sandbox.init([]));
    sandbox.unset("PG_CONF_FILE");
    let key = fifo(&sandbox, "key");
    sandbox.set("HECTIC_SECRET_KEY_FILE", &key);
    refused(sandbox.database(["check"]));
    sandbox.unset("HECTIC_SECRET_KEY_FILE");
    for (name, value) in [
        ("STAGING_SSH_HOST", "-"),
        ("STAGING_DB_URL", "postgresql://nobody@localhost:1/none"),
        ("STAGING_DUMP_TABLES", "x"),
        ("STAGING_DUMP_FLAGS", ""),
    ] {
        sandbox.set(name, value);
    }
    fifo(&sandbox, "project/staging.toml");
    refused(sandbox.database(["pull_staging"]));
}

/// psql reads the pipe. A second reader would wait for ever.
#[test]
fn an_included_pipe_is_read_once() {
    let sandbox = project::deployed("");
    for (source, command) in [
        ("project/db/src/entrypoint.sql", "hydrate"),
        ("project/db/test/test.sql", "test"),
        ("project/test-data.sql", "patch"),
    ] {
        let place = sandbox.write(source, "\\ir pipe.sql\n\\q\n");
        let pipe = fifo(&sandbox, place.with_file_name("pipe.sql").to_str().unwrap());
        interrupted_while_reading(sandbox.spawn("database", [command]), &pipe);
        let reader = sandbox.spawn("database", [command]);
        writer(&pipe).write_all(b"SELECT 1;\n").unwrap();
        finish(reader, None).success();
        std::fs::remove_file(pipe).unwrap();
    }
}

/// A sparse file can be larger than the memory.
#[test]
fn a_file_of_any_size_is_read_up_to_a_limit() {
    let mut sandbox = project::with_source("");
    let large = |sandbox: &Sandbox, name: &str| {
        let path = sandbox.write(name, "");
        File::options().write(true).open(&path).unwrap().set_len(1 << 37).unwrap();
        path
    };
    let (dotenv, rules) =
        (large(&sandbox, "large.env"), large(&sandbox, "project/db/diff-ignore.toml"));
    let dotenv = dotenv.to_str().unwrap();
    sandbox.database(["check", "-f", dotenv]).fails(3, ["large.env", "not readable"]);
    let none = "postgresql://nobody@localhost:1/none";
    sandbox.database(["diff", "--against", none]).fails(13, ["larger than 64 MB"]);
    std::fs::remove_file(rules).unwrap();
    let conf = large(&sandbox, "own.conf");
    sandbox.set("PG_CONF_FILE", conf);
    sandbox.init([]).fails(1, ["own.conf", "larger than 64 MB"]);
}

#[test]
fn a_pipe_in_the_place_of_a_log_or_a_lock_does_not_block() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    for name in ["log/server.log", ".db-tool.lock"] {
        let name = format!("pg/{name}");
        let _ = std::fs::remove_file(sandbox.path(&name));
        let pipe = fifo(&sandbox, &name);
        let owner = sandbox.path("pg/data").metadata().unwrap();
        std::os::unix::fs::chown(&pipe, Some(owner.uid()), Some(owner.gid())).unwrap();
        sandbox.init([]).fails(1, [name.rsplit('/').next().unwrap()]);
        std::fs::remove_file(pipe).unwrap();
    }
}

/// Anybody who may open a directory can lock it.
#[test]
fn a_lock_that_somebody_holds_is_waited_for_until_a_signal_comes() {
    let sandbox = project::deployed("");
    std::fs::create_dir_all(sandbox.path("project/db/migration")).unwrap();
    sandbox.write("one.env", "A=one\n");
    for (directory, program, arguments) in [
        ("pg", "database", &["secrets", "rotate"][..]),
        ("pg/data", "database", &["secrets", "rotate"]),
        ("pg/data", "database", &["secrets", "load", "-f", "one.env"]),
        ("project/db/migration", "migrator", &["create", "one"]),
    ] {
        let held = File::open(sandbox.path(directory)).unwrap();
        held.lock().unwrap();
        let mut waiting = sandbox.spawn(program, arguments);
        let told = |said: &str| said.contains("waiting for another db-tool command");
        let id = waiting.id();
        let heard = hear(waiting.stderr.as_mut().unwrap(), id, told);
        assert!(told(&heard), "{directory}: {arguments:?}: {heard}");
        signal("INT", id);
        assert_eq!(finish(waiting, None).signal, INT, "{directory}: {arguments:?}");
    }
}

#[test]
fn a_log_may_be_a_pipe_or_the_device_without_content() {
    let mut sandbox = project::deployed("\\echo said\n");
    sandbox.set("HYDRATE_LOG", "/dev/null");
    sandbox.set("PATCH_SQL", "/dev/null");
    sandbox.database(["hydrate"]).success();
    sandbox.database(["patch"]).success();
    let pipe = fifo(&sandbox, "pipe");
    sandbox.set("HYDRATE_LOG", &pipe);
    let mut hydrate = sandbox.spawn("database", ["hydrate"]);
    let told = |said: &str| said.contains("waiting for somebody to read the pipe");
    let id = hydrate.id();
    assert!(told(&hear(hydrate.stderr.as_mut().unwrap(), id, told)));
    signal("INT", id);
    assert_eq!(finish(hydrate, None).signal, INT);
    let hydrate = sandbox.spawn("database", ["hydrate"]);
    let heard = std::fs::read_to_string(&pipe).unwrap();
    finish(hydrate, None).success();
    assert!(heard.contains("said"), "{heard}");
}

#[test]
fn a_log_that_is_a_full_pipe_can_be_interrupted() {
    let mut sandbox = project::deployed("");
    let notice = "\\! touch started\nDO $$ BEGIN LOOP RAISE NOTICE 'again'; END LOOP; END $$;\n";
    sandbox.write("project/db/src/entrypoint.sql", notice);
    let pipe = fifo(&sandbox, "pipe");
    sandbox.set("HYDRATE_LOG", &pipe);
    let unread = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&pipe);
    let mut end = writer(&pipe);
    while end.write(&[b'x'; 4096]).is_ok() {}
    let hydrate = sandbox.spawn("database", ["hydrate"]);
    wait_until("it runs", || sandbox.path("project/started").exists());
    signal("INT", hydrate.id());
    assert_eq!(finish(hydrate, None).signal, INT);
    drop(unread.unwrap());
}

#[test]
fn a_value_from_a_pipe_is_waited_for_until_a_signal_comes() {
    let sandbox = project::deployed("");
    let mut command = sandbox.command("database", ["secrets", "set", "A"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut set = command.spawn().unwrap();
    let (id, input) = (set.id(), set.stdin.take());
    let told = |said: &str| said.contains("waiting for standard input");
    assert!(told(&hear(set.stderr.as_mut().unwrap(), id, told)));
    signal("TERM", id);
    assert_eq!(finish(set, None).signal, Some(15));
    drop(input);
}

/// Types `typed` at `prompt`, on a terminal, and returns the final content of the screen.
fn at_prompt(sandbox: &Sandbox, command: &str, prompt: &str, typed: &[u8]) -> String {
    // the shell survives; it prints the command's exit status and the terminal's echo setting
    let line = format!("trap : INT; {command}; echo \"status $?\"; stty -a");
    let mut script = sandbox.command("script", ["-qec", &line, "/dev/null"]);
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut script = script.spawn().unwrap();
    let id = script.id();
    let screen = hear(script.stdout.as_mut().unwrap(), id, |said| said.ends_with(prompt));
    assert!(screen.ends_with(prompt), "{screen}");
    let mut keyboard = script.stdin.take().unwrap();
    keyboard.write_all(typed).unwrap();
    let rest = hear(script.stdout.as_mut().unwrap(), id, |said| said.contains("extproc"));
    drop(keyboard);
    finish(script, None);
    screen + &rest
}

#[test]
fn a_question_on_the_terminal_is_ended_by_ctrl_c() {
    let sandbox = project::deployed("");
    std::fs::create_dir_all(sandbox.path("project/db/migration")).unwrap();
    let (set, clean) = ("database secrets set A", "migrator clean");
    for (command, prompt) in [(set, "A: "), (clean, "[y/N] ")] {
        let screen = at_prompt(&sandbox, command, prompt, b"\x03");
        assert!(screen.contains("status 130"), "{screen}");
        assert!(screen.contains(" echo ") && !screen.contains("-echo "), "{screen}");
        assert!(screen.contains("interrupted"), "{screen}");
    }
}

#[test]
fn a_question_on_the_terminal_is_answered() {
    let sandbox = project::deployed("");
    let screen = at_prompt(&sandbox, "database secrets set A", "A: ", b"hush\n");
    assert!(screen.contains("status 0") && !screen.contains("hush"), "{screen}");
    assert_eq!(sandbox.database(["secrets", "get", "A"]).success().stdout, "hush\n");
    let screen = at_prompt(&sandbox, "migrator clean", "[y/N] ", b"n\n");
    assert!(screen.contains("nothing was changed"), "{screen}");
    let screen = at_prompt(&sandbox, "migrator clean", "[y/N] ", b"y\n");
    assert!(screen.contains("dropped;"), "{screen}");
}

/// Stops every process of the sandbox's server.
fn stop_server(sandbox: &Sandbox) {
    let pids = server::processes_below(&sandbox.path("pg"));
    assert!(pids.len() > 1);
    for pid in &pids {
        signal("STOP", pid);
    }
}

#[test]
fn a_stopped_server_is_told_and_taken_away() {
    let sandbox = project::deployed("");
    stop_server(&sandbox);
    let status = sandbox.database(["status"]).fails(1, ["runs, but", "no answer in time"]);
    assert!(status.stderr.contains("kill -CONT"), "{status}");
    let doctor = sandbox.database(["doctor"]).success();
    assert!(doctor.stdout.contains("no answer in time"), "{doctor}");
    let cleaned = sandbox.database(["cleanup"]).success();
    assert!(cleaned.stderr.contains("is stopped"), "{cleaned}");
    assert!(!sandbox.path("pg").exists());
}

#[test]
fn a_stopped_server_stops_like_any_other() {
    let sandbox = project::deployed("");
    stop_server(&sandbox);
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let logs = sandbox.entries("pg/log");
    let log: String = logs.iter().map(|name| sandbox.read(&format!("pg/log/{name}"))).collect();
    assert!(log.contains("received fast shutdown request"), "{log}");
    assert!(!log.contains("immediate shutdown"), "{log}");
}
