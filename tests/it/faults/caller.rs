//! The ways in which a shell, a script or a CI runner calls a command that leaves a server behind.

use std::process::{Child, Command, Stdio};

use crate::support::trace::has;
use crate::support::{Outcome, Sandbox, finish, project, server, wait, wait_until};

/// Commands that leave a server behind, most of them also processes that watch over it. `$HOLDER`
/// is a process that can hold a lease.
const COMMANDS: [&str; 5] = [
    "postgres-init --keep-alive",
    "postgres-init --lease $HOLDER",
    "PG_IDLE_STOP=1h postgres-init --keep-alive",
    "database deploy --no-patch",
    "database snapshot restore saved",
];

/// The calls. The reader at the end of each waits until every process has closed the pipe.
const CALLS: [&str; 9] = [
    "x=$(COMMAND; echo \"code $?\"); echo \"$x\"",
    "x=`COMMAND 2>&1; echo \"code $?\"`; echo \"$x\"",
    "{ COMMAND; echo \"code $?\"; } 2>&1 | cat",
    "{ COMMAND; echo \"code $?\"; } 3>&1 4>&1 9>&1 2>&1 | cat",
    "{ nohup sh -c 'COMMAND'; echo \"code $?\"; } 2>&1 | cat",
    "{ setsid -w sh -c 'COMMAND'; echo \"code $?\"; } 2>&1 | cat",
    "{ COMMAND <&-; echo \"code $?\"; } 2>&1 | cat",
    "{ COMMAND >&- 2>&-; echo \"code $?\"; } 2>&1 | cat",
    "{ (COMMAND; echo \"code $?\") & wait; } 2>&1 | cat",
];

/// A process that ends with the test.
struct Holder(Child);

impl Holder {
    fn start() -> Self {
        let mut sleep = Command::new("sleep");
        Self(sleep.arg("3600").stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn shell(sandbox: &Sandbox, line: &str) -> Outcome {
    sandbox.run("sh", ["-c", line])
}

#[test]
fn every_call_of_every_command_comes_to_its_end() {
    let holder = Holder::start();
    let mut sandbox = project::deployed("");
    sandbox.database(["snapshot", "save", "saved"]).success();
    sandbox.set("HOLDER", holder.0.id().to_string());
    for command in COMMANDS {
        for call in CALLS {
            let shown = shell(&sandbox, &call.replace("COMMAND", command)).success();
            assert!(shown.stdout.contains("code 0"), "{command} in {call}: {shown}");
            assert_eq!(sandbox.ask("SELECT 1"), "1", "{command} in {call}");
        }
        // so that the next command starts its server itself
        sandbox.run("postgres-cleanup", [""; 0]).success();
    }
}

/// Runs a shell with `line` on a terminal of its own.
fn on_terminal(sandbox: &Sandbox, line: &str) -> Child {
    let mut command = sandbox.command("script", ["-qec", line, "/dev/null"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// The user closes the window: the terminal goes, and the system sends SIGHUP.
fn close(terminal: Child) {
    wait::signal("KILL", terminal.id());
    finish(terminal, None);
}

#[test]
fn a_closed_terminal_ends_a_command_as_a_signal_does() {
    let sandbox = project::deployed("CREATE TABLE kept () INHERITS (hectic.created_at);\n");
    let postmaster = server::postmaster(&sandbox.path("pg/data"));
    let place = sandbox.path("project/started");
    let slow = format!("\\! touch '{}'\nSELECT pg_sleep(3600);\n", place.display());
    sandbox.write("project/db/src/entrypoint.sql", slow);
    for command in ["database check", "database deploy", "database hydrate"] {
        let terminal = on_terminal(&sandbox, command);
        wait_until("the sources run", || has(&sandbox.path("project"), "started"));
        close(terminal);
        wait_until("the command ends", || {
            let all = server::anything_below(&sandbox.path(""));
            !all.iter().any(|line| line.starts_with("database "))
        });
        std::fs::remove_file(&place).unwrap();
        assert_eq!(sandbox.entries("tmp"), [""; 0], "{command}");
        assert_eq!(sandbox.beside("data"), ["data"], "{command}");
        assert_eq!(sandbox.ask("SELECT count(*) FROM kept"), "0", "{command}");
        assert_eq!(server::postmaster(&sandbox.path("pg/data")), postmaster, "{command}");
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'";
        wait_until("the statement ends", || sandbox.ask(sleeping) == "0");
    }
}

#[test]
fn a_closed_terminal_takes_along_only_a_leased_server() {
    for (option, stays) in [("--keep-alive", true), ("--lease $$", false)] {
        let sandbox = Sandbox::with_cluster();
        let line = format!("postgres-init {option} && touch made && sleep 3600; :");
        let terminal = on_terminal(&sandbox, &line);
        wait_until("the cluster is there", || sandbox.path("made").exists());
        let postmaster = sandbox.postmaster();
        close(terminal);
        if stays {
            assert_eq!(sandbox.ask_in("postgres", "SELECT 1"), "1");
            assert_eq!(sandbox.postmaster(), postmaster);
            continue;
        }
        wait_until("the server stops", || {
            !sandbox.path("pg/data/postmaster.pid").exists()
                && server::processes_below(&sandbox.path("pg")).is_empty()
        });
        assert!(sandbox.read("pg/log/server.log").contains("db-tool: stopping the server"));
    }
}
