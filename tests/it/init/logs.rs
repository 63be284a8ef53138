//! The server's logs: the oldest make room when a server starts.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::support::Sandbox;

/// A sandbox with a stopped cluster, and a log directory outside its working directory.
fn with_logs() -> Sandbox {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_LOG_PATH", sandbox.path("log"));
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox
}

/// A sparse log of so many bytes that belongs to the server's user.
fn log(sandbox: &Sandbox, name: &str, bytes: u64, day: u64) -> PathBuf {
    let (path, data) =
        (sandbox.path("log").join(name), sandbox.path("pg/data").metadata().unwrap());
    let file = File::create(&path).unwrap();
    file.set_len(bytes).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(day * 24 * 3600)).unwrap();
    std::os::unix::fs::chown(&path, Some(data.uid()), Some(data.gid())).unwrap();
    path
}

#[test]
fn the_oldest_go_when_a_server_starts_and_none_that_is_open() {
    let sandbox = with_logs();
    let name = |day: u64| format!("postgresql-2020-01-{day:02}_000000.log");
    let days: Vec<_> = (1..=30).map(|day| log(&sandbox, &name(day), 1000, day)).collect();
    let diary = log(&sandbox, "diary.log", 1000, 0);
    let open = File::open(&days[0]).unwrap();
    sandbox.init([]).success();
    assert!(days[0].exists(), "a process has it open");
    assert!(!days[1].exists() && days[29].exists());
    assert!(diary.exists(), "it is not ours");
    drop(open);
    let status = sandbox.database(["status"]).success();
    assert!(status.stdout.contains("\nlogs:     files: 2"), "{status}");
    assert!(status.stdout.contains(" of at most 20, "), "{status}");
}

#[test]
fn many_bytes_are_too_many() {
    let sandbox = with_logs();
    let old = log(&sandbox, "postgresql-2020-01-01_000000.log", 90_000_000, 1);
    let recent = log(&sandbox, "postgresql-2020-01-02_000000.log", 90_000_000, 2);
    let told = sandbox.database(["doctor"]);
    assert!(told.stdout.contains("180 MB of at most 100 MB"), "{told}");
    sandbox.init([]).success();
    assert!(!old.exists() && recent.exists());
}

#[test]
fn a_large_server_log_is_put_aside() {
    let sandbox = with_logs();
    let log = log(&sandbox, "server.log", 60_000_000, 1);
    sandbox.init([]).success();
    assert!(log.metadata().unwrap().len() < 60_000_000);
    let aside = sandbox.path("log/postgresql-server.log");
    assert_eq!(aside.metadata().unwrap().len(), 60_000_000);
}
