//! Stopping a server: asked first, then told, then killed.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Postmaster, end_leftovers, leftovers};
use crate::sys::error::{Error, Result};
use crate::sys::process;
use crate::sys::process::Patience;

/// How long a server may take that is told to stop at once.
const INSIST: Duration = Duration::from_secs(10);

/// How often a wait looks for processes that are stopped.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a wait has said already.
#[derive(Default)]
struct Told(bool);

impl Told {
    fn stopped(&mut self, pid: u32) {
        if !std::mem::replace(&mut self.0, true) {
            tracing::warn!(
                "process {pid} of the server is stopped (by SIGSTOP, or by a debugger): it is \
                 continued, so that the server can shut down"
            );
        }
    }
}

/// How to ask a postmaster to stop; the manual's section on shutting down the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Sessions are disconnected, a checkpoint is written.
    Fast,
    /// Everything ends at once; the next start recovers from WAL.
    Immediate,
}

impl Postmaster {
    /// Stops it and waits, whatever signals arrive.
    pub fn stop(&self, how: Shutdown, limit: Duration) -> Result<()> {
        self.stop_with(how, limit, Patience::Stubborn)
    }

    /// Asks it to stop and waits for `limit`, then insists. A process that is stopped (SIGSTOP) hears
    /// no request, so it is continued.
    pub fn stop_with(&self, how: Shutdown, limit: Duration, patience: Patience) -> Result<()> {
        let steps = match how {
            Shutdown::Fast => &[Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL][..],
            Shutdown::Immediate => &[Signal::SIGQUIT, Signal::SIGKILL],
        };
        let mut told = Told::default();
        for (signal, limit) in steps.iter().zip([limit, INSIST, INSIST]) {
            self.signal(*signal)?;
            let mut next_look = Instant::now();
            let gone = || {
                let postmaster = self.alive();
                let is_stopped = postmaster.as_ref().is_some_and(|process| process.stopped);
                if is_stopped || next_look.elapsed() > LOOK_AGAIN {
                    next_look = Instant::now();
                    self.let_go_on(&mut told);
                }
                Ok(postmaster.is_none().then_some(()))
            };
            if process::wait_for(limit, patience, gone)?.is_some() {
                return end_leftovers(&self.data);
            }
            let (seconds, pid) = (limit.as_secs(), self.file.pid);
            tracing::info!("the server (pid {pid}) did not stop within {seconds} s of a {signal}");
        }
        Err(Error::failed(format!(
            "the server of {} (pid {}) does not stop",
            self.data.display(),
            self.file.pid
        ))
        .hint("see its log; a process that waits for a disk or is traced cannot end"))
    }

    /// Continues the processes of the server that are stopped.
    fn let_go_on(&self, told: &mut Told) {
        for process in leftovers(&self.data).iter().filter(|process| process.stopped) {
            told.stopped(process.pid);
            let _ = kill(Pid::from_raw(process.pid.cast_signed()), Signal::SIGCONT);
        }
    }
}
