//! Mounts that only one test sees. Only root can make them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Sandbox, wait_until};

/// A mount namespace, held by a process. Dropping the value ends the process.
pub struct Mounts {
    holder: Child,
}

impl Mounts {
    /// Makes a namespace and runs a shell script in it, which mounts things.
    #[track_caller]
    pub fn new(sandbox: &Sandbox, script: &str) -> Self {
        let ready = sandbox.path(".mounted");
        let script = format!("{script}\n: > '{}'\nexec sleep 3600", ready.display());
        let mut command = sandbox.command("unshare", ["-m", "sh", "-ec", &script]);
        // the test waits for the processes in its sandbox
        command.current_dir("/");
        let mut mounts = Self { holder: command.stdout(Stdio::null()).spawn().unwrap() };
        wait_until("the mounts are there", || {
            let ended = mounts.holder.try_wait().unwrap();
            assert!(ended.is_none(), "nothing can be mounted");
            ready.exists()
        });
        std::fs::remove_file(ready).unwrap();
        mounts
    }

    /// A path in the namespace, as the test sees it.
    pub fn path(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(path.strip_prefix("/").unwrap())
    }

    /// A command of the sandbox that runs in the namespace.
    pub fn command<A: AsRef<OsStr>>(
        &self,
        sandbox: &Sandbox,
        program: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let ours = sandbox.command(program, arguments);
        let holder = self.holder.id().to_string();
        let enter = ["-m", "-t", &holder, "sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh"];
        let mut command = sandbox.command("nsenter", enter);
        command.arg(sandbox.path("")).arg(ours.get_program()).args(ours.get_args());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
