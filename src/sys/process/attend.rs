//! Runs a program of the user's to its end, as a shell does.
//!
//! The program has db-tool's terminal, standard input and output. It gets the signals that db-tool
//! gets, and db-tool itself goes on until the program has ended. Ctrl-C reaches both at once: the
//! terminal sends it to the whole process group. So db-tool passes that on only if it is not in the
//! terminal's foreground. A program that got it twice would perhaps end at once.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};

use super::{Command, orphan};
use crate::sys::error::Result;
use crate::sys::signal;

/// The process that gets the signals; 0 for none.
static ATTENDED: AtomicI32 = AtomicI32::new(0);

impl Command {
    /// Runs the program for the user. It ends when db-tool is killed.
    pub fn attend(self) -> Result<ExitStatus> {
        self.log_start();
        let mut command = self.command();
        orphan::end_with_us(&mut command);
        signal::listen(pass_on);
        let mut child = command.spawn().map_err(|error| self.cannot_start(&error))?;
        ATTENDED.store(child.id().cast_signed(), Ordering::SeqCst);
        if let Some(signal) = signal::caught() {
            pass_on(signal);
        }
        let status = child.wait();
        ATTENDED.store(0, Ordering::SeqCst);
        status.map_err(|error| self.cannot_start(&error))
    }
}

/// The exit status that a shell shows: that of the program, or 128 and the number of its signal.
pub fn shell_status(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// Runs in the signal thread. The program is not reaped while its number is there.
fn pass_on(signal: i32) {
    let pid = ATTENDED.load(Ordering::SeqCst);
    let Ok(signal) = Signal::try_from(signal) else { return };
    let has_it = signal == Signal::SIGINT && is_in_foreground();
    if pid > 0 && !has_it {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Whether this process group gets the signals of the terminal's keys.
fn is_in_foreground() -> bool {
    let terminal = std::fs::OpenOptions::new().write(true).open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(terminal) == Ok(getpgrp()))
}
