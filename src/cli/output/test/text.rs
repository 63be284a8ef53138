//! The report for people.

use super::{evidence, place, title, trouble, way_in};
use crate::project::test::outcome::{FileOutcome, TestOutcome};

/// The lines about a file. `timer` shows its time.
pub(in crate::cli) fn render(outcome: &FileOutcome, timer: bool) -> String {
    let name = outcome.file.name.display();
    let facts = facts(outcome, timer);
    let Some(reason) = outcome.reason() else { return format!("ok      {name}{facts}\n") };
    let mut text = format!("not ok  {name}{facts}: {reason}\n");
    for test in outcome.failed_tests() {
        text += &failed(test);
    }
    for line in trouble(outcome) {
        text += &format!("  {line}\n");
    }
    if let Some(way_in) = way_in(outcome) {
        text += &format!("  its database stays for an hour: {way_in}\n");
    }
    text
}

fn failed(test: &TestOutcome) -> String {
    let place = place(test).map_or_else(String::new, |place| format!("{place}: "));
    let mut text = format!("  {place}not ok {}\n", title(test));
    for line in evidence(test) {
        text += &format!("    {line}\n");
    }
    text
}

/// The number of tests in a file that passes, unless it is plain SQL, and the time.
fn facts(outcome: &FileOutcome, timer: bool) -> String {
    let count = match outcome.tests.len() {
        _ if !outcome.passed() => None,
        0 => None,
        1 => Some("1 test".to_owned()),
        tests => Some(format!("{tests} tests")),
    };
    let time = timer.then(|| format!("{} ms", outcome.elapsed.as_millis()));
    let facts: Vec<String> = count.into_iter().chain(time).collect();
    if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::super::samples::outcomes;
    use super::*;

    #[test]
    fn a_failure_shows_its_place_and_both_values() {
        let text: String = outcomes().iter().map(|outcome| render(outcome, false)).collect();
        let expected = "\
ok      db/test/a.sql (1 test)
not ok  db/test/b.sql: 1 of 4 not ok
  db/test/a.sql:7: not ok 2 - a <total> # is right
    want: 3
    have: 1
          two
  its database stays for an hour: database --url 'postgresql://dev@localhost/c?host=/x' psql
not ok  db/test/c.sql: cannot run it: \u{1b}boom
  line 1
    ^
  hint: mend it
  psql:c.sql:1: NOTICE:  look
";
        assert_eq!(text, expected);
        assert!(render(&outcomes()[0], true).ends_with("(1 test, 35 ms)\n"));
    }
}
