//! The report as XML of `JUnit`, which CI services read: a suite for each file, a case for each test.

use std::fmt::Write;
use std::time::Duration;

use super::{evidence, place, title, trouble, way_in};
use crate::project::tap::Directive;
use crate::project::test::outcome::{FileOutcome, TestOutcome};

/// The whole report.
pub(in crate::cli) fn render(outcomes: &[FileOutcome]) -> String {
    let total: Duration = outcomes.iter().map(|outcome| outcome.elapsed).sum();
    let suites: Vec<Suite> = outcomes.iter().map(Suite::of).collect();
    let sum = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">",
        sum(|suite| suite.tests),
        sum(|suite| suite.failures),
        sum(|suite| suite.errors),
        sum(|suite| suite.skipped),
        seconds(total),
    );
    suites.iter().for_each(|suite| xml.push_str(&suite.xml));
    xml + "</testsuites>\n"
}

struct Suite {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    xml: String,
}

impl Suite {
    fn of(outcome: &FileOutcome) -> Self {
        let name = escaped(&outcome.file.name.display().to_string());
        let failures = outcome.failed_tests().count();
        let is_skipped = |test: &&TestOutcome| test.record.directive.is_some();
        let skipped = outcome.tests.iter().filter(is_skipped).count();
        // a file that passes without a test is a test, and so is one that fails without a failed one
        let is_broken = !outcome.passed() && (failures == 0 || outcome.error().is_some());
        let is_case = is_broken || outcome.tests.is_empty();
        let (tests, errors) = (outcome.tests.len() + usize::from(is_case), usize::from(is_broken));
        let mut xml = format!(
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" \
             errors=\"{errors}\" skipped=\"{skipped}\" time=\"{}\">\n",
            seconds(outcome.elapsed)
        );
        outcome.tests.iter().for_each(|test| xml.push_str(&case(test, &name)));
        if is_case {
            xml += &whole(outcome, &name, is_broken);
        }
        if let Some(way_in) = way_in(outcome) {
            let _ = writeln!(xml, "    <system-out>{}</system-out>", escaped(&way_in));
        }
        xml += "  </testsuite>\n";
        Self { tests, failures, errors, skipped, xml }
    }
}

fn case(test: &TestOutcome, suite: &str) -> String {
    let title = escaped(&title(test));
    let place = test.place.as_ref().map_or_else(String::new, |(file, line)| {
        format!(" file=\"{}\" line=\"{line}\"", escaped(&file.display().to_string()))
    });
    let head = format!("    <testcase classname=\"{suite}\" name=\"{title}\"{place}");
    let inner = match &test.record.directive {
        Some(Directive::Todo(why)) => format!("<skipped message=\"TODO {}\"/>", escaped(why)),
        Some(Directive::Skip(why)) => format!("<skipped message=\"{}\"/>", escaped(why)),
        None if !test.record.passes => failure(test),
        None => return head + "/>\n",
    };
    format!("{head}>\n      {inner}\n    </testcase>\n")
}

fn failure(test: &TestOutcome) -> String {
    let mut lines = vec![format!("not ok {}", title(test))];
    if let Some(place) = place(test) {
        lines[0] = format!("{place}: {}", lines[0]);
    }
    lines.extend(evidence(test));
    let message = escaped(lines.get(1).unwrap_or(&lines[0]));
    format!("<failure message=\"{message}\">{}</failure>", escaped(&lines.join("\n")))
}

/// The file as a test.
fn whole(outcome: &FileOutcome, name: &str, is_broken: bool) -> String {
    let head = format!("    <testcase classname=\"{name}\" name=\"{name}\"");
    if !is_broken {
        return head + "/>\n";
    }
    let reason = escaped(outcome.reason().unwrap_or_default());
    let lines = escaped(&trouble(outcome).join("\n"));
    format!("{head}>\n      <error message=\"{reason}\">{lines}</error>\n    </testcase>\n")
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// Text for an element or an attribute. A character that XML 1.0 cannot hold is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\0'..=' ' if c != ' ' => escaped.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::samples::outcomes;
    use super::*;

    #[test]
    fn each_test_is_a_case_of_its_files_suite() {
        let xml = render(&outcomes());
        for part in [
            "<testsuites tests=\"6\" failures=\"1\" errors=\"1\" skipped=\"2\" time=\"0.105\">",
            "<testsuite name=\"db/test/b.sql\" tests=\"4\" failures=\"1\" errors=\"0\" \
             skipped=\"2\" time=\"0.035\">",
            "name=\"2 - a &lt;total&gt; # is right\" file=\"db/test/a.sql\" line=\"7\">\n",
            "<failure message=\"want: 3\">db/test/a.sql:7: not ok 2 - a &lt;total&gt; # is right&#10;\
             want: 3&#10;have: 1&#10;      two</failure>",
            "<skipped message=\"TODO write it\"/>",
            "<error message=\"cannot run it: \u{fffd}boom\">line 1&#10;  ^&#10;hint: mend it&#10;",
        ] {
            assert!(xml.contains(part), "{part}\n{xml}");
        }
    }
}
