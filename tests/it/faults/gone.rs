//! Files that somebody removes while the server runs.

use crate::support::process::is_running;
use crate::support::{Sandbox, wait};

/// A running cluster with work in it, and its postmaster.
fn running() -> (Sandbox, u32) {
    let sandbox = Sandbox::with_cluster();
    sandbox.init(["--keep-alive"]).success();
    sandbox.leave_work();
    let postmaster = sandbox.postmaster();
    (sandbox, postmaster)
}

/// PostgreSQL itself notices this only within a minute, and holds its lock until then.
#[test]
fn a_server_without_a_data_directory_is_ended_by_the_next_command() {
    let commands: [(&str, &[&str], &str); 3] = [
        ("postgres-init", &[], "cluster created"),
        ("postgres-cleanup", &[], "PostgreSQL stopped"),
        ("database", &["cleanup"], "removed: "),
    ];
    for (program, arguments, words) in commands {
        let (sandbox, postmaster) = running();
        std::fs::remove_dir_all(sandbox.path("pg/data")).unwrap();
        let status = sandbox.database(["status"]).success();
        assert!(status.stdout.contains("no cluster in"), "{status}");
        let told = sandbox.run(program, arguments).success();
        assert!(told.stderr.contains(words), "{program}: {told}");
        assert!(!is_running(postmaster), "{program}: it runs on");
        sandbox.init([]).success();
        assert!(!sandbox.has_work());
    }
}

#[test]
fn a_deleted_working_directory_is_made_anew() {
    let (sandbox, postmaster) = running();
    std::fs::remove_dir_all(sandbox.path("pg")).unwrap();
    sandbox
        .database(["cleanup"])
        .fails(2, ["no cluster of this tool", "hint: nothing was removed"]);
    let told = sandbox.init([]).success();
    assert!(told.stderr.contains("cluster created"), "{told}");
    assert!(!sandbox.has_work());
    // at its end, it would remove the sockets of the new server
    assert!(!is_running(postmaster));
    assert_eq!(sandbox.beside("data"), ["data"]);
}

#[test]
fn a_server_whose_working_directory_was_moved_is_found_in_the_new_place() {
    let (mut sandbox, postmaster) = running();
    std::fs::rename(sandbox.path("pg"), sandbox.path("moved")).unwrap();
    let told = sandbox.init([]).success();
    assert!(told.stderr.contains("cluster created"), "{told}");
    assert!(!sandbox.has_work() && is_running(postmaster));
    sandbox.set("PG_WORKING_DIR", sandbox.path("moved"));
    let told = sandbox.run("postgres-cleanup", [""; 0]).success();
    assert!(told.stderr.contains("PostgreSQL stopped"), "{told}");
    assert!(!is_running(postmaster));
    // PostgreSQL removes the sockets of a server by their paths, which are those of the other one now
    sandbox.set("PG_WORKING_DIR", sandbox.path("pg"));
    sandbox
        .init([])
        .fails(1, ["the server (pid ", "is gone", "`postgres-cleanup` stops the server"]);
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.init([]).success();
    assert_eq!(sandbox.ask_in("postgres", "SELECT 1"), "1");
}

#[test]
fn a_server_without_a_pid_file_is_named_and_not_touched() {
    for text in [None, Some(""), Some("garbage")] {
        let (sandbox, postmaster) = running();
        let file = sandbox.path("pg/data/postmaster.pid");
        match text {
            None => std::fs::remove_file(&file).unwrap(),
            Some(text) => std::fs::write(&file, text).unwrap(),
        }
        let named = format!("(process {postmaster}) runs, but its postmaster.pid is gone");
        let remedy = format!("`kill -INT {postmaster}` ends it now");
        for (program, arguments) in [
            ("postgres-init", &[][..]),
            ("database", &["init", "--fresh"]),
            ("database", &["cleanup"]),
            ("postgres-cleanup", &[]),
        ] {
            sandbox.run(program, arguments).fails(2, [&named, &remedy]);
        }
        wait::signal("INT", postmaster);
        wait::wait_until("the server ends", || !is_running(postmaster));
        sandbox.init([]).success();
        assert!(sandbox.has_work());
    }
}

/// As a program does that tidies `/tmp`.
#[test]
fn a_server_without_a_socket_is_told_and_can_be_stopped() {
    let (sandbox, postmaster) = running();
    std::fs::remove_dir_all(sandbox.path("pg/sock")).unwrap();
    let words = ["the server (pid ", "is gone", "`postgres-cleanup` stops the server"];
    sandbox.database(["status"]).fails(1, words);
    sandbox.init([]).fails(1, words);
    assert!(is_running(postmaster));
    sandbox.run("postgres-cleanup", [""; 0]).success();
    assert!(!is_running(postmaster));
    sandbox.init([]).success();
    assert!(sandbox.has_work());
}
