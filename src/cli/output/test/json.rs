//! The report as one JSON object.

use serde_json::{Value, json};

use crate::project::tap::Directive;
use crate::project::test::outcome::{FileOutcome, TestOutcome};

/// The whole report.
pub(in crate::cli) fn render(outcomes: &[FileOutcome]) -> Value {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    let tests: usize = outcomes.iter().map(|outcome| outcome.tests.len()).sum();
    let failed_tests: usize = outcomes.iter().map(|outcome| outcome.failed_tests().count()).sum();
    json!({
        "ok": failed == 0,
        "files": outcomes.iter().map(file).collect::<Vec<_>>(),
        "summary": {
            "files": outcomes.len(),
            "failed_files": failed,
            "tests": tests,
            "failed_tests": failed_tests,
        },
    })
}

fn file(outcome: &FileOutcome) -> Value {
    let error = outcome.error().map(|error| {
        json!({ "message": error.message(), "details": error.details(), "hints": error.hints() })
    });
    json!({
        "file": outcome.file.name.to_string_lossy(),
        "ok": outcome.passed(),
        "reason": outcome.reason(),
        "error": error,
        "milliseconds": u64::try_from(outcome.elapsed.as_millis()).unwrap_or(u64::MAX),
        "database": outcome.kept.as_ref().map(|kept| &kept.url),
        "messages": outcome.messages,
        "tests": outcome.tests.iter().map(test).collect::<Vec<_>>(),
    })
}

fn test(test: &TestOutcome) -> Value {
    let record = &test.record;
    let (directive, why) = match &record.directive {
        Some(Directive::Todo(why)) => (Some("todo"), Some(why)),
        Some(Directive::Skip(why)) => (Some("skip"), Some(why)),
        None => (None, None),
    };
    let (want, have) = record.values().unzip();
    json!({
        "number": record.number,
        "description": record.description,
        "ok": record.ok,
        "passes": record.passes,
        "directive": directive,
        "directive_reason": why,
        "file": test.place.as_ref().map(|(file, _)| file.to_string_lossy()),
        "line": test.place.as_ref().map(|(_, line)| line),
        "want": want,
        "have": have,
        "diagnostics": record.diagnostics,
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::outcomes;
    use super::*;

    #[test]
    fn the_report_has_files_and_tests() {
        let report = render(&outcomes());
        let summary = json!({ "files": 3, "failed_files": 2, "tests": 5, "failed_tests": 1 });
        assert_eq!((&report["ok"], &report["summary"]), (&json!(false), &summary));
        let test = &report["files"][1]["tests"][1];
        for (key, value) in [("want", "3"), ("have", "1\ntwo"), ("number", "2")] {
            assert_eq!(test[key], value);
        }
        assert_eq!((&test["line"], &test["passes"]), (&json!(7), &json!(false)));
        assert_eq!(report["files"][2]["error"]["hints"], json!(["mend it"]));
    }
}
