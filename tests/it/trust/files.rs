//! Private files, and places that other users have prepared.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::support::trace::{interrupt, own_cache};
use crate::support::{Sandbox, is_root, psql, wait_until};

/// A deployed sandbox with one migration, which has no transaction.
fn with_migration(sql: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_cluster();
    let url = format!("postgresql://dev@localhost/app?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", url);
    sandbox.init([]).success();
    let text = format!("-- migrator: no-transaction\n{sql}");
    sandbox.write("migration/20250101000001-a/up.sql", text);
    sandbox.write("migration/20250101000001-a/down.sql", "SELECT 1;\n");
    sandbox
}

#[test]
fn the_sql_that_psql_reads_is_private_whatever_the_umask() {
    // while its own SQL runs, the server's `stat` looks at the directory
    let sandbox = with_migration(
        "CREATE TABLE seen (line text) INHERITS (hectic.created_at);\n\
         COPY seen (line) FROM PROGRAM 'stat -c %a TMP/db-tool-*; cat TMP/db-tool-*/*; true';\n",
    );
    let file = "migration/20250101000001-a/up.sql";
    let tmp = sandbox.path("tmp");
    sandbox.write(file, sandbox.read(file).replace("TMP", tmp.to_str().unwrap()));
    let run = "umask 000; exec migrator migrate up all";
    sandbox.run("sh", ["-c", run]).success();
    assert_eq!(sandbox.ask("SELECT line FROM seen LIMIT 1"), "700");
    if is_root() {
        assert_eq!(sandbox.ask("SELECT count(*) FROM seen"), "1", "another user reads nothing");
    }
    assert_eq!(sandbox.entries("tmp"), [""; 0]);
}

#[test]
fn what_a_killed_migrator_left_is_removed_by_the_next_command() {
    let mut sandbox = with_migration(
        "CREATE FUNCTION gate() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_xact_lock(7)';\n\
         SELECT gate();\n",
    );
    let url = sandbox.url("app");
    let hold = "SELECT pg_advisory_lock(7); SELECT pg_sleep(600)";
    let mut holder = sandbox.spawn(&psql(), ["-X", "-d", &url, "-c", hold]);
    let held =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND granted";
    wait_until("the lock is held", || sandbox.ask(held) == "1");
    let running = sandbox.spawn("migrator", ["migrate", "up", "all"]);
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 \
                 AND NOT granted";
    interrupt(running, "KILL", || sandbox.ask(waits) == "1");
    let left = sandbox.entries("tmp");
    assert!(left.iter().any(|name| name.starts_with("db-tool-scratch-")), "{left:?}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    sandbox.write("project/db/src/entrypoint.sql", "SELECT 1;\n");
    sandbox.set("LOCAL_DIR", sandbox.path("project"));
    sandbox.database(["check"]).success();
    let left = sandbox.entries("tmp");
    assert!(!left.iter().any(|name| name.starts_with("db-tool-scratch-")), "{left:?}");
}

#[test]
fn template_databases_are_refused() {
    let mut sandbox = Sandbox::with_cluster();
    for name in ["template0", "template1"] {
        sandbox.set("PG_DATABASE", name);
        sandbox.init([]).fails(2, [name, "PG_DATABASE"]);
        assert!(!sandbox.path("pg").exists(), "nothing was made");
    }
    sandbox.set("PG_DATABASE", "app");
    let url = format!("postgresql://dev@localhost/template1?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", url);
    sandbox.init([]).fails(2, ["template1"]);
    sandbox.unset("DB_URL");
    sandbox.set("PG_DATABASE", "postgres");
    sandbox.init([]).success();
}

/// A project whose check applies no bundle.
fn checked() -> Sandbox {
    crate::support::project::with_source("SELECT 1;\n")
}

/// Makes the place of the cache writable for everybody.
fn open(directory: &Path) {
    std::fs::set_permissions(directory, PermissionsExt::from_mode(0o777)).unwrap();
}

#[test]
fn an_entry_of_the_registry_removes_only_what_a_check_has_made() {
    let mut sandbox = checked();
    own_cache(&mut sandbox);
    let entry = |name: &str, target: &Path| {
        let path = format!("cache/db-tool/running/{name}");
        sandbox.write(&path, target.to_str().unwrap());
    };
    let named = sandbox.path("work/db-tool-check-forged");
    for precious in [sandbox.path("work/thesis"), named.clone()] {
        std::fs::create_dir_all(&precious).unwrap();
        std::fs::write(precious.join("text"), "years of work").unwrap();
        entry(precious.file_name().unwrap().to_str().unwrap(), &precious);
    }
    sandbox.database(["check"]).success();
    assert!(named.join("text").exists(), "a name proves nothing");
    assert!(sandbox.path("work/thesis/text").exists());
}

#[test]
fn a_cache_that_others_can_write_is_not_used() {
    let mut sandbox = checked();
    let precious = sandbox.path("work/db-tool-check-x");
    std::fs::create_dir_all(&precious).unwrap();
    std::fs::write(precious.join(".db-tool-check"), "").unwrap();
    sandbox.write("shared/db-tool/running/db-tool-check-x", precious.to_str().unwrap());
    open(&sandbox.path("shared/db-tool"));
    open(&sandbox.path("shared/db-tool/running"));
    let shared = sandbox.path("shared");
    sandbox.set("XDG_CACHE_HOME", shared);
    let checked = sandbox.database(["check"]).success();
    assert!(checked.stderr.contains("others may write in it"), "{checked}");
    assert!(precious.exists());
    assert_eq!(sandbox.entries("shared/db-tool"), ["running"], "no template was made there");
}

#[test]
fn a_cache_of_another_user_is_not_used() {
    if !is_root() {
        return;
    }
    let mut sandbox = checked();
    let cache = sandbox.path("theirs/.cache");
    std::fs::create_dir_all(&cache).unwrap();
    chown(sandbox.path("theirs"), Some(1), Some(1)).unwrap();
    chown(&cache, Some(1), Some(1)).unwrap();
    sandbox.set("XDG_CACHE_HOME", &cache);
    let checked = sandbox.database(["check"]).success();
    assert!(checked.stderr.contains("controls the path"), "{checked}");
    assert_eq!(cache.metadata().unwrap().uid(), 1);
    assert_eq!(sandbox.entries("theirs/.cache"), [""; 0]);
}
