//! `check --test`: the tests in a private cluster.

use super::{FAILS, PASSES, json, ran, write};
use crate::support::project::with_own_cache;
use crate::support::trace::nothing_left;

#[test]
fn each_file_has_a_copy_of_its_own() {
    let sandbox = with_own_cache(super::TABLE);
    sandbox.write("project/test-data.sql", "INSERT INTO work (n) VALUES (1);\n");
    let fills = "INSERT INTO work (n) VALUES (2);\n\
                 DO $$ BEGIN ASSERT (SELECT count(*) FROM work) = 2; END $$;\n";
    write(&sandbox, &[("a.sql", fills), ("b.sql", fills), ("test.sql", PASSES)]);
    let outcome = sandbox.database(["check", "--test", "--jobs", "2"]).success();
    assert_eq!(ran(&outcome), ["db/test/test.sql"], "the main file alone");
    assert!(outcome.stderr.contains("check passed, tests passed: 1 ok in 1 file"), "{outcome}");
    std::fs::remove_file(sandbox.path("project/db/test/test.sql")).unwrap();
    let outcome = sandbox.database(["check", "--test", "--jobs", "2"]).success();
    assert_eq!(ran(&outcome), ["db/test/a.sql", "db/test/b.sql"]);
    nothing_left(&sandbox);
}

#[test]
fn a_copy_has_the_settings_of_the_database() {
    let sandbox = with_own_cache("ALTER DATABASE app SET work_mem = '7MB';\n");
    let is_set = "DO $$ BEGIN ASSERT current_setting('work_mem') = '7MB'; END $$;\n";
    write(&sandbox, &[("a.sql", is_set)]);
    sandbox.database(["check", "--test"]).success();
}

#[test]
fn a_failed_test_fails_the_check() {
    let sandbox = with_own_cache("SELECT 1;\n");
    write(&sandbox, &[("a.sql", FAILS)]);
    let outcome = sandbox.database(["check", "--test"]).fails(1, ["tests failed: 1 of 1 file"]);
    assert!(!outcome.stderr.contains("check passed"), "{outcome}");
    assert!(!outcome.stdout.contains("--url"), "its database is gone: {outcome}");
    nothing_left(&sandbox);
    sandbox.database(["check"]).success();
    sandbox.database(["check", "--jobs", "2"]).fails(3, ["--test"]);
    std::fs::remove_dir_all(sandbox.path("project/db/test")).unwrap();
    sandbox.database(["check", "--test"]).fails(3, ["db/test/test.sql does not exist"]);
}

#[test]
fn the_tests_run_although_nothing_else_is_to_do() {
    let mut sandbox = with_own_cache(super::TABLE);
    sandbox.set("PG_CACHE", "on");
    write(&sandbox, &[("a.sql", "INSERT INTO work (n) VALUES (1);\n")]);
    sandbox.database(["check", "--test"]).success();
    let again = sandbox.database(["check", "--test"]).success();
    assert_eq!(ran(&again), ["db/test/a.sql"]);
    assert!(again.stderr.contains("hydrated earlier"), "{again}");
    write(&sandbox, &[("a.sql", FAILS)]);
    sandbox.database(["check", "--test"]).fails(1, ["tests failed"]);
}

#[test]
fn a_kept_cluster_has_the_database_of_the_failed_test() {
    let sandbox = with_own_cache(super::TABLE);
    write(&sandbox, &[("a.sql", &format!("INSERT INTO work (n) VALUES (5);\n{FAILS}"))]);
    let kept = sandbox.database(["check", "--test", "--keep", "--format", "json"]);
    let kept = kept.fails(1, ["kept running: ", "remove it: "]);
    let report = json(&kept);
    let url = report["files"][0]["database"].as_str().unwrap();
    let seen = sandbox.database(["--url", url, "psql", "-Atc", "SELECT n FROM work"]).success();
    assert_eq!(seen.stdout, "5\n");
    let removal = kept.stderr.lines().find_map(|line| line.strip_prefix("remove it:")).unwrap();
    sandbox.run("sh", ["-c", removal.trim()]).success();
}
