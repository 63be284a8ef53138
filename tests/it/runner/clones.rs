//! Each file has a database of its own.

use super::{PASSES, ran, with_tests};

#[test]
fn files_that_would_collide_pass_at_the_same_time() {
    let fills = "INSERT INTO work (n) VALUES (1);\n";
    let sandbox = with_tests(&[("a.sql", fills), ("b.sql", fills), ("c.sql", fills)]);
    let databases = "SELECT count(*) FROM pg_database WHERE datname LIKE 'app_clone_%'";
    sandbox.database(["test", "--jobs", "3"]).success();
    assert_eq!(sandbox.ask(databases), "0", "those of files that pass are dropped");
    assert_eq!(sandbox.ask("SELECT count(*) FROM work"), "0");
    let in_place = sandbox.database(["test", "--in-place"]).fails(1, ["2 of 3 files"]);
    assert!(in_place.stdout.contains("duplicate key"), "{in_place}");
    assert_eq!(ran(&in_place).len(), 3);
    assert_eq!(sandbox.ask("SELECT count(*) FROM work"), "1");
    sandbox.database(["test", "--in-place", "--jobs", "2"]).fails(2, ["cannot be used with"]);
    sandbox.database(["test", "--jobs", "0"]).fails(2, ["invalid value '0'"]);
}

#[test]
fn a_clone_is_hydrated_and_patched() {
    let is_there = "DO $$ BEGIN ASSERT (SELECT n FROM work) = 7; END $$;\n";
    let sandbox = with_tests(&[("a.sql", is_there)]);
    sandbox.write("project/test-data.sql", "INSERT INTO work (n) VALUES (7);\n");
    sandbox.database(["test"]).success();
    // a changed source leads to another template
    sandbox.write("project/test-data.sql", "INSERT INTO work (n) VALUES (8);\n");
    sandbox.database(["test"]).fails(1, ["1 of 1 file"]);
    sandbox.write(
        "project/db/src/entrypoint.sql",
        format!("{}\\if :{{?USE_MOCK}}\nINSERT INTO work (n) VALUES (7);\n\\endif\n", super::TABLE),
    );
    sandbox.write("project/test-data.sql", "");
    sandbox.database(["test"]).fails(1, []);
    sandbox.database(["test", "--mock"]).success();
}

#[test]
fn another_server_gets_no_clones() {
    let sandbox = with_tests(&[("a.sql", PASSES)]);
    let elsewhere = "postgresql://dev@localhost/app?host=/nowhere";
    let words = ["--in-place runs the tests in the database of the connection itself"];
    let outcome = sandbox.database(["--url", elsewhere, "test"]).fails(2, words);
    assert_eq!(outcome.stdout, "");
}
