//! The commands that only read, `init`, and the options of all commands.

use crate::support::migrator::{MigratorProject, name};
use crate::support::psql;

#[test]
fn init_is_idempotent_and_its_dry_run_needs_no_database() {
    let mut project = MigratorProject::new();
    let script = project.migrator(["init", "--dry-run"]).success().stdout;
    assert_eq!(project.ask("SELECT to_regnamespace('hectic') IS NULL"), "t");
    for verb in ["init", "initialize", "init"] {
        project.migrator([verb]).success();
    }
    let version = project.ask("SELECT to_regclass('hectic.migration_event') IS NOT NULL");
    assert_eq!(version, "t");
    project.unset("DB_URL");
    assert_eq!(project.migrator(["--dry-run", "initialize"]).success().stdout, script);
    // the output is the SQL itself: psql can run it
    let file = project.write("init.sql", &script).display().to_string();
    project.ask_in("postgres", "CREATE DATABASE other");
    let url = project.url("other");
    project.run(&psql(), ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &url, "-f", &file]).success();
    let there = project.query(&url, "SELECT to_regclass('hectic.migration') IS NOT NULL");
    assert_eq!(there, "t");
}

#[test]
fn the_first_migration_applies_the_bundle() {
    let project = MigratorProject::with_tables(1);
    project.up_all();
    assert_eq!(project.states(), "1 Migrated");
    assert_eq!(project.ask("SELECT to_regclass('hectic.secret') IS NOT NULL"), "t");
}

#[test]
fn looking_writes_nothing() {
    let project = MigratorProject::with_tables(2);
    for words in [&["list"][..], &["info"], &["history"], &["validate"], &["fetch", "--dry-run"]] {
        project.run("migrator", words).success();
    }
    assert_eq!(project.ask("SELECT to_regnamespace('hectic') IS NULL"), "t");
    project.up_all();
    let before = project.everything();
    let id = "SELECT pg_current_xact_id()";
    let first: u64 = project.ask(id).parse().unwrap();
    for words in [["list"], ["info"], ["history"], ["validate"]] {
        project.run("migrator", words).success();
    }
    // the next transaction id shows that no transaction has written meanwhile
    assert_eq!(project.ask(id).parse::<u64>().unwrap(), first + 1);
    assert_eq!(project.everything(), before);
}

#[test]
fn a_role_that_may_only_read_can_look() {
    let mut project = MigratorProject::applied(1);
    project.ask(
        "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA hectic TO reader; \
         GRANT SELECT ON hectic.migration_state, hectic.migration_event TO reader",
    );
    let socket = project.path("pg").display().to_string();
    project.set("DB_URL", format!("host={socket} user=reader dbname=app"));
    for verb in ["info", "history", "validate"] {
        project.migrator([verb]).success();
    }
    project.up_all();
    project.write_table(2);
    project.up_fails(1, ["role reader may not write the history", "hint:"]);
}

#[test]
fn info_shows_every_state() {
    let project = MigratorProject::applied(4);
    project.migrator(["migrate", "down"]).success();
    std::fs::remove_dir_all(project.path(&format!("migration/{}", name(4)))).unwrap();
    project.write_up(3, "SELECT 1;");
    std::fs::remove_dir_all(project.path(&format!("migration/{}", name(3)))).unwrap();
    project.write_up(5, "SELECT nonsense;");
    project.write_up(6, "SELECT 1;");
    let info = project.migrator(["info"]).success().stdout;
    let line = |text: &str| info.lines().find(|line| line.contains(text)).unwrap().to_owned();
    let head = line("Version");
    for word in ["Name", "State", "Previous", "Started", "Completed", "Duration", "By", "Error"] {
        assert!(head.contains(word), "{word}: {info}");
    }
    assert!(line("t1").contains("Migrated"), "{info}");
    assert!(line("t2").contains("20250101000001"), "the predecessor: {info}");
    assert!(line("t3").contains("Migrated (no file)"), "{info}");
    assert!(line("t4").contains("Undone (no file)"), "{info}");
    assert!(line("t6").contains("Pending"), "{info}");
}

#[test]
fn info_tells_why_a_migration_failed() {
    let project = MigratorProject::with_tables(1);
    project.write_up(2, "SELECT 1;\nSELECT nonsense;");
    project.up_fails(4, ["nonsense", &name(2)]);
    let info = project.migrator(["info", "--json"]).success().stdout;
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info[0]["state"], "Migrated");
    assert_eq!(info[1]["state"], "Error");
    assert!(info[1]["error"].as_str().unwrap().contains("nonsense"), "{info}");
    assert!(info[1]["by"].as_str().unwrap().contains('@'), "{info}");
    assert!(info[1]["completed"].is_string() && info[1]["started"].is_string(), "{info}");
    let text = project.migrator(["info"]).success().stdout;
    assert!(text.lines().last().unwrap().contains("nonsense"), "{text}");
}

#[test]
fn history_is_the_log_of_everything() {
    let project = MigratorProject::applied(1);
    project.migrator(["migrate", "down"]).success();
    project.write_up(1, "SELECT nonsense;");
    project.up_fails(4, []);
    let events = project.migrator(["history", "--json"]).success().stdout;
    let events: serde_json::Value = serde_json::from_str(&events).unwrap();
    let told: Vec<String> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let word = |field: &str| event[field].as_str().unwrap().to_owned();
            format!("{} {}", word("action"), word("state"))
        })
        .collect();
    let expected =
        ["up Running", "up Migrated", "down Running", "down Undone", "up Running", "up Error"];
    assert_eq!(told, expected);
    assert_eq!(events[0]["tool_version"], env!("CARGO_PKG_VERSION"));
    let text = project.migrator(["history"]).success().stdout;
    assert_eq!(text.lines().count(), 7, "{text}");
    assert!(text.lines().last().unwrap().contains("nonsense"), "{text}");
}

#[test]
fn the_log_is_append_only() {
    let project = MigratorProject::applied(1);
    for sql in [
        "UPDATE hectic.migration_event SET actor = 'x'",
        "DELETE FROM hectic.migration_event",
        "TRUNCATE hectic.migration_event",
    ] {
        let url = project.url("app");
        project.run(&psql(), ["-X", "-d", &url, "-c", sql]).fails(1, ["ERROR"]);
    }
    let kept = "SELECT string_agg(state, ' ' ORDER BY id) FROM hectic.migration_event";
    assert_eq!(project.ask(kept), "Running Migrated");
    let sql = "SELECT up_sql LIKE 'CREATE TABLE t1%' AND down_sql LIKE 'DROP TABLE t1%' \
               FROM hectic.migration_event WHERE state = 'Running'";
    assert_eq!(project.ask(sql), "t");
}

#[test]
fn no_dry_run_changes_anything() {
    let project = MigratorProject::applied(2);
    project.write_table(3);
    let before = project.everything();
    let files = project.entries("migration");
    for words in [
        &["migrate", "up"][..],
        &["migrate", "up", "all"],
        &["migrate", "down", "all"],
        &["migrate", "redo", "2"],
        &["migrate", "to", "0"],
        &["apply", "all"],
        &["apply", "until", "t3"],
        &["init"],
        &["create", "x"],
        &["baseline", "t3"],
        &["repair", "--applied", "t3", "--yes"],
        &["repair", "--reverted", "t2", "--yes"],
        &["abort"],
        &["clean", "--yes"],
        &["fetch"],
    ] {
        project.run("migrator", words.iter().chain(&["--dry-run"])).success();
        assert_eq!(project.everything(), before, "{words:?}");
    }
    assert_eq!(project.entries("migration"), files);
}

#[test]
fn every_command_answers_in_json() {
    let project = MigratorProject::with_tables(1);
    for words in [
        &["new", "there", "--dry-run"][..],
        &["new", "there"],
        &["create", "x"],
        &["list"],
        &["init", "--dry-run"],
        &["init"],
        &["migrate", "up", "--dry-run"],
        &["migrate", "up"],
        &["apply"],
        &["info"],
        &["history"],
        &["validate"],
        &["abort"],
        &["repair"],
        &["baseline", "latest"],
        &["fetch"],
        &["clean", "--dry-run"],
        &["clean", "--yes"],
    ] {
        let told = project.run("migrator", words.iter().chain(&["--json"])).success().stdout;
        let read: Result<serde_json::Value, _> = serde_json::from_str(&told);
        assert!(read.is_ok(), "{words:?}: {told}");
    }
    project.migrator(["new", "there", "--dry-run"]).fails(2, ["not empty"]);
}

#[test]
fn the_tables_of_another_release_are_left_alone() {
    let project = MigratorProject::with_tables(1);
    project.ask("CREATE SCHEMA hectic; CREATE TABLE hectic.migration (version text, name text)");
    for words in [
        &["clean", "--yes"][..],
        &["baseline", "t1"],
        &["repair"],
        &["migrate", "up"],
        &["apply"],
        &["info"],
        &["history"],
        &["history", "--json"],
        &["validate"],
        &["abort"],
        &["fetch"],
        &["fetch", "--dry-run"],
    ] {
        project.run("migrator", words).fails(13, ["another release", "database bundle upgrade"]);
    }
    assert_eq!(project.ask("SELECT to_regclass('hectic.migration') IS NOT NULL"), "t");
}

#[test]
fn a_dry_run_shows_the_plan_with_the_sql() {
    let project = MigratorProject::with_tables(2);
    project.write_up(3, "-- migrator: no-transaction\n\\ir part.sql\nVACUUM;\n");
    project.write(&format!("migration/{}/part.sql", name(3)), "SELECT 'from the part';\n");
    let plan = project.migrator(["migrate", "up", "all", "--dry-run"]).success().stdout;
    let at = |text: &str| plan.find(text).unwrap_or_else(|| panic!("{text} in {plan}"));
    assert!(at("hectic bundle") < at(&format!("-- up {}", name(1))), "{plan}");
    assert!(at("CREATE TABLE t1") < at("CREATE TABLE t2"), "{plan}");
    assert!(at("without a transaction") < at("from the part"), "{plan}");
    assert_eq!(project.ask("SELECT to_regnamespace('hectic') IS NULL"), "t");
    project.up_all();
    let back = project.migrator(["migrate", "to", "t1", "--dry-run", "--json"]).success().stdout;
    let back: serde_json::Value = serde_json::from_str(&back).unwrap();
    assert_eq!(back[1]["sql"], "DROP TABLE t2;\n");
    assert_eq!(back[1]["direction"], "down");
    // a dry run checks the files as strictly as the run itself
    project.write_up(4, "COMMIT;");
    project.migrator(["migrate", "up", "--dry-run"]).fails(2, ["COMMIT"]);
}
