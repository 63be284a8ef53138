//! A psql that keeps running and gets one piece of script after the other.
//!
//! All pieces run in one session, so that a session lock, for example, holds from one to the next.
//! psql's answers have no framing. So after each piece, psql must print a secret word on both of
//! its outputs: when the word arrives, the piece is done. At the first error psql stops and ends.

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

/// psql's name for its standard input.
const OURS: &str = "<stdin>";

/// A running psql.
pub struct Interpreter {
    dialogue: Dialogue,
    word: String,
}

/// The reason why psql has ended.
#[derive(Debug)]
pub struct Failure {
    error: Option<PsqlFailure>,
    status: Result<ExitStatus>,
}

impl Interpreter {
    /// Starts psql in `directory`, to which paths of `\i` are relative.
    pub fn start(toolchain: &Toolchain, conninfo: &Conninfo, directory: &Path) -> Result<Self> {
        let psql = script::strict(toolchain, conninfo)?.directory(directory);
        let dialogue = psql.args(["-q", "-f", "-"]).converse()?;
        // the word is random, so that no script can print it
        let word = format!("db-tool-{:016x}", RandomState::new().hash_one(std::process::id()));
        Ok(Self { dialogue, word })
    }

    /// Runs a piece of script. Its messages and its output go to the log.
    pub fn run(&mut self, script: &str) -> Result<(), Box<Failure>> {
        self.run_lines(script, &mut |line| tracing::info!(target: PSQL, "{line}"))
    }

    /// Runs a piece of script and returns the lines that it prints.
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
        self.dialogue.send(format!("{script}\n\\echo {word}\n\\warn {word}\n").as_bytes());
        let mut errors = StderrReader::new();
        let (mut output_done, mut errors_done) = (false, false);
        while !(output_done && errors_done) {
            let Some(line) = self.dialogue.next_line() else { return Err(self.ended(errors)) };
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

    /// Closes psql's input and waits for its end.
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
    /// Makes an error of the crate from this failure of `what`. `original` maps the path that psql
    /// read to the path that the user knows.
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
            // a place in the text that db-tool sent means nothing to the user
            (located.file, located.line, located.column) = (None, None, None);
        }
        located.into_error(what)
    }

    /// The SQLSTATE of the server's error, if it was one.
    pub fn sqlstate(&self) -> Option<&str> {
        self.error.as_ref()?.error().sqlstate.as_deref()
    }
}
