//! Moves a database forward and back: `migrator migrate`, `migrator apply`, and other verbs that
//! need a migrated database.

use super::project::RunOptions;
use crate::bundle;
use crate::migration::Direction;
use crate::migration::directory::Directory;
use crate::migration::history::{History, Record, State};
use crate::migration::kept;
use crate::migration::lock;
use crate::migration::plan::{self, Count, Divergence, Goal, Step};
use crate::migration::preflight::{Preflight, Prepared, check_privileges};
use crate::migration::progress;
use crate::migration::runner::{self, Moved, Place, Runner};
use crate::migration::source::Source;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::connection::session::Session;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Kind, Result};

/// Words that name the last migration instead of a particular one.
pub const LAST: [&str; 3] = ["latest", "head", "last"];

/// The user's request.
#[derive(Debug, Clone)]
pub enum Request {
    /// Apply this number of migrations.
    Up(Count),
    /// Revert this number of migrations.
    Down(Count),
    /// Apply or revert until this migration is the last: its name, a word for the last one, or 0.
    To(String),
    /// Apply everything up to this migration.
    Until(String),
    /// Revert this number of migrations and apply them again.
    Redo(usize),
}

/// The result of a run.
#[derive(Debug)]
pub enum Done {
    /// The migrations that were applied or reverted.
    Moved(Vec<Moved>),
    /// The plan of a dry run.
    Planned {
        /// The steps in their order.
        steps: Vec<Planned>,
        /// The run would apply the bundle first.
        bundle: bool,
    },
}

/// A step of a dry run.
#[derive(Debug, serde::Serialize)]
pub struct Planned {
    pub version: i64,
    pub name: String,
    /// `up` or `down`.
    pub direction: &'static str,
    /// The step would run in a transaction.
    pub transactional: bool,
    /// The SQL, with the text of included files inserted.
    pub sql: String,
}

/// A run of the migrator.
pub struct Migrate<'a> {
    /// The migrations and the options of the run.
    pub project: &'a RunOptions,
    pub conninfo: &'a Conninfo,
    /// Finds psql. Called only if a migration must run.
    pub toolchain: &'a dyn Fn() -> Result<Toolchain>,
    /// Only return the plan.
    pub dry_run: bool,
}

/// The files, the history and the plan that follows from both.
struct Situation {
    directory: Directory,
    history: History,
    steps: Vec<Step>,
    /// The differences between files and history that `--force` accepted.
    forced: Vec<Error>,
}

impl Migrate<'_> {
    /// Runs the request. Calls `on_moved` after each migration.
    pub fn run(&self, request: &Request, on_moved: &mut dyn FnMut(&Moved)) -> Result<Done> {
        let directory = self.project.read_directory()?;
        let mut session = self.project.connect(self.conninfo)?;
        let seen = self.look(&mut session, directory, request)?;
        seen.forced.iter().for_each(tell_forced);
        self.tell_changed_downs(&mut session, &seen)?;
        if seen.steps.is_empty() && seen.history.running().next().is_none() {
            return Ok(Done::Moved(Vec::new()));
        }
        let prepared = self.prepare(&seen)?;
        check_privileges(&mut session)?;
        if self.dry_run {
            return Ok(planned(&prepared, &seen.history));
        }
        let toolchain = (self.toolchain)()?;
        let runner = Runner::start(self.place(&toolchain), &mut session, self.project.wait)?;
        let backend = runner.backend();
        let move_locked = || {
            // from now on the lock keeps others from changing the history
            let planned = seen.steps.clone();
            let seen = self.look_again(&mut session, seen, request)?;
            if !seen.history.exists {
                bundle::apply(&mut session, self.project.bundle()?)?;
            }
            // a step down contains data of the history, which may have changed
            let is_same =
                seen.steps == planned && planned.iter().all(|s| s.direction == Direction::Up);
            let prepared = if is_same { prepared } else { self.prepare(&seen)? };
            move_all(runner, &prepared, &seen.history, &mut session, on_moved)
        };
        let moved = move_locked();
        lock::wait_for_end(&mut session, backend);
        let moved = moved?;
        if !moved.is_empty() {
            durability::flush(self.conninfo)?;
        }
        Ok(Done::Moved(moved))
    }

    /// Warns of downs that are not the ones that the history keeps. The file on disk runs: often
    /// somebody has corrected it.
    fn tell_changed_downs(&self, session: &mut Session, seen: &Situation) -> Result<()> {
        let reverts = |version| seen.steps.contains(&Step { direction: Direction::Down, version });
        if seen.steps.iter().all(|step| step.direction == Direction::Up) {
            return Ok(());
        }
        let mut kept = kept::read(session, &self.project.set)?.unwrap_or_default();
        kept.retain(|kept| reverts(kept.name.version));
        for (_, file) in self.project.changed_downs(&seen.directory, &seen.history, &kept)? {
            tracing::warn!(
                "{} was changed after the up was applied; it runs as it is now",
                file.display()
            );
        }
        Ok(())
    }

    fn look(
        &self,
        session: &mut Session,
        directory: Directory,
        request: &Request,
    ) -> Result<Situation> {
        let history = self.project.history(session)?;
        let goal = goal(request, &directory)?;
        let (files, applied, late) =
            (directory.names(), history.applied(), self.project.out_of_order);
        let mut steps = plan::plan(&files, &applied, goal, late);
        let mut forced = Vec::new();
        // report missing files first, then changed files, then other divergences
        if let Err(mismatch @ Divergence::Mismatch { .. }) = steps {
            forced.push(self.accept(mismatch.into())?);
            steps = plan::plan(&files, &plan::accept(&files, applied), goal, late);
        }
        if let Err(changed) = self.project.check_checksums(&directory, &history) {
            forced.push(self.accept(changed)?);
        }
        let steps = steps?;
        if let Request::Up(Count::Number(n)) | Request::Down(Count::Number(n)) = request
            && steps.len() < *n
        {
            tracing::info!("only {} left", steps.len());
        }
        Ok(Situation { directory, history, steps, forced })
    }

    /// Returns a difference between files and history as a value if `--force` accepts it.
    fn accept(&self, error: Error) -> Result<Error> {
        match (self.project.force, error.kind()) {
            (true, Kind::Conflict) => Ok(error),
            (false, Kind::Conflict) => Err(error.hint("--force goes on in spite of this")),
            _ => Err(error),
        }
    }

    /// Plans again under the lock, because another migrator may have worked before. Settles
    /// migrations whose migrator has died.
    fn look_again(
        &self,
        session: &mut Session,
        seen: Situation,
        request: &Request,
    ) -> Result<Situation> {
        let history = History::read(session, &self.project.set)?;
        for record in history.running() {
            self.settle(session, record, &seen.directory)?;
        }
        self.look(session, seen.directory, request)
    }

    /// Settles a migration in the state `Running`. This session holds the lock, so the migrator
    /// that started it has died.
    fn settle(&self, session: &mut Session, record: &Record, directory: &Directory) -> Result<()> {
        let name = &record.name;
        if !record.transactional {
            return Err(interrupted(record, self.last_statement(record, directory)));
        }
        tracing::warn!("the migrator that ran {name} has died; the server rolled it back");
        let message = "the migrator ended before the migration did";
        let (set, actor) = (&self.project.set, &self.project.actor);
        let action = if record.is_down { "down" } else { "up" };
        runner::fail(session, set, actor, Some(name.version), record.backend, action, message)
            .map(drop)
    }

    fn last_statement(&self, record: &Record, directory: &Directory) -> Option<String> {
        let number = usize::try_from(record.statements?).ok()?;
        let migration = directory.find(record.name.version)?;
        let direction = if record.is_down { Direction::Down } else { Direction::Up };
        let source = Source::load(migration.file(direction).ok()?, &self.project.base).ok()?;
        progress::statement(&source, number)
    }

    fn prepare(&self, seen: &Situation) -> Result<Vec<Prepared>> {
        let preflight = Preflight {
            directory: &seen.directory,
            base: &self.project.base,
            variables: &self.project.variables,
        };
        preflight.prepare(&seen.steps, &seen.history.records)
    }

    fn place<'a>(&'a self, toolchain: &'a Toolchain) -> Place<'a> {
        Place {
            toolchain,
            conninfo: self.conninfo,
            directory: &self.project.directory,
            base: &self.project.base,
            scratch: &self.project.scratch,
            set: &self.project.set,
            actor: &self.project.actor,
            variables: &self.project.variables,
        }
    }
}

fn tell_forced(difference: &Error) {
    tracing::warn!("{}; --force goes on in spite of this", difference.message());
    for detail in difference.details() {
        tracing::warn!("{detail}");
    }
}

fn move_all(
    mut runner: Runner<'_>,
    prepared: &[Prepared],
    history: &History,
    session: &mut Session,
    on_moved: &mut dyn FnMut(&Moved),
) -> Result<Vec<Moved>> {
    let mut stack = history.applied().iter().map(|applied| applied.name.version).collect();
    let mut moved = Vec::new();
    for step in prepared {
        match runner.advance(step, &mut stack, session) {
            Ok(done) => {
                on_moved(&done);
                moved.push(done);
            }
            Err(error) if moved.is_empty() => return Err(error),
            Err(error) => {
                return Err(
                    error.detail(format!("migrations before it that stay done: {}", moved.len()))
                );
            }
        }
    }
    runner.end()?;
    Ok(moved)
}

fn goal(request: &Request, directory: &Directory) -> Result<Goal> {
    let last = || directory.migrations.last().map_or(0, |migration| migration.name.version);
    Ok(match request {
        Request::Up(count) => Goal::Up(*count),
        Request::Down(count) => Goal::Down(*count),
        Request::Redo(number) => Goal::Redo(*number),
        Request::To(target) if target == "0" => Goal::Zero,
        Request::To(target) if LAST.contains(&target.as_str()) => Goal::Until(last()),
        Request::To(target) => Goal::To(directory.resolve(target)?),
        Request::Until(target) if LAST.contains(&target.as_str()) => Goal::Until(last()),
        Request::Until(target) => Goal::Until(directory.resolve(target)?),
    })
}

fn planned(prepared: &[Prepared], history: &History) -> Done {
    let steps = prepared.iter().map(|step| Planned {
        version: step.name.version,
        name: step.name.full.clone(),
        direction: step.direction.as_str(),
        transactional: step.transactional,
        sql: step.source.flat(),
    });
    Done::Planned { steps: steps.collect(), bundle: !history.exists }
}

/// The error for a migration without a transaction whose migrator died. Only a person can find out
/// which of its statements took effect.
fn interrupted(record: &Record, statement: Option<String>) -> Error {
    debug_assert!(record.state == State::Running);
    let done = match (record.statements, statement) {
        (Some(number), Some(text)) => {
            format!("The last statement known to be done is number {number}: {text}")
        }
        (Some(number), None) => format!("The last statement known to be done is number {number}."),
        (None, _) => "None of its statements is known to be done.".to_owned(),
    };
    Error::conflict(format!(
        "migration {} was interrupted, and it runs without a transaction",
        record.name
    ))
    .detail(format!("It was started {} by {}.", record.started, record.actor))
    .detail(done)
    .hint("look at what it has done, then run `migrator abort`: it is Error from then on and can be run again")
}
