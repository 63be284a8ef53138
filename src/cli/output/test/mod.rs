//! Reports about a run of tests: text for people, TAP, JSON, XML. They read and write nothing.

pub(in crate::cli) mod json;
pub(in crate::cli) mod junit;
pub(in crate::cli) mod tap;
pub(in crate::cli) mod text;

use crate::project::test::outcome::{FileOutcome, TestOutcome};
use crate::sys::shell;

/// The command that opens psql on the database that a failed test has left.
pub(in crate::cli) fn way_in(outcome: &FileOutcome) -> Option<String> {
    let kept = outcome.kept.as_ref()?;
    Some(format!("database --url {} psql", shell::quote(&kept.url)))
}

/// `2 - an order has a total`: the number and the description of a test, as far as it has them.
fn title(test: &TestOutcome) -> String {
    let record = &test.record;
    let parts = [record.number.as_deref(), Some(record.description.as_str())];
    let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    parts.join(" - ")
}

/// `db/test/order.sql:7`: the place of a test, if it is known.
fn place(test: &TestOutcome) -> Option<String> {
    test.place.as_ref().map(|(file, line)| format!("{}:{line}", file.display()))
}

/// The lines about a failed test: the expected and the seen value, or what the test says itself.
fn evidence(test: &TestOutcome) -> Vec<String> {
    let Some((want, have)) = test.record.values() else {
        let says = |line: &&String| !line.trim_start().starts_with("Failed test");
        return test.record.diagnostics.iter().filter(says).cloned().collect();
    };
    let lines = |name: &str, value: &str| {
        let mut lines = value.lines();
        let first = format!("{name} {}", lines.next().unwrap_or_default());
        let rest = lines.map(|line| format!("      {line}"));
        std::iter::once(first).chain(rest).collect::<Vec<_>>()
    };
    [lines("want:", &want), lines("have:", &have)].concat()
}

/// The lines about a file that failed, apart from those about its tests.
fn trouble(outcome: &FileOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(error) = outcome.error() {
        lines.extend(error.details().iter().flat_map(|detail| detail.lines()).map(str::to_owned));
        lines.extend(error.hints().iter().map(|hint| format!("hint: {hint}")));
    }
    let messages = &outcome.messages;
    lines.extend_from_slice(&messages[messages.len().saturating_sub(MOST_MESSAGES)..]);
    lines
}

/// The last messages of psql that a report shows.
const MOST_MESSAGES: usize = 10;

#[cfg(test)]
mod samples {
    //! Outcomes for the tests of the reports.

    use std::path::PathBuf;
    use std::time::Duration;

    use crate::project::tap::{Directive, Record};
    use crate::project::test::find::TestFile;
    use crate::project::test::outcome::{Failure, FileOutcome, Kept, TestOutcome};
    use crate::sys::error::Error;

    fn file(name: &str, tests: Vec<TestOutcome>, failure: Option<Failure>) -> FileOutcome {
        FileOutcome {
            file: TestFile { path: PathBuf::from("/p").join(name), name: name.into() },
            failure,
            tests,
            messages: Vec::new(),
            elapsed: Duration::from_millis(35),
            kept: None,
        }
    }

    fn test(number: &str, description: &str, ok: bool) -> TestOutcome {
        let record = Record {
            number: Some(number.to_owned()),
            description: description.to_owned(),
            ok,
            passes: ok,
            ..Record::default()
        };
        TestOutcome { record, place: Some(("db/test/a.sql".into(), 7)) }
    }

    /// One file that passes, one with a failed test, and one with a failed statement.
    pub(super) fn outcomes() -> Vec<FileOutcome> {
        let mut failed = test("2", "a <total> # is right", false);
        failed.record.diagnostics =
            ["Failed test 2: \"a\"", "        have: 1", "two", "        want: 3"]
                .map(str::to_owned)
                .into();
        let mut later = test("3", "later", false);
        later.record.passes = true;
        later.record.directive = Some(Directive::Todo("write it".to_owned()));
        let mut skipped = test("4", "", true);
        skipped.record.directive = Some(Directive::Skip("no locale".to_owned()));
        let reason = Some(Failure::Tap("1 of 4 not ok".to_owned()));
        let tests = vec![test("1", "first", true), failed, later, skipped];
        let mut second = file("db/test/b.sql", tests, reason);
        second.kept = Some(Kept { url: "postgresql://dev@localhost/c?host=/x".to_owned() });
        let error =
            Error::failed("cannot run it: \u{1b}boom").detail("line 1\n  ^").hint("mend it");
        let mut third = file("db/test/c.sql", Vec::new(), Some(Failure::Error(error)));
        third.messages = vec!["psql:c.sql:1: NOTICE:  look".to_owned()];
        vec![file("db/test/a.sql", vec![test("1", "first", true)], None), second, third]
    }
}
