//! `database test`, and the tests of `check`: the settings of a run and its report.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::clone;

use crate::bundle::inherits;
use crate::cli::args::clone::CloneParts;
use crate::cli::args::test::{CheckTestArguments, TestArguments, TestFormat};
use crate::cli::duration::duration;
use crate::cli::output::test::{json, junit, tap, text};
use crate::cli::output::ui;
use crate::cli::path::absolute;
use crate::cli::resolve::Resolve;
use crate::command::check::CheckTests;
use crate::command::test::clones::InClones;
use crate::command::test::{Itself, in_place};
use crate::postgres::connection::conninfo::Conninfo;
use crate::project::test::choose::{Chosen, Request, choose};
use crate::project::test::find::TestFile;
use crate::project::test::outcome::FileOutcome;
use crate::project::test::pool::{self, Databases};
use crate::project::test::run::Runner;
use crate::project::test::state::State;
use crate::project::workspace::Workspace;
use crate::sys::error::{Context, Error, Result};
use crate::sys::file::replace;

/// The report of a run.
pub(super) struct Report {
    format: TestFormat,
    junit: Option<PathBuf>,
    timer: bool,
    /// The number of outcomes so far.
    told: usize,
}

/// Runs `database test`.
pub(super) fn run(resolve: &Resolve, flags: &TestArguments, inherits: &[String]) -> Result<()> {
    let workspace = resolve.workspace()?;
    let connection = resolve.target()?;
    let state = resolve.test_state(&workspace.root);
    let chosen = choose(&workspace, &flags.request(), &state)?;
    if let ([file], true, true) = (&chosen.files[..], chosen.is_main, flags.is_plain()) {
        let passed = pass_on(resolve, &connection, &workspace, inherits);
        remember(&state, [(&*file.name, passed.is_ok())]);
        return passed;
    }
    inherits::check(&connection, inherits)?;
    let mut report = Report::new(flags.format.unwrap_or_default(), &flags.junit, flags.timer)?;
    let runner = runner(resolve, &workspace, flags.timeout.as_deref())?;
    let outcomes = match flags.in_place || chosen.is_main || chosen.files.is_empty() {
        true => {
            let runner = Runner { owns_databases: false, ..runner };
            report.run(&runner, &chosen.files, &Itself(connection), 1)?
        }
        false => {
            let clones = in_clones(resolve, flags.mock, connection)?;
            report.run(&runner, &chosen.files, &clones, jobs(flags.jobs))?
        }
    };
    remember(&state, outcomes.iter().map(|outcome| (&*outcome.file.name, outcome.passed())));
    report.end(&outcomes)?;
    verdict(&outcomes, "run those that failed again: database test --failed")?;
    let nothing = || "no test to run: none has failed, or the shard is empty".to_owned();
    ui::status(&summary(&outcomes).unwrap_or_else(nothing));
    Ok(())
}

/// The source of a clone for each file. A clone is hydrated and patched.
fn in_clones(resolve: &Resolve, mock: bool, connection: Conninfo) -> Result<InClones> {
    let parts = CloneParts { patch: true, mock };
    let development = clone::development(resolve)
        .hint("--in-place runs the tests in the database of the connection itself")?;
    let content = clone::content(resolve, parts)?;
    InClones::prepare(development, content, connection, clone::TTL)
}

/// Runs the main file and passes its output on as it is.
fn pass_on(
    resolve: &Resolve,
    connection: &Conninfo,
    workspace: &Workspace,
    inherits: &[String],
) -> Result<()> {
    let toolchain = resolve.toolchain()?;
    let mut out = std::io::stdout();
    let tap = in_place::run(&toolchain, connection, workspace, inherits, &mut out)?;
    ui::status(&match tap.ran() {
        0 => "tests passed".to_owned(),
        ran => format!("tests passed: {ran} ok"),
    });
    Ok(())
}

/// The tests of `check`, if the user wants them, and their report.
pub(super) fn of_check(
    resolve: &Resolve,
    workspace: &Workspace,
    flags: &CheckTestArguments,
) -> Result<Option<(CheckTests, Report)>> {
    if !flags.test {
        return Ok(None);
    }
    let state = resolve.test_state(&workspace.root);
    let Chosen { files, .. } = choose(workspace, &Request::default(), &state)?;
    let runner = runner(resolve, workspace, flags.timeout.as_deref())?;
    let report = Report::new(flags.format, &flags.junit, flags.timer)?;
    Ok(Some((CheckTests { files, runner, jobs: jobs(flags.jobs) }, report)))
}

fn runner(resolve: &Resolve, workspace: &Workspace, timeout: Option<&str>) -> Result<Runner> {
    Ok(Runner {
        toolchain: resolve.toolchain()?,
        root: workspace.root.clone(),
        temporary: resolve.temporary_directory(),
        timeout: timeout.map(|text| duration("--timeout", text)).transpose()?,
        owns_databases: true,
    })
}

/// How many files run at the same time.
fn jobs(wanted: Option<NonZeroUsize>) -> usize {
    let cpus = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    wanted.unwrap_or_else(cpus).get()
}

/// Only `--failed` needs the state, so a cache that cannot be written to does not matter.
fn remember<'a>(state: &State, outcomes: impl IntoIterator<Item = (&'a Path, bool)>) {
    if let Err(error) = state.remember(outcomes) {
        tracing::debug!("--failed will not know this run: {error}");
    }
}

impl Report {
    /// A report in this format and in the file of `--junit`.
    fn new(format: TestFormat, junit: &Option<PathBuf>, timer: bool) -> Result<Self> {
        let junit = junit.as_deref().map(absolute);
        if let Some(file) = &junit {
            require_directory_of(file)?;
        }
        Ok(Self { format, junit, timer, told: 0 })
    }

    /// Reports a run that has ended.
    pub(super) fn whole(mut self, outcomes: &[FileOutcome]) -> Result<()> {
        self.begin(outcomes.len())?;
        outcomes.iter().for_each(|outcome| self.tell(outcome));
        self.end(outcomes)
    }

    /// Runs files, and reports each when it and those before it have ended.
    fn run(
        &mut self,
        runner: &Runner,
        files: &[TestFile],
        databases: &dyn Databases,
        jobs: usize,
    ) -> Result<Vec<FileOutcome>> {
        self.begin(files.len())?;
        pool::run(runner, files, databases, jobs, &mut |outcome| self.tell(outcome))
    }

    /// Begins the report of a run of so many files.
    pub(super) fn begin(&self, files: usize) -> Result<()> {
        match self.format {
            TestFormat::Tap => ui::data(|out| out.write_all(tap::plan(files).as_bytes())),
            TestFormat::Text | TestFormat::Json => Ok(()),
        }
    }

    /// Reports the outcome of a file. Tests go on if the reader of the report has gone.
    pub(super) fn tell(&mut self, outcome: &FileOutcome) {
        self.told += 1;
        let text = match self.format {
            TestFormat::Text => text::render(outcome, self.timer),
            TestFormat::Tap => tap::render(outcome, self.told, self.timer),
            TestFormat::Json => return,
        };
        if let Err(error) = ui::data(|out| out.write_all(text.as_bytes())) {
            tracing::warn!("{error}");
        }
    }

    /// Ends the report.
    pub(super) fn end(&self, outcomes: &[FileOutcome]) -> Result<()> {
        if self.format == TestFormat::Json {
            ui::data(|out| writeln!(out, "{}", json::render(outcomes)))?;
        }
        match &self.junit {
            Some(file) => replace(file, &junit::render(outcomes)),
            None => Ok(()),
        }
    }
}

/// It would be a pity to find that out after the tests.
fn require_directory_of(file: &Path) -> Result<()> {
    match file.parent() {
        Some(directory) if !directory.is_dir() => {
            let what = format!("--junit {}: its directory does not exist", file.display());
            Err(Error::missing(what).hint("make the directory first"))
        }
        _ => Ok(()),
    }
}

/// An error if a file has failed.
pub(super) fn verdict(outcomes: &[FileOutcome], hint: &str) -> Result<()> {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    match failed {
        0 => Ok(()),
        _ => {
            let what = format!("tests failed: {failed} of {}", files(outcomes.len()));
            Err(Error::failed(what).hint(hint))
        }
    }
}

/// The outcomes of files that passed, in one line. `None` if there are none.
pub(super) fn summary(outcomes: &[FileOutcome]) -> Option<String> {
    let ran: usize = outcomes.iter().map(FileOutcome::passed_tests).sum();
    let files = files(outcomes.len());
    match (outcomes.len(), ran) {
        (0, _) => None,
        (_, 0) => Some(format!("tests passed: {files}")),
        (_, ran) => Some(format!("tests passed: {ran} ok in {files}")),
    }
}

fn files(count: usize) -> String {
    match count {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}
