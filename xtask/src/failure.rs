//! The error that the person at the terminal sees, and its exit code.

use std::fmt;
use std::path::Path;

/// The result of everything fallible in `cargo x`.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// A message and an exit code. The codes are those of db-tool.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Something did not work.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// A failure whose message was already printed.
    pub(crate) fn told() -> Self {
        Self::new("")
    }

    /// Whether the message was already printed.
    pub(crate) fn is_told(&self) -> bool {
        self.message.is_empty()
    }

    /// A command or a value is missing.
    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into() }
    }

    /// A command, an option or a value that does not exist.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self { code: 9, message: message.into() }
    }

    /// A program that is not installed.
    pub(crate) fn not_installed(message: impl Into<String>) -> Self {
        Self { code: 127, message: message.into() }
    }

    /// The same failure with one more hint.
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        self.message = format!("{}\n{hint}", self.message.trim_end());
        self
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.trim_end())
    }
}

/// `std::io::Result` with the verb and the path that the system's message lacks.
pub(crate) trait On<T> {
    /// Turns the error into `cannot <verb> <path>: <reason>`.
    fn on(self, verb: &str, path: &Path) -> Result<T>;
}

impl<T> On<T> for std::io::Result<T> {
    fn on(self, verb: &str, path: &Path) -> Result<T> {
        self.map_err(|error| Failure::new(format!("cannot {verb} {}: {error}", path.display())))
    }
}
