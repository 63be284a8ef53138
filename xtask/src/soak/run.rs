//! Runs one command, and kills something meanwhile.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use super::kill::{Kill, Target, Victim};
use crate::failure::{Failure, On, Result};
use crate::program;

/// A command that takes longer than this hangs.
const LIMIT: Duration = Duration::from_secs(300);

/// The time between two looks at a command that runs.
const LOOK: Duration = Duration::from_millis(2);

/// The end of a command.
pub(super) struct Outcome {
    pub(super) status: ExitStatus,
    /// The victim, if somebody was killed.
    pub(super) hit: Option<Victim>,
    /// Everything that the command printed.
    pub(super) output: String,
    pub(super) took: Duration,
}

impl Outcome {
    /// The exit status as a person writes it.
    pub(super) fn end(&self) -> String {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, signal) => format!("signal {}", signal.unwrap_or_default()),
        }
    }
}

/// Runs the command. `output` is the file for what it prints, because a pipe could be held open.
pub(super) fn run(
    command: &mut Command,
    kill: Option<Kill>,
    output: &Path,
    target: &Target<'_>,
) -> Result<Outcome> {
    let log = File::create(output).on("create", output)?;
    command.stderr(log.try_clone().on("share", output)?).stdout(log);
    let started = Instant::now();
    let mut child = command.spawn().map_err(|error| program::cannot_start(command, &error))?;
    let (mut hit, mut hangs) = (None, false);
    let status = loop {
        if let Some(status) = child.try_wait().on("wait for", output)? {
            break status;
        }
        let now = started.elapsed();
        if let Some(kill) = kill.filter(|kill| hit.is_none() && now >= kill.after) {
            hit = kill.strike(&mut child, target).then_some(kill.victim);
        }
        if now > LIMIT && !hangs {
            hangs = true;
            child.kill().on("end", output)?;
        }
        pause();
    };
    let text = fs::read(output).on("read", output)?;
    let output = String::from_utf8_lossy(&text).into_owned();
    if hangs {
        return Err(Failure::new(format!("it hangs: no end after {LIMIT:?}\n{output}")));
    }
    Ok(Outcome { status, hit, output, took: started.elapsed() })
}

/// Waits until `condition` holds, but not for ever. Returns whether it holds.
pub(crate) fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() > limit {
            return false;
        }
        pause();
    }
    true
}

#[expect(clippy::disallowed_methods, reason = "other processes tell nobody what they have done")]
fn pause() {
    std::thread::sleep(LOOK);
}
