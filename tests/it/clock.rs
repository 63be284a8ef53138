//! The clock is put forward or back while a server runs, as after sleep or by NTP: the programs see
//! another time than the server saw at its start.

#![cfg(target_os = "linux")]

use crate::support::clock::{put, put_right};
use crate::support::{Sandbox, project, psql, wait_until};

/// Offsets of the programs' clock.
const STEPS: [&str; 6] = ["-90", "+90", "-2d", "+2d", "-40y", "+10y"];

#[test]
fn a_server_and_its_sessions_outlive_every_step() {
    let mut sandbox = project::deployed("");
    sandbox.write("project/db/test/test.sql", "SELECT 1;\n");
    let before = sandbox.postmaster();
    sandbox.ask("CREATE TABLE kept (step text) INHERITS (hectic.created_at)");
    let (url, sleeps) = (sandbox.url("app"), "SELECT pg_sleep(3600)");
    let mut session = sandbox.spawn(&psql(), ["-X", "-d", &url, "-c", sleeps]);
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3600)'";
    wait_until("the session works", || sandbox.ask(asleep) == "1");
    for step in STEPS {
        put(&mut sandbox, step);
        let now = sandbox.run("date", ["+%s"]).success().stdout;
        let status = sandbox.database(["status"]).success();
        assert!(status.stdout.starts_with("running"), "{step}: {status}");
        let found = sandbox.init([]).success();
        assert!(found.stderr.contains("found running"), "{step}: {found}");
        // without other sessions, --fresh would make the cluster anew
        let found = sandbox.init(["--fresh"]).success();
        assert!(found.stderr.contains("attached"), "{step}: {found}");
        sandbox.ask(&format!("INSERT INTO kept (step) VALUES ('{step}')"));
        sandbox.database(["check", "--no-patch"]).success();
        sandbox.database(["test"]).success();
        sandbox.run_with_input("database", ["secrets", "set", "A"], step).success();
        sandbox.database(["secrets", "rotate", "--drop-old"]).success();
        sandbox.database(["backup"]).success();
        put_right(&mut sandbox);
        assert_ne!(sandbox.run("date", ["+%s"]).success().stdout, now, "{step} was a step");
        assert_eq!(sandbox.postmaster(), before, "{step}");
        assert!(session.try_wait().unwrap().is_none(), "{step}: the session lives");
        assert_eq!(sandbox.database(["secrets", "get", "A"]).success().stdout.trim_end(), step);
    }
    assert_eq!(sandbox.ask("SELECT count(*) FROM kept"), STEPS.len().to_string());
    session.kill().unwrap();
    session.wait().unwrap();
}

#[test]
fn a_cluster_is_saved_stopped_started_and_replaced_at_any_time() {
    let mut sandbox = project::deployed("");
    sandbox.ask("CREATE TABLE kept (n int) INHERITS (hectic.created_at)");
    sandbox.database(["backup"]).success();
    for step in ["-2d", "+2d", "-1d"] {
        put(&mut sandbox, step);
        sandbox.database(["snapshot", "save", "--replace", "one"]).success();
        sandbox.database(["restore"]).success();
        sandbox.run("postgres-cleanup", [""; 0]).success();
        sandbox.set("PG_REUSE", "1");
        sandbox.init([]).success();
        sandbox.unset("PG_REUSE");
        sandbox.database(["snapshot", "restore", "one"]).success();
        put_right(&mut sandbox);
        assert_eq!(sandbox.ask("SELECT count(*) FROM kept"), "0", "{step}");
        let left = sandbox.entries("pg");
        assert!(!left.iter().any(|name| name.starts_with("data.")), "{step}: {left:?}");
    }
}

#[test]
fn a_new_migration_is_the_last_whatever_the_clock_says() {
    let mut sandbox = Sandbox::new();
    sandbox.set("LOCAL_DIR", sandbox.path("project"));
    let mut names = Vec::new();
    for step in ["+0", "-2d", "+2d", "-90", "-40y"] {
        put(&mut sandbox, step);
        let number = names.len();
        let made = sandbox.run("migrator", ["create", &format!("m{number}")]).success();
        names.push(made.stdout.trim_end().rsplit('/').next().unwrap().to_owned());
    }
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(sandbox.entries("project/db/migration"), names);
}
