//! Makes children end when this process ends, even if it is killed.
//!
//! Linux sends a chosen signal to a child when the thread that started it ends. So each child is
//! started and waited for by the same thread. A child that changes its user loses this setting;
//! `Command` therefore calls these functions after the change. The setting does not reach the
//! children of a child. For these, a shell watches over a process group. On other systems, a child
//! that reads or writes db-tool's pipes ends with them.

use std::io::{PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Makes the system send SIGTERM to `command` when the thread that starts it ends. Not SIGINT: psql
/// ignores it while a program of `\!` runs, and would go on afterwards.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "system calls between fork and exec; they are async-signal-safe")]
pub(super) fn end_with_us(command: &mut Command) {
    let us = std::process::id();
    // SAFETY: the closure only makes system calls, which allocate nothing and take no lock
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM)?;
            // if the parent has ended before this point, no signal comes any more
            let orphaned = nix::unistd::getppid().as_raw().cast_unsigned() != us;
            if orphaned { Err(std::io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        });
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn end_with_us(_: &mut Command) {}

/// A shell that ends a process, or a process group, if db-tool dies. The shell reads from a pipe: a line means
/// that all is well, the end of the pipe means that db-tool is dead. `pg_basebackup` needs this: it
/// has a child that would go on without it and keep connections open.
pub(super) struct Watchdog {
    pipe: PipeWriter,
    shell: Child,
}

impl Watchdog {
    /// Watches over a process group.
    pub(super) fn over(group: u32) -> std::io::Result<Self> {
        Self::over_target(&format!("-{group}"))
    }

    /// Watches over a child alone. A child that db-tool itself is needs this: the system forgets
    /// [`end_with_us`] when a process of root acts as another user.
    pub(super) fn over_process(pid: u32) -> std::io::Result<Self> {
        Self::over_target(&pid.to_string())
    }

    #[expect(clippy::disallowed_methods, reason = "part of the module that starts programs")]
    fn over_target(target: &str) -> std::io::Result<Self> {
        let (reader, pipe) = std::io::pipe()?;
        let shell = Command::new("/bin/sh")
            .args(["-c", "read -r _ || kill -s TERM -- \"$1\"", "sh", target])
            .env_clear()
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { pipe, shell })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let _ = self.pipe.write_all(b"\n");
        let _ = self.shell.wait();
    }
}
