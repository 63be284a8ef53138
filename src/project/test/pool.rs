//! Runs many files at once, each in a database of its own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::find::TestFile;
use super::outcome::{FileOutcome, Kept};
use super::run::Runner;
use crate::postgres::connection::conninfo::Conninfo;
use crate::sys::error::{Error, Result};
use crate::sys::signal;

/// The source of the databases in which tests run.
pub trait Databases: Sync {
    /// A database for a file. The file alone uses it.
    fn fresh(&self) -> Result<Box<dyn Database + '_>>;
}

/// A database for one file.
pub trait Database {
    /// The connection of the project's role.
    fn conninfo(&self) -> &Conninfo;
    /// Takes the database back after its file has passed.
    fn give_back(self: Box<Self>) -> Result<()>;
    /// Leaves the database to people after its file has failed. `None` if it does not stay.
    fn keep(self: Box<Self>) -> Result<Option<Kept>>;
}

/// Runs the files, as many at once as `jobs`. `on_outcome` gets the outcomes in the order of the
/// files, each as soon as it and those before it are there.
///
/// # Errors
/// The first error that is not one of a test; no further file begins then.
pub fn run(
    runner: &Runner,
    files: &[TestFile],
    databases: &dyn Databases,
    jobs: usize,
    on_outcome: &mut dyn FnMut(&FileOutcome),
) -> Result<Vec<FileOutcome>> {
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = |done: Sender<(usize, Result<FileOutcome>)>| {
        while !stopped.load(Ordering::SeqCst) {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let Some(file) = files.get(number) else { return };
            let outcome = signal::check().and_then(|()| run_one(runner, file, databases));
            stopped.fetch_or(outcome.is_err(), Ordering::SeqCst);
            let _ = done.send((number, outcome));
        }
    };
    std::thread::scope(|scope| {
        let (done, outcomes) = channel();
        let work = &work;
        for _ in 0..jobs.clamp(1, files.len().max(1)) {
            let done = done.clone();
            scope.spawn(move || work(done));
        }
        drop(done);
        collect(&outcomes, files.len(), on_outcome)
    })
}

fn run_one(runner: &Runner, file: &TestFile, databases: &dyn Databases) -> Result<FileOutcome> {
    let database = databases.fresh()?;
    let ran = runner.run(file, database.conninfo());
    match ran {
        Ok(outcome) if outcome.passed() => database.give_back().map(|()| outcome),
        Ok(outcome) => Ok(FileOutcome { kept: database.keep()?, ..outcome }),
        Err(error) => Err(match database.give_back() {
            Ok(()) => error,
            Err(also) => error.detail(format!("and the database of a test stays: {also}")),
        }),
    }
}

/// Puts the outcomes in order.
fn collect(
    outcomes: &Receiver<(usize, Result<FileOutcome>)>,
    count: usize,
    on_outcome: &mut dyn FnMut(&FileOutcome),
) -> Result<Vec<FileOutcome>> {
    let mut waiting: Vec<Option<FileOutcome>> = (0..count).map(|_| None).collect();
    let mut ordered = Vec::with_capacity(count);
    let mut failed: Option<Error> = None;
    for (number, outcome) in outcomes {
        match outcome {
            Ok(outcome) => waiting[number] = Some(outcome),
            Err(error) => drop(failed.get_or_insert(error)),
        }
        while let Some(outcome) = waiting.get_mut(ordered.len()).and_then(Option::take) {
            on_outcome(&outcome);
            ordered.push(outcome);
        }
    }
    match failed {
        Some(error) => Err(error),
        None if ordered.len() == count => Ok(ordered),
        // a scope passes the panic of a thread on, so this is for completeness
        None => Err(Error::unexpected("a test has no outcome")),
    }
}
