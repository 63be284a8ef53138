//! Finds the statements that failed and after which psql went on, because `ON_ERROR_STOP` was off.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::postgres::error::IgnoredError;

/// The number of characters of two statements that are compared.
const COMPARED: usize = 40;

/// The errors after which psql went on, in their order.
#[derive(Debug, Default)]
pub(super) struct Failures {
    errors: Vec<IgnoredError>,
    /// For each error, whether its statement was found.
    taken: Vec<bool>,
    /// The paths of files without links and dots.
    real: RefCell<HashMap<PathBuf, PathBuf>>,
}

/// A failed statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    /// Whether the server refused the statement because its transaction had failed before.
    pub(super) aborted: bool,
}

impl Failures {
    /// Takes the errors that psql printed.
    pub(super) fn of(errors: &[IgnoredError]) -> Self {
        let taken = vec![false; errors.len()];
        Self { errors: errors.to_vec(), taken, ..Self::default() }
    }

    /// The failures of the statements on these lines of a file, while psql works in `directory`.
    /// The text distinguishes several statements on one line.
    pub(super) fn take(
        &mut self,
        (file, directory): (&Path, &Path),
        lines: &RangeInclusive<usize>,
        text: Option<&str>,
    ) -> Option<Failure> {
        let mut found = None;
        for number in 0..self.errors.len() {
            let error = &self.errors[number];
            if !self.taken[number]
                && lines.contains(&error.line)
                && text.is_none_or(|text| is_same(text, &error.statement))
                && self.real(file) == self.real(&directory.join(&error.file))
            {
                self.taken[number] = true;
                found = Some(Failure { aborted: error.aborted });
                if text.is_some() {
                    break;
                }
            }
        }
        found
    }

    fn real(&self, path: &Path) -> PathBuf {
        let mut known = self.real.borrow_mut();
        let real = || std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        known.entry(path.to_owned()).or_insert_with(real).clone()
    }
}

/// Whether a statement of the text may be the one that psql repeats, without comments and with the
/// values of variables.
fn is_same(text: &str, repeated: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(|c| !c.is_whitespace() && *c != ';').take(COMPARED).collect()
    };
    let (ours, theirs) = (letters(text), letters(repeated));
    theirs.is_empty()
        || ["--", "/*", ":"].iter().any(|changed| text.contains(changed))
        || ours.starts_with(&theirs)
        || theirs.starts_with(&ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_on_one_line_are_told_apart() {
        let error = |line, statement: &str| IgnoredError {
            file: "a.sql".to_owned(),
            line,
            statement: statement.to_owned(),
            aborted: false,
        };
        let place = (Path::new("/x/a.sql"), Path::new("/x"));
        let mut failures = Failures::of(&[error(3, "SELECT  1/0;"), error(3, "SELECT 2/0;")]);
        assert_eq!(failures.take(place, &(3..=3), Some("BEGIN;")), None);
        assert!(failures.take(place, &(2..=3), Some("SELECT 1/0")).is_some());
        assert_eq!(failures.take(place, &(3..=3), Some("SELECT 1/0")), None, "once");
        assert_eq!(failures.take(place, &(4..=9), Some("SELECT 2/0")), None, "elsewhere");
        let other = (Path::new("/x/b.sql"), Path::new("/x"));
        assert_eq!(failures.take(other, &(3..=3), Some("SELECT 2/0")), None, "another file");
        assert!(failures.take(place, &(3..=3), Some("SELECT :n/0")).is_some(), "a variable");
    }
}
