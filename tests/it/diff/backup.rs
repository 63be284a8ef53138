//! The other side is a backup, with the migrations that it lacks.

use super::support::LiveProject;
use crate::support::finish;
use crate::support::trace::{interrupt, nothing_left};

const SOURCE: &str = "CREATE SCHEMA s;\n\
                      CREATE TABLE s.t (id int PRIMARY KEY) INHERITS (hectic.created_at);\n";
const BACKUP: &str = "project/focus/postgresql-backup";
const MIGRATION: &str = "project/db/migration/20250101000000-more";

fn backed_up() -> LiveProject {
    let live = LiveProject::new(SOURCE);
    live.database(["backup"]).success();
    live
}

#[test]
fn a_backup_of_the_same_is_the_same() {
    let live = backed_up();
    let same = live.database(["diff"]).success();
    assert_eq!(same.stdout, "");
    assert!(same.stderr.contains("the backup is"), "{same}");
}

#[test]
fn a_migration_that_the_sources_know_makes_no_difference_and_another_does() {
    let live = backed_up();
    let more = "CREATE TABLE s.more (id int PRIMARY KEY) INHERITS (hectic.created_at);\n";
    live.write(&format!("{MIGRATION}/up.sql"), more);
    let differs = live.database(["diff"]).fails(1, ["1 difference"]);
    assert!(differs.stdout.contains("- table s.more  [semantic]"), "{differs}");
    live.write("project/db/src/entrypoint.sql", format!("{SOURCE}{more}"));
    assert_eq!(live.database(["diff"]).success().stdout, "");
}

#[test]
fn a_migration_that_fails_is_exit_4_unless_it_may() {
    let live = backed_up();
    live.write(&format!("{MIGRATION}/up.sql"), "SELECT 1/0;\n");
    live.database(["diff"]).fails(4, ["division by zero"]);
    let compared = live.database(["diff", "--ignore-migration-fail"]).success();
    assert!(compared.stderr.contains("compared as it is"), "{compared}");
}

#[test]
fn a_backup_that_is_missing_is_exit_3() {
    let live = LiveProject::new(SOURCE);
    live.database(["diff"]).fails(3, ["no backup", "database backup"]);
    live.database(["diff", "/nowhere"]).fails(3, ["/nowhere"]);
}

/// A backup whose cluster has been stopped, so that only the servers of the comparison run.
fn at_rest() -> LiveProject {
    let live = backed_up();
    live.run("postgres-cleanup", [""; 0]).success();
    live
}

#[test]
fn a_backup_that_cannot_be_restored_is_exit_13_and_leaves_nothing() {
    let live = at_rest();
    let file = |name: &str| live.path(&format!("{BACKUP}/{name}"));
    // .zst or .gz, as the programs can
    let base = live.entries(BACKUP).into_iter().find(|name| name.starts_with("base.tar")).unwrap();
    for (name, damage) in [
        (&*base, &(|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2)) as &dyn Fn(&mut Vec<u8>)),
        (&*base, &|bytes| bytes.iter_mut().skip(1000).step_by(997).for_each(|byte| *byte ^= 0x55)),
        (&*base, &|bytes| bytes.clear()),
        ("pg_wal.tar", &|bytes| bytes.truncate(bytes.len() / 3)),
        ("backup_manifest", &|bytes| bytes.truncate(bytes.len() / 2)),
    ] {
        let whole = std::fs::read(file(name)).unwrap();
        let mut bytes = whole.clone();
        damage(&mut bytes);
        std::fs::write(file(name), &bytes).unwrap();
        let failed = live.database(["diff"]).fails(13, ["cannot prepare the other side"]);
        assert_eq!(failed.stdout, "");
        nothing_left(&live);
        std::fs::write(file(name), &whole).unwrap();
    }
    assert_eq!(live.database(["diff"]).success().stdout, "");
}

#[test]
fn a_database_or_a_role_that_the_backup_lacks() {
    let mut live = at_rest();
    let url = format!("postgresql://anna@localhost/app?host={}", live.path("pg").display());
    live.set("DB_URL", &url);
    assert_eq!(
        live.database(["diff"]).success().stdout,
        "",
        "owners are one, whatever they are called"
    );
    nothing_left(&live);
    live.set("DB_URL", url.replace("/app?", "/shop?"));
    live.database(["diff"]).fails(3, ["no database shop"]);
    nothing_left(&live);
}

#[test]
fn what_fails_is_4_with_a_backup_too() {
    let live = at_rest();
    live.source("CREATE TABLE broken (;\n");
    live.database(["diff"]).fails(4, ["cannot prepare the sources' side", "entrypoint.sql:1"]);
    nothing_left(&live);
    live.write(&format!("{MIGRATION}/up.sql"), "SELECT 1/0;\n");
    live.database(["diff"]).fails(4, ["division by zero"]);
    live.database(["diff", "--ignore-migration-fail"]).fails(4, ["entrypoint.sql:1"]);
    nothing_left(&live);
}

#[test]
fn tablespaces_settings_and_modes_of_production_do_not_matter() {
    let live = LiveProject::new(SOURCE);
    let place = live.path("pg/space");
    std::fs::create_dir(&place).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&live.path("pg/data").metadata().unwrap());
    std::os::unix::fs::chown(&place, Some(owner), None).unwrap();
    live.ask(&format!("CREATE TABLESPACE space LOCATION '{}'", place.display()));
    live.ask("ALTER TABLE s.t SET TABLESPACE space");
    let settings = "ssl = on\nssl_cert_file = '/nowhere/server.crt'\narchive_command = 'false'\n";
    let auto = "pg/data/postgresql.auto.conf";
    live.write(auto, live.read(auto) + settings);
    live.database(["backup"]).success();
    let differs = live.database(["diff"]).fails(1, ["1 difference"]);
    assert!(
        differs.stdout.contains("~ table s.t: tablespace  [semantic]\n    space → (none)"),
        "{differs}"
    );
    assert_eq!(live.entries("tmp"), Vec::<String>::new());
}

#[test]
fn two_comparisons_of_a_backup_at_once() {
    let live = at_rest();
    let running: Vec<_> = (0..2).map(|_| live.spawn("database", ["diff"])).collect();
    for diff in running {
        assert_eq!(finish(diff, None).success().stdout, "");
    }
    nothing_left(&live);
}

/// The comparison is interrupted while it extracts, checks, recovers or migrates the backup, and
/// while sources run. Nothing is left.
#[test]
fn an_interrupt_leaves_nothing_whatever_the_stage() {
    let live = at_rest();
    let here = "\\copy (SELECT 1) TO 'started'\nSELECT pg_sleep(3600);\n";
    let started = || live.path("project/started").exists();
    let below = |name: &str| {
        let places = live.entries("tmp").into_iter().map(|place| live.path("tmp").join(place));
        places.filter(|place| place.join(name).exists()).count()
    };
    let stages: [(&str, i32, &dyn Fn() -> bool); 4] = [
        ("INT", 2, &|| below("") >= 1),
        ("TERM", 15, &|| below("data/base/1") == 2),
        ("HUP", 1, &|| below("data/postmaster.pid") == 2),
        ("INT", 2, &started),
    ];
    live.write(&format!("{MIGRATION}/up.sql"), here);
    for (name, number, moment) in stages {
        let outcome = interrupt(live.spawn("database", ["diff"]), name, moment);
        assert_eq!(outcome.signal, Some(number), "{outcome}");
        assert_eq!(outcome.stdout, "");
        nothing_left(&live);
    }
    std::fs::remove_file(live.path("project/started")).unwrap();
    live.write(&format!("{MIGRATION}/up.sql"), "SELECT 1;\n");
    live.source(here);
    let outcome = interrupt(live.spawn("database", ["diff"]), "INT", started);
    assert_eq!(outcome.signal, Some(2), "{outcome}");
    nothing_left(&live);
}
