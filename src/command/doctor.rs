//! `database doctor`: every precondition, with its verdict and what to do about it.

use crate::sys::error::{Error, Result};

/// One precondition that was looked at.
#[derive(Debug)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// What was found, or what is wrong.
    pub verdict: Verdict,
}

/// How a precondition stands.
#[derive(Debug)]
pub enum Verdict {
    /// In order.
    Good(String),
    /// Works, but is worth knowing.
    Note(String, String),
    /// Stands in the way.
    Bad(Error),
}

/// All findings.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// In the order in which they matter.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// Looks at one precondition: its value is what later ones build on.
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

    /// Notes something that works but is worth knowing.
    pub fn note(
        &mut self,
        what: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.findings.push(Finding { what, verdict: Verdict::Note(found.into(), advice.into()) });
    }

    /// The first thing that stands in the way.
    pub fn first_problem(&self) -> Option<&Error> {
        self.findings.iter().find_map(|finding| match &finding.verdict {
            Verdict::Bad(error) => Some(error),
            _ => None,
        })
    }
}
