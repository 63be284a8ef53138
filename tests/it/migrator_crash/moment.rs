//! The moments of a run at which a test can hold it: each step of the migrator and its psql.

use std::process::Child;

use super::support::{Held, LOCK, Site, logs};
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
    /// A site whose second migration, in the direction `way`, will be held at this moment.
    pub fn prepare(self, way: &str) -> Site {
        let site = Site::with_conf(CONF);
        site.logging(3);
        let sql = self.sql(way);
        match way {
            "up" => site.migration(2, &sql, &logs(2, "down")),
            _ => {
                site.migration(2, &logs(2, "up"), &sql);
                site.up().success();
            }
        }
        site.migrator(["init"]).success();
        site
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
    pub fn reach(self, site: &Site, way: &str) -> (Child, Hold) {
        let next = if way == "up" { 3 } else { 1 };
        let hold = match self {
            Self::BeforeLock => Hold::by(site.hold(LOCK)),
            Self::Starting => at_start_of(site, 2),
            Self::Between => at_start_of(site, next),
            Self::Inside | Self::Committing => Hold::by(site.close()),
            Self::Running | Self::Committed => at_commit(site, self),
        };
        let child = site.start(["migrate", way, "all"]);
        match self {
            Self::BeforeLock => wait_until("two sessions", || {
                let sessions = "SELECT count(*) FROM pg_stat_activity \
                                WHERE application_name LIKE 'migrator %'";
                site.ask(sessions) == "2"
            }),
            Self::Running | Self::Committed => wait_until("a commit waits", || {
                let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
                site.ask(waiting) == "1"
            }),
            _ => site.at_the_gate(),
        }
        (child, hold)
    }
}

/// The obstacle that holds a run: a session, or else a standby that does not exist.
pub struct Hold(Option<Held>);

impl Hold {
    fn by(session: Held) -> Self {
        Self(Some(session))
    }

    /// Lets the run go on, if it is still there.
    pub fn release(self, site: &Site) {
        if self.0.is_none() {
            wait_until("the standby is forgotten", || {
                site.try_ask("ALTER SYSTEM RESET synchronous_standby_names").is_some()
                    && site.try_ask("SELECT pg_reload_conf()").is_some()
            });
        }
    }
}

/// Closes the gate for the transaction that sets a migration Running.
fn at_start_of(site: &Site, number: u32) -> Hold {
    site.ask(&format!(
        "CREATE TRIGGER start AFTER INSERT ON hectic.migration_event FOR EACH ROW \
         WHEN (new.version % 100 = {number} AND new.state = 'Running') \
         EXECUTE FUNCTION public.gate_trigger()"
    ));
    Hold::by(site.close())
}

/// Only one commit has to wait for the standby. It asks for that itself, because the database no
/// longer does.
fn at_commit(site: &Site, moment: Moment) -> Hold {
    site.ask("ALTER DATABASE app SET synchronous_commit = local");
    if moment == Moment::Running {
        site.ask(
            "CREATE FUNCTION durable() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN SET LOCAL synchronous_commit = on; RETURN NULL; END'; \
             CREATE TRIGGER start AFTER INSERT ON hectic.migration_event FOR EACH ROW \
             WHEN (new.version % 100 = 2 AND new.state = 'Running') EXECUTE FUNCTION durable()",
        );
    }
    site.ask(STANDBY);
    site.ask("SELECT pg_reload_conf()");
    wait_until("the standby is waited for", || {
        site.ask("SHOW synchronous_standby_names") == "nobody"
    });
    Hold(None)
}
