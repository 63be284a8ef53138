//! Sets: independent migrations in one history, or in databases of their own.

use super::support::{Ground, name, table};

fn in_set(ground: &Ground, set: &str, words: &[&str]) -> crate::support::Outcome {
    let common = ["--migration-set", set, "-d", set];
    ground.run("migrator", [&common[..], words].concat())
}

fn migration(ground: &Ground, set: &str, name: &str) {
    let t = format!("{set}_{}", name.split_once('-').unwrap().1);
    ground.write(&format!("{set}/{name}/up.sql"), table(&t));
    ground.write(&format!("{set}/{name}/down.sql"), format!("DROP TABLE {t};"));
}

#[test]
fn sets_share_a_history_and_go_their_own_ways() {
    let ground = Ground::new();
    for set in ["red", "blue"] {
        (1..=2).for_each(|number| migration(&ground, set, &name(number)));
    }
    in_set(&ground, "red", &["migrate", "up", "all"]).success();
    in_set(&ground, "blue", &["migrate", "up"]).success();
    assert_eq!(ground.tables(), "blue_t1 red_t1 red_t2");
    in_set(&ground, "red", &["migrate", "down", "all"]).success();
    assert_eq!(ground.tables(), "blue_t1");
    in_set(&ground, "blue", &["validate"]).success();
    let info = in_set(&ground, "blue", &["info"]).success().stdout;
    assert_eq!(info.lines().count(), 3, "{info}");
    assert!(info.contains("Migrated") && info.contains("Pending"), "{info}");
    let events = in_set(&ground, "blue", &["history"]).success().stdout;
    assert_eq!(events.lines().count(), 3, "{events}");
    let default = ground.migrator(["history", "--json"]).success();
    assert_eq!(default.stdout, "[]\n");
}

#[test]
fn a_file_deleted_from_ones_own_set_is_noticed_and_only_there() {
    let ground = Ground::new();
    for set in ["red", "blue"] {
        (1..=2).for_each(|number| migration(&ground, set, &name(number)));
        in_set(&ground, set, &["apply"]).success();
    }
    std::fs::remove_dir_all(ground.path("red").join(name(2))).unwrap();
    in_set(&ground, "red", &["migrate", "up"]).fails(2, ["Migration history mismatch", &name(2)]);
    in_set(&ground, "blue", &["migrate", "up", "all"]).success();
    in_set(&ground, "red", &["repair", "--yes"]).success();
    in_set(&ground, "red", &["migrate", "up", "all"]).success();
    let excused = "SELECT string_agg(migration_set, ' ') FROM hectic.migration_state WHERE deleted_at IS NOT NULL";
    assert_eq!(ground.ask(excused), "red");
}

#[test]
fn the_name_of_a_set_may_hold_anything_but_nothing() {
    let ground = Ground::with_tables(1);
    ground.up(2, "-- migrator: no-transaction\nSELECT 1;");
    let set = "it's a \\ \"set\" :x @lock@";
    ground.migrator(["--migration-set", set, "migrate", "up", "all"]).success();
    assert_eq!(ground.ask("SELECT DISTINCT migration_set FROM hectic.migration_state"), set);
    ground.migrator(["--migration-set", set, "migrate", "down", "all"]).success();
    ground.migrator(["--migration-set", " ", "info"]).fails(3, ["set has no name"]);
    ground.migrator(["info", "--migration-set"]).fails(3, []);
}

#[test]
fn the_same_files_serve_several_databases() {
    let ground = Ground::applied(2);
    ground.query(&ground.url("postgres"), "CREATE DATABASE second OWNER dev");
    let url = ground.url("second");
    ground.migrator(["-u", &url, "migrate", "up"]).success();
    let states = "SELECT count(*) FROM hectic.migration_state";
    assert_eq!(ground.query(&url, states), "1");
    assert_eq!(ground.ask(states), "2");
    ground.migrator(["migrate", "down", "all"]).success();
    assert_eq!(ground.query(&url, "SELECT to_regclass('t1') IS NOT NULL"), "t");
}
