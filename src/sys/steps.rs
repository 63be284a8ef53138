//! Long work as named steps: shown while they run, timed for the report.

use std::time::{Duration, Instant};

use crate::sys::error::Result;
use crate::sys::signal;

/// The name of the span that a running step opens; its field `what` says which.
pub const SPAN: &str = "step";

/// The target of events that say how far the running step is.
pub const PROGRESS: &str = "progress";

/// The target of events that are for programs: `--log-format json` has them with their fields, and
/// `--verbose` their message.
pub const RECORD: &str = "db_tool::record";

/// The steps done so far.
#[derive(Debug, Default, Clone)]
pub struct Steps {
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    /// Runs one step, unless a signal has arrived.
    pub fn run<T>(&mut self, what: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        signal::check()?;
        self.insist(what, work)
    }

    /// Runs one step whatever has arrived, because it undoes another.
    pub fn insist<T>(&mut self, what: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        let result = tracing::info_span!(SPAN, what).in_scope(work)?;
        self.done.push((what, started.elapsed()));
        Ok(result)
    }

    /// Time spent in all steps.
    pub fn elapsed(&self) -> Duration {
        self.done.iter().map(|(_, elapsed)| *elapsed).sum()
    }

    /// What was done and how long it took, in milliseconds: `start 31 ms, hydrate 80 ms`.
    pub fn summary(&self) -> String {
        let each = self.done.iter().map(|(what, time)| format!("{what} {} ms", time.as_millis()));
        each.collect::<Vec<_>>().join(", ")
    }
}
