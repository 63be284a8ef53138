//! A database with migrations, moments at which a test can hold a run, and ways to kill it there.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use crate::init::is_running;
use crate::support::wait::try_signal;
use crate::support::{Outcome, Sandbox, bindir, finish, is_root, wait_until, whoami};

/// The key of the migrator's lock.
pub const LOCK: i64 = 5_291_664_318_604_733_801;

/// The key of the advisory lock on which `gate()` waits.
const GATE: i64 = 7;

/// The tables that the migrations of these tests write to, and a gate at which a test can hold
/// them. A session that waits at the gate holds its lock only for its transaction.
const STAGE: &str = "\
ALTER DATABASE app SET synchronous_commit = on;
CREATE TABLE log (id serial, version int, way text);
GRANT ALL ON log, log_id_seq TO PUBLIC;
GRANT CREATE ON SCHEMA public TO PUBLIC;
CREATE FUNCTION gate() RETURNS void LANGUAGE sql AS 'SELECT pg_catalog.pg_advisory_xact_lock_shared(7)';
CREATE PROCEDURE pass() LANGUAGE plpgsql AS 'BEGIN PERFORM public.gate(); END';
CREATE FUNCTION gate_trigger() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN PERFORM public.gate(); RETURN NULL; END';
";

/// A sandbox with a cluster, the database `app` in it, and an empty migration directory.
pub struct Site {
    pub sandbox: Sandbox,
    superuser: String,
}

impl Site {
    pub fn new() -> Self {
        Self::with_conf("")
    }

    /// A site with these settings of the server.
    pub fn with_conf(conf: &str) -> Self {
        Self::build(Sandbox::with_cluster(), whoami(), conf)
    }

    /// A site of an ordinary user, in case root runs the tests.
    pub fn of_user() -> Self {
        let mut sandbox = Sandbox::with_cluster();
        if !is_root() {
            return Self::build(sandbox, whoami(), "");
        }
        sandbox.act_as("nobody");
        Self::build(sandbox, "nobody".to_owned(), "")
    }

    fn build(sandbox: Sandbox, superuser: String, conf: &str) -> Self {
        let mut site = Self { sandbox, superuser };
        let (pg, directory) = (site.sandbox.path("pg"), site.sandbox.path("migration"));
        std::fs::create_dir(&directory).unwrap();
        site.sandbox.set("DB_URL", format!("postgresql://dev@localhost/app?host={}", pg.display()));
        site.sandbox.set("MIGRATION_DIR", directory);
        site.sandbox.set("PG_REUSE", "1");
        if !conf.is_empty() {
            let conf = site.sandbox.write("extra.conf", conf);
            site.sandbox.set("PG_CONF_FILE", conf);
        }
        site.sandbox.init([]).success();
        site.ask(STAGE);
        site
    }

    /// The result of `sql` that the superuser gets in the database.
    #[track_caller]
    pub fn ask(&self, sql: &str) -> String {
        self.sandbox.query(&self.url(), sql)
    }

    pub fn url(&self) -> String {
        let sockets = self.sandbox.path("pg/sock");
        format!("host={} dbname=app user={}", sockets.display(), self.superuser)
    }

    /// Writes `up` and `down` of the migration with this number.
    pub fn migration(&self, number: u32, up: &str, down: &str) {
        let directory = format!("migration/{}", name(number));
        self.sandbox.write(&format!("{directory}/up.sql"), up);
        self.sandbox.write(&format!("{directory}/down.sql"), down);
    }

    /// Migrations 1 to `last`, each of which logs its steps.
    pub fn logging(&self, last: u32) {
        for number in 1..=last {
            self.migration(number, &logs(number, "up"), &logs(number, "down"));
        }
    }

    pub fn migrator<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        self.sandbox.run("migrator", arguments)
    }

    pub fn up(&self) -> Outcome {
        self.migrator(["migrate", "up", "all"])
    }

    /// Waits for the end of a migrator.
    pub fn end(&self, child: Child) -> Outcome {
        let outcome = finish(child, None);
        self.quiet();
        outcome
    }

    /// Starts `migrator` with these arguments.
    pub fn start<const N: usize>(&self, arguments: [&str; N]) -> Child {
        self.sandbox.spawn("migrator", arguments)
    }

    /// Closes the gate.
    pub fn close(&self) -> Held {
        self.hold(GATE)
    }

    /// Holds an advisory lock until the test releases it.
    pub fn hold(&self, key: i64) -> Held {
        let mut held = self.session();
        held.say(&format!("SELECT pg_advisory_lock({key}) IS NULL;"));
        held
    }

    /// A session of the superuser.
    pub fn session(&self) -> Held {
        let url = self.url();
        let psql = bindir().join("psql");
        let arguments = ["-X", "-A", "-t", "-q", "-d", url.as_str(), "-f", "-"];
        let mut command = self.sandbox.command(psql.to_str().unwrap(), arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        Held { session: command.spawn().unwrap() }
    }

    /// Waits until a session waits at the gate.
    #[track_caller]
    pub fn at_the_gate(&self) {
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        wait_until("somebody is at the gate", || self.ask(waiting) == "1");
    }

    /// Waits until a concurrent build of an index waits for another session.
    #[track_caller]
    pub fn building(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE wait_event_type = 'Lock' AND query LIKE '%CREATE INDEX CONCURRENTLY%'";
        wait_until("the build waits", || self.ask(waiting) == "1");
    }

    /// Waits until the server answers and no session of a migrator is left.
    #[track_caller]
    pub fn quiet(&self) {
        let sessions =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migrator %'";
        wait_until("sessions end", || self.try_ask(sessions).as_deref() == Some("0"));
    }

    /// The result of `sql`, if the server answers at all.
    pub fn try_ask(&self, sql: &str) -> Option<String> {
        let url = self.url();
        let arguments = ["-X", "-A", "-t", "-d", url.as_str(), "-c", sql];
        let asked = self.sandbox.run(bindir().join("psql").to_str().unwrap(), arguments);
        (asked.code == Some(0)).then(|| asked.stdout.trim_end().to_owned())
    }

    /// The log of the migrations, in order: `1up 2up`.
    #[track_caller]
    pub fn log(&self) -> String {
        self.ask("SELECT string_agg(version || way, ' ' ORDER BY id) FROM log")
    }

    /// The states in the order of versions: `1:Migrated 2:Error`.
    #[track_caller]
    pub fn states(&self) -> String {
        self.ask(
            "SELECT string_agg(version % 100 || ':' || state, ' ' ORDER BY version) FROM hectic.migration_state",
        )
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
        self.quiet();
        let psql = || crate::support::server::anything_below(&self.sandbox.path(""));
        wait_until("processes end", || !psql().iter().any(|line| line.contains("psql")));
        assert_eq!(self.sandbox.entries("tmp"), Vec::<String>::new(), "private files");
    }
}

/// The name of the migration with this number.
pub fn name(number: u32) -> String {
    format!("{}-step-{number}", 20_260_101_000_000_u64 + u64::from(number))
}

/// SQL that logs that a migration went this way.
pub fn logs(number: u32, way: &str) -> String {
    format!("INSERT INTO log (version, way) VALUES ({number}, '{way}');\n")
}

/// A session that holds a lock until the test releases it.
pub struct Held {
    session: Child,
}

impl Held {
    /// Makes the session run a query, and returns when it has answered.
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

impl Drop for Held {
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
    pub fn kill(self, site: &Site) {
        self.choose(site).kill(site);
    }

    /// Finds the victim now, so that the test can kill it when other migrators run as well.
    pub fn choose(self, site: &Site) -> Prey {
        let (runner, backend) = (runner(site), backend(site));
        let psql = || {
            let found = children(runner).into_iter().find(|(_, name)| name == "psql");
            found.expect("the migrator has a psql").0
        };
        match self {
            Self::Runner => Prey::Processes(vec![runner]),
            Self::Psql => Prey::Processes(vec![psql()]),
            Self::Backend => Prey::Processes(vec![backend]),
            Self::Session => Prey::Session(backend),
            Self::Everybody => Prey::Processes(vec![runner, backend]),
        }
    }
}

/// A victim that was found.
pub enum Prey {
    Processes(Vec<u32>),
    Session(u32),
}

impl Prey {
    pub fn kill(self, site: &Site) {
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
                assert_eq!(site.ask(&format!("SELECT pg_terminate_backend({pid})")), "t");
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
pub fn runner(site: &Site) -> u32 {
    let sql = "SELECT substring(application_name FROM '^migrator (\\d+)@') FROM pg_stat_activity \
               WHERE application_name LIKE 'migrator %' LIMIT 1";
    site.ask(sql).parse().unwrap()
}

/// The process id of psql's session: the younger one, as the migrator connects first itself.
fn backend(site: &Site) -> u32 {
    let sql = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'migrator %' \
               ORDER BY backend_start DESC LIMIT 1";
    site.ask(sql).parse().unwrap()
}

fn children(parent: u32) -> Vec<(u32, String)> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| {
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let (before, after) = stat.rsplit_once(") ")?;
            let (pid, name) = before.split_once(" (")?;
            let of: u32 = after.split(' ').nth(1)?.parse().ok()?;
            (of == parent).then(|| (pid.parse().unwrap(), name.to_owned()))
        })
        .collect()
}
