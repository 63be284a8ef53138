//! A gate at which a test can hold a migration, and ways to kill the migrator there.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use crate::support::migrator::{MigratorProject, name};
use crate::support::process::{self, is_running};
use crate::support::wait::try_signal;
use crate::support::{Outcome, Sandbox, finish, is_root, psql, wait_until};

/// The key of the migrator's lock.
pub const LOCK: i64 = 5_291_664_318_604_733_801;

/// The key of the advisory lock on which `gate()` waits.
const GATE: i64 = 7;

/// The tables that the migrations of these tests write to, and a gate at which a test can hold
/// them. A session that waits at the gate holds its lock only for its transaction.
const GATE_SQL: &str = "\
ALTER DATABASE app SET synchronous_commit = on;
CREATE TABLE log (id serial, version int, way text);
GRANT ALL ON log, log_id_seq TO PUBLIC;
GRANT CREATE ON SCHEMA public TO PUBLIC;
CREATE FUNCTION gate() RETURNS void LANGUAGE sql AS 'SELECT pg_catalog.pg_advisory_xact_lock_shared(7)';
CREATE PROCEDURE pass() LANGUAGE plpgsql AS 'BEGIN PERFORM public.gate(); END';
CREATE FUNCTION gate_trigger() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN PERFORM public.gate(); RETURN NULL; END';
";

impl MigratorProject {
    /// A project whose migrations can wait at the gate.
    #[track_caller]
    pub fn with_gate() -> Self {
        Self::with_gate_in(Sandbox::with_cluster())
    }

    /// The same, with these settings of the server.
    #[track_caller]
    pub fn with_gate_and_conf(conf: &str) -> Self {
        let mut sandbox = Sandbox::with_cluster();
        let conf = sandbox.write("extra.conf", conf);
        sandbox.set("PG_CONF_FILE", conf);
        Self::with_gate_in(sandbox)
    }

    /// The same as an ordinary user, in case root runs the tests.
    #[track_caller]
    pub fn with_gate_as_ordinary_user() -> Self {
        let mut sandbox = Sandbox::with_cluster();
        if is_root() {
            sandbox.act_as("nobody");
        }
        Self::with_gate_in(sandbox)
    }

    #[track_caller]
    fn with_gate_in(mut sandbox: Sandbox) -> Self {
        // `postgres-init` starts the server again after a crash
        sandbox.set("PG_REUSE", "1");
        let project = Self::in_sandbox(sandbox);
        std::fs::create_dir(project.path("migration")).unwrap();
        project.ask(GATE_SQL);
        project
    }

    /// Writes migrations 1 to `last`, each of which logs its steps.
    pub fn write_logging(&self, last: u32) {
        for number in 1..=last {
            self.write_migration(&name(number), &logs(number, "up"), &logs(number, "down"));
        }
    }

    /// Waits for the end of a migrator.
    pub fn finish(&self, child: Child) -> Outcome {
        let outcome = finish(child, None);
        self.wait_until_quiet();
        outcome
    }

    /// Starts `migrator` with these arguments.
    pub fn start<const N: usize>(&self, arguments: [&str; N]) -> Child {
        self.spawn("migrator", arguments)
    }

    /// Closes the gate until the returned session is dropped.
    pub fn close_gate(&self) -> PsqlSession {
        self.hold(GATE)
    }

    /// Takes an advisory lock. The returned session holds it until it is dropped.
    pub fn hold(&self, key: i64) -> PsqlSession {
        let mut session = self.session();
        session.say(&format!("SELECT pg_advisory_lock({key}) IS NULL;"));
        session
    }

    /// Starts psql as the superuser.
    pub fn session(&self) -> PsqlSession {
        let url = self.url("app");
        let arguments = ["-X", "-A", "-t", "-q", "-d", url.as_str(), "-f", "-"];
        let mut command = self.command(&psql(), arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        PsqlSession { session: command.spawn().unwrap() }
    }

    /// Waits until a session waits at the gate.
    #[track_caller]
    pub fn wait_until_at_gate(&self) {
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        wait_until("a session is at the gate", || self.ask(waiting) == "1");
    }

    /// Waits until a concurrent build of an index waits for another session.
    #[track_caller]
    pub fn wait_until_building(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE wait_event_type = 'Lock' AND query LIKE '%CREATE INDEX CONCURRENTLY%'";
        wait_until("the build waits", || self.ask(waiting) == "1");
    }

    /// Waits until the server answers and no session of a migrator is left.
    #[track_caller]
    pub fn wait_until_quiet(&self) {
        let sessions =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migrator %'";
        wait_until("sessions end", || self.try_ask(sessions).as_deref() == Some("0"));
    }

    /// The result of `sql`, if the server answers at all.
    pub fn try_ask(&self, sql: &str) -> Option<String> {
        let url = self.url("app");
        let arguments = ["-X", "-A", "-t", "-d", url.as_str(), "-c", sql];
        let asked = self.run(&psql(), arguments);
        (asked.code == Some(0)).then(|| asked.stdout.trim_end().to_owned())
    }

    /// The log of the migrations, in order: `1up 2up`.
    #[track_caller]
    pub fn log(&self) -> String {
        self.ask("SELECT string_agg(version || way, ' ' ORDER BY id) FROM log")
    }

    /// The state of one migration, empty for one that was never started.
    pub fn state(&self, number: u32) -> String {
        let filter =
            format!("SELECT state FROM hectic.migration_state WHERE version % 100 = {number}");
        self.ask(&filter)
    }

    /// Fails the test if a run has left a process or a file.
    #[track_caller]
    pub fn nothing_left(&self) {
        self.wait_until_quiet();
        let processes = || crate::support::server::anything_below(&self.path(""));
        wait_until("processes end", || !processes().iter().any(|line| line.contains("psql")));
        assert_eq!(self.entries("tmp"), Vec::<String>::new(), "private files");
    }
}

/// SQL that logs that a migration went this way.
pub fn logs(number: u32, way: &str) -> String {
    format!("INSERT INTO log (version, way) VALUES ({number}, '{way}');\n")
}

/// A psql that runs statements for the test. Dropping it ends its session, which releases its locks.
pub struct PsqlSession {
    session: Child,
}

impl PsqlSession {
    /// Runs a statement and waits for its end.
    pub fn say(&mut self, sql: &str) {
        self.session.stdin.as_mut().unwrap().write_all(sql.as_bytes()).unwrap();
        self.session.stdin.as_mut().unwrap().write_all(b"\n\\echo said\n").unwrap();
        let mut output = BufReader::new(self.session.stdout.as_mut().unwrap());
        let mut line = String::new();
        while line.trim_end() != "said" {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "the session ended: {sql}");
        }
    }
}

impl Drop for PsqlSession {
    fn drop(&mut self) {
        drop(self.session.stdin.take());
        let _ = self.session.wait();
    }
}

/// The process that a test kills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The migrator.
    Runner,
    /// Its psql.
    Psql,
    /// The server process of psql's session, and with it every session of the server.
    Backend,
    /// psql's session alone, by `pg_terminate_backend`.
    Session,
    /// The migrator, then the server: no process is left that could record anything.
    Everybody,
}

pub const VICTIMS: [Victim; 5] =
    [Victim::Runner, Victim::Psql, Victim::Backend, Victim::Session, Victim::Everybody];

impl Victim {
    /// Kills the victim.
    pub fn kill(self, project: &MigratorProject) {
        self.find(project).kill(project);
    }

    /// Finds the victim now, so that the test can kill it when other migrators run as well.
    pub fn find(self, project: &MigratorProject) -> FoundVictim {
        let (runner, backend) = (runner(project), backend(project));
        let psql = || {
            let mut all = process::all();
            let found = all.find(|one| one.parent() == Some(runner) && one.name() == "psql");
            found.expect("the migrator has a psql").pid
        };
        match self {
            Self::Runner => FoundVictim::Processes(vec![runner]),
            Self::Psql => FoundVictim::Processes(vec![psql()]),
            Self::Backend => FoundVictim::Processes(vec![backend]),
            Self::Session => FoundVictim::Session(backend),
            Self::Everybody => FoundVictim::Processes(vec![runner, backend]),
        }
    }
}

/// A victim that was found.
pub enum FoundVictim {
    Processes(Vec<u32>),
    Session(u32),
}

impl FoundVictim {
    pub fn kill(self, project: &MigratorProject) {
        match self {
            Self::Processes(pids) => {
                for pid in &pids {
                    // this process may have ended together with the previous one
                    try_signal("KILL", pid);
                }
                let is_dead = |pid: &u32| !is_running(*pid) && threads(*pid) <= 1;
                wait_until("they are dead", || pids.iter().all(is_dead));
            }
            Self::Session(pid) => {
                assert_eq!(project.ask(&format!("SELECT pg_terminate_backend({pid})")), "t");
            }
        }
    }
}

/// The number of threads of a process. The files of a dead leader stay open until the other threads
/// end.
fn threads(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// The process id of the migrator, taken from its sessions.
pub fn runner(project: &MigratorProject) -> u32 {
    let sql = "SELECT substring(application_name FROM '^migrator (\\d+)@') FROM pg_stat_activity \
               WHERE application_name LIKE 'migrator %' LIMIT 1";
    project.ask(sql).parse().unwrap()
}

/// The process id of psql's session: the younger one, as the migrator connects first itself.
fn backend(project: &MigratorProject) -> u32 {
    let sql = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'migrator %' \
               ORDER BY backend_start DESC LIMIT 1";
    project.ask(sql).parse().unwrap()
}
