//! Leases: the server ends with its last user, and its data stays.

use std::process::{Child, Command, Stdio};

use crate::support::process::keepers;
use crate::support::project::with_source;
use crate::support::wait::{signal, try_signal};
use crate::support::{Outcome, Sandbox, finish, psql, wait_until};

/// A process that can hold a lease. Dropping it kills it.
struct Shell(Child);

impl Shell {
    fn open() -> Self {
        let mut sleep = Command::new("sleep");
        Self(sleep.arg("3600").stdin(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    /// Kills the shell in a way that it cannot notice.
    fn kill(mut self) {
        signal("KILL", self.0.id());
        self.0.wait().unwrap();
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Sandbox {
    fn lease(&self, shell: &Shell) -> Outcome {
        self.init(["--lease", &shell.pid()]).success()
    }

    fn wait_until_stopped(&self) {
        wait_until("the server stops", || {
            !self.path("pg/data/postmaster.pid").exists() && !self.has_server()
        });
    }

    /// Waits until `number` leases are kept.
    fn wait_for_leases(&self, number: usize) {
        let leases = || {
            let entries = std::fs::read_dir(self.path("pg/.lease")).into_iter().flatten();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).count()
        };
        wait_until("the leases end", || leases() == number);
    }
}

#[test]
fn a_killed_shell_takes_its_server_along_and_leaves_the_data() {
    let sandbox = Sandbox::with_cluster();
    let shell = Shell::open();
    sandbox.lease(&shell);
    sandbox.leave_work();
    let told = sandbox.database(["status"]).success();
    let line = format!("leases:   sleep (pid {}); the server stops with the last one", shell.pid());
    assert!(told.stdout.contains(&line), "{told}");
    let pid = shell.pid();
    shell.kill();
    sandbox.wait_until_stopped();
    let log = sandbox.read("pg/log/server.log");
    assert!(
        log.contains(&format!("process {pid}, the last user of this server, has ended")),
        "{log}"
    );
    assert!(log.contains("db-tool: stopping the server; its data stays"), "{log}");
    wait_until("the keeper ends", || !sandbox.path("pg/.lease").exists());
    sandbox.init([]).success();
    assert!(sandbox.has_work());
}

#[test]
fn shells_share_a_server_until_the_last_one_ends() {
    let sandbox = Sandbox::with_cluster();
    let (first, second) = (Shell::open(), Shell::open());
    sandbox.lease(&first);
    sandbox.lease(&second);
    let server = sandbox.postmaster();
    first.kill();
    sandbox.wait_for_leases(1);
    assert_eq!(sandbox.postmaster(), server);
    // a command that has no lease changes nothing
    sandbox.init([]).success();
    second.kill();
    sandbox.wait_until_stopped();
}

#[test]
fn a_server_that_ran_before_the_shell_outlives_it() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    let shell = Shell::open();
    sandbox.lease(&shell);
    let told = sandbox.database(["status"]).success();
    assert!(told.stdout.contains("the server goes on without them"), "{told}");
    shell.kill();
    wait_until("the keeper ends", || !sandbox.path("pg/.lease").exists());
    assert!(sandbox.has_server());
}

#[test]
fn a_lease_can_be_turned_off() {
    let mut sandbox = Sandbox::with_cluster();
    let shell = Shell::open();
    sandbox.lease(&shell);
    sandbox.init(["--keep-alive"]).success();
    shell.kill();
    wait_until("the keeper ends", || !sandbox.path("pg/.lease").exists());
    assert!(sandbox.has_server());
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let shell = Shell::open();
    sandbox.set("PG_LEASE", "off");
    sandbox.lease(&shell);
    assert!(!sandbox.path("pg/.lease").exists());
}

#[test]
fn the_variable_gives_every_command_the_lease() {
    let mut sandbox = with_source("SELECT 1;");
    let shell = Shell::open();
    sandbox.set("PG_LEASE", shell.pid());
    sandbox.database(["deploy"]).success();
    let exported = sandbox.init(["--export", "dotenv"]).success();
    assert!(exported.stdout.contains(&format!("PG_LEASE='{}'\n", shell.pid())), "{exported}");
    sandbox.database(["deploy"]).success();
    sandbox.wait_for_leases(1);
    shell.kill();
    sandbox.wait_until_stopped();
    // the variable is still there, as in the panes of a terminal that was started from the shell
    let told = sandbox.init([]).success();
    assert!(told.stderr.contains("of PG_LEASE has ended"), "{told}");
    assert!(sandbox.has_server());
}

#[test]
fn a_lease_outlives_its_killed_keeper() {
    let sandbox = Sandbox::with_cluster();
    let shell = Shell::open();
    sandbox.lease(&shell);
    let killed = keepers(&sandbox.path("pg"));
    assert_eq!(killed.len(), 1);
    signal("KILL", killed[0]);
    wait_until("the keeper is gone", || keepers(&sandbox.path("pg")).is_empty());
    // the next command with the lease starts another one, and only one
    sandbox.lease(&shell);
    sandbox.lease(&shell);
    assert_eq!(keepers(&sandbox.path("pg")).len(), 1);
    shell.kill();
    sandbox.wait_until_stopped();
}

#[test]
fn direnv_passes_the_lease_on_to_its_caller() {
    let sandbox = Sandbox::with_cluster();
    // direnv evaluates the hook in a short-lived shell
    std::fs::copy("/bin/sh", sandbox.path("direnv")).unwrap();
    let hook = format!(
        "{} -c 'sh -c \"postgres-init --lease \\$\\$ --export sh; true\"; true'; exec sleep 3600",
        sandbox.path("direnv").display()
    );
    let mut child = sandbox.command("sh", ["-c", &hook]).stdout(Stdio::piped()).spawn().unwrap();
    let caller = child.id();
    let line = format!("PG_LEASE='{caller}'\n");
    let said = crate::support::wait::hear(child.stdout.as_mut().unwrap(), caller, |said| {
        said.ends_with('\n')
    });
    let mut shell = Shell(child);
    assert!(said.ends_with(&line), "{said}");
    assert!(sandbox.has_server());
    shell.0.kill().unwrap();
    shell.0.wait().unwrap();
    sandbox.wait_until_stopped();
}

#[test]
fn what_cannot_hold_a_lease_is_refused() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.init(["--lease", "4194305"]).fails(2, ["no process 4194305 runs", "--lease $$"]);
    sandbox.init(["--lease", "-1"]).fails(9, ["-1"]);
    sandbox.init(["--lease", "shell"]).fails(2, ["shell"]);
    sandbox.init(["--lease", "1", "--keep-alive"]).fails(2, ["--keep-alive"]);
    sandbox.set("PG_LEASE", "sometimes");
    sandbox.init([]).fails(2, ["PG_LEASE is \"some…\"", "off"]);
    assert!(!sandbox.path("pg").exists(), "nothing was made");
}

#[test]
fn a_cleaned_up_cluster_leaves_no_lease() {
    let sandbox = Sandbox::with_cluster();
    let shell = Shell::open();
    sandbox.lease(&shell);
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg").exists());
    shell.kill();
    wait_until("the keeper ends", || keepers(&sandbox.path("pg")).is_empty());
    assert!(!sandbox.path("pg").exists());
}

#[test]
fn run_gives_a_command_the_cluster_and_stops_it_afterwards() {
    let sandbox = Sandbox::with_cluster();
    let line = "\"$0\" -XAtqc \"SELECT 'hello'\" && exit 42";
    let told = sandbox.database(["run", "--", "sh", "-c", line, &psql()]).fails(42, []);
    assert_eq!(told.stdout, "hello\n");
    sandbox.wait_until_stopped();
    let told = sandbox.database(["run", "nonesuch"]).fails(127, ["there is no program nonesuch"]);
    assert_eq!(told.stdout, "");
    sandbox.wait_until_stopped();
    sandbox.database(["run"]).fails(3, ["COMMAND"]);
}

#[test]
fn run_stops_the_server_of_a_killed_command() {
    let sandbox = Sandbox::with_cluster();
    let command = ["run", "sh", "-c", "echo ready; exec sleep 3600"];
    let mut child = sandbox.spawn("database", command);
    let pid = child.id();
    crate::support::wait::hear(child.stdout.as_mut().unwrap(), pid, |said| said == "ready\n");
    assert!(sandbox.has_server());
    try_signal("KILL", pid);
    finish(child, None);
    sandbox.wait_until_stopped();
}

#[test]
fn run_leaves_a_server_running_that_ran_before() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    sandbox.database(["run", "true"]).success();
    wait_until("the keeper ends", || !sandbox.path("pg/.lease").exists());
    assert!(sandbox.has_server());
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.database(["run", "--keep-alive", "true"]).success();
    wait_until("the keeper ends", || keepers(&sandbox.path("pg")).is_empty());
    assert!(sandbox.has_server());
}

#[test]
fn run_tells_once_why_there_is_no_cluster() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_PORT", "0x");
    let told = sandbox.database(["run", "true"]).fails(2, ["PG_PORT is \"0x\"", "\nhint:"]);
    assert_eq!(told.stderr.matches("error:").count(), 1, "{told}");
}

#[test]
fn a_command_has_no_children_that_it_did_not_start() {
    let sandbox = Sandbox::with_cluster();
    let wait = "import os\ntry:\n  while True: os.wait()\nexcept ChildProcessError: print('alone')";
    let told = sandbox.database(["run", "python3", "-c", wait]).success();
    assert_eq!(told.stdout, "alone\n");
    sandbox.wait_until_stopped();
}

/// `idle_stop`, with the shortest time that still lets a slow machine look in between.
mod idle {
    use super::*;

    fn sandbox() -> Sandbox {
        let mut sandbox = with_source("SELECT 1;");
        sandbox.set("PG_IDLE_STOP", "200ms");
        sandbox
    }

    #[test]
    fn a_server_without_sessions_stops_and_the_next_command_wakes_it() {
        let sandbox = sandbox();
        sandbox.init([]).success();
        sandbox.wait_until_stopped();
        let log = sandbox.read("pg/log/server.log");
        assert!(log.contains("db-tool: no session for 0.2 s (idle_stop)"), "{log}");
        wait_until("the keeper ends", || keepers(&sandbox.path("pg")).is_empty());
        sandbox.database(["hydrate"]).success();
        sandbox.wait_until_stopped();
        sandbox.database(["psql", "-c", "SELECT 1"]).success();
    }

    #[test]
    fn a_session_keeps_the_server_awake() {
        let sandbox = sandbox();
        // waits until the keeper has looked twelve times, which is three times the limit
        let wait = "DO $$ DECLARE first bigint := (SELECT sum(sessions) FROM pg_stat_database);
            BEGIN LOOP
              PERFORM pg_stat_clear_snapshot();
              EXIT WHEN (SELECT sum(sessions) FROM pg_stat_database) >= first + 12;
            END LOOP; END $$; SELECT 'awake'";
        let mut told = None;
        // a slow machine may start psql only after the server has stopped
        wait_until("a session begins", || {
            sandbox.init([]).success();
            let session = sandbox.run(&psql(), ["-XAtd", &sandbox.url("postgres"), "-c", wait]);
            let begun = !session.stderr.contains("psql: error: connection to server");
            told = Some(session);
            begun
        });
        assert!(told.unwrap().success().stdout.ends_with("awake\n"));
        sandbox.wait_until_stopped();
    }

    #[test]
    fn a_server_that_a_verb_starts_anew_is_watched_too() {
        let mut sandbox = sandbox();
        sandbox.set("PG_IDLE_STOP", "1h");
        let watchers = |sandbox: &Sandbox| {
            wait_until("one keeper watches", || keepers(&sandbox.path("pg")).len() == 1);
            let pid = sandbox.postmaster();
            sandbox
                .entries("pg/.lease")
                .iter()
                .any(|name| name.starts_with(&format!("idle-{pid}-")))
        };
        sandbox.database(["deploy"]).success();
        assert!(watchers(&sandbox));
        for arguments in [["snapshot", "save", "one"], ["snapshot", "restore", "one"]] {
            sandbox.database(arguments).success();
            assert!(watchers(&sandbox), "{arguments:?}");
        }
        sandbox.database(["deploy"]).success();
        assert!(watchers(&sandbox));
        sandbox.run("postgres-cleanup", [""; 0]).success();
        sandbox.database(["snapshot", "save", "two"]).success();
        assert!(!sandbox.has_server());
    }

    #[test]
    fn a_server_that_somebody_stopped_stays_stopped() {
        let mut sandbox = sandbox();
        sandbox.set("PG_IDLE_STOP", "1h");
        sandbox.init([]).success();
        sandbox.run("postgres-cleanup", [""; 0]).success();
        wait_until("the keeper ends", || keepers(&sandbox.path("pg")).is_empty());
        sandbox.database(["hydrate"]).fails(1, ["start the server"]);
        sandbox.set("PG_IDLE_STOP", "0");
        sandbox.init([]).fails(2, ["PG_IDLE_STOP is zero"]);
        sandbox.set("PG_IDLE_STOP", "soon");
        sandbox.init([]).fails(2, ["PG_IDLE_STOP is"]);
    }
}
