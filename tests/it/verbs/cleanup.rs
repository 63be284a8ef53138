//! `database cleanup`: removes the files that db-tool has made, and nothing else.

use crate::support::{Sandbox, project, server};

#[test]
fn the_server_stops_and_the_directory_goes() {
    let sandbox = project::deployed("");
    assert_ne!(server::processes_below(&sandbox.path("pg")), Vec::<u32>::new());
    let removed = sandbox.database(["cleanup"]).success();
    assert_eq!(removed.block(&sandbox), "exit: 0\n--- stdout\n--- stderr\nremoved: [SANDBOX]/pg\n");
    assert_eq!(server::processes_below(&sandbox.path("pg")), Vec::<u32>::new());
    assert!(!sandbox.path("pg").exists());
    assert!(sandbox.path("project/db/src/entrypoint.sql").exists());
}

#[test]
fn what_is_not_ours_stays_and_is_named() {
    let sandbox = project::deployed("");
    sandbox.write("pg/notes.txt", "mine");
    sandbox.write("pg/log/diary.txt", "mine too");
    let removed = sandbox.database(["cleanup"]).success();
    let left = sandbox.path("pg/notes.txt").display().to_string();
    assert!(removed.stderr.contains(&left), "{removed}");
    let left = sandbox.path("pg/log").display().to_string();
    assert!(removed.stderr.contains(&left), "{removed}");
    assert_eq!(sandbox.entries("pg"), ["log", "notes.txt"]);
    assert_eq!(sandbox.entries("pg/log"), ["diary.txt"]);
}

#[test]
fn a_stopped_cluster_is_removed_too() {
    let sandbox = project::deployed("");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg").exists());
}

#[test]
fn without_a_cluster_of_ours_nothing_happens() {
    let sandbox = project::with_source("");
    sandbox.database(["cleanup"]).fails(2, ["no cluster of this tool", "pg"]);
    sandbox.write("pg/data/precious.txt", "keep");
    sandbox.database(["cleanup"]).fails(2, ["no cluster of this tool"]);
    assert_eq!(sandbox.read("pg/data/precious.txt"), "keep");
    let mut nowhere = Sandbox::new();
    nowhere.unset("LOCAL_DIR");
    nowhere.database(["cleanup"]).fails(3, ["PG_WORKING_DIR", "LOCAL_DIR"]);
}

#[test]
fn a_database_elsewhere_is_refused() {
    let mut sandbox = project::deployed("");
    sandbox
        .database(["-u", "host=db.example.com dbname=x", "cleanup"])
        .fails(2, ["db.example.com"]);
    sandbox.database(["-u", "host=127.0.0.1 dbname=x", "cleanup"]).fails(2, ["127.0.0.1"]);
    let far = "postgresql://u:hush@db.example.com/x";
    sandbox.set("DB_URL", far);
    let refused = sandbox.database(["cleanup"]).fails(2, ["db.example.com", "not on this machine"]);
    assert!(!refused.stderr.contains("hush"), "{refused}");
    assert!(sandbox.path("pg/data/PG_VERSION").exists());
    assert_ne!(server::processes_below(&sandbox.path("pg")), Vec::<u32>::new(), "still running");
}

#[test]
fn a_project_on_another_local_server_can_clean_up_here() {
    let mut sandbox = project::deployed("");
    sandbox.set("DB_URL", "postgresql://u@localhost:1/x");
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg").exists());
}

#[test]
fn a_killed_cleanup_is_finished_by_the_next_one() {
    let sandbox = project::deployed("");
    sandbox.give_key();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    // the killed command had removed the data directory, and nothing else
    std::fs::remove_dir_all(sandbox.path("pg/data")).unwrap();
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg").exists());
    // without the mark of a working directory of ours, nothing is removed
    sandbox.write("pg/hectic.key", "somebody's");
    sandbox.database(["cleanup"]).fails(2, ["no cluster of this tool"]);
    assert_eq!(sandbox.read("pg/hectic.key"), "somebody's");
}
