//! Migrations without a transaction.

use crate::support::migrator::{MigratorProject, name, table};
use crate::support::psql;

fn alone(text: &str) -> String {
    format!("-- migrator: no-transaction\n{text}")
}

#[test]
fn what_cannot_run_in_a_transaction_runs() {
    let project = MigratorProject::with_tables(1);
    project.write_migration(
        &name(2),
        &alone(
            "CREATE INDEX CONCURRENTLY i1 ON t1 (id);\nVACUUM t1; REINDEX INDEX CONCURRENTLY i1;\n\
             CREATE TYPE mood AS ENUM ('sad');\nALTER TYPE mood ADD VALUE 'happy';\n\
             SELECT 'happy'::mood;\nBEGIN;\nINSERT INTO t1 (id) VALUES (1);\nCOMMIT;\n",
        ),
        &alone("DROP INDEX CONCURRENTLY i1;\nDROP TYPE mood;\n"),
    );
    project.write_table(3);
    project.up_all();
    assert_eq!(project.states(), "1 Migrated, 2 Migrated, 3 Migrated");
    let done = "SELECT statements FROM hectic.migration_state WHERE NOT transactional";
    assert_eq!(project.ask(done), "9");
    assert_eq!(project.ask("SELECT to_regclass('i1') IS NOT NULL"), "t");
    project.migrator(["migrate", "down", "2"]).success();
    assert_eq!(project.ask("SELECT to_regclass('i1') IS NULL AND to_regtype('mood') IS NULL"), "t");
}

#[test]
fn a_failure_on_the_way_says_what_stays() {
    let project = MigratorProject::new();
    let file = project
        .write_up(1, &alone(&format!("{}SELECT 1;\nSELECT nonsense;\n{}", table("a"), table("b"))));
    let place = format!("{}:4:8", file.display());
    project.up_fails(4, [&name(1), &place, "statements before this one stay done"]);
    assert_eq!(project.states(), "1 Error");
    assert_eq!(project.tables(), "a");
    assert_eq!(project.ask("SELECT statements FROM hectic.migration_state"), "2");
    project.write_up(1, &alone(&format!("DROP TABLE IF EXISTS a;\n{}", table("a"))));
    project.up_all();
    assert_eq!(project.states(), "1 Migrated");
}

#[test]
fn the_invalid_index_of_a_failed_build_is_named_and_removed_at_the_retry() {
    let project = MigratorProject::new();
    project.write_up(
        1,
        &format!("{0}{1}INSERT INTO \"T a\" (id) VALUES (1), (1);\n", table("\"T a\""), table("b")),
    );
    project.up_all();
    // an index that is invalid for other reasons
    project.ask("INSERT INTO b (id) VALUES (1), (1)");
    let build = "CREATE UNIQUE INDEX CONCURRENTLY older ON b (id)";
    project
        .run(&psql(), ["-X", "-d", &project.url("app"), "-c", build])
        .fails(1, ["could not create"]);
    project
        .write_up(2, &alone("CREATE UNIQUE INDEX CONCURRENTLY \"The index\" ON \"T a\" (id);\n"));
    let failed =
        project.up_fails(4, ["invalid index", "public.\"The index\"", "next attempt removes"]);
    assert!(!failed.stderr.contains("older"), "{failed}");
    let invalid = "SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid) \
                   FROM pg_index WHERE NOT indisvalid";
    assert_eq!(project.ask(invalid), "older \"The index\"");
    // the cause remains, so the next attempt fails in the same way
    project.up_fails(4, ["removing the invalid index public.\"The index\"", "could not create"]);
    project.ask("DELETE FROM \"T a\"");
    let retried = project.up_all();
    assert!(
        retried.stderr.contains("removing the invalid index public.\"The index\""),
        "{retried}"
    );
    assert_eq!(project.ask(invalid), "older");
    assert_eq!(project.states(), "1 Migrated, 2 Migrated");
}

#[test]
fn a_transaction_that_is_left_open_is_an_error() {
    let project = MigratorProject::new();
    project.write_up(1, &alone(&format!("BEGIN;\n{}", table("a"))));
    project.up_fails(4, ["left a transaction open", "COMMIT"]);
    assert_eq!(project.states(), "1 Error");
    assert_eq!(project.tables(), "");
    project.write_up(1, &alone(&format!("BEGIN;\n{}COMMIT;\n", table("a"))));
    project.up_all();
    assert_eq!(project.tables(), "a");
}

#[test]
fn what_would_leave_the_session_is_refused_here_too() {
    let project = MigratorProject::new();
    for (text, said) in [("\\q", "leaves"), ("DISCARD ALL;", "lock"), ("\\! x", "program")] {
        project.write_up(1, &alone(&format!("{text}\n")));
        project.up_fails(2, [said]);
    }
    assert_eq!(project.ask("SELECT to_regnamespace('hectic') IS NULL"), "t");
}

#[test]
fn a_down_that_fails_on_the_way_leaves_only_the_way_back() {
    let project = MigratorProject::new();
    let down = alone("DROP TABLE a;\nSELECT 1/0;\n");
    project.write_migration(&name(1), &format!("{}{}", table("a"), table("b")), &down);
    project.write_table(2);
    project.migrator(["migrate", "up"]).success();
    project.migrator(["migrate", "down"]).fails(4, ["division by zero", &name(1)]);
    assert_eq!(project.states(), "1 Error");
    assert_eq!(project.tables(), "b");
    for words in [&["migrate", "up"][..], &["apply"], &["migrate", "to", "t2"]] {
        project.run("migrator", words).fails(2, [&name(1), "half reverted", "migrate down 1"]);
    }
    project.write_migration(
        &name(1),
        &format!("{}{}", table("a"), table("b")),
        &alone("DROP TABLE IF EXISTS a;\nDROP TABLE b;\n"),
    );
    project.migrator(["migrate", "down"]).success();
    assert_eq!(project.states(), "1 Undone");
    project.up_all();
    assert_eq!(project.tables(), "a b t2");
}

#[test]
fn copied_files_keep_their_includes_and_their_lines() {
    let project = MigratorProject::new();
    project.write_up(
        1,
        &alone("\\ir one/first.sql\n\\i common/third.sql\nSELECT 3; SELECT nonsense;\n"),
    );
    let entry = format!("migration/{}", name(1));
    project.write(&format!("{entry}/one/first.sql"), "\\ir second.sql\n");
    project.write(&format!("{entry}/one/second.sql"), "COPY b (id) FROM stdin;\n1\n\\.\n");
    project.write(
        "common/third.sql",
        "SELECT 'a;b' AS a, $$c;d$$ AS b \\gset x_\nINSERT INTO b (id) SELECT 2",
    );
    project.ask("CREATE TABLE b (id int)");
    let place = format!("{}:4:18", project.path(&format!("{entry}/up.sql")).display());
    project.up_fails(4, [&place, "nonsense"]);
    assert_eq!(project.ask("SELECT string_agg(id::text, ' ') FROM b"), "1 2");
}

#[test]
fn a_role_that_it_takes_lasts_although_the_role_may_not_write_the_history() {
    let project = MigratorProject::new();
    project.ask("CREATE ROLE lesser; GRANT CREATE ON SCHEMA public TO lesser");
    project.write_up(
        1,
        &alone(
            "SET SESSION AUTHORIZATION lesser;\nSELECT 1;\n\
             RESET SESSION AUTHORIZATION;\nSET ROLE lesser;\n\
             CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n\
             SELECT 1 / (current_user = 'lesser' AND session_user = 'dev')::int;\n",
        ),
    );
    project.up_all();
    assert_eq!(project.ask("SELECT proowner::regrole FROM pg_proc WHERE proname = 'f'"), "lesser");
}

#[test]
fn a_transaction_of_its_own_keeps_its_role_and_its_mode_to_itself() {
    let project = MigratorProject::new();
    project.ask("CREATE ROLE other; GRANT CREATE ON SCHEMA public TO other");
    let owned = |name: &str| format!("CREATE SEQUENCE {name};\n");
    project.write_up(
        1,
        &format!(
            "-- migrator: no-transaction\nBEGIN;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n\
             SET LOCAL ROLE other;\n{}COMMIT;\n{}BEGIN READ ONLY;\nSELECT 1;\nCOMMIT;\n",
            owned("theirs"),
            owned("ours"),
        ),
    );
    project.up_all();
    let owners = "SELECT string_agg(sequencename || ' ' || (sequenceowner = 'other'), ', ' \
                  ORDER BY sequencename) FROM pg_sequences WHERE schemaname = 'public'";
    assert_eq!(project.ask(owners), "ours false, theirs true");
    assert_eq!(project.ask("SELECT statements FROM hectic.migration_state"), "9");
}
