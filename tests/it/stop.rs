//! `postgres-cleanup`: stops the cluster, and is safe in a trap.

use crate::support::bystander::Bystander;
use crate::support::process::is_running;
use crate::support::{Outcome, Sandbox, server};

fn cleanup(sandbox: &Sandbox) -> Outcome {
    sandbox.run("postgres-cleanup", [""; 0])
}

#[test]
fn the_server_stops_and_its_data_stays() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    sandbox.leave_work();
    let postmaster = sandbox.postmaster();
    let stopped = cleanup(&sandbox).success();
    assert!(stopped.stderr.contains("PostgreSQL stopped"), "{stopped}");
    assert_eq!(stopped.stdout, "");
    assert!(!is_running(postmaster));
    assert_eq!(server::processes_below(&sandbox.path("pg")), [0; 0]);
    assert!(!sandbox.path("pg/sock/.s.PGSQL.5432").exists(), "a graceful stop");
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    assert!(sandbox.has_work());
}

#[test]
fn the_stop_is_graceful() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    let mut session = Bystander::session(&sandbox, "SELECT pg_sleep(3600)");
    cleanup(&sandbox).success();
    crate::support::wait_until("the session ends", || !session.is_alive());
    let logs = sandbox.entries("pg/log");
    let log: String = logs.iter().map(|name| sandbox.read(&format!("pg/log/{name}"))).collect();
    assert!(log.contains("received fast shutdown request"), "{log}");
    assert!(!log.contains("immediate shutdown"), "{log}");
}

#[test]
fn nothing_to_stop_is_success() {
    let mut sandbox = Sandbox::with_cluster();
    assert_eq!(cleanup(&sandbox).success().stderr, "", "no directory");
    std::fs::create_dir(sandbox.path("pg")).unwrap();
    assert_eq!(cleanup(&sandbox).success().stderr, "", "an empty one");
    assert_eq!(sandbox.entries("pg"), [""; 0], "and nothing is made");
    sandbox.init([]).success();
    cleanup(&sandbox).success();
    assert_eq!(cleanup(&sandbox).success().stderr, "", "twice");
    sandbox.unset("PG_WORKING_DIR");
    assert_eq!(cleanup(&sandbox).success().stderr, "", "no variables");
}

#[test]
fn a_directory_that_cannot_be_resolved_is_success() {
    let mut sandbox = Sandbox::new();
    sandbox.write("file", "mine");
    std::os::unix::fs::symlink("/nowhere/at/all", sandbox.path("dangling")).unwrap();
    std::os::unix::fs::symlink("circle", sandbox.path("circle")).unwrap();
    for place in ["file", "file/below", "dangling", "circle", "home", "line\nbreak", "absent/pg"] {
        sandbox.set("PG_WORKING_DIR", sandbox.path(place));
        let told = cleanup(&sandbox);
        assert_eq!(told.code, Some(0), "{place}: {told}");
    }
    sandbox.set("PG_WORKING_DIR", "/");
    cleanup(&sandbox).success();
    sandbox.unset("PG_WORKING_DIR");
    sandbox.set("LOCAL_DIR", sandbox.path("absent"));
    cleanup(&sandbox).success();
    sandbox.set("PG_OS_USER", "no-such-user");
    cleanup(&sandbox).success();
    sandbox.set("PG_WORKING_DIR", std::ffi::OsStr::new("x".repeat(5000).as_str()));
    cleanup(&sandbox).success();
}

#[test]
fn it_needs_no_postgresql() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    let postmaster = sandbox.postmaster();
    sandbox.set("PG_BINDIR", sandbox.path("home"));
    cleanup(&sandbox).success();
    assert!(!is_running(postmaster));
}

#[test]
fn a_trap_runs_it_at_the_end_of_a_script() {
    let sandbox = Sandbox::with_cluster();
    let line = "trap postgres-cleanup EXIT; set -e; postgres-init; exit 7";
    let ended = sandbox.shell(line);
    assert_eq!(ended.code, Some(7), "the script's own code: {ended}");
    assert_eq!(server::processes_below(&sandbox.path("pg")), [0; 0]);
    let line = "trap postgres-cleanup EXIT; exit 3";
    assert_eq!(sandbox.shell(line).code, Some(3), "nothing to stop");
}

#[test]
fn other_clusters_run_on() {
    let (one, other) = (Sandbox::with_cluster(), Sandbox::with_cluster());
    one.init([]).success();
    other.init([]).success();
    cleanup(&one).success();
    assert!(is_running(other.postmaster()));
}

#[test]
fn quiet_says_nothing_and_unknown_arguments_are_refused() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    let told = sandbox.run("postgres-cleanup", ["--quiet"]).success();
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", ""));
    sandbox.run("postgres-cleanup", ["--nonsense"]).fails(9, ["--nonsense"]);
    sandbox.init(["--nonsense"]).fails(9, ["--nonsense"]);
    sandbox.init(["nonsense"]).fails(9, ["nonsense"]);
}
