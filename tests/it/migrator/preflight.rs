//! Mistakes that the migrator refuses before anything runs, and mistakes that only the run shows.

use crate::support::migrator::{MigratorProject, name, table};

#[test]
fn each_refusal_names_the_command_and_changes_nothing() {
    let project = MigratorProject::with_tables(1);
    for (text, said) in [
        ("\\! touch hacked", "runs a program"),
        ("\\set x `touch hacked`", "runs a program"),
        ("\\echo `touch hacked`", "runs a program"),
        ("\\o |touch hacked", "runs a program"),
        ("SELECT 1 \\g |touch hacked", "runs a program"),
        ("SELECT 1 \\gx | touch hacked", "runs a program"),
        ("\\w |touch hacked", "runs a program"),
        ("\\copy t FROM PROGRAM 'touch hacked'", "runs a program"),
        ("\\copy t to program 'touch hacked'", "runs a program"),
        ("\\c postgres", "leaves the session"),
        ("\\connect - root", "leaves the session"),
        ("\\q", "leaves the session"),
        ("\\quit", "leaves the session"),
        ("\\e", "editor"),
        ("\\ef f", "editor"),
        ("\\ev v", "editor"),
        ("\\set ON_ERROR_STOP 0", "errors and transactions"),
        ("\\set AUTOCOMMIT off", "errors and transactions"),
        ("\\unset ON_ERROR_STOP", "errors and transactions"),
        ("\\set ON_ERROR_ROLLBACK on", "errors and transactions"),
        ("\\prompt x", "standard input"),
        ("\\i -", "standard input"),
        ("\\copy t FROM pstdin", "standard input"),
        ("SELECT 1 \\watch 1", "without end"),
        ("\\setenv PGHOST elsewhere", "\\setenv PGHOST"),
        ("COMMIT;", "`COMMIT`"),
        ("SELECT 1; END;", "`END`"),
        ("ROLLBACK;", "`ROLLBACK`"),
        ("BEGIN;", "`BEGIN`"),
        ("START TRANSACTION;", "`START TRANSACTION`"),
        ("PREPARE TRANSACTION 'x';", "`PREPARE TRANSACTION`"),
        ("VACUUM;", "no-transaction"),
        ("CREATE INDEX CONCURRENTLY i ON t1 (id);", "no-transaction"),
        ("CREATE DATABASE d;", "no-transaction"),
        ("DISCARD ALL;", "lock"),
        ("SELECT pg_advisory_unlock_all();", "lock"),
        ("SELECT 'open;", "unterminated"),
        ("SELECT $$open;", "unterminated"),
        ("/* open", "unterminated"),
    ] {
        let file = project.write_up(2, &format!("SELECT 1;\n{text}\n"));
        let place = format!("{}:2", file.display());
        let failed = project.up_fails(2, [&place, said, "hint:"]);
        assert!(!failed.stderr.contains("applied"), "{failed}");
    }
    assert!(!project.path("hacked").exists());
    assert_eq!(project.ask("SELECT to_regnamespace('hectic') IS NULL"), "t");
}

#[test]
fn what_only_looks_like_that_is_allowed() {
    let project = MigratorProject::with_tables(1);
    project.write_up(
        2,
        "-- COMMIT;\nSELECT 'COMMIT; \\! x', $$BEGIN; \\q$$, \"a;COMMIT\" FROM (SELECT 1 AS \"a;COMMIT\") x;\n\
         SAVEPOINT s;\nROLLBACK TO s;\nRELEASE s;\n\
         DO $do$ BEGIN PERFORM 1; END $do$;\n\
         CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;\n\
         CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;\n\
         \\copy t1 (id) FROM 'rows.csv'\n\\o written.txt\nSELECT 3;\n\\o\n",
    );
    project.write("rows.csv", "1\n2\n");
    project.up_all();
    assert_eq!(project.ask("SELECT count(*) FROM t1"), "2");
    assert!(project.read("written.txt").contains('3'));
}

#[test]
fn an_included_file_and_a_down_are_looked_at_as_well() {
    let project = MigratorProject::applied(1);
    project.write_up(2, "\\ir part.sql\n");
    let part = project.write(&format!("migration/{}/part.sql", name(2)), "\nCOMMIT;\n");
    project.up_fails(2, [&format!("{}:2", part.display()), "COMMIT"]);
    let down = project.write(&format!("migration/{}/down.sql", name(1)), "DROP TABLE t1;\n\\q\n");
    project.migrator(["migrate", "down"]).fails(2, [&format!("{}:2", down.display()), "\\q"]);
    assert_eq!(project.tables(), "t1");
}

#[test]
fn the_last_of_a_plan_stops_its_first() {
    let project = MigratorProject::with_tables(3);
    project.write_up(4, "\\! true\n");
    project.up_fails(2, [&name(4)]);
    assert_eq!(project.tables(), "");
    project.migrator(["migrate", "up", "3"]).success();
}

#[test]
fn includes_nest_and_what_is_wrong_with_them_is_told_before_anything_runs() {
    let project = MigratorProject::with_tables(1);
    let part = |name: &str, text: &str| {
        project.write(&format!("migration/{}/{name}", crate::support::migrator::name(2)), text);
    };
    let entry = project.write_up(2, "\\ir deep/a.sql\n\\i common/c.sql;\n");
    let place = format!("{}:1", entry.display());
    project.up_fails(3, [&place, "deep/a.sql", "No such file"]);
    part("deep/a.sql", "\\ir ../deep/b.sql\n\\ir b.sql\n");
    part("deep/b.sql", "\\ir a.sql\n");
    project.up_fails(2, ["includes itself", "→"]);
    part("deep/b.sql", "\\ir :where\n");
    project.up_fails(2, ["b.sql:1", "known only when psql runs it"]);
    part("deep/b.sql", "\\i /dev/null\n");
    project.up_fails(2, ["not a regular file"]);
    std::fs::write(project.path(&format!("migration/{}/deep/b.sql", name(2))), b"a\n\xff").unwrap();
    project.up_fails(2, ["b.sql:2", "not UTF-8"]);
    part("deep/b.sql", "-- a\n-- \0 psql reads on without a line's end\nSELECT 1;\n");
    project.up_fails(2, ["b.sql:2", "zero byte"]);
    assert_eq!(project.ask("SELECT to_regnamespace('hectic') IS NULL"), "t");
    part("deep/b.sql", "SELECT 1;\n");
    project.write("common/c.sql", table("c"));
    project.up_all();
    assert_eq!(project.tables(), "c t1");
}

#[test]
fn a_variable_that_nobody_sets_is_missing_before_anything_runs() {
    let project = MigratorProject::with_tables(1);
    let file = project
        .write_up(2, "SELECT 1;\nSELECT :'who', ':not', a[1:2] FROM (SELECT ARRAY[1] a) x;\n");
    let place = format!("{}:2", file.display());
    project.up_fails(3, [&place, ":who", "--set who=VALUE"]);
    assert_eq!(project.ask("SELECT to_regnamespace('hectic') IS NULL"), "t");
    project.migrator(["migrate", "up", "all", "--set", "who=me"]).success();
    project.write_up(
        3,
        "\\set mine 1\nSELECT :mine;\nSELECT 2 AS two \\gset\nSELECT :two, :{?other};\n",
    );
    project.up_all();
}

#[test]
fn a_commit_that_nobody_could_see_is_caught_before_the_history_says_migrated() {
    for text in [
        "SELECT 'COMMIT' \\gexec\n",
        "SELECT 'ROLLBACK' \\gexec\n",
        "SELECT 'COMMIT; BEGIN' AS c \\gset\n:c;\n",
        "\\set c 'COMMIT; BEGIN'\n:c;\n",
        "SELECT 'COMMIT' \\gexec\nSELECT 'BEGIN' \\gexec\nSELECT 1;\n",
    ] {
        let project = MigratorProject::with_tables(1);
        project.write_up(2, &format!("{}{text}", table("t2")));
        project.write_table(3);
        project.up_fails(4, [&name(2), "ended its own transaction"]);
        assert_eq!(project.states(), "1 Migrated, 2 Error", "{text}");
        let tables = project.tables();
        assert!(!tables.contains("t3"), "{text}: {tables}");
    }
}

#[test]
fn a_directive_that_means_nothing_is_refused() {
    let project = MigratorProject::new();
    let file = project.write_up(1, "-- migrator: no-transactions\nVACUUM;\n");
    let place = format!("{}:1", file.display());
    project.up_fails(2, [&place, "no-transactions", "no-transaction"]);
    project.write_up(1, "\n-- migrator: no-transaction\nVACUUM;\n");
    project.up_fails(2, ["VACUUM", "first line"]);
}

#[test]
fn failing_sql_is_shown_with_its_place_and_leaves_nothing() {
    let project = MigratorProject::with_tables(1);
    let file = project.write_up(2, &format!("{}\\ir part.sql\n", table("t2")));
    let part = project.write(
        &format!("migration/{}/part.sql", name(2)),
        "SELECT 1;\nINSERT INTO t2 (id)\n  VALUES (nonsense);\n",
    );
    project.write_table(3);
    let place = format!("{}:3:11", part.display());
    project.up_fails(
        4,
        [&name(2), &place, "nonsense", "42703", "the server rolled this migration back"],
    );
    assert_eq!(project.states(), "1 Migrated, 2 Error");
    assert_eq!(project.tables(), "t1");
    std::fs::write(file, table("t2")).unwrap();
    project.up_all();
    assert_eq!(project.states(), "1 Migrated, 2 Migrated, 3 Migrated");
    // a down that fails changes nothing, either
    project.write(&format!("migration/{}/down.sql", name(3)), "DROP TABLE t3; SELECT 1/0;");
    project.migrator(["migrate", "down", "2"]).fails(4, ["division by zero", &name(3)]);
    assert_eq!(project.states(), "1 Migrated, 2 Migrated, 3 Migrated");
    assert_eq!(project.tables(), "t1 t2 t3");
    let last = "SELECT action || ' ' || state FROM hectic.migration_event ORDER BY id DESC LIMIT 1";
    assert_eq!(project.ask(last), "down Error");
}
