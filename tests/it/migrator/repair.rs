//! `repair`, `abort`, `baseline`, `clean`: these commands change the history and never the schema.

use crate::support::migrator::{MigratorProject, name, table};

/// The last events, newest first: `repair Migrated, …`, each with an actor.
fn last_events(project: &MigratorProject, count: u32) -> String {
    project.ask(&format!(
        "SELECT string_agg(action || ' ' || state, ', ') FROM (SELECT * FROM hectic.migration_event \
         WHERE actor LIKE '%_@_%' ORDER BY id DESC LIMIT {count}) e"
    ))
}

#[test]
fn repair_asks_and_without_anybody_to_ask_it_does_nothing() {
    let project = MigratorProject::applied(1);
    project.write_up(1, &table("other"));
    let before = project.everything();
    let asked = project.migrator(["repair"]).fails(3, ["no terminal to ask", "--yes"]);
    assert!(asked.stdout.contains(&name(1)), "{asked}");
    assert_eq!(project.everything(), before);
    let input = project.run_with_input("migrator", ["repair"], "y\n");
    input.fails(3, ["no terminal to ask"]);
}

#[test]
fn repair_blesses_changed_files() {
    let project = MigratorProject::applied(2);
    project.write_up(1, &table("other"));
    project.write(&format!("migration/{}/up.sql", name(2)), format!("-- remark\n{}", table("t2")));
    project.up_fails(2, ["repair"]);
    let repaired = project.migrator(["repair", "--yes"]).success();
    assert!(repaired.stderr.contains("recorded: 2"), "{repaired}");
    assert_eq!(last_events(&project, 2), "repair Migrated, repair Migrated");
    let valid = project.migrator(["validate"]).success();
    assert_eq!(valid.stdout, "", "{valid}");
    project.up_all();
    assert_eq!(project.tables(), "t1 t2");
    let nothing = project.migrator(["repair", "--yes"]).success();
    assert!(nothing.stderr.contains("nothing to record"), "{nothing}");
}

#[test]
fn repair_excuses_missing_files() {
    let project = MigratorProject::applied(3);
    project.delete_migration(2);
    project.up_fails(2, ["mismatch"]);
    let repaired = project.migrator(["repair", "-y", "--json"]).success().stdout;
    assert!(repaired.contains("excuse its missing files"), "{repaired}");
    assert_eq!(last_events(&project, 1), "repair Migrated");
    project.write_table(4);
    project.up_all();
    project.migrator(["validate"]).success();
    let info = project.migrator(["info"]).success().stdout;
    assert!(info.contains("Migrated (deleted)"), "{info}");
    project.migrator(["migrate", "down", "2"]).success();
    project.migrator(["migrate", "down"]).fails(3, [&name(2), "gone", "fetch"]);
    project.migrator(["fetch"]).success();
    project.migrator(["migrate", "down", "all"]).success();
    assert_eq!(project.tables(), "");
}

#[test]
fn repair_marks_applied_and_reverted() {
    let project = MigratorProject::applied(3);
    project.write_table(4);
    let words = ["repair", "--yes", "--applied", &name(4), "--reverted", "t2"];
    let repaired = project.migrator(words).success();
    assert!(repaired.stdout.contains("without running it"), "{repaired}");
    assert_eq!(project.states(), "1 Migrated, 2 Undone, 3 Migrated, 4 Migrated");
    assert_eq!(project.tables(), "t1 t2 t3");
    assert_eq!(last_events(&project, 2), "repair Migrated, repair Undone");
    // the chain closes over the gap
    let previous = "SELECT string_agg(version % 100 || '<' || coalesce(previous % 100, 0), ' ' ORDER BY version) \
                    FROM hectic.migration_state WHERE state = 'Migrated'";
    assert_eq!(project.ask(previous), "1<0 3<1 4<3");
    project.migrator(["validate"]).fails(2, ["came late"]);
    project.migrator(["repair", "--yes", "--applied", "t2"]).success();
    project.migrator(["validate"]).success();
    project.migrator(["repair", "--yes", "--applied", "t9"]).fails(3, ["t9"]);
    project.migrator(["repair", "--yes", "--reverted", "t9"]).fails(3, ["t9"]);
    let both = ["repair", "--applied", "t1", "--reverted", &name(1), "--yes"];
    project.migrator(both).fails(2, ["both applied and reverted"]);
}

#[test]
fn what_lost_its_files_can_be_recorded_as_reverted() {
    let project = MigratorProject::applied(4);
    project.delete_migration(2);
    let up = project.path(&format!("migration/{}/up.sql", name(3)));
    std::fs::remove_file(up).unwrap();
    let renamed = "20250101000004-renamed";
    std::fs::rename(
        project.path(&format!("migration/{}", name(4))),
        project.path(&format!("migration/{renamed}")),
    )
    .unwrap();
    project.up_fails(2, ["mismatch"]);
    project.write_up(3, &table("t3"));
    // by description, by version and by the name in the history
    for (named, states) in [
        ("t2", "1 Migrated, 2 Undone, 3 Migrated, 4 Migrated"),
        ("20250101000003", "1 Migrated, 2 Undone, 3 Undone, 4 Migrated"),
        (&name(4), "1 Migrated, 2 Undone, 3 Undone, 4 Undone"),
    ] {
        let planned = project.migrator(["repair", "--dry-run", "--reverted", named]).success();
        assert!(planned.stdout.contains("record it as not applied"), "{planned}");
        project.migrator(["repair", "--yes", "--reverted", named]).success();
        assert_eq!(project.states(), states);
        assert_eq!(last_events(&project, 1), "repair Undone");
    }
    project.migrator(["validate"]).success();
    assert_eq!(project.tables(), "t1 t2 t3 t4");
    project.ask("DROP TABLE t3, t4");
    project.up_all();
    assert_eq!(project.states(), "1 Migrated, 2 Undone, 3 Migrated, 4 Migrated");
}

#[test]
fn abort_sets_what_is_running_to_error_and_undoes_nothing() {
    let project = MigratorProject::applied(2);
    let nothing = project.migrator(["abort"]).success();
    assert!(nothing.stderr.contains("nothing is Running"), "{nothing}");
    project.ask(
        "UPDATE hectic.migration_state SET state = 'Running', transactional = false, backend = 0 \
         WHERE version = 20250101000002",
    );
    project.up_fails(2, [&name(2), "interrupted", "migrator abort"]);
    project.migrator(["repair", "--yes"]).fails(2, ["is Running", "abort"]);
    let planned = project.migrator(["abort", "--dry-run"]).success();
    assert!(planned.stderr.contains(&name(2)), "{planned}");
    assert_eq!(project.states(), "1 Migrated, 2 Running");
    let aborted = project.migrator(["abort", "--json"]).success().stdout;
    assert!(aborted.contains(&name(2)), "{aborted}");
    assert_eq!(project.states(), "1 Migrated, 2 Error");
    assert_eq!(last_events(&project, 1), "abort Error");
    assert_eq!(project.tables(), "t1 t2");
    project.ask("DROP TABLE t2");
    project.up_all();
    assert_eq!(project.states(), "1 Migrated, 2 Migrated");
}

#[test]
fn a_transaction_whose_migrator_died_needs_no_abort() {
    let project = MigratorProject::applied(1);
    project.write_table(2);
    project.ask("UPDATE hectic.migration_state SET state = 'Running', backend = 0; DROP TABLE t1");
    let healed = project.up_all();
    assert!(healed.stderr.contains("has died"), "{healed}");
    assert_eq!(project.states(), "1 Migrated, 2 Migrated");
    assert_eq!(project.tables(), "t1 t2");
}

#[test]
fn baseline_records_without_running() {
    let project = MigratorProject::with_tables(4);
    let recorded = project.migrator(["baseline", "t2"]).success();
    assert!(recorded.stderr.contains("recorded: 2"), "{recorded}");
    assert_eq!(project.states(), "1 Migrated, 2 Migrated");
    assert_eq!(project.tables(), "");
    assert_eq!(last_events(&project, 2), "baseline Migrated, baseline Migrated");
    project.migrator(["validate"]).success();
    let again = project.migrator(["baseline", "t1"]).success();
    assert!(again.stderr.contains("nothing to record"), "{again}");
    project.migrator(["migrate", "up"]).success();
    assert_eq!(project.tables(), "t3");
    let json = project.migrator(["baseline", "latest", "--json"]).success().stdout;
    assert!(json.contains(&name(4)) && !json.contains(&name(3)), "{json}");
    project.migrator(["baseline", "t9"]).fails(3, ["t9"]);
    project.migrator(["baseline"]).fails(3, ["NAME"]);
    // a migration that was only recorded can be reverted like any other
    project.ask(&format!("{} {}", table("t1").trim_end(), table("t2").trim_end()));
    project.ask(table("t4").trim_end());
    project.migrator(["migrate", "down", "all"]).success();
    assert_eq!(project.tables(), "");
}

#[test]
fn clean_drops_the_migrators_own_objects_and_nothing_else() {
    let project = MigratorProject::applied(2);
    project.migrator(["clean"]).fails(3, ["no terminal to ask", "--yes"]);
    let script = project.migrator(["clean", "--dry-run"]).success().stdout;
    assert!(script.contains("DROP TABLE IF EXISTS hectic.migration"), "{script}");
    assert_eq!(project.states(), "1 Migrated, 2 Migrated");
    let ours = "SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc \
                WHERE pronamespace = 'hectic'::regnamespace AND proname LIKE '%migration%'";
    assert_ne!(project.ask(ours), "");
    project.migrator(["clean", "--yes"]).success();
    assert_eq!(project.ask(ours), "");
    assert_eq!(project.ask("SELECT to_regclass('hectic.migration') IS NULL"), "t");
    assert_eq!(project.ask("SELECT to_regclass('hectic.secret') IS NOT NULL"), "t");
    assert_eq!(project.tables(), "t1 t2");
    project.migrator(["clean", "--yes"]).success();
    let info = project.migrator(["info"]).success().stdout;
    assert_eq!(info.matches("Pending").count(), 2, "{info}");
    project.migrator(["baseline", "latest"]).success();
    project.up_all();
    assert_eq!(project.states(), "1 Migrated, 2 Migrated");
}
