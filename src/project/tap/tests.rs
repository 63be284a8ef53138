//! Verdicts on complete streams: the corpus that db-tool shares with `prove`, and output of psql.

use super::*;

const CORPUS: &str = include_str!("../../../tests/fixture/tap/corpus.txt");

fn verdict(lines: &str) -> Result<(), String> {
    let mut tap = Tap::default();
    lines.lines().for_each(|line| tap.read(line));
    tap.verdict()
}

#[test]
fn the_corpus_has_the_verdicts_of_prove() {
    let cases: Vec<_> = CORPUS.split("\n== ").skip(1).collect();
    assert!(cases.len() > 75, "{} cases", cases.len());
    for case in cases {
        let (title, lines) = case.split_once('\n').expect("a title");
        assert_eq!(verdict(lines).is_ok(), title.starts_with("pass: "), "{title}");
    }
}

#[test]
fn why_tests_fail_is_told() {
    for (lines, why) in [
        ("1..2\nok 1\nnot ok 2 - b", "1 of 2 not ok"),
        ("1..3\nok 1", "3 tests were planned, 1 ran"),
        ("1..2\nok 1\nok 1", "test 1 stands where test 2 is expected"),
        ("1..2 x\nok 1", "the plan 1..2 x is malformed"),
        ("Bail out! no table", "bailed out: no table"),
        ("ok 1", NO_PLAN),
    ] {
        assert_eq!(verdict(lines), Err(why.to_owned()));
    }
}

/// Output without tests, although some lines look like TAP.
#[test]
fn output_without_tap_is_no_stream() {
    for lines in [
        "",
        "no TAP at all",
        "DO\nokay\nnot okay",
        // SELECT 1 = 1 AS ok
        " ok \n----\n t\n(1 row)",
        "+----+\n| ok |\n+----+\n| t  |\n+----+",
        "┌────┐\n│ ok │\n├────┤\n│ t  │\n└────┘",
        "ok \n--\nt \n(1 row)",
        // SELECT id, state FROM job
        " id | state \n----+-------\n  1 | ok\n(1 row)",
        " 1 | ok",
        " state \n-------\n ok\n(1 row)",
        "-[ RECORD 1 ]\nstate | ok",
    ] {
        let mut tap = Tap::default();
        lines.lines().for_each(|line| tap.read(line));
        assert_eq!((tap.verdict(), tap.ran()), (Ok(()), 0), "{lines}");
    }
}

#[test]
fn tables_of_psql_are_read() {
    for (plan, test) in [
        (" 1..1", " not ok 1"),
        (" 1..1", " not ok"),
        (" 1..1    +", " not ok 1+"),
        ("| 1..1 |", "| not ok 1 |"),
        ("│ 1..1  ↵│", "│ not ok 1 │"),
        ("plan | 1..1", "ok | not ok 1"),
        (" 2 | 1..1", " 2 | not ok 1"),
    ] {
        let failed = Err("1 of 1 not ok".to_owned());
        assert_eq!(verdict(&format!("{plan}\n{test}")), failed, "{plan}");
        let test = test.replace("not ", "");
        assert_eq!(verdict(&format!("{plan}\n{test}")), Ok(()), "{plan}");
        assert_eq!(verdict(&test).is_ok(), !test.contains('1'), "no plan: {test}");
    }
    let heading = " ok \n----\n ok\n(1 row)";
    assert_eq!(verdict(&format!(" 1..1\n{heading}")), Ok(()));
}

#[test]
fn a_test_has_its_place_its_values_and_its_directive() {
    let mut tap = Tap::default();
    tap.begin_statement(0);
    tap.read("1..3");
    tap.begin_statement(1);
    // psql's table of pgTAP's multi-line value
    for line in [
        "            is            ",
        "--------------------------",
        " not ok 1 - a total        +",
        " # Failed test 1: \"a total\"+",
        " #         have: 1         +",
        " # two                     +",
        " #         want: 2",
        "(1 row)",
    ] {
        tap.read(line);
    }
    tap.begin_statement(2);
    for line in
        ["    ok 1 - x", "    not ok 2 - y", "    # Failed test 2: \"y\"", "not ok 2 - group"]
    {
        tap.read(line);
    }
    tap.begin_statement(3);
    tap.read("not ok 3 - later \\# 7 # TODO write it");
    assert_eq!(tap.verdict(), Err("2 of 3 not ok".to_owned()));
    let [first, second, third] = tap.tests() else { panic!("three tests") };
    assert_eq!((first.statement, first.description.as_str()), (Some(1), "a total"));
    assert_eq!(first.values(), Some(("2".to_owned(), "1\ntwo".to_owned())));
    assert_eq!(second.statement, Some(2));
    assert_eq!(second.diagnostics, ["not ok 2 - y", "Failed test 2: \"y\""]);
    assert_eq!(third.description, "later # 7");
    assert_eq!(third.directive, Some(Directive::Todo("write it".to_owned())));
    assert!(third.passes && !third.ok);
}
