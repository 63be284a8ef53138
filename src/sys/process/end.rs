//! Waits for the end of a process that need not be a child of this one.
//!
//! A pid alone proves nothing, because the system gives it to another process later. On Linux a
//! pidfd stands for one process for good. Its start time proves that it is the right process: the
//! time is compared after the pidfd has been opened.

use std::time::Duration;

use super::inspect::inspect;
use super::{Patience, wait_for};
use crate::sys::error::Result;

/// A process, in a way that no later process fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessId {
    /// The process id.
    pub pid: u32,
    /// The time at which it started, as [`super::ProcessInfo`] has it.
    pub started: u64,
}

impl ProcessId {
    /// Whether the process still runs.
    pub fn is_alive(self) -> bool {
        inspect(self.pid).is_some_and(|process| process.started == self.started)
    }

    /// Waits until the process has ended, at most for `limit`. Returns whether it has ended.
    pub fn wait_for_end(self, limit: Duration) -> Result<bool> {
        match system::wait_for_end(self, limit) {
            Some(ended) => Ok(ended),
            None => self.poll(limit),
        }
    }

    /// For systems without pidfd.
    fn poll(self, limit: Duration) -> Result<bool> {
        let gone = || Ok((!self.is_alive()).then_some(()));
        Ok(wait_for(limit, Patience::Interruptible, gone)?.is_some())
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::time::Duration;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    use std::os::fd::AsFd;

    use super::ProcessId;

    /// `None` if the kernel is older than 5.3 or a sandbox forbids the call.
    pub(super) fn wait_for_end(process: ProcessId, limit: Duration) -> Option<bool> {
        let pid = Pid::from_raw(process.pid.cast_signed())?;
        let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else {
            return (!process.is_alive()).then_some(true);
        };
        if !process.is_alive() {
            return Some(true);
        }
        // a longer wait than poll(2) can do ends early, and the caller waits again
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        let mut watched = [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)];
        poll(&mut watched, limit).ok().map(|ready| ready > 0)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn wait_for_end(_: super::ProcessId, _: std::time::Duration) -> Option<bool> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> ProcessId {
        let own = inspect(std::process::id()).expect("it runs");
        ProcessId { pid: own.pid, started: own.started }
    }

    #[test]
    fn a_process_that_lives_is_waited_for() {
        assert!(own().is_alive());
        assert!(!own().wait_for_end(Duration::from_millis(1)).expect("watched"));
        assert!(!own().poll(Duration::from_millis(1)).expect("watched"));
    }

    #[test]
    fn a_later_process_with_the_same_pid_is_another_one() {
        let earlier = ProcessId { started: own().started - 1, ..own() };
        assert!(!earlier.is_alive());
        assert!(earlier.wait_for_end(Duration::MAX).expect("watched"));
        assert!(earlier.poll(Duration::MAX).expect("watched"));
    }
}
