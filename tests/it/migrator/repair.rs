//! `repair`, `abort`, `baseline`, `clean`: these commands change the history and never the schema.

use super::support::{Ground, name, table};

fn remove(ground: &Ground, number: u8) {
    std::fs::remove_dir_all(ground.path(&format!("migration/{}", name(number)))).unwrap();
}

/// The last events, newest first: `repair Migrated, …`, each with an actor.
fn last_events(ground: &Ground, count: u8) -> String {
    ground.ask(&format!(
        "SELECT string_agg(action || ' ' || state, ', ') FROM (SELECT * FROM hectic.migration_event \
         WHERE actor LIKE '%_@_%' ORDER BY id DESC LIMIT {count}) e"
    ))
}

#[test]
fn repair_asks_and_without_anybody_to_ask_it_does_nothing() {
    let ground = Ground::applied(1);
    ground.up(1, &table("other"));
    let before = ground.everything();
    let asked = ground.migrator(["repair"]).fails(3, ["no terminal to ask", "--yes"]);
    assert!(asked.stdout.contains(&name(1)), "{asked}");
    assert_eq!(ground.everything(), before);
    let input = ground.run_with_input("migrator", ["repair"], "y\n");
    input.fails(3, ["no terminal to ask"]);
}

#[test]
fn repair_blesses_changed_files() {
    let ground = Ground::applied(2);
    ground.up(1, &table("other"));
    ground.write(&format!("migration/{}/up.sql", name(2)), format!("-- remark\n{}", table("t2")));
    ground.up_fails(2, ["repair"]);
    let repaired = ground.migrator(["repair", "--yes"]).success();
    assert!(repaired.stderr.contains("recorded: 2"), "{repaired}");
    assert_eq!(last_events(&ground, 2), "repair Migrated, repair Migrated");
    let valid = ground.migrator(["validate"]).success();
    assert_eq!(valid.stdout, "", "{valid}");
    ground.up_all();
    assert_eq!(ground.tables(), "t1 t2");
    let nothing = ground.migrator(["repair", "--yes"]).success();
    assert!(nothing.stderr.contains("nothing to record"), "{nothing}");
}

#[test]
fn repair_excuses_missing_files() {
    let ground = Ground::applied(3);
    remove(&ground, 2);
    ground.up_fails(2, ["mismatch"]);
    let repaired = ground.migrator(["repair", "-y", "--json"]).success().stdout;
    assert!(repaired.contains("excuse its missing files"), "{repaired}");
    assert_eq!(last_events(&ground, 1), "repair Migrated");
    ground.simple(4);
    ground.up_all();
    ground.migrator(["validate"]).success();
    let info = ground.migrator(["info"]).success().stdout;
    assert!(info.contains("Migrated (deleted)"), "{info}");
    ground.migrator(["migrate", "down", "2"]).success();
    ground.migrator(["migrate", "down"]).fails(3, [&name(2), "gone", "fetch"]);
    ground.migrator(["fetch"]).success();
    ground.migrator(["migrate", "down", "all"]).success();
    assert_eq!(ground.tables(), "");
}

#[test]
fn repair_marks_applied_and_reverted() {
    let ground = Ground::applied(3);
    ground.simple(4);
    let words = ["repair", "--yes", "--applied", &name(4), "--reverted", "t2"];
    let repaired = ground.migrator(words).success();
    assert!(repaired.stdout.contains("without running it"), "{repaired}");
    assert_eq!(ground.states(), "1 Migrated, 2 Undone, 3 Migrated, 4 Migrated");
    assert_eq!(ground.tables(), "t1 t2 t3");
    assert_eq!(last_events(&ground, 2), "repair Migrated, repair Undone");
    // the chain closes over the gap
    let previous = "SELECT string_agg(version % 100 || '<' || coalesce(previous % 100, 0), ' ' ORDER BY version) \
                    FROM hectic.migration_state WHERE state = 'Migrated'";
    assert_eq!(ground.ask(previous), "1<0 3<1 4<3");
    ground.migrator(["validate"]).fails(2, ["came late"]);
    ground.migrator(["repair", "--yes", "--applied", "t2"]).success();
    ground.migrator(["validate"]).success();
    ground.migrator(["repair", "--yes", "--applied", "t9"]).fails(3, ["t9"]);
    ground.migrator(["repair", "--yes", "--reverted", "t9"]).fails(3, ["t9"]);
    let both = ["repair", "--applied", "t1", "--reverted", &name(1), "--yes"];
    ground.migrator(both).fails(2, ["both applied and reverted"]);
}

#[test]
fn abort_sets_what_is_running_to_error_and_undoes_nothing() {
    let ground = Ground::applied(2);
    let nothing = ground.migrator(["abort"]).success();
    assert!(nothing.stderr.contains("nothing is Running"), "{nothing}");
    ground.ask(
        "UPDATE hectic.migration_state SET state = 'Running', transactional = false, backend = 0 \
         WHERE version = 20250101000002",
    );
    ground.up_fails(2, [&name(2), "interrupted", "migrator abort"]);
    ground.migrator(["repair", "--yes"]).fails(2, ["is Running", "abort"]);
    let planned = ground.migrator(["abort", "--dry-run"]).success();
    assert!(planned.stderr.contains(&name(2)), "{planned}");
    assert_eq!(ground.states(), "1 Migrated, 2 Running");
    let aborted = ground.migrator(["abort", "--json"]).success().stdout;
    assert!(aborted.contains(&name(2)), "{aborted}");
    assert_eq!(ground.states(), "1 Migrated, 2 Error");
    assert_eq!(last_events(&ground, 1), "abort Error");
    assert_eq!(ground.tables(), "t1 t2");
    ground.ask("DROP TABLE t2");
    ground.up_all();
    assert_eq!(ground.states(), "1 Migrated, 2 Migrated");
}

#[test]
fn a_transaction_whose_migrator_died_needs_no_abort() {
    let ground = Ground::applied(1);
    ground.simple(2);
    ground.ask("UPDATE hectic.migration_state SET state = 'Running', backend = 0; DROP TABLE t1");
    let healed = ground.up_all();
    assert!(healed.stderr.contains("has died"), "{healed}");
    assert_eq!(ground.states(), "1 Migrated, 2 Migrated");
    assert_eq!(ground.tables(), "t1 t2");
}

#[test]
fn baseline_records_without_running() {
    let ground = Ground::with_tables(4);
    let recorded = ground.migrator(["baseline", "t2"]).success();
    assert!(recorded.stderr.contains("recorded: 2"), "{recorded}");
    assert_eq!(ground.states(), "1 Migrated, 2 Migrated");
    assert_eq!(ground.tables(), "");
    assert_eq!(last_events(&ground, 2), "baseline Migrated, baseline Migrated");
    ground.migrator(["validate"]).success();
    let again = ground.migrator(["baseline", "t1"]).success();
    assert!(again.stderr.contains("nothing to record"), "{again}");
    ground.migrator(["migrate", "up"]).success();
    assert_eq!(ground.tables(), "t3");
    let json = ground.migrator(["baseline", "latest", "--json"]).success().stdout;
    assert!(json.contains(&name(4)) && !json.contains(&name(3)), "{json}");
    ground.migrator(["baseline", "t9"]).fails(3, ["t9"]);
    ground.migrator(["baseline"]).fails(3, ["NAME"]);
    // a migration that was only recorded can be reverted like any other
    ground.ask(&format!("{} {}", table("t1").trim_end(), table("t2").trim_end()));
    ground.ask(table("t4").trim_end());
    ground.migrator(["migrate", "down", "all"]).success();
    assert_eq!(ground.tables(), "");
}

#[test]
fn clean_drops_the_migrators_own_objects_and_nothing_else() {
    let ground = Ground::applied(2);
    ground.migrator(["clean"]).fails(3, ["no terminal to ask", "--yes"]);
    let script = ground.migrator(["clean", "--dry-run"]).success().stdout;
    assert!(script.contains("DROP TABLE IF EXISTS hectic.migration"), "{script}");
    assert_eq!(ground.states(), "1 Migrated, 2 Migrated");
    let ours = "SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc \
                WHERE pronamespace = 'hectic'::regnamespace AND proname LIKE '%migration%'";
    assert_ne!(ground.ask(ours), "");
    ground.migrator(["clean", "--yes"]).success();
    assert_eq!(ground.ask(ours), "");
    assert_eq!(ground.ask("SELECT to_regclass('hectic.migration') IS NULL"), "t");
    assert_eq!(ground.ask("SELECT to_regclass('hectic.secret') IS NOT NULL"), "t");
    assert_eq!(ground.tables(), "t1 t2");
    ground.migrator(["clean", "--yes"]).success();
    let info = ground.migrator(["info"]).success().stdout;
    assert_eq!(info.matches("Pending").count(), 2, "{info}");
    ground.migrator(["baseline", "latest"]).success();
    ground.up_all();
    assert_eq!(ground.states(), "1 Migrated, 2 Migrated");
}
