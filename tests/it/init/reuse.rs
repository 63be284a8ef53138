//! The choice between keeping a cluster and making it anew.

use std::os::unix::fs::PermissionsExt;

use super::plain_initdb;
use crate::support::bystander::Bystander;
use crate::support::trace::signal;
use crate::support::{Sandbox, bindir, psql, wait_until};

const SLEEP: &str = "SELECT pg_sleep(3600)";

fn with_work() -> Sandbox {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    sandbox.leave_work();
    sandbox
}

#[test]
fn the_cluster_is_kept_unless_somebody_says_otherwise() {
    let mut sandbox = with_work();
    let before = sandbox.postmaster();
    let again = sandbox.init([]).success();
    assert!(again.stderr.contains("cluster found running"), "{again}");
    sandbox.set("PG_FORCE", "1");
    sandbox.set("PG_FRESH", "0");
    sandbox.database(["init"]).success();
    assert_eq!(sandbox.postmaster(), before);
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let started = sandbox.init([]).success();
    assert!(started.stderr.contains("cluster started"), "{started}");
    assert!(sandbox.has_work());
}

#[test]
fn fresh_makes_the_cluster_anew() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    let mut fresh = |program: &str, arguments: &[&str], variable: &str| {
        let before = sandbox.postmaster();
        sandbox.leave_work();
        sandbox.set("PG_FRESH", variable);
        let again = sandbox.run(program, arguments).success();
        assert!(again.stderr.contains("cluster made anew"), "{again}");
        assert!(!sandbox.has_work());
        assert!(!crate::support::process::is_running(before));
    };
    fresh("postgres-init", &["--fresh"], "0");
    fresh("postgres-init", &[], "1");
    fresh("database", &["init", "--fresh"], "0");
    fresh("database", &["init"], "1");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.init(["--fresh"]).success();
    assert!(!sandbox.has_work(), "a stopped one too");
    assert_eq!(sandbox.beside("data"), ["data"], "nothing is left of the old ones");
    // --fresh beats PG_REUSE, which beats PG_FRESH
    sandbox.set("PG_REUSE", "1");
    sandbox.leave_work();
    sandbox.init([]).success();
    assert!(sandbox.has_work());
    sandbox.init(["--fresh"]).success();
    assert!(!sandbox.has_work());
}

#[test]
fn reuse_attaches_to_a_running_cluster() {
    let mut sandbox = with_work();
    let before = sandbox.postmaster();
    for value in ["1", "0", "no"] {
        sandbox.set("PG_REUSE", value);
        let again = sandbox.init([]).success();
        assert!(again.stderr.contains("cluster found running"), "any value: {again}");
    }
    assert_eq!(sandbox.postmaster(), before);
    assert!(sandbox.has_work());
}

#[test]
fn reuse_starts_a_stopped_cluster() {
    let mut sandbox = with_work();
    sandbox.set("PG_REUSE", "1");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let again = sandbox.init([]).success();
    assert!(again.stderr.contains("cluster started"), "{again}");
    assert!(sandbox.has_work());
}

#[test]
fn reuse_makes_a_cluster_where_there_is_none() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_REUSE", "1");
    let started = sandbox.init([]).success();
    assert!(started.stderr.contains("cluster created"), "{started}");
}

#[test]
fn reuse_recreates_a_missing_database_and_role() {
    let mut sandbox = with_work();
    sandbox.set("PG_REUSE", "1");
    sandbox.ask_in("postgres", "DROP DATABASE testdb");
    sandbox.init([]).success();
    assert_eq!(sandbox.ask_in("testdb", "SELECT 1"), "1");
    let url = format!("postgresql://late@localhost/later?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", &url);
    sandbox.init([]).success();
    assert_eq!(sandbox.query(&url, "SELECT current_user"), "late");
    assert!(sandbox.has_work());
}

#[test]
fn a_kept_clusters_own_settings_survive() {
    let mut sandbox = with_work();
    sandbox.set("PG_REUSE", "1");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let own = sandbox.read("pg/data/postgresql.conf") + "work_mem = '9MB'\n";
    std::fs::write(sandbox.path("pg/data/postgresql.conf"), own).unwrap();
    sandbox.init([]).success();
    assert_eq!(sandbox.ask_in("postgres", "SHOW work_mem"), "9MB");
}

#[test]
fn a_cluster_that_others_work_in_is_attached_to() {
    let sandbox = with_work();
    let before = sandbox.postmaster();
    let mut session = Bystander::session(&sandbox, SLEEP);
    let again = sandbox.init(["--fresh", "--export", "sh"]).success();
    assert!(again.stderr.contains("1 other session works in this cluster"), "{again}");
    assert!(again.stderr.contains("attached"), "{again}");
    assert!(again.stdout.contains("PGURL="), "{again}");
    assert_eq!(sandbox.postmaster(), before);
    assert!(sandbox.has_work());
    assert!(session.is_alive());
}

#[test]
fn force_makes_a_cluster_anew_that_others_work_in() {
    let mut sandbox = with_work();
    let _session = Bystander::session(&sandbox, SLEEP);
    sandbox.set("PG_FORCE", "0");
    sandbox.init(["--fresh"]).success();
    assert!(sandbox.has_work(), "off");
    sandbox.set("PG_FORCE", "1");
    sandbox.init(["--fresh"]).success();
    assert!(!sandbox.has_work());
}

#[test]
fn another_major_is_refused_with_both_versions() {
    let mut sandbox = with_work();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.set("PG_REUSE", "1");
    let own = sandbox.read("pg/data/PG_VERSION").trim().to_owned();
    for other in ["14", "99", "9.6"] {
        std::fs::write(sandbox.path("pg/data/PG_VERSION"), format!("{other}\n")).unwrap();
        let (theirs, ours) = (format!("PostgreSQL {other}"), format!("PostgreSQL {own}"));
        let refused = sandbox.init([]).fails(2, [theirs.as_str(), ours.as_str()]);
        let made = std::fs::canonicalize(bindir().join("psql")).unwrap();
        let dump = format!("'{}'/pg_dumpall -d", made.parent().unwrap().display());
        assert!(refused.stderr.contains(&dump), "with the programs that made it: {refused}");
        assert_eq!(sandbox.beside("data"), ["data"]);
    }
    std::fs::write(sandbox.path("pg/data/PG_VERSION"), format!("{own}\n")).unwrap();
    sandbox.init([]).success();
    assert!(sandbox.has_work(), "nothing was touched");
}

#[test]
fn what_is_no_data_directory_is_never_removed() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.write("pg/data/thesis.txt", "years of work");
    for reuse in [false, true] {
        if reuse {
            sandbox.set("PG_REUSE", "1");
        }
        sandbox.init([]).fails(2, ["is not a PostgreSQL data directory"]);
        sandbox.database(["init"]).fails(2, ["is not a PostgreSQL data directory"]);
    }
    assert_eq!(sandbox.read("pg/data/thesis.txt"), "years of work");
    std::fs::remove_dir_all(sandbox.path("pg/data")).unwrap();
    sandbox.write("pg/data", "a file");
    sandbox.init([]).fails(2, ["is not a PostgreSQL data directory"]);
    assert_eq!(sandbox.read("pg/data"), "a file");
}

#[test]
fn an_empty_data_directory_is_used() {
    let sandbox = Sandbox::with_cluster();
    std::fs::create_dir_all(sandbox.path("pg/data")).unwrap();
    sandbox.init([]).success();
}

#[test]
fn a_cluster_of_plain_initdb_is_moved_aside() {
    let sandbox = with_work();
    sandbox.database(["cleanup"]).success();
    sandbox.init([]).success();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    std::fs::remove_dir_all(sandbox.path("pg/data")).unwrap();
    plain_initdb(&sandbox);
    std::fs::write(sandbox.path("pg/data/mine"), "mine").unwrap();
    let made = sandbox.init(["--fresh"]).success();
    let kept = sandbox.beside("data.kept-");
    assert_eq!(kept.len(), 1, "{made}");
    assert!(made.stderr.contains(&kept[0]), "{made}");
    assert_eq!(sandbox.read(&format!("pg/{}/mine", kept[0])), "mine");
    sandbox.init(["--fresh"]).success();
    assert_eq!(sandbox.beside("data.kept-"), kept, "and stays");
}

#[test]
fn reuse_starts_a_cluster_of_plain_initdb_and_adds_nothing() {
    let mut sandbox = with_work();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    std::fs::remove_dir_all(sandbox.path("pg/data")).unwrap();
    plain_initdb(&sandbox);
    sandbox.set("PG_REUSE", "1");
    let url = format!("postgresql://dev@localhost/shop?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", url);
    let started = sandbox.init([]).success();
    assert!(started.stderr.contains("cluster started"), "{started}");
    let url = format!("host={} dbname=postgres user=somebody", sandbox.path("pg").display());
    let found = "SELECT count(*) FROM pg_roles WHERE rolname = 'dev'";
    assert_eq!(sandbox.query(&url, found), "0");
    assert_eq!(sandbox.query(&url, "SELECT count(*) FROM pg_database WHERE datname = 'shop'"), "0");
}

#[test]
fn a_running_cluster_of_plain_initdb_is_not_stopped_unasked() {
    let mut sandbox = with_work();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    std::fs::remove_dir_all(sandbox.path("pg/data")).unwrap();
    plain_initdb(&sandbox);
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    sandbox.unset("PG_REUSE");
    let before = sandbox.postmaster();
    let url = format!("host={} dbname=postgres user=somebody", sandbox.path("pg").display());
    sandbox.query(&url, "CREATE TABLE theirs ()");
    let arguments = ["-X", "-d", url.as_str(), "-c", SLEEP];
    let mut session = Bystander::start(sandbox.command(&psql(), arguments));
    let active = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    crate::support::wait_until("it works", || sandbox.query(&url, active) == "1");
    let told = sandbox.init([]);
    assert_eq!(sandbox.postmaster(), before, "{told}");
    assert!(session.is_alive(), "{told}");
}

#[test]
fn abandoned_staging_directories_of_ours_are_removed() {
    let sandbox = with_work();
    let marker = sandbox.read("pg/data/db-tool.json");
    sandbox.write("pg/data.new-killed/db-tool.json", marker);
    sandbox.write("pg/data.new-killed/data/PG_VERSION", "15\n");
    sandbox.write("pg/data.new-mine/notes.txt", "mine");
    std::fs::create_dir(sandbox.path("pg/data.new-killed-at-once")).unwrap();
    sandbox.init([]).success();
    assert_eq!(sandbox.beside("data"), ["data", "data.new-mine"]);
    assert_eq!(sandbox.read("pg/data.new-mine/notes.txt"), "mine");
}

#[test]
fn a_killed_command_leaves_the_old_cluster_or_a_whole_new_one() {
    let mut sandbox = with_work();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.set("PG_TEMPLATE", "off");
    let child = sandbox.spawn("postgres-init", ["--fresh"]);
    let staging = || sandbox.beside("data.new-").first().map(|name| sandbox.path("pg").join(name));
    let builds = || staging().is_some_and(|staging| staging.join("data").is_dir());
    crate::support::wait_until("it builds", builds);
    crate::support::wait::signal("KILL", child.id());
    crate::support::finish(child, None);
    let staging = staging().unwrap();
    crate::support::wait_until("initdb ends", || !busy_in(&staging));
    sandbox.init([]).success();
    assert!(sandbox.has_work());
    sandbox.init(["--fresh"]).success();
    assert_eq!(sandbox.beside("data"), ["data"]);
}

/// Whether the command line of any process names `directory`.
fn busy_in(directory: &std::path::Path) -> bool {
    let named = directory.to_str().unwrap();
    crate::support::process::command_lines().iter().any(|line| line.contains(named))
}

#[test]
fn a_data_directory_is_private() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    let mode = sandbox.path("pg/data").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

/// A command that was killed in the middle of its work can leave a server that is stopping, or one
/// that is still starting.
#[test]
fn a_server_that_is_stopping_is_waited_for() {
    for reuse in [true, false] {
        let mut sandbox = with_work();
        let session = Bystander::session(&sandbox, "SELECT pg_sleep(2)");
        // a smart shutdown waits for the session and accepts no others
        signal("TERM", sandbox.postmaster());
        let status = || sandbox.read("pg/data/postmaster.pid");
        wait_until("it stops", || status().contains("stopping"));
        if !reuse {
            sandbox.set("PG_FRESH", "1");
        }
        let told = sandbox.init([]).success();
        assert_eq!(told.stderr.contains("cluster started"), reuse, "{told}");
        assert_eq!(sandbox.has_work(), reuse);
        drop(session);
    }
}
