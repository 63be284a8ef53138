//! Runs a plan.
//!
//! One psql runs all migrations and holds the migrator's lock. For each migration it gets:
//!
//! ```text
//! CALL hectic.start_migration(…)          a transaction of its own: everybody sees Running
//! BEGIN; SET LOCAL hectic.migration_mode = 'on'; its id
//! \i up.sql
//! RESET ROLE; CALL hectic.end_migration(…); COMMIT      Migrated, in the transaction of the SQL
//! CLOSE ALL; RESET ALL; …                 the next migration gets a clean session
//! ```
//!
//! An error ends psql and therefore also the transaction and the lock. Another session then records
//! the failure. If that fails, too, the history still says `Running` while nobody holds the lock,
//! and the next run settles it.

use std::path::Path;
use std::time::{Duration, Instant};

use super::history::{self, History, State};
use super::preflight::Prepared;
use super::progress::Copies;
use super::script::{self, Frame, Variables};
use super::source::Source;
use super::{Direction, TOOL_VERSION, lock};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::psql::interpreter::{Failure, Interpreter};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Kind, Result};
use crate::sys::process::{Patience, wait_for};
use crate::sys::scratch;

/// The SQLSTATE of the bundle for a history in an impossible state.
const IMPOSSIBLE: &str = "HC003";

/// The SQLSTATE of the bundle for a migration that ended its own transaction. The error's hint is
/// complete.
const ESCAPED: &str = "HC004";

/// How long to wait for the recovery of a crashed server before a failure can be recorded.
const RECOVERY: Duration = Duration::from_secs(10);

/// The programs, the connection and the paths with which a plan runs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The programs.
    pub toolchain: &'a Toolchain,
    /// The database.
    pub conninfo: &'a Conninfo,
    /// The migration directory.
    pub directory: &'a Path,
    /// The directory where relative paths of `\i` start.
    pub base: &'a Path,
    /// The directory for private copies.
    pub scratch: &'a Path,
    /// The migration set.
    pub set: &'a str,
    /// `user@host`.
    pub actor: &'a str,
    /// psql variables for every migration.
    pub variables: &'a [(String, String)],
}

/// A migration that was applied or reverted.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Moved {
    pub version: i64,
    pub name: String,
    /// `up` or `down`.
    pub direction: &'static str,
    /// The duration.
    pub milliseconds: f64,
}

/// A psql that holds the migrator's lock.
pub struct Runner<'a> {
    place: Place<'a>,
    psql: Interpreter,
    backend: i32,
    /// psql's variables at its start.
    pristine: Variables,
}

impl<'a> Runner<'a> {
    /// Starts psql and takes the lock, for which it waits at most `limit`. `observer` is the
    /// session that looks up who holds the lock.
    pub fn start(place: Place<'a>, observer: &mut Session, limit: Duration) -> Result<Self> {
        scratch::sweep(place.scratch);
        let mut psql = Interpreter::start(place.toolchain, place.conninfo, place.base)?;
        let cannot = |failure: Box<Failure>| failure.into_error("cannot begin", |_| None);
        let attempt = script::take_lock();
        lock::wait(observer, limit, |_| {
            Ok(psql.ask(&attempt).map_err(cannot)?.first().is_some_and(|taken| taken == "t"))
        })?;
        let backend = psql.ask(sql!("migration/psql-backend")).map_err(cannot)?;
        let backend = backend.first().and_then(|pid| pid.parse().ok()).unwrap_or_default();
        let pristine = script::read_variables(&psql.ask("\\set").map_err(cannot)?);
        Ok(Self { place, psql, backend, pristine })
    }

    /// Runs one step. `stack` holds the applied versions in the order of application.
    ///
    /// # Errors
    /// `Migration` (exit 4) if the SQL failed; `Unexpected` (exit 13) if somebody changed the
    /// history without the lock. After an error, the runner cannot be used any more.
    pub fn advance(
        &mut self,
        step: &Prepared,
        stack: &mut Vec<i64>,
        observer: &mut Session,
    ) -> Result<Moved> {
        crate::sys::signal::check()?;
        let started = Instant::now();
        self.remove_left_indexes(step, observer)?;
        let version = step.name.version;
        self.step(step, stack.iter().copied().rfind(|other| *other != version))?;
        stack.retain(|other| *other != version);
        if step.direction == Direction::Up {
            stack.push(version);
        }
        Ok(Moved {
            version,
            name: step.name.full.clone(),
            direction: step.direction.as_str(),
            milliseconds: started.elapsed().as_secs_f64() * 1000.0,
        })
    }

    /// The process id of the server process that holds the lock.
    pub fn backend(&self) -> i32 {
        self.backend
    }

    /// Ends psql and releases the lock.
    pub fn end(self) -> Result<()> {
        self.psql.end()
    }

    fn step(&mut self, step: &Prepared, previous: Option<i64>) -> Result<()> {
        let copies = match step.transactional {
            true => None,
            false => Some(Copies::make(
                &step.source,
                self.place.set,
                step.name.version,
                self.place.scratch,
            )?),
        };
        check_unchanged(step, self.place.base)?;
        let file = copies.as_ref().map_or_else(|| step.file().to_owned(), Copies::entry);
        let script = self.frame().script(step, &file, previous);
        let reset = script::reset(step, !self.place.variables.is_empty(), self.place.base);
        if let Err(failure) = self.psql.run(&script) {
            let state = failure.sqlstate().map(str::to_owned);
            let what = format!("cannot {} {}", verb(step.direction), step.name);
            let error = failure.into_error(&what, |path| copies.as_ref()?.original(path));
            return Err(self.failed(step, error, state.as_deref()));
        }
        if let Some(reset) = reset {
            self.reset_psql(&reset)?;
        }
        Ok(())
    }

    fn frame(&self) -> Frame<'_> {
        Frame {
            directory: self.place.directory,
            set: self.place.set,
            actor: self.place.actor,
            variables: self.place.variables,
        }
    }

    fn reset_psql(&mut self, script: &str) -> Result<()> {
        let cannot = |failure: Box<Failure>| failure.into_error("cannot reset psql", |_| None);
        let now = script::read_variables(&self.psql.ask(script).map_err(cannot)?);
        self.psql.run(&script::restore_variables(&self.pristine, &now)).map_err(cannot)
    }

    /// Records the failure in the history. psql has ended, so the server has rolled back its
    /// transaction.
    fn failed(&self, step: &Prepared, error: Error, state: Option<&str>) -> Error {
        let impossible = state == Some(IMPOSSIBLE);
        let kind = match error.kind() {
            kind @ Kind::Interrupted(_) => kind,
            _ if impossible => Kind::Unexpected,
            _ => Kind::Migration,
        };
        match self.note_failure(step, &error) {
            Err(also) => error
                .with_kind(kind)
                .detail(format!("and the history still says Running, because the failure could not be recorded: {also}"))
                .hint("`migrator abort` records the failure; for a migration in a transaction, the next run does so, too"),
            Ok(_) if impossible || state == Some(ESCAPED) => error.with_kind(kind),
            Ok(Aftermath::Committed) => error
                .detail(format!("but {} was committed before that and stays", step.name))
                .hint("it needs no correction; run the command again for the rest"),
            Ok(Aftermath::Failed(_)) if step.transactional => error
                .with_kind(kind)
                .hint("the server rolled this migration back; correct it and run the command again"),
            Ok(Aftermath::Failed(left)) => {
                let error = match left.as_slice() {
                    [] => error.with_kind(kind),
                    left => error.with_kind(kind).detail(format!(
                        "it left an invalid index behind, which the next attempt removes: {}",
                        left.join(", ")
                    )),
                };
                error.hint("it runs without a transaction: statements before this one stay done; make the file safe to repeat")
            }
        }
    }

    /// Records the failure, also after a crash of the server. A crashed server accepts connections
    /// again after its recovery. Before it notices the crash, it may accept connections that it
    /// then closes.
    fn note_failure(&self, step: &Prepared, error: &Error) -> Result<Aftermath> {
        let message = [&[error.message().to_owned()], error.details()].concat().join("\n");
        let mut last = None;
        let noted = wait_for(RECOVERY, Patience::Stubborn, || {
            let session = Session::connect_with(self.place.conninfo, Patience::Stubborn);
            let connected = session.is_ok();
            match session.and_then(|session| self.note(session, step, &message)) {
                Ok(noted) => Ok(Some(noted)),
                Err(error) if connected && error.kind() != Kind::Failed => Err(error),
                Err(error) => {
                    last = Some(error);
                    Ok(None)
                }
            }
        })?;
        noted.ok_or_else(|| last.unwrap_or_else(|| Error::failed("cannot connect")))
    }

    fn note(&self, mut session: Session, step: &Prepared, message: &str) -> Result<Aftermath> {
        let (set, version) = (self.place.set, step.name.version);
        let noted = fail(
            &mut session,
            set,
            self.place.actor,
            Some(version),
            Some(self.backend),
            step.direction.as_str(),
            message,
        )?;
        if noted.is_empty() && is_done(&mut session, set, step)? {
            return Ok(Aftermath::Committed);
        }
        left_indexes(&mut session, set, version).map(Aftermath::Failed)
    }

    /// Drops the invalid indexes that a failed attempt without a transaction left behind.
    fn remove_left_indexes(&mut self, step: &Prepared, observer: &mut Session) -> Result<()> {
        if step.transactional {
            return Ok(());
        }
        for index in left_indexes(observer, self.place.set, step.name.version)? {
            tracing::info!("removing the invalid index {index}, left by the failed attempt");
            let drop = format!("DROP INDEX CONCURRENTLY {index};");
            self.psql.run(&drop).map_err(|failure| {
                failure.into_error("cannot remove an invalid index", |_| None)
            })?;
        }
        Ok(())
    }
}

/// The state of a migration after a failure.
enum Aftermath {
    /// The migration is complete; only the session failed afterwards.
    Committed,
    /// The migration failed and left these invalid indexes.
    Failed(Vec<String>),
}

/// Checks whether a migration is complete, in case psql lost the answer to its COMMIT.
fn is_done(session: &mut Session, set: &str, step: &Prepared) -> Result<bool> {
    let end = match step.direction {
        Direction::Up => State::Migrated,
        Direction::Down => State::Undone,
    };
    let history = History::read(session, set)?;
    Ok(history.find(step.name.version).is_some_and(|record| record.state == end))
}

fn verb(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "apply",
        Direction::Down => "revert",
    }
}

/// Refuses a file that changed since the preflight.
fn check_unchanged(step: &Prepared, base: &Path) -> Result<()> {
    let now = Source::load(step.file(), base)?;
    if now.checksum() == step.source.checksum() {
        return Ok(());
    }
    Err(Error::conflict(format!("{} was changed while the migrations ran", step.file().display()))
        .hint("it was not run; run the command again"))
}

/// Sets the state of running migrations to `Error`. `None` means all versions, or all sessions.
/// Returns the names.
pub fn fail(
    session: &mut Session,
    set: &str,
    actor: &str,
    version: Option<i64>,
    backend: Option<i32>,
    action: &str,
    message: &str,
) -> Result<Vec<String>> {
    let query = sql!("migration/fail");
    let rows = session
        .query(query, &[&set, &version, &backend, &action, &actor, &TOOL_VERSION, &message])?;
    rows.iter().map(|row| column(row, "name")).collect()
}

/// Lists the invalid indexes that a failed migration left behind.
pub fn left_indexes(session: &mut Session, set: &str, version: i64) -> Result<Vec<String>> {
    let query = sql!("migration/left-indexes");
    match session.query(query, &[&set, &version]) {
        Ok(rows) => rows.iter().map(|row| column(row, "name")).collect(),
        Err(error) => history::absent(session, error).map(|()| Vec::new()),
    }
}
