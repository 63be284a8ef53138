//! The migrator's lock: at any time, one migrator works on a database.
//!
//! It is an advisory lock of the session that runs the SQL, so it lasts exactly as long as that
//! session can act. The migrator polls for the lock and never waits for it in the server. A waiting
//! session holds a snapshot open, and CREATE INDEX CONCURRENTLY of the other migrator would wait
//! for that snapshot: a deadlock.

use std::time::{Duration, Instant};

use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Error, Result};
use crate::sys::process::{Patience, wait_for};

/// The key of the advisory lock.
pub const KEY: i64 = 5_291_664_318_604_733_801;

/// The interval between attempts to take the lock.
const INTERVAL: Duration = Duration::from_millis(100);

/// The interval between messages that say who holds the lock.
const REMINDER: Duration = Duration::from_secs(15);

/// How long the server may take to end a session whose client has ended.
const END: Duration = Duration::from_secs(5);

/// The session that holds the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process id of the session's server process.
    pub pid: i32,
    /// The session's application name. A migrator puts its host and process id there.
    pub application: String,
    /// The start of the session, if the role may see it.
    pub since: Option<String>,
    /// The migration that the session runs, with its start time.
    pub running: Option<String>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (session {}", self.application, self.pid)?;
        if let Some(since) = &self.since {
            write!(f, ", since {since}")?;
        }
        match &self.running {
            Some(running) => write!(f, "), running {running}"),
            None => write!(f, ")"),
        }
    }
}

/// Finds the session that holds the lock.
pub fn holder(session: &mut Session) -> Result<Option<Holder>> {
    let query = sql!("migration/lock-holder");
    let Some(row) = session.query_opt(query, &[&KEY])? else { return Ok(None) };
    let pid = column(&row, "pid")?;
    Ok(Some(Holder {
        pid,
        application: column(&row, "application")?,
        since: column(&row, "since")?,
        running: running(session, pid)?,
    }))
}

fn running(session: &mut Session, backend: i32) -> Result<Option<String>> {
    let query = sql!("migration/running");
    let row = match session.query(query, &[&backend]) {
        Ok(rows) => rows.into_iter().next(),
        Err(error) => {
            return super::history::absent(session, error).map(|()| None);
        }
    };
    let Some(row) = row else { return Ok(None) };
    let (name, started): (String, String) = (column(&row, "name")?, column(&row, "started")?);
    Ok(Some(format!("{name} since {started}")))
}

/// A session that holds the lock. Dropping it releases the lock explicitly, because the server
/// notices the end of a connection late, and the next command may begin before.
pub struct Locked(Session);

impl std::ops::Deref for Locked {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl std::ops::DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // on failure, the end of the session releases the lock
        let _ = self.0.query(sql!("migration/unlock"), &[&KEY]);
    }
}

/// Takes the lock in `session` and returns the session.
///
/// # Errors
/// `Conflict` (exit 2), naming the holder, if the lock is not free within `limit`.
pub fn take(mut session: Session, limit: Duration) -> Result<Locked> {
    let query = sql!("migration/try-lock");
    wait(&mut session, limit, |session| column(&session.query_one(query, &[&KEY])?, "taken"))?;
    Ok(Locked(session))
}

/// Waits until the server has ended the session `backend`, whose psql has ended, and so released
/// the lock.
pub fn wait_for_end(session: &mut Session, backend: i32) {
    let ended = || Ok(holder(session)?.is_none_or(|holder| holder.pid != backend).then_some(()));
    // on failure, the next migrator waits for the lock itself
    let _ = wait_for(END, Patience::Interruptible, ended);
}

/// Calls `attempt` until it has taken the lock. Meanwhile, logs who holds it.
pub fn wait(
    session: &mut Session,
    limit: Duration,
    mut attempt: impl FnMut(&mut Session) -> Result<bool>,
) -> Result<()> {
    let started = Instant::now();
    let mut reminded: Option<Instant> = None;
    while !attempt(session)? {
        let holder = holder(session)?;
        if started.elapsed() >= limit
            && let Some(holder) = &holder
        {
            return Err(refusal(holder, limit));
        }
        if reminded.is_none_or(|last| last.elapsed() >= REMINDER)
            && let Some(holder) = &holder
        {
            tracing::info!("waiting for another migrator: {holder}");
            reminded = Some(Instant::now());
        }
        pause()?;
    }
    Ok(())
}

fn pause() -> Result<()> {
    wait_for(INTERVAL, Patience::Interruptible, || Ok(None::<()>)).map(drop)
}

fn refusal(holder: &Holder, limit: Duration) -> Error {
    let waited = match limit.as_millis() {
        0 => String::new(),
        limit => format!(" for {limit} ms"),
    };
    Error::conflict(format!("the migrator's lock is held{waited} by {holder}"))
        .hint("wait until it has ended, or longer: --wait DURATION")
        .hint("if its migrator no longer runs, end the session: SELECT pg_terminate_backend(PID)")
}
