//! `postgres-init`: the development cluster, in every state in which a command can find it.

mod access;
mod concurrency;
mod descriptors;
mod discovery;
mod elsewhere;
mod export;
pub mod jobs;
mod kept;
mod liveness;
mod logs;
mod preload;
mod reuse;
mod settings;
mod sockets;
mod sourced;
mod template;
mod thin;
mod urls;

use std::path::PathBuf;

use crate::support::bystander::as_owner_of;
use crate::support::{Sandbox, bindir};

impl Sandbox {
    /// Creates a table in the cluster by which a test recognises the cluster.
    pub fn leave_work(&self) {
        self.ask_in("postgres", "CREATE TABLE work (id int)");
    }

    /// Whether that table is still there.
    pub fn has_work(&self) -> bool {
        self.ask_in("postgres", "SELECT to_regclass('public.work') IS NOT NULL") == "t"
    }

    /// Runs a command line in `sh`, with our programs on its path.
    pub fn shell(&self, line: &str) -> crate::support::Outcome {
        self.run("sh", ["-c", line])
    }
}

/// A cluster that was stopped with work in it, and that the next command keeps.
fn stopped() -> Sandbox {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    sandbox.leave_work();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.set("PG_REUSE", "1");
    sandbox
}

/// The path by which a process was called.
pub fn called_as(pid: u32) -> PathBuf {
    let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    line.split('\0').next().unwrap().into()
}

/// Writes a `postmaster.pid` that names process `pid`, started `age` seconds ago.
pub fn pid_file(sandbox: &Sandbox, pid: u32, age: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let (data, sock) = (sandbox.path("pg/data"), sandbox.path("pg/sock"));
    let (data, sock) = (data.display(), sock.display());
    format!("{pid}\n{data}\n{}\n5432\n{sock}\n\n  5432001   3\nready   \n", now.as_secs() - age)
}

/// Replaces the data directory of the sandbox by one that plain initdb has made.
pub fn plain_initdb(sandbox: &Sandbox) {
    let data = sandbox.path("pg/data");
    let mut initdb = as_owner_of(&sandbox.path("pg"), &bindir().join("initdb"));
    initdb.args(["--no-sync", "--auth=trust", "--username=somebody", "-D"]).arg(data);
    initdb.env_clear().env("LC_ALL", "C").current_dir("/");
    assert!(initdb.output().unwrap().status.success(), "initdb");
}
