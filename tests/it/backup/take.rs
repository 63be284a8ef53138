//! Taking a backup: it is complete and described, and the previous one stays until then.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::{BACKUP, backed_up, backup, with_row, wrapped};
use crate::support::Sandbox;
use crate::support::trace::{has, interrupt};

const NAMES: [&str; 4] = ["backup.json", "backup_manifest", "base.tar.zst", "pg_wal.tar"];

#[test]
fn a_backup_is_whole_and_described() {
    let sandbox = with_row();
    let told = sandbox.database(["backup"]).success();
    assert!(told.stderr.contains("backed up: "), "{told}");
    assert_eq!(told.stdout, "");
    assert_eq!(sandbox.entries(BACKUP), NAMES);
    let mode = backup(&sandbox).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "it is nobody else's business");
    let text = sandbox.read(&format!("{BACKUP}/backup.json"));
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["databases"]["app"]["extensions"]["plpgsql"], "1.0");
    assert!(told["files"]["base.tar.zst"].as_u64() > Some(100_000), "{text}");
    assert_eq!(sandbox.entries("project/focus"), ["postgresql-backup"]);
}

#[test]
fn the_bundle_and_the_migrations_are_described() {
    let sandbox = with_row();
    sandbox.write("project/db/migration/20250101000000-first/up.sql", "SELECT 1;\n");
    sandbox.write("project/db/migration/20250101000000-first/down.sql", "SELECT 1;\n");
    sandbox.database(["migrator", "migrate", "up", "all"]).success();
    sandbox.database(["backup", "elsewhere/backup"]).success();
    let text = sandbox.read("elsewhere/backup/backup.json");
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let app = &told["databases"]["app"];
    assert_eq!(app["migrations"]["default"], "20250101000000-first", "{text}");
    assert!(app["bundle"].is_string(), "{text}");
}

#[test]
fn a_failure_keeps_the_previous_backup() {
    let sandbox = backed_up();
    let before = sandbox.read(&format!("{BACKUP}/backup.json"));
    let nowhere = "postgresql://dev@localhost/app?host=/tmp&port=1";
    sandbox.database(["--url", nowhere, "backup"]).fails(1, ["pg_basebackup"]);
    assert_eq!(sandbox.read(&format!("{BACKUP}/backup.json")), before);
    assert_eq!(sandbox.entries(BACKUP), NAMES);
    assert_eq!(sandbox.entries("project/focus"), ["postgresql-backup"]);
}

#[test]
fn an_interruption_keeps_the_previous_backup() {
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let sandbox = backed_up();
        let before = sandbox.read(&format!("{BACKUP}/backup.json"));
        let child = sandbox.spawn("database", ["backup"]);
        let copying = || has(&sandbox.path("project/focus"), ".postgresql-backup.new-");
        let outcome = interrupt(child, name, copying);
        assert_eq!(outcome.signal, Some(number), "{outcome}");
        assert_eq!(sandbox.read(&format!("{BACKUP}/backup.json")), before);
        assert!(!copying(), "nothing is left of the new one");
        sandbox.database(["backup"]).success();
    }
}

/// The signal kills a `pg_basebackup` at the moment in which it starts its second half. That half
/// then has no parent, and holds the pipes that db-tool reads.
#[test]
fn an_interruption_reaches_what_has_lost_its_parent() {
    let mut sandbox = with_row();
    let started = sandbox.path("started");
    let lines = format!("(sleep 3600 &)\n: > {}\nsleep 3600\n", started.display());
    wrapped(&mut sandbox, "pg_basebackup", &lines);
    let outcome = interrupt(sandbox.spawn("database", ["backup"]), "INT", || started.exists());
    assert_eq!(outcome.signal, Some(2), "{outcome}");
    assert_eq!(sandbox.entries("project/focus"), Vec::<String>::new());
}

#[test]
fn what_a_killed_backup_left_goes_with_the_next() {
    let sandbox = with_row();
    let left = "project/focus/.postgresql-backup.new-x";
    sandbox.write(&format!("{left}/backup/base.tar.zst"), "half");
    std::fs::set_permissions(sandbox.path(left), PermissionsExt::from_mode(0o700)).unwrap();
    sandbox.database(["backup"]).success();
    assert_eq!(sandbox.entries("project/focus"), ["postgresql-backup"]);
}

#[test]
fn only_a_backup_is_replaced() {
    let sandbox = with_row();
    sandbox.write("photos/cat.jpg", "meow");
    sandbox.database(["backup", "photos"]).fails(2, ["is no backup"]);
    assert_eq!(sandbox.entries("photos"), ["cat.jpg"]);
}

#[test]
fn a_link_to_the_backup_stays() {
    let sandbox = backed_up();
    std::fs::rename(backup(&sandbox), sandbox.path("disk")).unwrap();
    symlink(sandbox.path("disk"), backup(&sandbox)).unwrap();
    sandbox.database(["backup"]).success();
    assert!(backup(&sandbox).is_symlink());
    sandbox.database(["restore"]).success();
    assert_eq!(sandbox.ask("SELECT state FROM work"), "later");
}

#[test]
fn the_connection_has_to_be_known_and_the_place() {
    let mut sandbox = Sandbox::new();
    sandbox.database(["backup"]).fails(3, ["LOCAL_DIR"]);
    sandbox.set("LOCAL_DIR", sandbox.path("project"));
    sandbox.database(["backup"]).fails(3, ["DB_URL"]);
}

/// A `pg_basebackup` without zstd, which also records its arguments.
#[test]
fn gzip_stands_in_for_zstd_and_no_password_is_an_argument() {
    let mut sandbox = with_row();
    let wrapper = format!(
        "echo \"$@\" >> {}\ncase \"$*\" in *zstd*)\n\
         echo 'pg_basebackup: error: this build does not support compression with ZSTD' >&2\n\
         exit 1;; esac\n",
        sandbox.path("calls").display()
    );
    wrapped(&mut sandbox, "pg_basebackup", &wrapper);
    let url = format!("postgresql://dev:hush@localhost/app?host={}", sandbox.path("pg").display());
    sandbox.database(["--url", &url, "backup"]).success();
    assert!(sandbox.entries(BACKUP).contains(&"base.tar.gz".to_owned()));
    let calls = sandbox.read("calls");
    assert_eq!(calls.lines().count(), 2, "{calls}");
    assert!(!calls.contains("hush"), "{calls}");
    sandbox.database(["restore"]).success();
}
