//! The moments of a run at which a test can hold it: each step of the migrator and its psql.

use std::process::Child;

use super::support::{LOCK, PsqlSession, logs};
use crate::support::migrator::{MigratorProject, name};
use crate::support::wait_until;

/// A moment in the life of the second of three migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Another session holds the lock.
    BeforeLock,
    /// The lock is held; the transaction that sets the migration to Running has not ended.
    Starting,
    /// The transaction that records Running is committed, but nobody has read its result yet.
    Running,
    /// Half of its SQL is done.
    Inside,
    /// Its SQL is done, and its COMMIT has begun.
    Committing,
    /// The COMMIT has ended, but nobody has read its result yet.
    Committed,
    /// The second migration is done, and the third has not begun.
    Between,
}

/// A server that can wait for a standby.
const CONF: &str = "listen_addresses = ''\nfsync = off\nwal_level = replica\nmax_wal_senders = 2\n";

/// A commit that has to wait for this standby waits for ever: durable, but invisible.
const STANDBY: &str = "ALTER SYSTEM SET synchronous_standby_names = 'nobody'";

impl Moment {
    /// A project whose second migration, in the direction `way`, will be held at this moment.
    pub fn prepare(self, way: &str) -> MigratorProject {
        let project = MigratorProject::with_gate_and_conf(CONF);
        project.write_logging(3);
        let sql = self.sql(way);
        match way {
            "up" => {
                project.write_migration(&name(2), &sql, &logs(2, "down"));
            }
            _ => {
                project.write_migration(&name(2), &logs(2, "up"), &sql);
                project.up_all();
            }
        }
        project.migrator(["init"]).success();
        project
    }

    fn sql(self, way: &str) -> String {
        let log = logs(2, way);
        match self {
            Self::Inside => format!("{log}SELECT gate();\nSELECT 1;\n"),
            Self::Committing => format!(
                "{log}CREATE TEMPORARY TABLE late (x int);\n\
                 CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED\n\
                 FOR EACH ROW EXECUTE FUNCTION gate_trigger();\nINSERT INTO late VALUES (1);\n"
            ),
            Self::Committed => format!("{log}SET LOCAL synchronous_commit = on;\n"),
            _ => log,
        }
    }

    /// Starts `migrator migrate WAY all` and returns when it is held.
    #[track_caller]
    pub fn reach(self, project: &MigratorProject, way: &str) -> (Child, Hold) {
        let next = if way == "up" { 3 } else { 1 };
        let hold = match self {
            Self::BeforeLock => Hold::by(project.hold(LOCK)),
            Self::Starting => at_start_of(project, 2),
            Self::Between => at_start_of(project, next),
            Self::Inside | Self::Committing => Hold::by(project.close_gate()),
            Self::Running | Self::Committed => at_commit(project, self),
        };
        let child = project.start(["migrate", way, "all"]);
        match self {
            Self::BeforeLock => wait_until("two sessions", || {
                let sessions = "SELECT count(*) FROM pg_stat_activity \
                                WHERE application_name LIKE 'migrator %'";
                project.ask(sessions) == "2"
            }),
            Self::Running | Self::Committed => wait_until("a commit waits", || {
                let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
                project.ask(waiting) == "1"
            }),
            _ => project.wait_until_at_gate(),
        }
        (child, hold)
    }
}

/// The obstacle that holds a run: a session, or else a standby that does not exist.
pub struct Hold(Option<PsqlSession>);

impl Hold {
    fn by(session: PsqlSession) -> Self {
        Self(Some(session))
    }

    /// Lets the run go on, if it is still there.
    pub fn release(self, project: &MigratorProject) {
        if self.0.is_none() {
            wait_until("the standby is forgotten", || {
                project.try_ask("ALTER SYSTEM RESET synchronous_standby_names").is_some()
                    && project.try_ask("SELECT pg_reload_conf()").is_some()
            });
        }
    }
}

/// Closes the gate for the transaction that sets a migration Running.
fn at_start_of(project: &MigratorProject, number: u32) -> Hold {
    project.ask(&format!(
        "CREATE TRIGGER start AFTER INSERT ON hectic.migration_event FOR EACH ROW \
         WHEN (new.version % 100 = {number} AND new.state = 'Running') \
         EXECUTE FUNCTION public.gate_trigger()"
    ));
    Hold::by(project.close_gate())
}

/// Only one commit has to wait for the standby. It asks for that itself, because the database no
/// longer does.
fn at_commit(project: &MigratorProject, moment: Moment) -> Hold {
    project.ask("ALTER DATABASE app SET synchronous_commit = local");
    if moment == Moment::Running {
        project.ask(
            "CREATE FUNCTION durable() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN SET LOCAL synchronous_commit = on; RETURN NULL; END'; \
             CREATE TRIGGER start AFTER INSERT ON hectic.migration_event FOR EACH ROW \
             WHEN (new.version % 100 = 2 AND new.state = 'Running') EXECUTE FUNCTION durable()",
        );
    }
    project.ask(STANDBY);
    project.ask("SELECT pg_reload_conf()");
    wait_until("the standby is waited for", || {
        project.ask("SHOW synchronous_standby_names") == "nobody"
    });
    Hold(None)
}
