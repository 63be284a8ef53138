//! Children that end when this process does, even when it is killed.
//!
//! Linux sends a signal of our choosing to the children of a thread that ends, so whoever starts a child
//! waits for it in the same thread. A change of user takes that wish back, so it is expressed after it:
//! `Command` runs these closures last. What a child starts is not reached, so a shell watches over a group. Elsewhere a child that reads our pipes ends with them.

use std::io::{PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Has the system end what `command` starts when the thread that starts it is gone. With SIGTERM: psql
/// ignores SIGINT while it waits for a program of `\!`, and would go on afterwards.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "system calls between fork and exec; they are async-signal-safe")]
pub(super) fn end_with_us(command: &mut Command) {
    let us = std::process::id();
    // SAFETY: the closure only makes system calls, which allocate nothing and take no lock
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM)?;
            // a parent that has ended already sends no signal any more
            let orphaned = nix::unistd::getppid().as_raw().cast_unsigned() != us;
            if orphaned { Err(std::io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        });
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn end_with_us(_: &mut Command) {}

/// While this lives, a shell waits for us to say that all is well, or for our end: then it ends a process
/// group. `pg_basebackup` has a child that goes on without it and holds its connections.
pub(super) struct Watchdog {
    pipe: PipeWriter,
    shell: Child,
}

impl Watchdog {
    #[expect(clippy::disallowed_methods, reason = "part of the module that starts programs")]
    pub(super) fn over(group: u32) -> std::io::Result<Self> {
        let (reader, pipe) = std::io::pipe()?;
        let shell = Command::new("/bin/sh")
            .args(["-c", "read -r _ || kill -s TERM -- \"-$1\"", "sh", &group.to_string()])
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
