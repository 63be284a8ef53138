//! Processes that a test starts beside our programs.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Sandbox, is_root, psql, wait_until};

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
        let started = Self::start(sandbox.command(&psql(), ["-X", "-d", url.as_str(), "-c", sql]));
        let count = "SELECT count(*) FROM pg_stat_activity \
                     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() \
                     AND state = 'active'";
        wait_until("the session works", || sandbox.ask_in("postgres", count) != "0");
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
    if is_root() {
        command.uid(facts.uid()).gid(facts.gid());
    }
    command
}
