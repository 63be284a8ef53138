//! The content of a migration directory: both layouts, names, and mistakes in them.

use super::support::{Ground, name, table};

#[test]
fn both_layouts_are_applied_in_the_order_of_versions() {
    let ground = Ground::with_tables(1);
    ground.write("migration/V000012__Make_b.sql", table("b"));
    ground.write("migration/U000012__Make_b.sql", "DROP TABLE b;");
    ground.write("migration/V000003__Make_a.sql", table("a"));
    let entry = format!("migration/{}", name(2));
    ground.write(&format!("{entry}/up/entrypoint.sql"), "\\ir parts/c.sql\n");
    ground.write(&format!("{entry}/up/parts/c.sql"), table("c"));
    ground.write(&format!("{entry}/down/entrypoint.sql"), "DROP TABLE c;\n");
    ground.up_all();
    let order = "SELECT string_agg(name, ' ' ORDER BY applied_event) FROM hectic.migration_state";
    let expected = format!("V000003__Make_a V000012__Make_b {} {}", name(1), name(2));
    assert_eq!(ground.ask(order), expected);
    assert_eq!(ground.tables(), "a b c t1");
    ground.migrator(["migrate", "down", "3"]).success();
    assert_eq!(ground.tables(), "a");
}

#[test]
fn what_is_no_migration_is_named_and_skipped() {
    let ground = Ground::offline();
    ground.simple(1);
    for odd in ["2025-short/up.sql", "notes.txt", "V1_one.sql", "20250101000009/up.sql"] {
        ground.write(&format!("migration/{odd}"), "SELECT 1;");
    }
    ground.write("migration/.hidden", "");
    ground.write("migration/U000007__Alone.sql", "SELECT 1;");
    let listed = ground.migrator(["list", "--raw"]).success();
    assert_eq!(listed.stdout, format!("{}\n", name(1)));
    let skipped = ["2025-short", "notes.txt", "V1_one.sql", "20250101000009", "U000007__Alone"];
    for odd in skipped {
        assert!(listed.stderr.contains(odd), "{odd}: {listed}");
    }
    assert_eq!(listed.stderr.matches("warning:").count(), skipped.len(), "{listed}");
}

#[test]
fn a_version_that_is_there_twice_is_an_error_naming_both() {
    let ground = Ground::new();
    ground.migration("20250101000001-one", "", "");
    ground.migration("20250101000001-other", "", "");
    let names = ["20250101000001-one", "20250101000001-other"];
    for command in [&["list"][..], &["info"], &["migrate", "up"], &["validate"]] {
        ground.run("migrator", command).fails(2, names);
    }
    let ground = Ground::offline();
    ground.write("migration/V1__a.sql", "");
    ground.write("migration/V001__b.sql", "");
    ground.migrator(["list"]).fails(2, ["V1__a", "V001__b"]);
}

#[test]
fn two_migrations_with_the_same_sql_are_fine() {
    let ground = Ground::new();
    ground.up(1, "SELECT 1;\n");
    ground.up(2, "SELECT 1;\n");
    ground.up_all();
    assert_eq!(ground.states(), "1 Migrated, 2 Migrated");
    ground.migrator(["validate"]).success();
}

#[test]
fn names_may_hold_anything_a_file_name_may() {
    let ground = Ground::new();
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
        ground.migration(name, &table(&format!("t{at}")), &format!("DROP TABLE t{at};"));
    }
    ground.up_all();
    let listed = ground.migrator(["list", "--raw"]).success().stdout;
    assert_eq!(listed.lines().collect::<Vec<_>>(), names);
    let recorded =
        ground.ask("SELECT string_agg(name, E'\\n' ORDER BY version) FROM hectic.migration_state");
    assert_eq!(recorded.lines().collect::<Vec<_>>(), names);
    for name in names {
        ground.migrator(["migrate", "to", name]).success();
    }
    ground.migrator(["validate"]).success();
    ground.migrator(["migrate", "down", "all"]).success();
    assert_eq!(ground.tables(), "");
}

#[test]
fn without_a_transaction_names_may_hold_anything_as_well() {
    let mut ground = Ground::new();
    let scratch = ground.path("tm'p x");
    std::fs::create_dir(&scratch).unwrap();
    ground.set("TMPDIR", &scratch);
    let name = "20250101000001-it's \\ \"alone\"";
    let up = format!("-- migrator: no-transaction\n{}\\ir 'a ''part''.sql'\n", table("a"));
    ground.migration(name, &up, "-- migrator: no-transaction\nDROP TABLE a;");
    ground.write(&format!("migration/{name}/a 'part'.sql"), "VACUUM a;\n");
    ground.up_all();
    assert_eq!(ground.states(), "1 Migrated");
    ground.migrator(["migrate", "down"]).success();
    assert_eq!(ground.entries("tm'p x"), Vec::<String>::new());
}

#[test]
fn each_thing_that_is_missing_has_a_message_of_its_own() {
    let ground = Ground::with_tables(1);
    let other = |directory: &str, command: &str| ground.migrator(["-d", directory, command]);
    for command in ["list", "info", "validate"] {
        other("nowhere", command).fails(3, ["nowhere does not exist", "MIGRATION_DIR"]);
    }
    ground.write("a-file", "");
    other("a-file", "list").fails(3, ["a-file is not a directory"]);
    std::fs::create_dir(ground.path("empty")).unwrap();
    assert_eq!(other("empty", "list").success().stdout, "");
    ground.migrator(["-d", "empty", "migrate", "up", "all"]).success();
    ground.migrator(["-d", "empty", "migrate", "up"]).fails(1, ["nothing left to apply"]);
    std::fs::create_dir(ground.path(&format!("migration/{}", name(2)))).unwrap();
    let listed = ground.migrator(["list"]).success().stdout;
    assert_eq!(listed, format!("{}\n{}: missing up.sql down.sql\n", name(1), name(2)));
    ground.migrator(["migrate", "up"]).fails(2, [&name(2), "neither an up nor a down file"]);
}

#[test]
fn a_migration_has_one_file_for_each_direction() {
    let ground = Ground::offline();
    ground.simple(1);
    ground.write(&format!("migration/{}/up/entrypoint.sql", name(1)), "");
    ground.migrator(["list"]).fails(2, ["both up.sql and up/entrypoint.sql"]);
    let ground = Ground::offline();
    for file in ["V1__a.sql", "U1__a.sql", "U01__a.sql"] {
        ground.write(&format!("migration/{file}"), "");
    }
    ground.migrator(["list"]).fails(2, ["U1__a.sql", "U01__a.sql"]);
}

#[test]
fn list_shows_what_is_lacking_and_asks_no_database() {
    let ground = Ground::offline();
    ground.simple(1);
    ground.write(&format!("migration/{}/up.sql", name(2)), "");
    ground.write(&format!("migration/{}/down.sql", name(3)), "");
    let listed = ground.migrator(["list"]).success().stdout;
    let lines =
        [name(1), format!("{}: missing down.sql", name(2)), format!("{}: missing up.sql", name(3))];
    assert_eq!(listed.lines().collect::<Vec<_>>(), lines);
    let listed = ground.migrator(["list", "--json"]).success().stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[1]["name"], name(2));
    assert_eq!(listed[1]["version"], 20_250_101_000_002_u64);
    assert!(listed[1]["down"].is_null() && listed[1]["up"].as_str().is_some(), "{listed}");
    let flat = Ground::offline();
    flat.write("migration/V1__a.sql", "");
    assert_eq!(flat.migrator(["list"]).success().stdout, "V1__a: missing U1__a.sql\n");
}
