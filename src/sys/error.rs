//! The error type of the crate: what failed, why, and what to do next.
//!
//! The kind decides the exit code (`cli::exit` maps it, without a wildcard arm). The message says
//! what failed. Each caller that passes the error on may put a context in front of the message, so
//! that the line reads as a sentence: `cannot start the cluster in /x: cannot read
//! /x/data/PG_VERSION: Permission denied`. Details are lines to show unchanged, such as an SQL
//! excerpt or the tail of a server log. Hints say what to do next. Only `cli` prints errors.

use std::fmt;
use std::path::Path;

/// The result of every function of this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of a failure. Each kind has one published exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something did not work: I/O, a server that does not start, a failed test.
    Failed,
    /// A statement of the project's SQL failed.
    Sql,
    /// A migration failed, or did not stand its proof.
    Migration,
    /// Arguments or a state that can be understood in more than one way.
    Conflict,
    /// A required argument, variable or input file is missing.
    Missing,
    /// The user named a table that does not exist.
    NoSuchTable,
    /// The user gave an argument or a command that does not exist.
    UnknownArgument,
    /// A state that should be impossible: a bug of db-tool, or somebody changed the database while
    /// db-tool worked with it.
    Unexpected,
    /// A program or server library that is not installed.
    ProgramMissing,
    /// A second process of db-tool has failed with this exit code, and has printed why.
    Told(i32),
    /// The program that db-tool ran for the user has ended with this exit status.
    Ended(i32),
    /// A signal ended the work; `main` raises it again after all clean-ups.
    Interrupted(i32),
}

/// The longest line, in bytes, that an error shows. A line may quote text of others, such as a
/// token of a source that the server repeats, and may have hundreds of megabytes.
const LINE_LIMIT: usize = 2048;

/// A failure, with all that a user needs to act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: String,
    details: Vec<String>,
    hints: Vec<String>,
}

impl Error {
    /// An error of `kind`; `message` is a sentence without a final stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = cut_long_lines(message.into());
        Self { kind, message, details: Vec::new(), hints: Vec::new() }
    }

    /// A failure without a more specific kind.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// Ambiguous or conflicting arguments or state.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// A missing argument, variable or file.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(Kind::Missing, message)
    }

    /// An impossible state.
    pub fn unexpected(message: impl Into<String>) -> Self {
        Self::new(Kind::Unexpected, message)
    }

    /// A failure that a second process of db-tool has printed.
    pub fn told(code: i32) -> Self {
        Self::new(Kind::Told(code), "db-tool has failed")
    }

    /// A failed file operation: `cannot <verb> <path>: <reason>`.
    pub fn io(verb: &str, path: &Path, source: &std::io::Error) -> Self {
        Self::failed(format!("cannot {verb} {}: {}", path.display(), io_reason(source)))
    }

    /// Puts `what: ` in front of the message.
    #[must_use]
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Adds a hint, which says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(cut_long_lines(hint.into()));
        self
    }

    /// Adds lines that are shown unchanged.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(cut_long_lines(detail.into()));
        self
    }

    /// Gives the same failure another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The message: what failed and why, on one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The lines that are shown unchanged.
    pub fn details(&self) -> &[String] {
        &self.details
    }

    /// The hints, which say what to do next.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// `Result` with contexts.
pub trait Context<T> {
    /// Puts `what: ` in front of the error's message.
    fn context(self, what: impl fmt::Display) -> Result<T>;
    /// Adds a hint to the error.
    fn hint(self, hint: impl Into<String>) -> Result<T>;
}

impl<T> Context<T> for Result<T> {
    fn context(self, what: impl fmt::Display) -> Self {
        self.map_err(|error| error.context(what))
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        self.map_err(|error| error.hint(hint))
    }
}

/// `std::io::Result` with the verb and the path that the system's error message lacks.
pub trait IoContext<T> {
    /// Turns the error into `cannot <verb> <path>: <reason>`.
    fn on(self, verb: &str, path: impl AsRef<Path>) -> Result<T>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn on(self, verb: &str, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|error| Error::io(verb, path.as_ref(), &error))
    }
}

impl<T> IoContext<T> for nix::Result<T> {
    fn on(self, verb: &str, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|errno| Error::io(verb, path.as_ref(), &errno.into()))
    }
}

/// Cuts overlong lines and says how many bytes are missing.
fn cut_long_lines(text: String) -> String {
    if text.lines().all(|line| line.len() <= LINE_LIMIT) {
        return text;
    }
    let cut = |line: &str| match line.len() {
        0..=LINE_LIMIT => line.to_owned(),
        length => {
            let is_end = |at: &usize| line.is_char_boundary(*at);
            let end = (0..=LINE_LIMIT).rev().find(is_end).unwrap_or(0);
            format!("{}… ({} bytes more)", &line[..end], length - end)
        }
    };
    text.lines().map(cut).collect::<Vec<_>>().join("\n")
}

/// The system's message without Rust's `(os error N)`.
fn io_reason(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_owned(),
        None => {
            let text = error.to_string();
            // a library has added a number and a path; the message has the path already
            text.split_once(" (os error ").map_or(text.clone(), |(reason, _)| reason.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_neither_a_number_nor_a_second_path() {
        let missing = tempfile::NamedTempFile::new_in("/no/such").expect_err("missing");
        let error = Error::io("write", Path::new("/no/such/file"), &missing);
        assert_eq!(error.message(), "cannot write /no/such/file: No such file or directory");
    }

    #[test]
    fn overlong_lines_are_cut_between_characters() {
        let short = "x".repeat(LINE_LIMIT);
        assert_eq!(Error::failed(&short).message(), short);
        let long = format!("{}üy\nshort", "x".repeat(LINE_LIMIT - 1));
        let error = Error::failed(&long).detail(&long).hint(&long);
        let cut = format!("{}… (3 bytes more)\nshort", "x".repeat(LINE_LIMIT - 1));
        assert_eq!(error.message(), cut);
        assert_eq!((error.details(), error.hints()), (&[cut.clone()][..], &[cut.clone()][..]));
    }
}
