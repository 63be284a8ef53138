//! Tests that fail, and what the report says about them.

use super::{FAILS, PASSES, json, with_tests, write};
use crate::support::{assert_golden, wait_until};

#[test]
fn a_failure_has_its_place_and_both_values() {
    let tap = "SELECT 'not ok 2 - total' || E'\\n# Failed test 2: \"total\"\\n#         have: 1\\n\
               #         want: 2' AS is;\n";
    let sandbox = with_tests(&[
        ("a.sql", &format!("\\echo 1..2\n\\echo ok 1 - first\n\n{tap}")),
        ("b.sql", "SELECT 1;\nSELECT *\nFROM nowhere;\n"),
        ("c.sql", "\\ir part/c.sql\n"),
        ("part/c.sql", "\\echo 1..1\n\nSELECT 'not ok 1 - included';\n"),
    ]);
    let outcome = sandbox.database(["test"]).fails(1, ["tests failed: 3 of 3 files"]);
    // the name of a clone is random
    let block = outcome.block(&sandbox);
    let lines = block.lines().filter(|line| !line.contains("its database stays"));
    let block: String = lines.map(|line| format!("{line}\n")).collect();
    assert_golden("runner-failures.txt", &block);
}

#[test]
fn a_database_of_a_failed_test_stays_for_people() {
    let sandbox = with_tests(&[
        ("a.sql", &format!("INSERT INTO work (n) VALUES (7);\n{FAILS}")),
        ("b.sql", PASSES),
    ]);
    let outcome = sandbox.database(["test", "--format", "json"]).fails(1, []);
    let report = json(&outcome);
    assert!(report["files"][1]["database"].is_null(), "{report}");
    let url = report["files"][0]["database"].as_str().unwrap();
    let seen = sandbox.database(["--url", url, "psql", "-Atc", "SELECT n FROM work"]).success();
    assert_eq!(seen.stdout, "7\n");
    assert_eq!(sandbox.ask("SELECT count(*) FROM work"), "0");
    let text = sandbox.database(["test"]).fails(1, []).stdout;
    assert!(text.contains("its database stays for an hour: database --url"), "{text}");
}

#[test]
fn a_test_that_hangs_is_ended_with_its_session() {
    let sandbox = with_tests(&[
        ("a.sql", "SELECT 1;\nSELECT pg_sleep(3600);\n"),
        ("b.sql", "\\! sleep 3600 & sleep 3600\n"),
        ("c.sql", PASSES),
    ]);
    let outcome = sandbox.database(["test", "--timeout", "1s"]).fails(1, ["2 of 3 files"]);
    for words in ["a.sql: the test took longer than 1 s", "db/test/a.sql:2", "give --timeout more"]
    {
        assert!(outcome.stdout.contains(words), "{outcome}");
    }
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%3600%' AND state = 'active' \
                    AND pid <> pg_backend_pid()";
    assert_eq!(sandbox.ask(sleeping), "0");
    sandbox.database(["test", "--timeout", "soon"]).fails(2, ["--timeout", "not a duration"]);
}

#[test]
fn a_test_that_breaks_the_rules_fails() {
    for (text, words) in [
        ("\\echo ok 1 - a\n", "no plan says how many tests there are"),
        ("\\echo 1..2\n\\echo ok 1 - a\n", "2 tests were planned, 1 ran"),
        ("SELECT pg_terminate_backend(pg_backend_pid());\n", "terminating connection"),
        ("BEGIN;\nSELECT 1;\n", "a transaction is still open at the end"),
        ("\\ir gone.sql\n", "gone.sql: No such file or directory"),
        ("SELECT 'never closed;\n", "a.sql"),
        ("\\echo 'Bail out! no rows'\n", "bailed out: no rows"),
    ] {
        let sandbox = with_tests(&[("a.sql", text), ("b.sql", PASSES)]);
        let outcome = sandbox.database(["test"]).fails(1, ["1 of 2 files"]);
        assert!(outcome.stdout.contains(words), "{words}: {outcome}");
        assert!(outcome.stdout.contains("ok      db/test/b.sql"), "{outcome}");
    }
}

#[test]
fn a_file_that_cannot_be_read_fails() {
    let sandbox = with_tests(&[("a.sql", PASSES)]);
    let directory = sandbox.path("project/db/test");
    std::os::unix::fs::symlink("gone.sql", directory.join("link.sql")).unwrap();
    nix::unistd::mkfifo(&directory.join("pipe.sql"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::write(directory.join("latin.sql"), b"SELECT '\xe9';\n\\echo 1..0\n").unwrap();
    let outcome = sandbox.database(["test"]).fails(1, ["3 of 4 files"]);
    for words in
        ["link.sql: No such file", "pipe.sql is not a regular file", "invalid byte sequence"]
    {
        assert!(outcome.stdout.contains(words), "{outcome}");
    }
}

#[test]
fn both_outputs_of_a_test_may_be_large() {
    let lines = "\\echo # out\n\\warn err\n".repeat(3000);
    let sandbox = with_tests(&[
        ("a.sql", &format!("{lines}{PASSES}")),
        ("b.sql", &format!("{lines}{FAILS}")),
    ]);
    let outcome = sandbox.database(["test"]).fails(1, ["1 of 2 files"]);
    assert!(!outcome.stderr.contains("err\n"), "a test's messages are part of the report");
    assert!(outcome.stdout.contains("  err\n"), "{outcome}");
}

#[test]
fn a_file_may_change_while_it_runs() {
    let sandbox = with_tests(&[]);
    let (begun, go) = (sandbox.path("begun"), sandbox.path("go"));
    let wait = format!(
        "\\! touch {}; until test -e {}; do sleep 0.01; done\n{}",
        begun.display(),
        go.display(),
        "SELECT 1;\n".repeat(20_000),
    );
    write(&sandbox, &[("a.sql", &format!("\\echo 1..1\n{wait}\\echo ok 1 - whole\n"))]);
    let child = sandbox.spawn("database", ["test", "--all"]);
    wait_until("the test has begun", || begun.exists());
    write(&sandbox, &[("a.sql", "this is no SQL\n")]);
    std::fs::write(&go, "").unwrap();
    crate::support::finish(child, None).success();
}

#[test]
fn a_signal_ends_the_tests_and_drops_their_databases() {
    let sandbox = with_tests(&[]);
    let begun = sandbox.path("begun");
    let slow = format!("\\! touch {}\nSELECT pg_sleep(3600);\n", begun.display());
    write(&sandbox, &[("a.sql", &slow), ("b.sql", PASSES)]);
    let databases = "SELECT count(*) FROM pg_database WHERE NOT datistemplate";
    let before = sandbox.ask(databases);
    let child = sandbox.spawn("database", ["test", "--jobs", "2"]);
    wait_until("the test has begun", || begun.exists());
    crate::support::wait::signal("INT", child.id());
    let outcome = crate::support::finish(child, None);
    assert_eq!(outcome.signal, Some(2), "{outcome}");
    assert_eq!(sandbox.ask(databases), before);
}
