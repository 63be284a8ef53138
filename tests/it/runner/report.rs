//! The formats of the report.

use super::{FAILS, PASSES, json, with_tests};
use crate::support::{Outcome, Sandbox};

/// Reads `JUnit` XML with a real parser: the attributes of the root, and each case with its outcome.
const READ: &str = "\
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
print(root.tag, *[root.get(name) for name in ('tests', 'failures', 'errors', 'skipped')])
for suite in root:
    for case in suite.findall('testcase'):
        print(suite.get('name'), case.get('name'), case.get('line'), *[e.tag for e in case], sep='|')
";

fn mixed() -> Sandbox {
    with_tests(&[
        (
            "a.sql",
            "\\echo 1..3\n\\echo ok 1 - one <&> \"two\"\n\\echo not ok 2 - soon '# TODO' write it\nSELECT 'ok 3 # SKIP no locale';\n",
        ),
        ("b.sql", FAILS),
        ("c.sql", "SELECT E'\\x01' || nowhere;\n"),
        ("d.sql", "SELECT 1;\n"),
    ])
}

#[test]
fn tap_is_one_stream_that_prove_reads() {
    let sandbox = mixed();
    let outcome = sandbox.database(["test", "--format", "tap"]).fails(1, ["2 of 4 files"]);
    let lines: Vec<&str> =
        outcome.stdout.lines().filter(|line| !line.starts_with([' ', '#'])).collect();
    let expected = [
        "1..4",
        "ok 1 - db/test/a.sql",
        "not ok 2 - db/test/b.sql",
        "not ok 3 - db/test/c.sql",
        "ok 4 - db/test/d.sql",
    ];
    assert_eq!(lines, expected);
    assert!(outcome.stdout.contains("    not ok 2 - soon # TODO write it\n"), "{outcome}");
    let prove = |stdout: &str| {
        let file = sandbox.write("report.tap", stdout).display().to_string();
        sandbox.run("prove", ["--exec", "cat", &file])
    };
    prove(&outcome.stdout).fails(1, []);
    let passed = sandbox.database(["test", "a.sql", "d.sql", "--format", "tap"]).success();
    prove(&passed.stdout).success();
}

#[test]
fn json_has_all_files_and_tests() {
    let outcome = mixed().database(["test", "--format", "json"]).fails(1, []);
    let report = json(&outcome);
    let keys = |value: &serde_json::Value| {
        value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys(&report), "files ok summary");
    let file = &report["files"][0];
    assert_eq!(keys(file), "database error file messages milliseconds ok reason tests");
    let test =
        "description diagnostics directive directive_reason file have line number ok passes want";
    assert_eq!(keys(&file["tests"][2]), test);
    assert_eq!(
        (&file["tests"][2]["directive"], &file["tests"][2]["line"]),
        (&"skip".into(), &4.into())
    );
    let summary = serde_json::json!({"files": 4, "failed_files": 2, "tests": 4, "failed_tests": 1});
    assert_eq!(report["summary"], summary);
    assert!(report["files"][2]["error"]["details"][0].as_str().unwrap().contains("nowhere"));
}

#[test]
fn junit_is_xml_that_a_parser_reads() {
    let sandbox = mixed();
    let read = |sandbox: &Sandbox| -> Outcome {
        let file = sandbox.path("junit.xml").display().to_string();
        sandbox.run("python3", ["-c", READ, &file]).success()
    };
    sandbox.write("junit.xml", "old");
    sandbox.database(["test", "--junit", "junit.xml"]).fails(1, ["2 of 4 files"]);
    let expected = "\
testsuites 6 1 1 2
db/test/a.sql|1 - one <&> \"two\"|None
db/test/a.sql|2 - soon|None|skipped
db/test/a.sql|3|4|skipped
db/test/b.sql|1 - bad|None|failure
db/test/c.sql|db/test/c.sql|None|error
db/test/d.sql|db/test/d.sql|None
";
    assert_eq!(read(&sandbox).stdout, expected);
    let words = ["no/junit.xml", "directory does not exist"];
    let outcome = sandbox.database(["test", "--junit", "no/junit.xml"]).fails(3, words);
    assert_eq!(outcome.stdout, "", "no test has run");
    let full = sandbox.database(["test", "d.sql", "--junit", "/dev/full"]);
    full.fails(1, ["No space left on device", "free some space"]);
}

#[test]
fn the_report_is_all_of_standard_output() {
    let sandbox = with_tests(&[("a.sql", &format!("\\warn look\n{PASSES}"))]);
    let outcome = sandbox.database(["test"]).success();
    assert_eq!(outcome.stdout, "ok      db/test/a.sql (1 test)\n");
    assert_eq!(outcome.stderr, "tests passed: 1 ok in 1 file\n");
    let timed = sandbox.database(["test", "--timer"]).success().stdout;
    assert!(
        timed.starts_with("ok      db/test/a.sql (1 test, ") && timed.ends_with(" ms)\n"),
        "{timed}"
    );
    assert_eq!(sandbox.database(["test", "--all", "-q"]).success().stderr, "");
    sandbox.database(["test", "--format", "xml"]).fails(2, ["invalid value 'xml'"]);
}
