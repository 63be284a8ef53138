//! `database test`: runs `test/test.sql` and judges its TAP.

use crate::support::{Outcome, Sandbox, assert_golden, project, repository};

fn tested(sql: &str) -> (Sandbox, Outcome) {
    let sandbox = project::deployed("");
    sandbox.write("project/db/test/test.sql", sql);
    let outcome = sandbox.database(["test"]);
    (sandbox, outcome)
}

#[test]
fn results_are_counted_and_passed_on() {
    let (_, outcome) = tested("\\echo 1..2\n\\echo ok 1 - a\n\\echo ok 2 - b # SKIP later\n");
    let outcome = outcome.success();
    assert_eq!(outcome.stdout, "1..2\nok 1 - a\nok 2 - b # SKIP later\n");
    assert_eq!(outcome.stderr, "tests passed: 2 ok\n");
}

#[test]
fn output_of_pgtap_through_psql_is_understood() {
    let sql = "SELECT * FROM (VALUES ('1..2'), ('ok 1 - a'), ('not ok 2 - b')) AS tap (line);\n";
    let (_, outcome) = tested(sql);
    outcome.fails(1, ["tests failed: 1 of 2 not ok", "not ok 2 - b"]);
}

#[test]
fn a_not_ok_fails() {
    let (sandbox, outcome) = tested(
        "\\echo 1..3\n\\echo ok 1 - a\n\\echo not ok 2 - b\n\\echo '# got 1, expected 2'\n\\echo ok 3 - c\n",
    );
    assert_golden("test-not-ok.txt", &outcome.fails(1, []).block(&sandbox));
}

#[test]
fn an_expected_failure_does_not() {
    let (_, outcome) = tested("\\echo 1..1\n\\echo 'not ok 1 - soon # TODO write it'\n");
    outcome.success();
}

#[test]
fn a_plan_that_is_not_met_fails() {
    let (_, outcome) = tested("\\echo 1..3\n\\echo ok 1 - a\n");
    outcome.fails(1, ["3 tests were planned, 1 ran"]);
}

#[test]
fn bailing_out_fails() {
    let (_, outcome) = tested("\\echo 1..1\n\\echo ok 1\n\\echo 'Bail out! no fixtures'\n");
    outcome.fails(1, ["bailed out: no fixtures"]);
}

#[test]
fn a_failing_statement_fails_and_is_shown() {
    let (_, outcome) = tested("\\echo ok 1 - a\nSELECT *\nFROM nowhere;\n");
    let outcome = outcome.fails(1, ["42P01", "db/test/test.sql:3:6", "     ^"]);
    assert_eq!(outcome.stdout, "ok 1 - a\n");
}

#[test]
fn a_file_without_tap_is_judged_by_its_statements() {
    let (_, outcome) = tested("DO $$ BEGIN ASSERT 1 = 1; END $$;\n");
    assert!(outcome.stderr.ends_with("tests passed\n"), "{outcome}");
    outcome.success();
    // tables of plain SQL, in which `ok` is a name or a value
    let sql = "SELECT 1 = 1 AS ok;\nSELECT 1 AS id, 'ok' AS state;\nSELECT 'ok' AS state;\n\
               \\x\nSELECT 'ok' AS ok;\n\\x\n\\pset border 2\nSELECT true AS ok;\n";
    let (_, outcome) = tested(sql);
    assert!(outcome.stderr.ends_with("tests passed\n"), "{outcome}");
    outcome.success();
}

#[test]
fn tests_without_a_plan_fail() {
    for sql in ["\\echo ok 1 - a\n", "SELECT 'ok 1 - a' AS ok;\n", "\\t\nSELECT 'ok - a';\n"] {
        tested(sql).1.fails(1, ["no plan says how many tests there are", "finish()"]);
    }
    // the plan comes last, as with pgTAP's no_plan() and finish()
    tested("SELECT 'ok 1 - a' AS ok;\nSELECT '1..1' AS finish;\n").1.success();
}

#[test]
fn a_missing_file_is_named() {
    let sandbox = project::deployed("");
    let path = sandbox.path("project/db/test/test.sql").display().to_string();
    sandbox.database(["test"]).fails(3, [path.as_str(), "does not exist"]);
}

#[test]
fn inherits_is_checked_first() {
    let (sandbox, _) = tested("\\echo ok 1\n");
    let outcome = sandbox.database(["test", "-i", "absent"]).fails(5, ["absent"]);
    assert_eq!(outcome.stdout, "");
}

#[test]
fn verdicts_are_those_of_prove() {
    let sandbox = project::deployed("");
    let corpus =
        std::fs::read_to_string(repository().join("tests/fixture/tap/corpus.txt")).unwrap();
    for case in corpus.split("\n== ").skip(1) {
        let (title, lines) = case.split_once('\n').unwrap();
        let expected = title.starts_with("pass: ");
        let tap = sandbox.write("case.tap", lines).display().to_string();
        let proved = sandbox.run("prove", ["--exec", "cat", &tap]);
        assert_eq!(proved.code == Some(0), expected, "{title}: {proved}");
        let sql =
            format!("\\pset format unaligned\n\\pset tuples_only on\nSELECT $tap${lines}$tap$;\n");
        sandbox.write("project/db/test/test.sql", &sql);
        let tested = sandbox.database(["test"]);
        assert_eq!(tested.code == Some(0), expected, "{title}: {tested}");
    }
}
