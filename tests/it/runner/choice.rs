//! Which files run, and in which order.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::{FAILS, PASSES, json, ran, with_tests, write};
use crate::support::Sandbox;

fn three() -> Sandbox {
    with_tests(&[("a.sql", PASSES), ("in/b.sql", PASSES), ("in/c.sql", PASSES), ("note.txt", "x")])
}

#[test]
fn all_files_run_and_filters_choose() {
    let sandbox = three();
    let all = sandbox.database(["test"]).success();
    assert_eq!(ran(&all), ["db/test/a.sql", "db/test/in/b.sql", "db/test/in/c.sql"]);
    assert_eq!(all.stderr, "tests passed: 3 ok in 3 files\n");
    let some = sandbox.database(["test", "in/", "a.sql"]).success();
    assert_eq!(ran(&some).len(), 3);
    assert_eq!(ran(&sandbox.database(["test", "in/c"]).success()), ["db/test/in/c.sql"]);
    let words = ["\"gone\"", "the tests are db/test/a.sql, db/test/in/b.sql"];
    let outcome = sandbox.database(["test", "a.sql", "gone"]).fails(3, words);
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_main_file_runs_alone_in_the_database_itself() {
    let sandbox = with_tests(&[
        ("test.sql", "INSERT INTO work (n) VALUES (1);\n\\echo 1..1\n\\echo ok 1 - main\n"),
        ("other.sql", FAILS),
    ]);
    let outcome = sandbox.database(["test"]).success();
    assert_eq!(
        (&*outcome.stdout, &*outcome.stderr),
        ("INSERT 0 1\n1..1\nok 1 - main\n", "tests passed: 1 ok\n")
    );
    assert_eq!(sandbox.ask("SELECT count(*) FROM work"), "1");
    let report = sandbox.database(["test", "--format", "json"]).fails(1, ["1 of 1 file"]);
    assert_eq!(json(&report)["files"][0]["file"], "db/test/test.sql");
    sandbox.ask("TRUNCATE work");
    let all = sandbox.database(["test", "--all"]).fails(1, ["tests failed: 1 of 2 files"]);
    assert_eq!(ran(&all), ["db/test/other.sql", "db/test/test.sql"]);
    assert_eq!(ran(&sandbox.database(["test", "other"]).fails(1, [])), ["db/test/other.sql"]);
}

#[test]
fn an_included_file_does_not_run_by_itself() {
    let sandbox = with_tests(&[
        ("a.sql", "\\ir in/part.sql\n"),
        ("in/part.sql", PASSES),
        ("b.sql", "\\i db/test/in/other.sql\n"),
        ("in/other.sql", PASSES),
    ]);
    let all = sandbox.database(["test", "--all"]).success();
    assert_eq!(ran(&all), ["db/test/a.sql", "db/test/b.sql"]);
    let words = ["db/test/a.sql includes db/test/in/part.sql", "run db/test/a.sql"];
    sandbox.database(["test", "part"]).fails(3, words);
}

#[test]
fn a_seed_decides_the_order() {
    let sandbox = three();
    let orders: BTreeSet<Vec<String>> = (1..=6)
        .map(|seed: u32| {
            let run = || sandbox.database(["test", "--shuffle", &seed.to_string()]).success();
            let (first, second) = (run(), run());
            assert_eq!(ran(&first), ran(&second));
            ran(&first).into_iter().map(str::to_owned).collect()
        })
        .collect();
    assert!(orders.len() > 2, "{orders:?}");
    sandbox.database(["test", "--shuffle", "x"]).fails(2, ["invalid value 'x'"]);
}

#[test]
fn shards_have_each_file_once() {
    let sandbox = three();
    let mut all = Vec::new();
    for shard in ["1/2", "2/2"] {
        let part = sandbox.database(["test", "--shard", shard, "--shuffle", "3"]).success();
        all.extend(ran(&part).into_iter().map(str::to_owned));
    }
    all.sort();
    assert_eq!(all, ["db/test/a.sql", "db/test/in/b.sql", "db/test/in/c.sql"]);
    let empty = sandbox.database(["test", "--shard", "4/4"]).success();
    assert!(empty.stderr.contains("no test to run"), "{empty}");
    sandbox.database(["test", "--shard", "3/2"]).fails(2, ["write I/N"]);
}

#[test]
fn those_that_failed_run_again() {
    let sandbox = with_tests(&[("a.sql", PASSES), ("b.sql", FAILS), ("c.sql", FAILS)]);
    sandbox.database(["test", "--failed"]).fails(3, ["no earlier run", "without --failed"]);
    let before = sandbox.entries("project");
    sandbox.database(["test"]).fails(1, ["2 of 3 files", "database test --failed"]);
    write(&sandbox, &[("b.sql", PASSES)]);
    let again = sandbox.database(["test", "--failed"]).fails(1, ["1 of 2 files"]);
    assert_eq!(ran(&again), ["db/test/b.sql", "db/test/c.sql"]);
    // a run of other files changes nothing about this one
    sandbox.database(["test", "a.sql"]).success();
    assert_eq!(ran(&sandbox.database(["test", "--failed"]).fails(1, [])), ["db/test/c.sql"]);
    write(&sandbox, &[("c.sql", PASSES)]);
    sandbox.database(["test", "--failed"]).success();
    let none = sandbox.database(["test", "--failed"]).success();
    assert!(none.stderr.contains("none has failed"), "{none}");
    assert_eq!(sandbox.entries("project"), before, "nothing is written into the project");
}

#[test]
fn a_project_without_tests_has_the_error_of_a_missing_file() {
    let sandbox = with_tests(&[("note.txt", "x"), (".hidden.sql", FAILS)]);
    sandbox.database(["test"]).fails(3, ["db/test/test.sql does not exist"]);
    sandbox.database(["test", "--all"]).fails(3, ["db/test/test.sql does not exist"]);
}

#[test]
fn a_name_need_not_be_text() {
    let sandbox = with_tests(&[("a.sql", PASSES)]);
    let name = OsStr::from_bytes(b"b\xff '\".sql");
    std::fs::write(sandbox.path("project/db/test").join(name), FAILS).unwrap();
    let outcome = sandbox.database(["test", "--format", "json"]).fails(1, []);
    assert_eq!(json(&outcome)["files"][1]["file"], "db/test/b\u{fffd} '\".sql");
    let again = sandbox.run("database", [OsStr::new("test"), OsStr::new("--failed"), name]);
    again.fails(1, ["1 of 1 file"]);
}
