//! The file: the same rows make the same bytes, and an incomplete file never exists.

use super::support::PullProject;
use crate::support::{finish, wait, wait_until};

#[test]
fn the_same_rows_are_the_same_bytes() {
    let pull = PullProject::new();
    pull.pull([]).success();
    let first = pull.patch();
    assert!(first.contains("SET LOCAL hectic.migration_mode = 'on';"));
    pull.pull([]).success();
    assert_eq!(pull.patch(), first);
    let told = pull.pull(["--jobs", "3"]).success();
    assert_eq!(pull.patch(), first, "however many read");
    assert!(told.stderr.contains("shop.customer") && told.stdout.is_empty(), "{told}");
    let place =
        |table: &str| first.find(&format!("\n-- {table}\n")).unwrap_or_else(|| panic!("{table}"));
    assert!(place("shop.customer") < place("shop.\"Order Line\""), "in the order of foreign keys");
    assert!(!first.contains("measure_1"), "partitions are part of their table");
}

#[test]
fn a_pull_that_fails_leaves_the_old_file() {
    let pull = PullProject::new();
    pull.pull([]).success();
    let (old, names) = (pull.patch(), pull.entries("project"));
    for jobs in ["1", "3"] {
        let wrong = ["--jobs", jobs, "--where", "shop.kind=1/(length(code)-1) > 0"];
        pull.pull(wrong).fails(1, ["shop.kind", "division by zero"]);
        assert_eq!(pull.patch(), old);
        pull.pull(wrong).fails(1, ["use --resume to continue"]);
        // the pull keeps the tables that it has read; a later pull without `--resume` throws them
        // away
        pull.pull([]).success();
        assert_eq!((pull.patch(), pull.entries("project")), (old.clone(), names.clone()));
    }
}

#[test]
fn an_interrupted_pull_goes_on() {
    let pull = PullProject::new();
    pull.pull([]).success();
    let (whole, names) = (pull.patch(), pull.entries("project"));
    let wrong = ["--where", "shop.log=1/(length(line)-1) > 0"];
    let failed =
        pull.pull(wrong).fails(1, ["shop.log", "use --resume to continue", "are already read"]);
    let kept = pull.entries("project/.test-data.sql.pull");
    assert_eq!(pull.read("project/.test-data.sql.pull/.gitignore"), "*\n");
    // the pull can notice changes only in the tables that it had not read
    pull.on_staging("UPDATE shop.customer SET name = 'Dan' WHERE id = 2; INSERT INTO shop.log (line) VALUES ('later')");
    let resumed = pull.pull(["--resume"]).success();
    assert!(resumed.stderr.contains("shop.customer: read before the interruption"), "{resumed}");
    assert!(!resumed.stderr.contains("shop.log: read before"), "{resumed}");
    let patch = pull.patch();
    assert!(patch.contains("later") && !patch.contains("Dan") && patch != whole, "{patch}");
    assert_eq!(pull.entries("project"), names, "{failed} {kept:?}");
    pull.pull(["--resume"]).success();
    assert!(pull.patch().contains("Dan"), "nothing is left to go on with");
}

#[test]
fn two_pulls_do_not_write_one_file() {
    let pull = PullProject::new();
    let slow = "shop.log=pg_catalog.pg_sleep(3600) IS NOT NULL";
    let running = pull.spawn("database", ["pull_staging", "--where", slow]);
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    wait_until("the pull reads", || pull.ask(sleeping) == "1");
    pull.pull([]).fails(2, ["another pull", "test-data.sql"]);
    wait::signal("TERM", running.id());
    assert_eq!(finish(running, None).signal, Some(15));
}

#[test]
fn a_file_that_was_changed_is_not_loaded() {
    let pull = PullProject::new();
    pull.pull([]).success();
    let changed = pull.patch().replace("Bob", "Bub");
    pull.write("project/test-data.sql", changed);
    pull.database(["patch"]).fails(1, ["checksum", "test-data.sql.sha256"]);
    assert_eq!(pull.ask("SELECT count(*) FROM shop.customer"), "0");
    std::fs::remove_file(pull.path("project/test-data.sql.sha256")).unwrap();
    pull.database(["patch"]).success();
}

#[test]
fn conditions_and_limits_choose_rows() {
    let pull = PullProject::new();
    pull.pull(["--where", "shop.log=line = 'x'", "--limit", "shop.kind=1"]).success();
    pull.database(["patch"]).success();
    assert_eq!(pull.ask("SELECT count(*) FROM shop.log"), "2");
    assert_eq!(pull.ask("SELECT string_agg(code, '') FROM shop.kind"), "a");
}

#[test]
fn large_objects_are_refused() {
    let pull = PullProject::new();
    pull.on_staging("CREATE TABLE shop.scan (id int PRIMARY KEY, o oid) INHERITS (hectic.created_at); INSERT INTO shop.scan (id, o) VALUES (1, lo_from_bytea(0, 'x'))");
    pull.pull([]).fails(2, ["shop.scan", "large object"]);
}

#[test]
fn what_is_in_the_file_is_told_beside_it_and_once_it_is_loaded() {
    let mut pull = PullProject::new();
    pull.pull([]).success();
    let beside = pull.read("project/test-data.sql.sha256");
    let checked =
        pull.run("sh", ["-c", "cd \"$LOCAL_DIR\" && sha256sum --strict -c test-data.sql.sha256"]);
    checked.success();
    let of = |table: &str, beside: &str| {
        let line =
            beside.lines().find(|line| line.ends_with(table)).expect("a line of the receipt");
        line.to_owned()
    };
    let log = of(" 3 replace shop.log", &beside);
    let told = pull.database(["patch"]).success();
    let line = told.stderr.lines().find(|line| line.starts_with("shop.log")).expect("a line");
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["shop.log", "3", "equal"]);
    pull.on_staging("CREATE TEMP TABLE again AS SELECT * FROM shop.log ORDER BY line NULLS FIRST; DELETE FROM shop.log; INSERT INTO shop.log SELECT * FROM again");
    pull.set("STAGING_DUMP_FLAGS", "--on-conflict-do-nothing");
    pull.pull([]).success();
    let beside = pull.read("project/test-data.sql.sha256");
    assert_eq!(of("shop.log", &beside), log.replace("replace", "beside"), "in any order");
    let told = pull.database(["patch"]).success();
    assert!(told.stderr.contains("beside what was here"), "{told}");
    pull.on_staging("UPDATE shop.log SET line = 'y' WHERE line = 'x'");
    pull.pull([]).success();
    assert_ne!(
        of("shop.log", &pull.read("project/test-data.sql.sha256")),
        log.replace("replace", "beside")
    );
    pull.write("project/test-data.sql", "SELECT 1;\n");
    std::fs::remove_file(pull.path("project/test-data.sql.sha256")).unwrap();
    let told = pull.database(["patch"]).success();
    assert!(!told.stderr.contains("verdict"), "any other patch has no such rows: {told}");
}
