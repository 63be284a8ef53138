//! A program of ours that runs while this process does other work.
//!
//! Such a program catches signals and cleans up by itself, so it gets a signal once, alone, and has
//! all the time that it needs. It has no input, because this process may read the keys of the
//! terminal. It prints to this process's standard output and standard error.

use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::{Command, orphan};
use crate::sys::error::{IoContext, Result};

/// A second program of ours. Dropping it interrupts the program and waits for its end.
pub struct Job {
    child: Child,
    started: Instant,
    ended: bool,
    stopped: bool,
    _watchdog: Option<orphan::Watchdog>,
}

impl Job {
    /// Starts the program. A thread calls `on_end` when the program has ended. The program ends if
    /// somebody kills this process.
    pub fn start(command: Command, on_end: impl FnOnce() + Send + 'static) -> Result<Self> {
        command.log_start();
        let mut prepared = command.command();
        prepared.stdin(Stdio::null());
        orphan::end_with_us(&mut prepared);
        let started = Instant::now();
        let child = prepared.spawn().map_err(|error| command.cannot_start(&error))?;
        let pid = rustix::process::Pid::from_child(&child);
        std::thread::spawn(move || {
            // does not reap the child, so its pid belongs to it until `finish`
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
            on_end();
        });
        let _watchdog = orphan::Watchdog::over_process(child.id()).ok();
        Ok(Self { child, started, ended: false, stopped: false, _watchdog })
    }

    /// Interrupts the program, once.
    pub fn stop(&mut self) {
        if !self.ended && !std::mem::replace(&mut self.stopped, true) {
            let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT);
        }
    }

    /// Whether [`Self::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Waits for the program's end. Returns its status and the time that it took.
    pub fn finish(mut self) -> Result<(ExitStatus, Duration)> {
        let status = self.child.wait().on("wait for", "the second process of db-tool")?;
        self.ended = true;
        Ok((status, self.started.elapsed()))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.ended {
            self.stop();
            let _ = self.child.wait();
        }
    }
}
