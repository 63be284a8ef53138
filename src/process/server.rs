//! A program that outlives us.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A server that was started. Dropping it leaves it running.
#[derive(Debug)]
pub struct Server {
    child: Child,
}

impl Server {
    /// Starts `command` as the leader of a session of its own, so that neither Ctrl-C nor a closed
    /// terminal reaches it, with nothing of ours open but `log`: whoever reads our output through a
    /// pipe would otherwise wait for the server to end.
    #[expect(unsafe_code, reason = "setsid between fork and exec; it is async-signal-safe")]
    pub(super) fn start(mut command: Command, log: File) -> std::io::Result<Self> {
        // descriptors that the caller left open, beyond the three standard ones
        close_fds::set_fds_cloexec_threadsafe(3, &[]);
        let also_log = log.try_clone()?;
        command.stdin(Stdio::null()).stdout(log).stderr(also_log);
        // SAFETY: the closure only calls setsid(2), which allocates nothing and takes no lock
        unsafe {
            command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(Into::into));
        }
        Ok(Self { child: command.spawn()? })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal. The child was not reaped, so the pid is still its own.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            let _ = kill(Pid::from_raw(self.child.id().cast_signed()), signal);
        }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}
