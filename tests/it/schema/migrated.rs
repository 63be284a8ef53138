//! `schema_file`: each run of migrations writes the schema file.

use super::check::programs;
use super::cluster;
use crate::support::{Outcome, Sandbox};

fn migration(sandbox: &Sandbox, number: u32, up: &str) {
    let directory = format!("project/db/migration/2025010100000{number}-m{number}");
    sandbox.write(&format!("{directory}/up.sql"), up);
    sandbox.write(&format!("{directory}/down.sql"), format!("DROP TABLE m{number};\n"));
}

fn table(number: u32) -> String {
    format!("CREATE TABLE m{number} (id integer) INHERITS (hectic.created_at);\n")
}

const FILE: &str = "project/db/schema.sql";

/// A project with two migrations, whose settings name the schema file.
fn project() -> Sandbox {
    let sandbox = cluster();
    sandbox.write("project/database.toml", "[migrator]\nschema_file = 'db/schema.sql'\n");
    (1..=2).for_each(|number| migration(&sandbox, number, &table(number)));
    sandbox
}

#[track_caller]
fn shows(sandbox: &Sandbox, tables: &[u32]) {
    let text = sandbox.read(FILE);
    for number in 1..=4 {
        let has = text.contains(&format!("CREATE TABLE public.m{number} "));
        assert_eq!(has, tables.contains(&number), "{number}: {text}");
    }
    sandbox.database(["schema", "check"]).success();
}

fn migrator<const N: usize>(sandbox: &Sandbox, words: [&str; N]) -> Outcome {
    sandbox.run("migrator", words)
}

#[test]
fn each_run_that_changes_something_writes_the_file() {
    let sandbox = project();
    migrator(&sandbox, ["migrate", "up", "--dry-run"]).success();
    migrator(&sandbox, ["migrate", "up", "--no-schema-file"]).success();
    assert!(!sandbox.path(FILE).exists());
    let up = migrator(&sandbox, ["migrate", "up"]).success();
    assert!(up.stderr.contains("written: ") && up.stderr.contains("db/schema.sql"), "{up}");
    shows(&sandbox, &[1, 2]);
    migrator(&sandbox, ["migrate", "down"]).success();
    shows(&sandbox, &[1]);
    migrator(&sandbox, ["apply"]).success();
    shows(&sandbox, &[1, 2]);
    migrator(&sandbox, ["migrate", "to", "m1"]).success();
    shows(&sandbox, &[1]);
    let redone = migrator(&sandbox, ["migrate", "redo"]).success();
    assert!(!redone.stderr.contains("written"), "the same schema: {redone}");
    // nothing to do writes nothing, whatever the file says
    migrator(&sandbox, ["apply"]).success();
    let text = sandbox.read(FILE);
    sandbox.write(FILE, text.replace("m2", "m3"));
    migrator(&sandbox, ["apply"]).success();
    let stale = sandbox.database(["schema", "check"]).fails(1, ["table public.m3"]);
    assert!(stale.stdout.contains("-CREATE TABLE public.m3"), "{stale}");
}

#[test]
fn after_a_failure_the_file_shows_what_is_in_force() {
    let sandbox = project();
    migration(&sandbox, 3, "SELECT nonsense;\n");
    let failed = migrator(&sandbox, ["apply"]);
    failed.fails(4, ["nonsense", "stay done: 2", "schema.sql shows the schema with these"]);
    shows(&sandbox, &[1, 2]);
    let before = sandbox.read(FILE);
    let failed = migrator(&sandbox, ["apply"]).fails(4, ["nonsense"]);
    assert!(!failed.stderr.contains("schema.sql"), "{failed}");
    assert_eq!(sandbox.read(FILE), before);
}

#[test]
fn what_prevents_the_file_is_told_before_the_run() {
    let mut sandbox = project();
    let untouched = |sandbox: &Sandbox| {
        assert_eq!(sandbox.ask("SELECT to_regclass('m1') IS NULL"), "t");
    };
    sandbox.write(FILE, "CREATE TABLE mine ();\n");
    let refused = ["no migration ran", "is not a file of", "--no-schema-file"];
    migrator(&sandbox, ["apply"]).fails(2, refused);
    untouched(&sandbox);
    std::fs::remove_file(sandbox.path(FILE)).unwrap();
    programs(&mut sandbox, Some("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n"));
    migrator(&sandbox, ["apply"]).fails(2, ["no migration ran", "PostgreSQL 9 "]);
    programs(&mut sandbox, None);
    migrator(&sandbox, ["apply"]).fails(127, ["no migration ran", "pg_dump"]);
    untouched(&sandbox);
    migrator(&sandbox, ["apply", "--no-schema-file"]).success();
    sandbox.write("project/database.toml", "[migrator]\nschema_file = '../schema.sql'\n");
    migrator(&sandbox, ["apply"]).fails(2, ["schema_file"]);
}
