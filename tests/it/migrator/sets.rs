//! Sets: independent migrations in one history, or in databases of their own.

use crate::support::migrator::{MigratorProject, name, table};

fn in_set(project: &MigratorProject, set: &str, words: &[&str]) -> crate::support::Outcome {
    let common = ["--migration-set", set, "-d", set];
    project.run("migrator", [&common[..], words].concat())
}

fn migration(project: &MigratorProject, set: &str, name: &str) {
    let t = format!("{set}_{}", name.split_once('-').unwrap().1);
    project.write(&format!("{set}/{name}/up.sql"), table(&t));
    project.write(&format!("{set}/{name}/down.sql"), format!("DROP TABLE {t};"));
}

#[test]
fn sets_share_a_history_and_go_their_own_ways() {
    let project = MigratorProject::new();
    for set in ["red", "blue"] {
        (1..=2).for_each(|number| migration(&project, set, &name(number)));
    }
    in_set(&project, "red", &["migrate", "up", "all"]).success();
    in_set(&project, "blue", &["migrate", "up"]).success();
    assert_eq!(project.tables(), "blue_t1 red_t1 red_t2");
    in_set(&project, "red", &["migrate", "down", "all"]).success();
    assert_eq!(project.tables(), "blue_t1");
    in_set(&project, "blue", &["validate"]).success();
    let info = in_set(&project, "blue", &["info"]).success().stdout;
    assert_eq!(info.lines().count(), 3, "{info}");
    assert!(info.contains("Migrated") && info.contains("Pending"), "{info}");
    let events = in_set(&project, "blue", &["history"]).success().stdout;
    assert_eq!(events.lines().count(), 3, "{events}");
    let default = project.migrator(["history", "--json"]).success();
    assert_eq!(default.stdout, "[]\n");
}

#[test]
fn a_file_deleted_from_ones_own_set_is_noticed_and_only_there() {
    let project = MigratorProject::new();
    for set in ["red", "blue"] {
        (1..=2).for_each(|number| migration(&project, set, &name(number)));
        in_set(&project, set, &["apply"]).success();
    }
    std::fs::remove_dir_all(project.path("red").join(name(2))).unwrap();
    in_set(&project, "red", &["migrate", "up"]).fails(2, ["Migration history mismatch", &name(2)]);
    in_set(&project, "blue", &["migrate", "up", "all"]).success();
    in_set(&project, "red", &["repair", "--yes"]).success();
    in_set(&project, "red", &["migrate", "up", "all"]).success();
    let excused = "SELECT string_agg(migration_set, ' ') FROM hectic.migration_state WHERE deleted_at IS NOT NULL";
    assert_eq!(project.ask(excused), "red");
}

#[test]
fn the_name_of_a_set_may_hold_anything_but_nothing() {
    let project = MigratorProject::with_tables(1);
    project.write_up(2, "-- migrator: no-transaction\nSELECT 1;");
    let set = "it's a \\ \"set\" :x @lock@";
    project.migrator(["--migration-set", set, "migrate", "up", "all"]).success();
    assert_eq!(project.ask("SELECT DISTINCT migration_set FROM hectic.migration_state"), set);
    project.migrator(["--migration-set", set, "migrate", "down", "all"]).success();
    project.migrator(["--migration-set", " ", "info"]).fails(3, ["set has no name"]);
    project.migrator(["info", "--migration-set"]).fails(3, []);
}

#[test]
fn the_same_files_serve_several_databases() {
    let project = MigratorProject::applied(2);
    project.ask_in("postgres", "CREATE DATABASE second OWNER dev");
    let url = project.url("second");
    project.migrator(["-u", &url, "migrate", "up"]).success();
    let states = "SELECT count(*) FROM hectic.migration_state";
    assert_eq!(project.query(&url, states), "1");
    assert_eq!(project.ask(states), "2");
    project.migrator(["migrate", "down", "all"]).success();
    assert_eq!(project.query(&url, "SELECT to_regclass('t1') IS NOT NULL"), "t");
}
