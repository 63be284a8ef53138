//! The history against the files on disk: mismatches, late files, changed files.

use super::support::{Ground, name, table};

fn remove(ground: &Ground, number: u8) {
    std::fs::remove_dir_all(ground.path(&format!("migration/{}", name(number)))).unwrap();
}

#[test]
fn a_mismatch_shows_both_sides_and_both_lists() {
    let ground = Ground::applied(3);
    let renamed = "20250101000002-other";
    std::fs::rename(
        ground.path(&format!("migration/{}", name(2))),
        ground.path(&format!("migration/{renamed}")),
    )
    .unwrap();
    ground.simple(4);
    let before = ground.everything();
    for words in [
        &["migrate", "up"][..],
        &["migrate", "up", "all"],
        &["migrate", "down"],
        &["migrate", "to", "0"],
        &["apply"],
        &["validate"],
        &["baseline", "t4"],
    ] {
        let failed = ground.run("migrator", words).fails(2, ["Migration history mismatch"]);
        let said = |text: &str| failed.stderr.contains(text);
        assert!(said("position 2"), "{failed}");
        assert!(said(&format!("Database has:   {}", name(2))), "{failed}");
        assert!(said(&format!("Filesystem has: {renamed}")), "{failed}");
        for number in [1, 3] {
            assert_eq!(failed.stderr.matches(&name(number)).count(), 2, "{number}: {failed}");
        }
        assert!(
            said("Full database migrations:") && said("Full filesystem migrations:"),
            "{failed}"
        );
        assert!(said(&name(4)), "{failed}");
    }
    assert_eq!(ground.everything(), before);
}

#[test]
fn a_file_that_is_gone_is_a_mismatch_at_its_position() {
    let ground = Ground::applied(3);
    remove(&ground, 3);
    let gone = format!("Database has:   {}", name(3));
    ground.up_fails(2, ["mismatch at position 3", &gone, "Filesystem has: (nothing)", "fetch"]);
    remove(&ground, 1);
    let gone = format!("Database has:   {}", name(1));
    ground.up_fails(2, ["mismatch at position 1", &gone]);
}

/// The names in `hectic.migration`, without an ORDER BY.
fn applied(ground: &Ground) -> String {
    ground.ask("SELECT string_agg(m.name, ' ') FROM hectic.migration m")
}

#[test]
fn hectic_migration_lists_exactly_what_is_applied_in_order() {
    let ground = Ground::new();
    [1, 2, 4].iter().for_each(|number| ground.simple(*number));
    ground.up_all();
    let all = [1, 2, 4].map(name).join(" ");
    assert_eq!(applied(&ground), all);
    ground.migrator(["migrate", "down"]).success();
    assert_eq!(applied(&ground), [1, 2].map(name).join(" "), "a reverted one is not in it");
    ground.up(4, "SELECT nonsense;\n");
    ground.up_fails(4, ["nonsense"]);
    assert_eq!(applied(&ground), [1, 2].map(name).join(" "), "nor is a failed one");
    ground.simple(4);
    ground.up_all();
    ground.simple(3);
    ground.migrator(["--out-of-order", "migrate", "up"]).success();
    assert_eq!(applied(&ground), [1, 2, 4, 3].map(name).join(" "), "in the order of application");
    let row = format!(
        "SELECT hash = encode(sha256('{}'), 'hex') AND id > 0 \
                AND applied_at BETWEEN now() - interval '1 hour' AND now() \
         FROM hectic.migration WHERE name = '{}'",
        super::support::table("t4").replace('\n', "\\012"),
        name(4)
    );
    assert_eq!(ground.ask(&row), "t");
    assert_eq!(ground.migrator(["history"]).success().stdout.matches(" Undone ").count(), 1);
}

#[test]
fn a_failed_down_leaves_the_migration_in_the_list_with_its_time() {
    let ground = Ground::applied(1);
    let row = "SELECT name || hash || applied_at FROM hectic.migration";
    let before = ground.ask(row);
    let down = format!("migration/{}/down.sql", name(1));
    for text in ["SELECT nonsense;\n", "-- migrator: no-transaction\nSELECT nonsense;\n"] {
        ground.write(&down, text);
        ground.migrator(["migrate", "down"]).fails(4, ["nonsense"]);
        assert_eq!(ground.ask(row), before, "{text}");
    }
    assert_eq!(ground.states(), "1 Error");
    ground.migrator(["repair", "--reverted", "t1", "--yes"]).success();
    assert_eq!(applied(&ground), "");
    ground.migrator(["baseline", "t1"]).success();
    assert_eq!(applied(&ground), name(1));
    assert_eq!(ground.ask("SELECT pg_relation_is_updatable('hectic.migration', true)"), "0");
}

#[test]
fn force_goes_on_in_spite_of_a_mismatch_and_says_so() {
    let ground = Ground::applied(3);
    remove(&ground, 2);
    ground.simple(4);
    ground.up_fails(2, ["Migration history mismatch", "hint: --force goes on"]);
    for words in [&["--force", "migrate", "up"][..], &["migrate", "up", "all", "-f"]] {
        let said = ground.run("migrator", words);
        assert_eq!(
            said.stderr.matches("Migration history mismatch at position 2").count(),
            1,
            "{said}"
        );
        let told = ["--force goes on in spite of this", "Full database migrations:", &name(2)];
        assert!(told.iter().all(|words| said.stderr.contains(words)), "{said}");
        ground.simple(5);
    }
    assert_eq!(ground.tables(), "t1 t2 t3 t4 t5");
    ground.migrator(["--force", "migrate", "down", "3"]).success();
    let before = ground.everything();
    ground.migrator(["--force", "migrate", "down"]).fails(3, [&name(2), "migrator fetch"]);
    assert_eq!(ground.everything(), before);
}

#[test]
fn force_accepts_changed_and_renamed_files() {
    let ground = Ground::applied(2);
    let change = "CREATE TABLE t1 (id bigint) INHERITS (hectic.created_at);\n";
    ground.migration(&name(1), change, "DROP TABLE t1;\n");
    ground.simple(3);
    ground.up_fails(2, ["was changed", "--force goes on"]);
    ground.migrator(["--force", "migrate", "up"]).success();
    let (old, new) = (name(2), name(2).replace("t2", "renamed"));
    let place = |name: &str| ground.path(&format!("migration/{name}"));
    std::fs::rename(place(&old), place(&new)).unwrap();
    ground.migrator(["migrate", "to", "0"]).fails(2, [&new, "--force goes on"]);
    let said = ground.migrator(["--force", "migrate", "to", "0"]).success();
    assert!(said.stderr.contains("was changed") && said.stderr.contains(&new), "{said}");
    assert_eq!(ground.tables(), "");
}

#[test]
fn a_late_file_is_named_and_applied_out_of_order_only_when_asked() {
    let ground = Ground::new();
    [1, 2, 4].iter().for_each(|number| ground.simple(*number));
    ground.up_all();
    ground.simple(3);
    ground.simple(5);
    for words in [&["migrate", "up"][..], &["migrate", "up", "all"], &["apply"]] {
        let late = format!("{} came late", name(3));
        ground.run("migrator", words).fails(2, [&late, &name(4), "--out-of-order", "renaming"]);
    }
    ground.migrator(["validate"]).fails(2, ["came late"]);
    assert_eq!(ground.tables(), "t1 t2 t4");
    // commands that do not touch the late migration work
    ground.migrator(["migrate", "down"]).success();
    ground.migrator(["migrate", "up", "2"]).success();
    assert_eq!(ground.tables(), "t1 t2 t3 t4");
    ground.migrator(["migrate", "to", "t2"]).success();
    ground.simple(4);
    remove(&ground, 3);
    ground.up_all();
    ground.simple(3);
    ground.migrator(["--out-of-order", "migrate", "up", "all"]).success();
    assert_eq!(ground.states(), "1 Migrated, 2 Migrated, 3 Migrated, 4 Migrated, 5 Migrated");
    // the migration that was applied last is reverted first
    let down = ground.migrator(["migrate", "down"]).success();
    assert!(down.stderr.contains(&name(3)), "{down}");
}

#[test]
fn a_late_file_with_a_new_version_is_like_any_other() {
    let ground = Ground::applied(2);
    let late = "20240101000000-late";
    ground.migration(late, &table("late"), "DROP TABLE late;");
    ground.up_fails(2, [late, "came late"]);
    std::fs::rename(
        ground.path(&format!("migration/{late}")),
        ground.path("migration/20250101000009-late"),
    )
    .unwrap();
    ground.up_all();
    assert_eq!(ground.tables(), "late t1 t2");
}

#[test]
fn a_changed_file_stops_everything_and_is_named() {
    let ground = Ground::applied(2);
    ground.simple(3);
    let file = ground.up(1, "CREATE TABLE t1 (id bigint) INHERITS (hectic.created_at);\n");
    let before = ground.everything();
    let file = file.display().to_string();
    for words in [
        &["migrate", "up"][..],
        &["migrate", "up", "all"],
        &["migrate", "down"],
        &["migrate", "to", "t3"],
        &["apply", "--dry-run"],
    ] {
        let failed = ground.run("migrator", words);
        failed.fails(2, [&file, "was changed after it was applied", "repair"]);
    }
    let found = ground.migrator(["validate"]).fails(2, ["1 problems", "repair"]);
    assert!(found.stdout.contains(&file), "{found}");
    assert_eq!(ground.everything(), before);
    ground.simple(1);
    ground.up_all();
}

#[test]
fn changes_that_change_nothing_are_warned_of() {
    let ground = Ground::new();
    let text = "SELECT 'a -- b', $$ /* c */ $$;\nSELECT 2;\n";
    let file = ground.up(1, text).display().to_string();
    ground.up_all();
    for same in [
        "SELECT 'a -- b', $$ /* c */ $$; -- a remark\nSELECT 2;\n",
        "/* a /* nested */ remark */SELECT 'a -- b', $$ /* c */ $$;\nSELECT 2;\n",
        "SELECT 'a -- b', $$ /* c */ $$;\r\nSELECT 2;\r\n",
        "\u{feff}SELECT 'a -- b', $$ /* c */ $$;\nSELECT 2;\n",
    ] {
        ground.up(1, same);
        let warned = ground.up_all();
        assert!(warned.stderr.contains(&format!("warning: {file} was changed")), "{warned}");
        let valid = ground.migrator(["validate"]).success();
        assert!(valid.stdout.starts_with("warning: "), "{valid}");
    }
    for other in [
        "SELECT 'a -- c', $$ /* c */ $$;\nSELECT 2;\n",
        "SELECT 'a -- b', $$ /* d */ $$;\nSELECT 2;\n",
        "SELECT 'a -- b', $$ /* c */ $$;\nSELECT 3;\n",
        "SELECT 'a -- b', $$ /* c */ $$;\nSELECT 2;\nSELECT 3;\n",
    ] {
        ground.up(1, other);
        ground.up_fails(2, [&file]);
    }
}

#[test]
fn a_change_in_an_included_file_counts() {
    let ground = Ground::new();
    ground.up(1, "\\ir one.sql\n");
    let part = |name: &str, text: &str| {
        ground.write(&format!("migration/{}/{name}", super::support::name(1)), text);
    };
    part("one.sql", "\\ir two.sql\n");
    part("two.sql", "SELECT 1;\n");
    ground.up_all();
    part("two.sql", "SELECT 1; -- the same\n");
    let warned = ground.up_all();
    assert!(warned.stderr.contains("comments or line ends only"), "{warned}");
    part("two.sql", "SELECT 2;\n");
    ground.up_fails(2, ["was changed after it was applied"]);
}

#[test]
fn a_down_may_change_and_the_pending_may_too() {
    let ground = Ground::applied(1);
    ground.simple(2);
    ground.write(&format!("migration/{}/down.sql", name(1)), "DROP TABLE t1; -- better\n");
    ground.up(2, &table("t2"));
    ground.up_all();
    ground.migrator(["migrate", "down", "all"]).success();
    // a reverted migration may be rewritten
    ground.up(1, &table("again"));
    ground.migrator(["migrate", "up"]).success();
    assert_eq!(ground.tables(), "again t2");
}

#[test]
fn the_chain_of_predecessors_is_validated() {
    let ground = Ground::applied(3);
    let valid = ground.migrator(["validate"]).success();
    assert!(valid.stderr.contains("3 applied, 0 pending"), "{valid}");
    let chain = "SELECT string_agg((version - previous)::text, ' ') FROM hectic.migration_state";
    assert_eq!(ground.ask(chain), "1 1");
    ground.ask("UPDATE hectic.migration_state SET previous = NULL WHERE version = 20250101000003");
    let broken = ground.migrator(["validate"]).fails(2, ["1 problems"]);
    assert!(broken.stdout.contains(&name(3)), "{broken}");
    let findings = ground.migrator(["validate", "--json"]).fails(2, []).stdout;
    let findings: serde_json::Value = serde_json::from_str(&findings).unwrap();
    assert_eq!(findings[0]["name"], name(3));
    assert_eq!(findings[0]["warning"], false);
}

#[test]
fn an_impossible_history_is_told_as_such() {
    let ground = Ground::applied(1);
    ground.ask(
        "ALTER TABLE hectic.migration_state DROP CONSTRAINT migration_state_state; \
         UPDATE hectic.migration_state SET state = 'Sleeping'",
    );
    ground.up_fails(13, ["Sleeping"]);
    let ground = Ground::applied(1);
    ground.ask("ALTER TABLE hectic.migration_state DROP COLUMN previous");
    ground.migrator(["info"]).fails(13, ["another release", "bundle upgrade"]);
}
