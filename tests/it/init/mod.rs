//! `postgres-init`: the development cluster, in every state in which a command can find it.

mod access;
mod concurrency;
mod descriptors;
mod discovery;
mod elsewhere;
mod export;
mod kept;
mod liveness;
mod logs;
mod preload;
mod reuse;
mod settings;
mod sockets;
mod sourced;
mod template;
mod urls;

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::{Sandbox, bindir, server, wait_until};

impl Sandbox {
    /// The result of `sql` that the superuser of the sandbox's cluster gets.
    pub fn select(&self, sql: &str) -> String {
        self.query(&self.url("postgres"), sql)
    }

    /// The postmaster's pid.
    pub fn postmaster(&self) -> u32 {
        server::postmaster(&self.path("pg/data"))
    }

    /// Entries of the working directory whose names start with `prefix`.
    pub fn beside(&self, prefix: &str) -> Vec<String> {
        let mut entries = self.entries("pg");
        entries.retain(|name| name.starts_with(prefix));
        entries
    }

    /// Creates a table in the cluster by which a test recognises the cluster.
    pub fn leave_work(&self) {
        self.select("CREATE TABLE work (id int)");
    }

    /// Whether that table is still there.
    pub fn has_work(&self) -> bool {
        self.select("SELECT to_regclass('public.work') IS NOT NULL") == "t"
    }

    /// Runs a command line in `sh`, with our programs on its path.
    pub fn shell(&self, line: &str) -> crate::support::Outcome {
        self.run("sh", ["-c", line])
    }
}

/// A process that ends with the test.
pub struct Bystander(Child);

impl Bystander {
    /// Starts `command` without any input or output.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// A process that has nothing to do with PostgreSQL. It works in `directory`, as the owner of
    /// that directory.
    pub fn asleep_in(directory: &Path) -> Self {
        let mut command = as_owner_of(directory, Path::new("sleep"));
        command.arg("3600").current_dir(directory);
        Self::start(command)
    }

    /// A session in the sandbox's cluster that runs `sql`; returns once it does.
    pub fn session(sandbox: &Sandbox, sql: &str) -> Self {
        let url = sandbox.url("postgres");
        let psql = bindir().join("psql");
        let started = Self::start(
            sandbox.command(psql.to_str().unwrap(), ["-X", "-d", url.as_str(), "-c", sql]),
        );
        let count = "SELECT count(*) FROM pg_stat_activity \
                     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() \
                     AND state = 'active'";
        wait_until("the session works", || sandbox.select(count) != "0");
        started
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command that runs as the owner of `directory`, which is also the user that runs the server.
pub fn as_owner_of(directory: &Path, program: &Path) -> Command {
    let facts = directory.metadata().unwrap();
    let mut command = Command::new(program);
    if crate::support::is_root() {
        command.uid(facts.uid()).gid(facts.gid());
    }
    command
}

pub fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
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
