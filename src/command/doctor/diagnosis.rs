//! The results of the checks of `database doctor`.

use std::path::PathBuf;

use crate::cluster::Usage;
use crate::sys::error::{Error, Result};

/// A precondition that was checked.
#[derive(Debug)]
pub struct Finding {
    /// The precondition.
    pub what: &'static str,
    /// The result of the check.
    pub verdict: Verdict,
}

/// The result of a check.
#[derive(Debug)]
pub enum Verdict {
    /// The precondition is met.
    Good(Value),
    /// The precondition is met, but the user should know something: a finding and an advice.
    Note(String, String),
    /// The precondition is not met.
    Bad(Error),
}

/// The value of a precondition that is met.
#[derive(Debug)]
pub enum Value {
    /// A short text.
    Text(String),
    /// The directory of the templates, and how much it holds.
    Templates(PathBuf, Usage),
    /// The directory of the server logs, and how much it holds.
    Logs(PathBuf, Usage),
}

/// The results of all checks.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// In the order of their importance.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// Records the result of one check and returns its value, which later checks build on.
    pub fn look<T>(
        &mut self,
        what: &'static str,
        found: Result<T>,
        say: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        self.see(what, found, |value| Value::Text(say(value)))
    }

    /// The same for a value that is no text.
    pub fn see<T>(
        &mut self,
        what: &'static str,
        found: Result<T>,
        value: impl FnOnce(&T) -> Value,
    ) -> Option<T> {
        match found {
            Ok(found) => {
                self.findings.push(Finding { what, verdict: Verdict::Good(value(&found)) });
                Some(found)
            }
            Err(error) => {
                self.findings.push(Finding { what, verdict: Verdict::Bad(error) });
                None
            }
        }
    }

    /// Records a precondition that is met, with an advice.
    pub fn note(
        &mut self,
        what: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.findings.push(Finding { what, verdict: Verdict::Note(found.into(), advice.into()) });
    }

    /// The error of the first precondition that is not met.
    pub fn first_problem(&self) -> Option<&Error> {
        self.findings.iter().find_map(|finding| match &finding.verdict {
            Verdict::Bad(error) => Some(error),
            _ => None,
        })
    }
}
