//! Stops servers: with the requested signal first, then with SIGQUIT, then with SIGKILL.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::stuck::StuckWatch;
use super::{Postmaster, end_leftovers, leftovers};
use crate::sys::error::{Error, Result};
use crate::sys::process;
use crate::sys::process::Patience;

/// The time that a server has after SIGQUIT, and after SIGKILL.
const INSIST: Duration = Duration::from_secs(10);

/// The interval in which a wait looks for paused processes.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Warns about a paused process, but only once.
#[derive(Default)]
struct PausedWarning {
    given: bool,
}

impl PausedWarning {
    fn give(&mut self, pid: u32) {
        if !std::mem::replace(&mut self.given, true) {
            tracing::warn!(
                "process {pid} of the server is stopped (by SIGSTOP, or by a debugger): it is \
                 continued, so that the server can shut down"
            );
        }
    }
}

/// The ways to stop a postmaster; see the PostgreSQL manual on shutting down the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// The server disconnects all sessions and writes a checkpoint.
    Fast,
    /// The server ends at once; the next start recovers from the write-ahead log.
    Immediate,
}

impl Postmaster {
    /// Stops the server and waits for its end, even if signals arrive.
    pub fn stop(&self, shutdown: Shutdown, limit: Duration) -> Result<()> {
        self.stop_with(shutdown, limit, Patience::Stubborn)
    }

    /// Sends the first signal and waits for `limit`, then sends stronger signals. Continues paused
    /// processes (SIGSTOP), because they receive no signal.
    pub fn stop_with(&self, shutdown: Shutdown, limit: Duration, patience: Patience) -> Result<()> {
        let steps = match shutdown {
            Shutdown::Fast => &[Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL][..],
            Shutdown::Immediate => &[Signal::SIGQUIT, Signal::SIGKILL],
        };
        let (mut warning, mut stuck) = (PausedWarning::default(), StuckWatch::new());
        for (signal, limit) in steps.iter().zip([limit, INSIST, INSIST]) {
            self.signal(*signal)?;
            let mut next_look = Instant::now();
            let gone = || {
                let postmaster = self.alive();
                stuck.look(self)?;
                let is_stopped = postmaster.as_ref().is_some_and(|process| process.stopped);
                if is_stopped || next_look.elapsed() > LOOK_AGAIN {
                    next_look = Instant::now();
                    self.let_go_on(&mut warning);
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

    /// Continues the paused processes of the server.
    fn let_go_on(&self, warning: &mut PausedWarning) {
        for process in leftovers(&self.data).iter().filter(|process| process.stopped) {
            warning.give(process.pid);
            let _ = kill(Pid::from_raw(process.pid.cast_signed()), Signal::SIGCONT);
        }
    }
}
