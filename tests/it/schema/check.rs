//! The schema file on the disk: writing it, and noticing that it is stale.

use super::{cluster, load, url};
use crate::support::project;

#[test]
fn a_stale_file_is_noticed_with_its_objects() {
    let sandbox = cluster();
    let table = "CREATE TABLE public.t (id integer) INHERITS (hectic.created_at);\n";
    load(&sandbox, &url(&sandbox, "app"), table);
    sandbox.database(["schema", "check"]).fails(3, ["-o FILE", "schema_file"]);
    let missing = ["schema", "check", "-o", "db/schema.sql"];
    sandbox.database(missing).fails(3, ["no schema file", "schema dump -o"]);
    let written = sandbox.database(["schema", "dump", "-o", "db/schema.sql"]).success();
    assert!(written.stdout.is_empty() && written.stderr.contains("written"), "{written}");
    let text = sandbox.read("db/schema.sql");
    assert_eq!(sandbox.database(["schema", "dump", "-o", "-"]).success().stdout, text);
    let again = sandbox.database(["schema", "dump", "--output", "db/schema.sql"]).success();
    assert!(again.stderr.contains("up to date"), "{again}");
    let check = ["schema", "check", "--output", "db/schema.sql"];
    let fresh = sandbox.database(check).success();
    assert!(fresh.stdout.is_empty(), "{fresh}");
    // a checkout may change the line ends
    sandbox.write("db/schema.sql", text.replace('\n', "\r\n"));
    sandbox.database(check).success();
    sandbox.write("db/schema.sql", &text);

    load(&sandbox, &url(&sandbox, "app"), "ALTER TABLE public.t ADD COLUMN label text;\n");
    let stale = sandbox.database(check);
    let stale = stale.fails(1, ["1 object differs", "table public.t", "schema dump -o"]);
    assert!(stale.stdout.contains("\n+    label text"), "{stale}");
    assert_eq!(sandbox.read("db/schema.sql"), text);
}

#[test]
fn a_file_of_a_person_is_not_replaced() {
    let sandbox = cluster();
    sandbox.write("mine.sql", "CREATE TABLE mine ();\n");
    for verb in ["dump", "check"] {
        let words = ["schema", verb, "-o", "mine.sql"];
        sandbox.database(words).fails(2, ["is not a file of `database schema dump`"]);
    }
    assert_eq!(sandbox.read("mine.sql"), "CREATE TABLE mine ();\n");
}

#[test]
fn a_database_without_the_bundle_and_other_programs() {
    let mut sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    let plain = sandbox.database(["schema", "dump"]).success().stdout;
    assert!(!plain.contains("hectic") && !plain.contains("object:"), "{plain}");
    let fake = "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n";
    programs(&mut sandbox, Some(fake));
    sandbox.database(["schema", "dump"]).fails(2, ["PostgreSQL 9 ", "PG_BINDIR"]);
    programs(&mut sandbox, None);
    sandbox.database(["schema", "dump"]).fails(127, ["pg_dump"]);
}

/// Replaces `PG_BINDIR` by a directory with all programs, but this `pg_dump` or none.
pub fn programs(sandbox: &mut crate::support::Sandbox, pg_dump: Option<&str>) {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let bin = sandbox.path("programs");
    let _ = std::fs::remove_dir_all(&bin);
    std::fs::create_dir(&bin).unwrap();
    for entry in std::fs::read_dir(crate::support::bindir()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "pg_dump" {
            symlink(entry.path(), bin.join(entry.file_name())).unwrap();
        }
    }
    if let Some(text) = pg_dump {
        let file = sandbox.write("programs/pg_dump", text);
        std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
    }
    sandbox.set("PG_BINDIR", bin);
}
