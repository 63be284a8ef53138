//! Stops a server that has had no session for a while, and lets the next command wake it.
//!
//! The keeper looks at the server a few times within the limit. PostgreSQL counts the sessions that
//! clients have opened, so that the keeper also notices a session that came and went between two
//! looks; it subtracts its own. Each look is a session of its own: one that stayed open would keep
//! others from dropping or copying the database.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::keeper::{self, KeeperProgram};
use super::lease::open;
use crate::cluster::run::activity::{Activity, activity, has_jobs};
use crate::cluster::{Layout, Lock, Running};
use crate::sys::error::{IoContext, Result};
use crate::sys::process::{ActingAs, ProcessId, inspect};

/// The number of looks within the limit.
const LOOKS: u32 = 4;

/// The longest time between two looks.
const LONGEST: Duration = Duration::from_secs(60);

impl KeeperProgram {
    /// Starts a keeper that stops the server after `limit` without a session, unless one watches
    /// over this server already.
    pub(super) fn watch(&self, running: &Running, limit: Duration) -> Result<()> {
        let layout = &running.spec().layout;
        let Some(server) = inspect(running.pid()) else { return Ok(()) };
        let server = ProcessId { pid: server.pid, started: server.started };
        let Some(lock) = lock(layout, server)? else { return Ok(()) };
        let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let numbers =
            [("--pid", u64::from(server.pid)), ("--started", server.started), ("--limit", limit)];
        self.start(layout, "idle", &numbers, &lock)
    }
}

/// Watches over a server until it has ended, and stops it after `limit` without a session.
pub fn watch(layout: &Layout, server: ProcessId, limit: Duration) -> Result<()> {
    let mut watch = Watch { since: Instant::now(), sessions: None, own: 0 };
    let interval = (limit / LOOKS).min(LONGEST);
    while !server.wait_for_end(interval)? {
        let found = activity(layout);
        let is_busy = found.as_ref().map_or(true, |found| watch.is_busy(found));
        if is_busy || watch.has_jobs(layout, &found?) {
            watch.since = Instant::now();
        } else if watch.since.elapsed() >= limit && stop_if_idle(layout, &mut watch, limit)? {
            break;
        }
    }
    let _acting = ActingAs::owner(layout.owner())?;
    let file = lock_file(layout, server);
    std::fs::remove_file(&file).on("remove", &file)
}

struct Watch {
    /// The time since which the server has been idle.
    since: Instant,
    /// The number of sessions at the first look, or when a client was noticed last.
    sessions: Option<i64>,
    /// The number of sessions that this keeper has opened since then.
    own: i64,
}

impl Watch {
    /// Whether a client works now, or has opened a session since the last look.
    fn is_busy(&mut self, found: &Activity) -> bool {
        let opened = found.sessions - *self.sessions.get_or_insert(found.sessions);
        // the server counts a session late; a crash sets the counter back to zero
        let is_busy = found.others > 0 || !(0..=self.own).contains(&opened);
        if is_busy {
            (self.sessions, self.own) = (Some(found.sessions), 0);
        }
        self.own += 1;
        is_busy
    }

    /// Whether `pg_cron` has active jobs, or nobody can tell.
    fn has_jobs(&mut self, layout: &Layout, found: &Activity) -> bool {
        self.own += i64::from(found.cron_database.is_some());
        has_jobs(layout, found).unwrap_or(true)
    }
}

/// Stops the server, unless a command or a client has begun to use it.
fn stop_if_idle(layout: &Layout, watch: &mut Watch, limit: Duration) -> Result<bool> {
    let _acting = ActingAs::owner(layout.owner())?;
    let Some(_lock) = Lock::try_take(&layout.lock())? else { return Ok(false) };
    if activity(layout).map_or(true, |found| watch.is_busy(&found)) {
        watch.since = Instant::now();
        return Ok(false);
    }
    open(&asleep(layout))?;
    let seconds = limit.as_secs_f64();
    keeper::log(layout, &format!("no session for {seconds} s (idle_stop)"));
    keeper::stop(layout)?;
    Ok(true)
}

/// Whether a keeper has stopped the server because it was idle.
pub fn is_asleep(layout: &Layout) -> bool {
    asleep(layout).exists()
}

/// Forgets that a keeper has stopped the server.
pub(super) fn awake(layout: &Layout) -> Result<()> {
    if !is_asleep(layout) {
        return Ok(());
    }
    let _acting = ActingAs::owner(layout.owner())?;
    let file = asleep(layout);
    std::fs::remove_file(&file).on("remove", &file)
}

fn asleep(layout: &Layout) -> PathBuf {
    layout.leases().join("asleep")
}

fn lock(layout: &Layout, server: ProcessId) -> Result<Option<File>> {
    let _acting = ActingAs::owner(layout.owner())?;
    super::lease::make_directory(&layout.leases())?;
    let file = open(&lock_file(layout, server))?;
    Ok(file.try_lock().is_ok().then_some(file))
}

fn lock_file(layout: &Layout, server: ProcessId) -> PathBuf {
    layout.leases().join(format!("idle-{}-{}", server.pid, server.started))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_between_two_looks_is_noticed() {
        let mut watch = Watch { since: Instant::now(), sessions: None, own: 0 };
        let look = |sessions, others| Activity { sessions, others, cron_database: None };
        assert!(!watch.is_busy(&look(10, 0)), "the sessions before the first look do not count");
        assert!(!watch.is_busy(&look(11, 0)), "the keeper's own session");
        assert!(!watch.is_busy(&look(11, 0)), "its count may come late");
        assert!(!watch.is_busy(&look(13, 0)), "all three");
        assert!(watch.is_busy(&look(15, 0)), "another one");
        assert!(watch.is_busy(&look(16, 1)), "one that is open");
        watch.own += 1;
        assert!(!watch.is_busy(&look(18, 0)), "the one that asked for jobs");
        assert!(watch.is_busy(&look(20, 0)), "another one");
        assert!(watch.is_busy(&look(2, 0)), "a crash");
    }
}
