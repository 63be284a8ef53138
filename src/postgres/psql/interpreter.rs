//! A psql that is kept running and given one piece of script after the other.
//!
//! One session for many files: what must hold between them, such as a session lock, holds. psql
//! answers without any framing, so after each piece it is told to say a word of ours on both of its
//! outputs; when the word comes, the piece is done. It stops at the first error, and then it ends.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::script;
use super::script::PSQL;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::error::{PsqlFailure, SqlError, StderrReader};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Kind, Result};
use crate::sys::process::{Dialogue, Line, describe};
use crate::sys::signal;

/// How psql calls its standard input.
const OURS: &str = "<stdin>";

/// A running psql.
pub struct Interpreter {
    dialogue: Dialogue,
    word: String,
}

/// Why psql has ended.
#[derive(Debug)]
pub struct Failure {
    error: Option<PsqlFailure>,
    status: Result<ExitStatus>,
}

impl Interpreter {
    /// Starts psql in `directory`, from where relative paths of `\i` start.
    pub fn start(toolchain: &Toolchain, conninfo: &Conninfo, directory: &Path) -> Result<Self> {
        let psql = script::strict(toolchain, conninfo)?.directory(directory);
        let dialogue = psql.args(["-q", "-f", "-"]).converse()?;
        // a script cannot guess it
        let word = format!("db-tool-{:016x}", RandomState::new().hash_one(std::process::id()));
        Ok(Self { dialogue, word })
    }

    /// Runs a piece of script. Messages go to the log, and so does what it prints.
    pub fn run(&mut self, script: &str) -> Result<(), Box<Failure>> {
        self.run_lines(script, &mut |line| tracing::info!(target: PSQL, "{line}"))
    }

    /// Runs a piece of script and returns what it prints.
    pub fn ask(&mut self, script: &str) -> Result<Vec<String>, Box<Failure>> {
        let mut printed = Vec::new();
        self.run_lines(script, &mut |line| printed.push(line.to_owned()))?;
        Ok(printed)
    }

    fn run_lines(
        &mut self,
        script: &str,
        on_output: &mut dyn FnMut(&str),
    ) -> Result<(), Box<Failure>> {
        let word = &self.word;
        self.dialogue.say(format!("{script}\n\\echo {word}\n\\warn {word}\n").as_bytes());
        let mut errors = StderrReader::new();
        let (mut output_done, mut errors_done) = (false, false);
        while !(output_done && errors_done) {
            let Some(line) = self.dialogue.hear() else { return Err(self.ended(errors)) };
            match line {
                Line::Output(line) if line == self.word.as_bytes() => output_done = true,
                Line::Output(line) => on_output(&String::from_utf8_lossy(&line)),
                Line::Error(line) if line == self.word.as_bytes() => errors_done = true,
                Line::Error(line) => {
                    show(&errors.push_line(&String::from_utf8_lossy(&line)));
                }
            }
        }
        show(&errors.finish(false).0);
        Ok(())
    }

    fn ended(&mut self, errors: StderrReader) -> Box<Failure> {
        let (rest, error) = errors.finish(true);
        show(&rest);
        Box::new(Failure { error, status: self.dialogue.end() })
    }

    /// Ends psql when it has nothing more to do.
    pub fn end(mut self) -> Result<()> {
        self.dialogue.end().map(drop)
    }
}

fn show(lines: &[String]) {
    for line in lines.iter().filter_map(|line| script::terse(line)) {
        tracing::info!(target: PSQL, "{line}");
    }
}

impl Failure {
    /// The crate's error: `what` failed. `original` maps the path that psql read to the one that
    /// people know.
    pub fn into_error(self, what: &str, original: impl Fn(&Path) -> Option<PathBuf>) -> Error {
        if let Err(interrupted) = signal::check() {
            return interrupted;
        }
        let Some(failure) = self.error else {
            return match self.status {
                Ok(status) => Error::new(Kind::Sql, format!("{what}: psql {}", describe(status))),
                Err(error) => error.context(what),
            };
        };
        let read = |path: &Path, lines| {
            script::read_lines(original(path).as_deref().unwrap_or(path), lines)
        };
        let mut located: SqlError = failure.locate(read);
        if let Some(path) = located.file.as_deref().and_then(&original) {
            located.file = Some(path);
        }
        if located.file.as_deref() == Some(Path::new(OURS)) {
            // a place in what we told psql says nothing to anybody
            (located.file, located.line, located.column) = (None, None, None);
        }
        located.into_error(what)
    }

    /// The SQLSTATE of the server's error, if it was one.
    pub fn sqlstate(&self) -> Option<&str> {
        self.error.as_ref()?.error().sqlstate.as_deref()
    }
}
