//! The report as one stream of TAP. Each file is a test, and its tests are a subtest: indented lines,
//! which consumers of older versions of TAP skip.

use super::{evidence, place, trouble, way_in};
use crate::project::tap::Directive;
use crate::project::test::outcome::{FileOutcome, TestOutcome};

/// The plan of a run of so many files.
pub(in crate::cli) fn plan(files: usize) -> String {
    format!("1..{files}\n")
}

/// The lines about the file with this number, from 1. `timer` shows its time.
pub(in crate::cli) fn render(outcome: &FileOutcome, number: usize, timer: bool) -> String {
    let name = escaped(&outcome.file.name.display().to_string());
    let mut text = String::new();
    if !outcome.tests.is_empty() {
        text += &format!("# Subtest: {name}\n");
        for (number, test) in outcome.tests.iter().enumerate() {
            text += &inner(test, number + 1);
        }
        text += &format!("    1..{}\n", outcome.tests.len());
    }
    let ok = if outcome.passed() { "ok" } else { "not ok" };
    text += &format!("{ok} {number} - {name}\n");
    if timer {
        text += &format!("# time: {} ms\n", outcome.elapsed.as_millis());
    }
    let Some(reason) = outcome.reason() else { return text };
    let mut lines = vec![reason.to_owned()];
    lines.extend(trouble(outcome));
    lines.extend(way_in(outcome).map(|way| format!("its database stays for an hour: {way}")));
    for line in lines.iter().flat_map(|line| line.lines()) {
        text += &format!("# {line}\n");
    }
    text
}

fn inner(test: &TestOutcome, number: usize) -> String {
    let record = &test.record;
    let ok = if record.ok { "ok" } else { "not ok" };
    let mut text = format!("    {ok} {number}");
    if !record.description.is_empty() {
        text += &format!(" - {}", escaped(&record.description));
    }
    text += &match &record.directive {
        Some(Directive::Todo(reason)) => format!(" # TODO {reason}"),
        Some(Directive::Skip(reason)) => format!(" # SKIP {reason}"),
        None => String::new(),
    };
    text = text.trim_end().to_owned() + "\n";
    if !record.passes {
        for line in place(test).map(|place| format!("at {place}")).into_iter().chain(evidence(test))
        {
            text += &format!("    # {line}\n");
        }
    }
    text
}

/// A name on one line, in which `#` begins no directive.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::super::samples::outcomes;
    use super::*;
    use crate::project::tap::Tap;

    #[test]
    fn each_file_is_a_test_with_a_subtest() {
        let outcomes = outcomes();
        let lines = (1..).zip(&outcomes).map(|(number, outcome)| render(outcome, number, false));
        let text = plan(3) + &lines.collect::<String>();
        let expected = "\
1..3
# Subtest: db/test/a.sql
    ok 1 - first
    1..1
ok 1 - db/test/a.sql
# Subtest: db/test/b.sql
    ok 1 - first
    not ok 2 - a <total> \\# is right
    # at db/test/a.sql:7
    # want: 3
    # have: 1
    #       two
    not ok 3 - later # TODO write it
    ok 4 # SKIP no locale
    1..4
not ok 2 - db/test/b.sql
# 1 of 4 not ok
# its database stays for an hour: database --url 'postgresql://dev@localhost/c?host=/x' psql
not ok 3 - db/test/c.sql
# cannot run it: \u{1b}boom
# line 1
#   ^
# hint: mend it
# psql:c.sql:1: NOTICE:  look
";
        assert_eq!(text, expected);
        let mut tap = Tap::default();
        text.lines().for_each(|line| tap.read(line));
        assert_eq!(tap.verdict(), Err("2 of 3 not ok".to_owned()));
    }
}
