//! Long work as a list of named steps. A step is shown while it runs and timed for the report.

use std::time::{Duration, Instant};

use crate::sys::error::Result;
use crate::sys::signal;

/// The name of the span that a running step opens. Its field `what` holds the name of the step.
pub const SPAN: &str = "step";

/// The target of events that report the progress of the running step.
pub const PROGRESS: &str = "progress";

/// The target of events for programs. `--log-format json` shows them with their fields, `--verbose`
/// shows only their messages.
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

    /// Runs one step even if a signal has arrived, because the step undoes another one.
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

    /// The names of the steps with their times in milliseconds: `start 31 ms, hydrate 80 ms`.
    pub fn summary(&self) -> String {
        let each = self.done.iter().map(|(what, time)| format!("{what} {} ms", time.as_millis()));
        each.collect::<Vec<_>>().join(", ")
    }
}
