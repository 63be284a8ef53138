//! Runs one file of tests in a database.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::find::{TestFile, name_of};
use super::outcome::{Failure, FileOutcome, TestOutcome};
use super::traced::{Line, Traced};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::postgres::psql::script::{Script, Watched};
use crate::postgres::toolchain::Toolchain;
use crate::project::tap::Tap;
use crate::sys::error::{Error, Kind, Result};
use crate::sys::process::Deadline;

/// The lines of psql's messages that are kept for a file.
const MOST_MESSAGES: usize = 1000;

/// The settings of a run.
#[derive(Debug)]
pub struct Runner {
    /// The programs.
    pub toolchain: Toolchain,
    /// The directory of the project, in which psql works.
    pub root: PathBuf,
    /// The directory of temporary files.
    pub temporary: PathBuf,
    /// How long a file may take.
    pub timeout: Option<Duration>,
    /// Whether all sessions of a file's database are those of the test.
    pub owns_databases: bool,
}

impl Runner {
    /// Runs a file in the database of `conninfo`.
    ///
    /// # Errors
    /// `Interrupted` after a signal; also an error of the machine. A test that fails, in whatever
    /// way, is an outcome.
    pub fn run(&self, file: &TestFile, conninfo: &Conninfo) -> Result<FileOutcome> {
        let started = Instant::now();
        let mut watching = Watching::default();
        let ran = self.run_file(file, conninfo, &mut watching);
        let failure = match ran {
            Ok(()) => watching.tap.verdict().err().map(Failure::Tap),
            Err(error) if matches!(error.kind(), Kind::Interrupted(_) | Kind::ProgramMissing) => {
                return Err(error);
            }
            Err(error) => {
                // the lines that it has held back are part of the report
                let _ = watching.tap.verdict();
                Some(Failure::Error(error))
            }
        };
        let Watching { tap, traced, messages } = watching;
        let place = |statement: Option<usize>| {
            let (file, line) = traced.as_ref()?.place(statement?)?;
            Some((name_of(file, &self.root), line))
        };
        let outcome = |record: &crate::project::tap::Record| TestOutcome {
            place: place(record.statement),
            record: record.clone(),
        };
        Ok(FileOutcome {
            file: file.clone(),
            failure,
            tests: tap.tests().iter().map(outcome).collect(),
            messages,
            elapsed: started.elapsed(),
            kept: None,
        })
    }

    fn run_file(
        &self,
        file: &TestFile,
        conninfo: &Conninfo,
        watching: &mut Watching,
    ) -> Result<()> {
        if file.path.exists() && !file.path.is_file() {
            return Err(Error::failed(format!("{} is not a regular file", file.path.display())));
        }
        watching.traced = Traced::copy(&file.path, &self.root, &self.temporary)?;
        let script = Script {
            file: file.path.clone(),
            variables: Vec::new(),
            directory: self.root.clone(),
            log: None,
        };
        let deadline = self.timeout.map(Deadline::after);
        let name = format!("db-tool test {}", std::process::id());
        let named = conninfo.with_settings(&name, &[]);
        let ran = watching.watch(&script, &self.toolchain, &named, deadline.as_ref());
        let Some((limit, true)) = self.timeout.zip(deadline.map(|d| d.has_passed())) else {
            return ran;
        };
        let ended = self.end_sessions(conninfo, &name);
        Err(too_slow(ran, limit, ended.err()))
    }

    /// psql cancels its statement before it ends. Its session may be in another one, or may have
    /// sessions of its own.
    fn end_sessions(&self, conninfo: &Conninfo, name: &str) -> Result<()> {
        let mut session = Session::connect(conninfo)?;
        session.query(sql!("test/end-sessions"), &[&name, &self.owns_databases]).map(drop)
    }
}

/// The error of a file that was ended after `limit`.
fn too_slow(ran: Result<()>, limit: Duration, also: Option<Error>) -> Error {
    let limit = format!("{} s", limit.as_secs_f64());
    let mut error = Error::failed(format!("the test took longer than {limit} and was ended"));
    if let Err(ended) = ran {
        error = ended.details().iter().fold(error, |error, detail| error.detail(detail.clone()));
    }
    if let Some(also) = also {
        error = error.detail(format!("and its session may go on: {also}"));
    }
    error.hint(
        "look for a lock that it waits for or a loop without end, or give --timeout more time",
    )
}

/// The lines that psql has printed so far, and their TAP.
#[derive(Default)]
struct Watching {
    tap: Tap,
    traced: Option<Traced>,
    messages: Vec<String>,
}

impl Watching {
    fn watch(
        &mut self,
        script: &Script,
        toolchain: &Toolchain,
        conninfo: &Conninfo,
        deadline: Option<&Deadline>,
    ) -> Result<()> {
        let Self { tap, traced, messages } = self;
        let names = traced.as_ref().map(Traced::names);
        let copy = traced.as_ref().map_or_else(|| script.file.clone(), Traced::entry);
        let mut read = |line: &[u8]| {
            let line = match traced {
                Some(traced) => traced.read(line),
                None => Line::Output(line.into()),
            };
            match line {
                Line::Statement(number) => tap.begin_statement(number),
                Line::Output(line) => tap.read(&String::from_utf8_lossy(&line)),
                Line::Part => {}
            }
        };
        let mut keep = |line: &str| {
            // psql says so when it is ended
            if messages.len() < MOST_MESSAGES && line != "Cancel request sent" {
                messages.push(line.to_owned());
            }
        };
        let watched = Watched {
            copy: &copy,
            rename: &|line| names.as_ref().map_or(line.into(), |names| names.rename(line)),
            deadline,
            on_output: &mut read,
            on_message: &mut keep,
        };
        script.run_watched(toolchain, conninfo, watched)
    }
}
