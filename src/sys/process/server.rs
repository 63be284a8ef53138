//! A program that runs beside db-tool and usually outlives it.

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::inherited;
use super::orphan::end_with_us;

/// A server that was started. Dropping it leaves it running.
#[derive(Debug)]
pub struct Server {
    child: Child,
}

impl Server {
    /// Starts `command` as the leader of a new session, so that neither Ctrl-C nor a closed
    /// terminal reaches it. The server inherits only `log` and `locks`. With more descriptors, a
    /// program that reads db-tool's output through a pipe would wait for the server to end.
    #[expect(unsafe_code, reason = "a system call between fork and exec; it is async-signal-safe")]
    pub(super) fn start(
        mut command: Command,
        log: File,
        locks: &[&File],
        ends_with_us: bool,
    ) -> std::io::Result<Self> {
        inherited::close_at_exec()?;
        let also_log = log.try_clone()?;
        command.stdin(Stdio::null()).stdout(log).stderr(also_log);
        let locks: Vec<RawFd> = locks.iter().map(|lock| lock.as_raw_fd()).collect();
        // SAFETY: the closure only makes system calls, which allocate nothing and take no lock
        unsafe {
            command.pre_exec(move || {
                nix::unistd::setsid()?;
                locks.iter().try_for_each(|lock| inherit(*lock))
            });
        }
        if ends_with_us {
            end_with_us(&mut command);
        }
        Ok(Self { child: command.spawn()? })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal. Nobody has reaped the child, so no other process can have its pid.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            let _ = kill(Pid::from_raw(self.child.id().cast_signed()), signal);
        }
    }

    /// The exit status, if the server has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

/// Leaves a descriptor open across exec.
#[expect(unsafe_code, reason = "the descriptor is open: its owner waits for this process to start")]
fn inherit(descriptor: RawFd) -> std::io::Result<()> {
    // SAFETY: see the reason
    let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
    fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(())
}
