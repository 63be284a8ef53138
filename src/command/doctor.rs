//! `database doctor`: checks every precondition and says how to meet it.

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
    /// The precondition is met; the text shows its value.
    Good(String),
    /// The precondition is met, but the user should know something: a finding and an advice.
    Note(String, String),
    /// The precondition is not met.
    Bad(Error),
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
        match found {
            Ok(value) => {
                self.findings.push(Finding { what, verdict: Verdict::Good(say(&value)) });
                Some(value)
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
