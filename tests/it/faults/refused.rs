//! Directories in which nobody may write, and sources that fail half-way.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::trace::own_cache;
use crate::support::{Sandbox, is_root, project};

/// A project whose second source file fails.
const HALF: &str = "\\ir first.sql\n\\ir second.sql\n";

fn mode(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A sandbox whose programs run as an ordinary user. Root may write everywhere.
fn ordinary() -> Sandbox {
    let mut sandbox = project::with_source("CREATE SCHEMA app;\n");
    if is_root() {
        sandbox.act_as("nobody");
    }
    sandbox
}

#[test]
fn a_place_in_which_nobody_may_write_is_named_with_the_remedy() {
    let mut sandbox = ordinary();
    sandbox.write("closed/.keep", "");
    mode(&sandbox.path("closed"), 0o555);
    sandbox.set("PG_WORKING_DIR", sandbox.path("closed/pg"));
    let url =
        format!("postgresql://dev@localhost/app?host={}", sandbox.path("closed/pg").display());
    sandbox.set("DB_URL", url);
    for verb in [&["init"][..], &["deploy"]] {
        let refused = sandbox.run("database", verb);
        refused.fails(1, ["closed/pg", "Permission denied", "hint: "]);
    }
    sandbox.set("PG_WORKING_DIR", sandbox.path("pg"));
    sandbox.set("TMPDIR", sandbox.path("closed"));
    sandbox.set("PG_THROWAWAY_DIR", sandbox.path("closed"));
    sandbox.database(["check"]).fails(1, ["closed", "hint: set TMPDIR", "PG_THROWAWAY_DIR"]);
    assert_eq!(sandbox.entries("closed"), [".keep"]);
}

#[test]
fn a_project_and_a_cache_in_which_nobody_may_write_will_do() {
    let mut sandbox = ordinary();
    sandbox.write("closed/.keep", "");
    let closed = [sandbox.path("project"), sandbox.path("project/db"), sandbox.path("closed")];
    closed.iter().for_each(|path| mode(path, 0o555));
    sandbox.set("XDG_CACHE_HOME", sandbox.path("closed"));
    sandbox.database(["check", "--no-patch"]).success();
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox.database(["cleanup"]).success();
    assert_eq!(sandbox.entries("closed"), [".keep"]);
    closed.iter().for_each(|path| mode(path, 0o755));
}

#[test]
fn a_hydration_that_fails_half_way_names_the_line_and_can_be_repeated() {
    let mut sandbox = project::deployed("");
    own_cache(&mut sandbox);
    sandbox.ask("CREATE TABLE kept (n int) INHERITS (hectic.created_at)");
    sandbox.write("project/db/src/entrypoint.sql", HALF);
    let first = "CREATE TABLE IF NOT EXISTS first (n int) INHERITS (hectic.created_at);\n";
    sandbox.write("project/db/src/first.sql", first);
    sandbox.write("project/db/src/second.sql", "SELECT 1;\nSELECT wrong;\n");
    let there = "SELECT to_regclass('kept') IS NOT NULL AND to_regclass('first') IS NULL";
    for verb in ["check", "deploy"] {
        sandbox.run("database", [verb]).fails(1, ["second.sql:2", "wrong"]);
        assert_eq!(sandbox.ask(there), "t", "{verb}: the old cluster is as it was");
    }
    assert_eq!(sandbox.entries("tmp"), [""; 0]);
    // hydrate works in the cluster itself; what ran before the error stays, as with psql
    sandbox.database(["hydrate"]).fails(1, ["second.sql:2", "wrong"]);
    assert_eq!(sandbox.ask("SELECT to_regclass('first') IS NOT NULL"), "t");
    sandbox.write("project/db/src/second.sql", "SELECT 1;\n");
    sandbox.database(["hydrate"]).success();
    assert_eq!(sandbox.ask("SELECT to_regclass('kept') IS NOT NULL"), "t");
}
