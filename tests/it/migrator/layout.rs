//! The content of a migration directory: both layouts, names, and mistakes in them.

use crate::support::migrator::{MigratorProject, name, table};

#[test]
fn both_layouts_are_applied_in_the_order_of_versions() {
    let project = MigratorProject::with_tables(1);
    project.write("migration/V000012__Make_b.sql", table("b"));
    project.write("migration/U000012__Make_b.sql", "DROP TABLE b;");
    project.write("migration/V000003__Make_a.sql", table("a"));
    let entry = format!("migration/{}", name(2));
    project.write(&format!("{entry}/up/entrypoint.sql"), "\\ir parts/c.sql\n");
    project.write(&format!("{entry}/up/parts/c.sql"), table("c"));
    project.write(&format!("{entry}/down/entrypoint.sql"), "DROP TABLE c;\n");
    project.up_all();
    let order = "SELECT string_agg(name, ' ' ORDER BY applied_event) FROM hectic.migration_state";
    let expected = format!("V000003__Make_a V000012__Make_b {} {}", name(1), name(2));
    assert_eq!(project.ask(order), expected);
    assert_eq!(project.tables(), "a b c t1");
    project.migrator(["migrate", "down", "3"]).success();
    assert_eq!(project.tables(), "a");
}

#[test]
fn what_is_no_migration_is_named_and_skipped() {
    let project = MigratorProject::offline();
    project.write_table(1);
    for odd in ["2025-short/up.sql", "notes.txt", "V1_one.sql", "20250101000009/up.sql"] {
        project.write(&format!("migration/{odd}"), "SELECT 1;");
    }
    project.write("migration/.hidden", "");
    project.write("migration/U000007__Alone.sql", "SELECT 1;");
    let listed = project.migrator(["list", "--raw"]).success();
    assert_eq!(listed.stdout, format!("{}\n", name(1)));
    let skipped = ["2025-short", "notes.txt", "V1_one.sql", "20250101000009", "U000007__Alone"];
    for odd in skipped {
        assert!(listed.stderr.contains(odd), "{odd}: {listed}");
    }
    assert_eq!(listed.stderr.matches("warning:").count(), skipped.len(), "{listed}");
}

#[test]
fn a_version_that_is_there_twice_is_an_error_naming_both() {
    let project = MigratorProject::new();
    project.write_migration("20250101000001-one", "", "");
    project.write_migration("20250101000001-other", "", "");
    let names = ["20250101000001-one", "20250101000001-other"];
    for command in [&["list"][..], &["info"], &["migrate", "up"], &["validate"]] {
        project.run("migrator", command).fails(2, names);
    }
    let project = MigratorProject::offline();
    project.write("migration/V1__a.sql", "");
    project.write("migration/V001__b.sql", "");
    project.migrator(["list"]).fails(2, ["V1__a", "V001__b"]);
}

#[test]
fn two_migrations_with_the_same_sql_are_fine() {
    let project = MigratorProject::new();
    project.write_up(1, "SELECT 1;\n");
    project.write_up(2, "SELECT 1;\n");
    project.up_all();
    assert_eq!(project.states(), "1 Migrated, 2 Migrated");
    project.migrator(["validate"]).success();
}

#[test]
fn names_may_hold_anything_a_file_name_may() {
    let project = MigratorProject::new();
    let names = [
        "20250101000001-with a blank",
        "20250101000002-it's \"quoted\"",
        "20250101000003-größe/",
        "20250101000004-a:b ;drop $1 @set@ `c` %s",
        "20250101000005-back\\slash",
        "20250101000006- -- comment",
    ];
    let names = names.map(|name| name.trim_end_matches('/'));
    for (at, name) in names.iter().enumerate() {
        project.write_migration(name, &table(&format!("t{at}")), &format!("DROP TABLE t{at};"));
    }
    project.up_all();
    let listed = project.migrator(["list", "--raw"]).success().stdout;
    assert_eq!(listed.lines().collect::<Vec<_>>(), names);
    let recorded =
        project.ask("SELECT string_agg(name, E'\\n' ORDER BY version) FROM hectic.migration_state");
    assert_eq!(recorded.lines().collect::<Vec<_>>(), names);
    for name in names {
        project.migrator(["migrate", "to", name]).success();
    }
    project.migrator(["validate"]).success();
    project.migrator(["migrate", "down", "all"]).success();
    assert_eq!(project.tables(), "");
}

#[test]
fn without_a_transaction_names_may_hold_anything_as_well() {
    let mut project = MigratorProject::new();
    let scratch = project.path("tm'p x");
    std::fs::create_dir(&scratch).unwrap();
    project.set_temporary(&scratch);
    let name = "20250101000001-it's \\ \"alone\"";
    let up = format!("-- migrator: no-transaction\n{}\\ir 'a ''part''.sql'\n", table("a"));
    project.write_migration(name, &up, "-- migrator: no-transaction\nDROP TABLE a;");
    project.write(&format!("migration/{name}/a 'part'.sql"), "VACUUM a;\n");
    project.up_all();
    assert_eq!(project.states(), "1 Migrated");
    project.migrator(["migrate", "down"]).success();
    assert_eq!(project.entries("tm'p x"), Vec::<String>::new());
}

#[test]
fn each_thing_that_is_missing_has_a_message_of_its_own() {
    let project = MigratorProject::with_tables(1);
    let other = |directory: &str, command: &str| project.migrator(["-d", directory, command]);
    for command in ["list", "info", "validate"] {
        other("nowhere", command).fails(3, ["nowhere does not exist", "MIGRATION_DIR"]);
    }
    project.write("a-file", "");
    other("a-file", "list").fails(3, ["a-file is not a directory"]);
    std::fs::create_dir(project.path("empty")).unwrap();
    assert_eq!(other("empty", "list").success().stdout, "");
    project.migrator(["-d", "empty", "migrate", "up", "all"]).success();
    project.migrator(["-d", "empty", "migrate", "up"]).fails(1, ["nothing left to apply"]);
    std::fs::create_dir(project.path(&format!("migration/{}", name(2)))).unwrap();
    let listed = project.migrator(["list"]).success().stdout;
    assert_eq!(listed, format!("{}\n{}: missing up.sql down.sql\n", name(1), name(2)));
    project.migrator(["migrate", "up"]).fails(2, [&name(2), "neither an up nor a down file"]);
}

#[test]
fn a_migration_has_one_file_for_each_direction() {
    let project = MigratorProject::offline();
    project.write_table(1);
    project.write(&format!("migration/{}/up/entrypoint.sql", name(1)), "");
    project.migrator(["list"]).fails(2, ["both up.sql and up/entrypoint.sql"]);
    let project = MigratorProject::offline();
    for file in ["V1__a.sql", "U1__a.sql", "U01__a.sql"] {
        project.write(&format!("migration/{file}"), "");
    }
    project.migrator(["list"]).fails(2, ["U1__a.sql", "U01__a.sql"]);
}

#[test]
fn list_shows_what_is_lacking_and_asks_no_database() {
    let project = MigratorProject::offline();
    project.write_table(1);
    project.write(&format!("migration/{}/up.sql", name(2)), "");
    project.write(&format!("migration/{}/down.sql", name(3)), "");
    let listed = project.migrator(["list"]).success().stdout;
    let lines =
        [name(1), format!("{}: missing down.sql", name(2)), format!("{}: missing up.sql", name(3))];
    assert_eq!(listed.lines().collect::<Vec<_>>(), lines);
    let listed = project.migrator(["list", "--json"]).success().stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[1]["name"], name(2));
    assert_eq!(listed[1]["version"], 20_250_101_000_002_u64);
    assert!(listed[1]["down"].is_null() && listed[1]["up"].as_str().is_some(), "{listed}");
    let flat = MigratorProject::offline();
    flat.write("migration/V1__a.sql", "");
    assert_eq!(flat.migrator(["list"]).success().stdout, "V1__a: missing U1__a.sql\n");
}
