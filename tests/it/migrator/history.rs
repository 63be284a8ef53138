//! The history against the files on disk: mismatches, late files, changed files.

use crate::support::migrator::{MigratorProject, name, table};

#[test]
fn a_mismatch_shows_both_sides_and_both_lists() {
    let project = MigratorProject::applied(3);
    let renamed = "20250101000002-other";
    std::fs::rename(
        project.path(&format!("migration/{}", name(2))),
        project.path(&format!("migration/{renamed}")),
    )
    .unwrap();
    project.write_table(4);
    let before = project.everything();
    for words in [
        &["migrate", "up"][..],
        &["migrate", "up", "all"],
        &["migrate", "down"],
        &["migrate", "to", "0"],
        &["apply"],
        &["validate"],
        &["baseline", "t4"],
    ] {
        let failed = project.run("migrator", words).fails(2, ["Migration history mismatch"]);
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
    assert_eq!(project.everything(), before);
}

#[test]
fn a_file_that_is_gone_is_a_mismatch_at_its_position() {
    let project = MigratorProject::applied(3);
    project.delete_migration(3);
    let gone = format!("Database has:   {}", name(3));
    project.up_fails(2, ["mismatch at position 3", &gone, "Filesystem has: (nothing)", "fetch"]);
    project.delete_migration(1);
    let gone = format!("Database has:   {}", name(1));
    project.up_fails(2, ["mismatch at position 1", &gone]);
}

/// The names in `hectic.migration`, without an ORDER BY.
fn applied(project: &MigratorProject) -> String {
    project.ask("SELECT string_agg(m.name, ' ') FROM hectic.migration m")
}

#[test]
fn hectic_migration_lists_exactly_what_is_applied_in_order() {
    let project = MigratorProject::new();
    [1, 2, 4].iter().for_each(|number| project.write_table(*number));
    project.up_all();
    let all = [1, 2, 4].map(name).join(" ");
    assert_eq!(applied(&project), all);
    project.migrator(["migrate", "down"]).success();
    assert_eq!(applied(&project), [1, 2].map(name).join(" "), "a reverted one is not in it");
    project.write_up(4, "SELECT nonsense;\n");
    project.up_fails(4, ["nonsense"]);
    assert_eq!(applied(&project), [1, 2].map(name).join(" "), "nor is a failed one");
    project.write_table(4);
    project.up_all();
    project.write_table(3);
    project.migrator(["--out-of-order", "migrate", "up"]).success();
    assert_eq!(applied(&project), [1, 2, 4, 3].map(name).join(" "), "in the order of application");
    let row = format!(
        "SELECT hash = encode(sha256('{}'), 'hex') AND id > 0 \
                AND applied_at BETWEEN now() - interval '1 hour' AND now() \
         FROM hectic.migration WHERE name = '{}'",
        crate::support::migrator::table("t4").replace('\n', "\\012"),
        name(4)
    );
    assert_eq!(project.ask(&row), "t");
    assert_eq!(project.migrator(["history"]).success().stdout.matches(" Undone ").count(), 1);
}

#[test]
fn a_failed_down_leaves_the_migration_in_the_list_with_its_time() {
    let project = MigratorProject::applied(1);
    let row = "SELECT name || hash || applied_at FROM hectic.migration";
    let before = project.ask(row);
    let down = format!("migration/{}/down.sql", name(1));
    for text in ["SELECT nonsense;\n", "-- migrator: no-transaction\nSELECT nonsense;\n"] {
        project.write(&down, text);
        project.migrator(["migrate", "down"]).fails(4, ["nonsense"]);
        assert_eq!(project.ask(row), before, "{text}");
    }
    assert_eq!(project.states(), "1 Error");
    project.migrator(["repair", "--reverted", "t1", "--yes"]).success();
    assert_eq!(applied(&project), "");
    project.migrator(["baseline", "t1"]).success();
    assert_eq!(applied(&project), name(1));
    assert_eq!(project.ask("SELECT pg_relation_is_updatable('hectic.migration', true)"), "0");
}

#[test]
fn force_goes_on_in_spite_of_a_mismatch_and_says_so() {
    let project = MigratorProject::applied(3);
    project.delete_migration(2);
    project.write_table(4);
    project.up_fails(2, ["Migration history mismatch", "hint: --force goes on"]);
    for words in [&["--force", "migrate", "up"][..], &["migrate", "up", "all", "-f"]] {
        let said = project.run("migrator", words);
        assert_eq!(
            said.stderr.matches("Migration history mismatch at position 2").count(),
            1,
            "{said}"
        );
        let told = ["--force goes on in spite of this", "Full database migrations:", &name(2)];
        assert!(told.iter().all(|words| said.stderr.contains(words)), "{said}");
        project.write_table(5);
    }
    assert_eq!(project.tables(), "t1 t2 t3 t4 t5");
    project.migrator(["--force", "migrate", "down", "3"]).success();
    let before = project.everything();
    project.migrator(["--force", "migrate", "down"]).fails(3, [&name(2), "migrator fetch"]);
    assert_eq!(project.everything(), before);
}

#[test]
fn force_accepts_changed_and_renamed_files() {
    let project = MigratorProject::applied(2);
    let change = "CREATE TABLE t1 (id bigint) INHERITS (hectic.created_at);\n";
    project.write_migration(&name(1), change, "DROP TABLE t1;\n");
    project.write_table(3);
    project.up_fails(2, ["was changed", "--force goes on"]);
    project.migrator(["--force", "migrate", "up"]).success();
    let (old, new) = (name(2), name(2).replace("t2", "renamed"));
    let place = |name: &str| project.path(&format!("migration/{name}"));
    std::fs::rename(place(&old), place(&new)).unwrap();
    project.migrator(["migrate", "to", "0"]).fails(2, [&new, "--force goes on"]);
    let said = project.migrator(["--force", "migrate", "to", "0"]).success();
    assert!(said.stderr.contains("was changed") && said.stderr.contains(&new), "{said}");
    assert_eq!(project.tables(), "");
}

#[test]
fn a_late_file_is_named_and_applied_out_of_order_only_when_asked() {
    let project = MigratorProject::new();
    [1, 2, 4].iter().for_each(|number| project.write_table(*number));
    project.up_all();
    project.write_table(3);
    project.write_table(5);
    for words in [&["migrate", "up"][..], &["migrate", "up", "all"], &["apply"]] {
        let late = format!("{} came late", name(3));
        project.run("migrator", words).fails(2, [&late, &name(4), "--out-of-order", "rename it"]);
    }
    project.migrator(["validate"]).fails(2, ["came late"]);
    assert_eq!(project.tables(), "t1 t2 t4");
    // commands that do not touch the late migration work
    project.migrator(["migrate", "down"]).success();
    project.migrator(["migrate", "up", "2"]).success();
    assert_eq!(project.tables(), "t1 t2 t3 t4");
    project.migrator(["migrate", "to", "t2"]).success();
    project.write_table(4);
    project.delete_migration(3);
    project.up_all();
    project.write_table(3);
    project.migrator(["--out-of-order", "migrate", "up", "all"]).success();
    assert_eq!(project.states(), "1 Migrated, 2 Migrated, 3 Migrated, 4 Migrated, 5 Migrated");
    // the migration that was applied last is reverted first
    let down = project.migrator(["migrate", "down"]).success();
    assert!(down.stderr.contains(&name(3)), "{down}");
}

#[test]
fn a_late_file_with_a_new_version_is_like_any_other() {
    let project = MigratorProject::applied(2);
    let late = "20240101000000-late";
    project.write_migration(late, &table("late"), "DROP TABLE late;");
    project.up_fails(2, [late, "came late"]);
    std::fs::rename(
        project.path(&format!("migration/{late}")),
        project.path("migration/20250101000009-late"),
    )
    .unwrap();
    project.up_all();
    assert_eq!(project.tables(), "late t1 t2");
}

#[test]
fn a_changed_file_stops_everything_and_is_named() {
    let project = MigratorProject::applied(2);
    project.write_table(3);
    let file = project.write_up(1, "CREATE TABLE t1 (id bigint) INHERITS (hectic.created_at);\n");
    let before = project.everything();
    let file = file.display().to_string();
    for words in [
        &["migrate", "up"][..],
        &["migrate", "up", "all"],
        &["migrate", "down"],
        &["migrate", "to", "t3"],
        &["apply", "--dry-run"],
    ] {
        let failed = project.run("migrator", words);
        failed.fails(2, [&file, "was changed after it was applied", "repair"]);
    }
    let found = project.migrator(["validate"]).fails(2, ["1 problems", "repair"]);
    assert!(found.stdout.contains(&file), "{found}");
    assert_eq!(project.everything(), before);
    project.write_table(1);
    project.up_all();
}

#[test]
fn changes_that_change_nothing_are_warned_of() {
    let project = MigratorProject::new();
    let text = "SELECT 'a -- b', $$ /* c */ $$;\nSELECT 2;\n";
    let file = project.write_up(1, text).display().to_string();
    project.up_all();
    for same in [
        "SELECT 'a -- b', $$ /* c */ $$; -- a remark\nSELECT 2;\n",
        "/* a /* nested */ remark */SELECT 'a -- b', $$ /* c */ $$;\nSELECT 2;\n",
        "SELECT 'a -- b', $$ /* c */ $$;\r\nSELECT 2;\r\n",
        "\u{feff}SELECT 'a -- b', $$ /* c */ $$;\nSELECT 2;\n",
    ] {
        project.write_up(1, same);
        let warned = project.up_all();
        assert!(warned.stderr.contains(&format!("warning: {file} was changed")), "{warned}");
        let valid = project.migrator(["validate"]).success();
        assert!(valid.stdout.starts_with("warning: "), "{valid}");
    }
    for other in [
        "SELECT 'a -- c', $$ /* c */ $$;\nSELECT 2;\n",
        "SELECT 'a -- b', $$ /* d */ $$;\nSELECT 2;\n",
        "SELECT 'a -- b', $$ /* c */ $$;\nSELECT 3;\n",
        "SELECT 'a -- b', $$ /* c */ $$;\nSELECT 2;\nSELECT 3;\n",
    ] {
        project.write_up(1, other);
        project.up_fails(2, [&file]);
    }
}

#[test]
fn a_change_in_an_included_file_counts() {
    let project = MigratorProject::new();
    project.write_up(1, "\\ir one.sql\n");
    let part = |name: &str, text: &str| {
        project.write(&format!("migration/{}/{name}", crate::support::migrator::name(1)), text);
    };
    part("one.sql", "\\ir two.sql\n");
    part("two.sql", "SELECT 1;\n");
    project.up_all();
    part("two.sql", "SELECT 1; -- the same\n");
    let warned = project.up_all();
    assert!(warned.stderr.contains("comments or line ends only"), "{warned}");
    part("two.sql", "SELECT 2;\n");
    project.up_fails(2, ["was changed after it was applied"]);
}

#[test]
fn a_down_may_change_and_the_pending_may_too() {
    let project = MigratorProject::applied(1);
    project.write_table(2);
    project.write(&format!("migration/{}/down.sql", name(1)), "DROP TABLE t1; -- better\n");
    project.write_up(2, &table("t2"));
    project.up_all();
    project.migrator(["migrate", "down", "all"]).success();
    // a reverted migration may be rewritten
    project.write_up(1, &table("again"));
    project.migrator(["migrate", "up"]).success();
    assert_eq!(project.tables(), "again t2");
}

#[test]
fn the_chain_of_predecessors_is_validated() {
    let project = MigratorProject::applied(3);
    let valid = project.migrator(["validate"]).success();
    assert!(valid.stderr.contains("3 applied, 0 pending"), "{valid}");
    let chain = "SELECT string_agg((version - previous)::text, ' ') FROM hectic.migration_state";
    assert_eq!(project.ask(chain), "1 1");
    project.ask("UPDATE hectic.migration_state SET previous = NULL WHERE version = 20250101000003");
    let broken = project.migrator(["validate"]).fails(2, ["1 problems"]);
    assert!(broken.stdout.contains(&name(3)), "{broken}");
    let findings = project.migrator(["validate", "--json"]).fails(2, []).stdout;
    let findings: serde_json::Value = serde_json::from_str(&findings).unwrap();
    assert_eq!(findings[0]["name"], name(3));
    assert_eq!(findings[0]["warning"], false);
}

#[test]
fn an_impossible_history_is_told_as_such() {
    let project = MigratorProject::applied(1);
    project.ask(
        "ALTER TABLE hectic.migration_state DROP CONSTRAINT migration_state_state; \
         UPDATE hectic.migration_state SET state = 'Sleeping'",
    );
    project.up_fails(13, ["Sleeping"]);
    let project = MigratorProject::applied(1);
    project.ask("ALTER TABLE hectic.migration_state DROP COLUMN previous");
    project.migrator(["info"]).fails(13, ["another release", "bundle upgrade"]);
}
