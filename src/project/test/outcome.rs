//! The outcome of a run of tests, as data.

use std::path::PathBuf;
use std::time::Duration;

use super::find::TestFile;
use crate::project::tap::Record;
use crate::sys::error::Error;

/// The outcome of a file.
#[derive(Debug)]
pub struct FileOutcome {
    /// The file.
    pub file: TestFile,
    /// Why the tests failed. `None` if they passed.
    pub failure: Option<Failure>,
    /// The tests of the stream.
    pub tests: Vec<TestOutcome>,
    /// psql's messages.
    pub messages: Vec<String>,
    /// The time that the file took, without that of its database.
    pub elapsed: Duration,
    /// The database of a failed test that stays, for people to look into it.
    pub kept: Option<Kept>,
}

/// Why a file failed.
#[derive(Debug)]
pub enum Failure {
    /// The stream does not pass: the reason.
    Tap(String),
    /// A statement failed, or psql did not run the file to its end.
    Error(Error),
}

/// A test of a file.
#[derive(Debug, Clone)]
pub struct TestOutcome {
    /// What the stream says.
    pub record: Record,
    /// The statement that printed it: its file, relative to the project's directory, and the line.
    pub place: Option<(PathBuf, usize)>,
}

/// A database that stays after its test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its URL, without a password.
    pub url: String,
}

impl FileOutcome {
    /// Whether the file passed.
    pub fn passed(&self) -> bool {
        self.failure.is_none()
    }

    /// The number of tests that passed.
    pub fn passed_tests(&self) -> usize {
        self.tests.iter().filter(|test| test.record.passes).count()
    }

    /// The tests that failed.
    pub fn failed_tests(&self) -> impl Iterator<Item = &TestOutcome> {
        self.tests.iter().filter(|test| !test.record.passes)
    }

    /// Why the file failed, in one line.
    pub fn reason(&self) -> Option<&str> {
        self.failure.as_ref().map(|failure| match failure {
            Failure::Tap(reason) => reason.as_str(),
            Failure::Error(error) => error.message(),
        })
    }

    /// The error, if it was not the stream that failed.
    pub fn error(&self) -> Option<&Error> {
        match &self.failure {
            Some(Failure::Error(error)) => Some(error),
            _ => None,
        }
    }
}
