//! Signals: at any moment, a program cleans up and dies of the signal that it got.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;

use crate::support::project::with_own_cache;
use crate::support::trace::{has, interrupt, nothing_left, private_directory, registered, signal};
use crate::support::{Outcome, Sandbox, finish, server, wait_until};

const INT: i32 = 2;
const TERM: i32 = 15;
const HUP: i32 = 1;

/// Sources that report their start, and then take longer than any test waits.
const SLEEPING: &str = "\\! touch started\nSELECT pg_sleep(3600);\n";
const BUSY: &str = "\\! touch started\nDO $$ BEGIN LOOP END LOOP; END $$;\n";
const COPYING: &str = "CREATE TEMPORARY TABLE t (x text);\n\\! touch started\n\
                       \\copy t FROM PROGRAM 'sleep 3600'\n";
const SERVER_PROGRAM: &str = "CREATE TEMPORARY TABLE t (x text);\n\\! touch started\n\
                              COPY t FROM PROGRAM 'sleep 3600';\n";
/// psql ignores SIGINT while such a program runs, and then goes on to the next statement.
const OWN_PROGRAM: &str = "\\! touch started; sleep 3600\nSELECT pg_sleep(3600);\n";
const DEAF_PROGRAM: &str = "\\! trap '' INT; touch started; sleep 3600\n";

fn started(sandbox: &Sandbox) -> bool {
    sandbox.path("project/started").exists()
}

#[track_caller]
fn died_of(outcome: &Outcome, signal: i32) {
    assert_eq!(outcome.signal, Some(signal), "{outcome}");
    assert!(outcome.stderr.contains("interrupted"), "{outcome}");
}

/// Interrupts a check of `source` in the middle of it.
#[track_caller]
fn interrupted_in(source: &str, name: &str, number: i32) {
    let sandbox = with_own_cache(source);
    let check = sandbox.spawn("database", ["check"]);
    died_of(&interrupt(check, name, || started(&sandbox)), number);
    nothing_left(&sandbox);
}

/// Interrupts a check that initialises a cluster of its own, which takes longer than a clone.
#[track_caller]
fn interrupted_at(name: &str, number: i32, moment: impl Fn(PathBuf) -> bool) {
    let mut sandbox = with_own_cache(SLEEPING);
    sandbox.set("PG_TEMPLATE", "off");
    let check = sandbox.spawn("database", ["check"]);
    let arrived = || private_directory(&sandbox).is_some_and(&moment);
    died_of(&interrupt(check, name, arrived), number);
    assert!(!started(&sandbox), "it was interrupted before the sources ran");
    nothing_left(&sandbox);
}

#[test]
fn in_a_statement_by_each_signal() {
    for (name, number) in [("INT", INT), ("TERM", TERM), ("HUP", HUP)] {
        interrupted_in(SLEEPING, name, number);
    }
}

#[test]
fn in_a_busy_loop_by_each_signal() {
    for (name, number) in [("INT", INT), ("TERM", TERM), ("HUP", HUP)] {
        interrupted_in(BUSY, name, number);
    }
}

#[test]
fn in_a_copy_from_a_program() {
    interrupted_in(COPYING, "TERM", TERM);
    interrupted_in(SERVER_PROGRAM, "TERM", TERM);
}

#[test]
fn in_a_program_of_the_source() {
    interrupted_in(OWN_PROGRAM, "TERM", TERM);
    interrupted_in(OWN_PROGRAM, "INT", INT);
}

#[test]
fn in_a_program_that_ignores_it() {
    interrupted_in(DEAF_PROGRAM, "HUP", HUP);
}

#[test]
fn as_soon_as_there_is_a_directory() {
    interrupted_at("TERM", TERM, |_| true);
}

#[test]
fn while_initialising() {
    interrupted_at("INT", INT, |private| has(&private, "data.new-"));
}

#[test]
fn while_cloning_or_soon_after() {
    let sandbox = with_own_cache(SLEEPING);
    sandbox.database(["check", "-H", "-P"]).success(); // the template is there
    let check = sandbox.spawn("database", ["check"]);
    let arrived = || private_directory(&sandbox).is_some_and(|private| has(&private, "data"));
    died_of(&interrupt(check, "HUP", arrived), HUP);
    nothing_left(&sandbox);
}

#[test]
fn while_starting_or_soon_after() {
    let sandbox = with_own_cache(SLEEPING);
    let check = sandbox.spawn("database", ["check"]);
    let starting = || {
        private_directory(&sandbox)
            .is_some_and(|private| has(&private.join("data"), "postmaster.pid"))
    };
    died_of(&interrupt(check, "TERM", starting), TERM);
    nothing_left(&sandbox);
}

/// A second Ctrl-C does not cut the clean-up short.
#[test]
fn twice() {
    let sandbox = with_own_cache(SLEEPING);
    let check = sandbox.spawn("database", ["check"]);
    wait_until("the statement runs", || started(&sandbox));
    signal("INT", check.id());
    let outcome = interrupt(check, "TERM", || true);
    died_of(&outcome, INT);
    nothing_left(&sandbox);
}

/// `--keep` is for people who want to look at an outcome. An interrupted check has none.
#[test]
fn nothing_is_kept_of_an_interrupted_check() {
    let sandbox = with_own_cache(SLEEPING);
    let check = sandbox.spawn("database", ["check", "--keep"]);
    died_of(&interrupt(check, "INT", || started(&sandbox)), INT);
    nothing_left(&sandbox);
}

/// Ctrl-C goes to everything in the foreground, psql included.
#[test]
fn to_the_whole_process_group() {
    for source in [SLEEPING, COPYING, OWN_PROGRAM] {
        let sandbox = with_own_cache(source);
        let mut command = sandbox.command("database", ["check"]);
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let check = command.spawn().unwrap();
        wait_until("the sources run", || started(&sandbox));
        signal("INT", format!("-{}", check.id()));
        died_of(&finish(check, None), INT);
        nothing_left(&sandbox);
    }
}

/// A real terminal, whose driver turns a character into the signal.
#[test]
fn from_a_terminal() {
    let sandbox = with_own_cache(SLEEPING);
    let typescript = sandbox.path("typescript");
    let arguments = ["-q", "-e", "-c", "database check", typescript.to_str().unwrap()];
    let mut command = sandbox.command("script", arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut terminal = command.spawn().unwrap();
    wait_until("the sources run", || started(&sandbox));
    let mut keyboard = terminal.stdin.take().unwrap();
    keyboard.write_all(b"\x03").unwrap();
    let outcome = finish(terminal, None);
    drop(keyboard);
    assert_eq!(outcome.code, Some(128 + INT), "{outcome}");
    assert!(sandbox.read("typescript").contains("interrupted"), "{outcome}");
    nothing_left(&sandbox);
}

#[test]
fn an_ignored_hangup_stays_ignored() {
    let sandbox =
        with_own_cache("\\! touch started; until test -e finish; do sleep 0.02; done\nSELECT 1;\n");
    let check = sandbox.spawn("nohup", ["database", "check"]);
    wait_until("the sources run", || started(&sandbox));
    signal("HUP", check.id());
    sandbox.write("project/finish", "");
    let outcome = finish(check, None).success();
    assert!(outcome.stderr.contains("check passed"), "{outcome}");
    nothing_left(&sandbox);
}

#[test]
fn hydrate_cancels_the_statement_in_the_server() {
    for (source, name, number) in
        [(SLEEPING, "TERM", TERM), (BUSY, "INT", INT), (SERVER_PROGRAM, "HUP", HUP)]
    {
        let sandbox = with_own_cache(source);
        sandbox.init([]).success();
        let hydrate = sandbox.spawn("database", ["hydrate"]);
        died_of(&interrupt(hydrate, name, || started(&sandbox)), number);
        let others = "SELECT count(*) FROM pg_stat_activity \
                      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        wait_until("the session ends", || sandbox.ask(others) == "0");
        sandbox.run("postgres-cleanup", [""; 0]).success();
    }
}

#[test]
fn postgres_init_leaves_no_half_of_a_cluster() {
    for (name, number) in [("INT", INT), ("TERM", TERM), ("HUP", HUP)] {
        let mut sandbox = with_own_cache("SELECT 1;\n");
        sandbox.set("PG_TEMPLATE", "off");
        let init = sandbox.spawn("postgres-init", [""; 0]);
        let initialising = || has(&sandbox.path("pg"), "data.new-");
        died_of(&interrupt(init, name, initialising), number);
        // the server that initdb has started ends a moment after it
        wait_until("it ends", || server::processes_below(&sandbox.path("pg")).is_empty());
        assert!(!sandbox.path("pg/data").exists(), "nothing that looks like a cluster");
        sandbox.init([]).success();
        assert!(!has(&sandbox.path("pg"), "data.new-"), "removed at the latest by the next run");
    }
}

#[test]
fn deploy_can_be_repeated() {
    let sandbox = with_own_cache(SLEEPING);
    let deploy = sandbox.spawn("database", ["deploy"]);
    died_of(&interrupt(deploy, "TERM", || started(&sandbox)), TERM);
    sandbox.write("project/db/src/entrypoint.sql", "SELECT 1;\n");
    sandbox.database(["deploy"]).success();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    assert!(!has(&sandbox.path("pg"), "data.new-"));
}

/// A stopped check still lives, so no other command may remove its directory.
#[test]
fn a_stopped_check_is_left_alone() {
    let sandbox =
        with_own_cache("\\! touch here-$$; until test -e finish; do sleep 0.02; done\nSELECT 1;\n");
    let stopped = sandbox.spawn("database", ["check"]);
    wait_until("the sources run", || has(&sandbox.path("project"), "here-"));
    signal("STOP", stopped.id());
    let before = registered(&sandbox);
    sandbox.write("project/finish", "");
    sandbox.database(["check"]).success();
    assert_eq!(registered(&sandbox), before);
    signal("CONT", stopped.id());
    finish(stopped, None).success();
    nothing_left(&sandbox);
}

/// After a command is killed, neither its psql nor the statement of that psql goes on.
#[test]
fn a_killed_command_ends_psql_and_what_the_server_does_for_it() {
    let own_program = "\\! touch started; exec sleep 4\nSELECT pg_sleep(100);\n";
    for source in [SLEEPING, BUSY, own_program] {
        let sandbox = with_own_cache(source);
        sandbox.database(["init"]).success();
        let hydrate = sandbox.spawn("database", ["hydrate"]);
        let outcome = interrupt(hydrate, "KILL", || started(&sandbox));
        assert_eq!(outcome.signal, Some(9), "{outcome}");
        let below = || server::anything_below(&sandbox.path("project"));
        wait_until("psql ends", || !below().iter().any(|command| command.contains("psql")));
        let busy = "SELECT count(*) FROM pg_stat_activity \
                    WHERE state = 'active' AND pid <> pg_backend_pid() AND usename = 'dev'";
        wait_until("the statement ends", || sandbox.ask(busy) == "0");
    }
}
