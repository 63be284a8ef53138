//! The server's own account of a failure: the end of its log.
//!
//! A client learns that its session has crashed from the system, which closes the connection. The server
//! learns of it a moment later, and only then writes to its log what has happened.

use std::time::Duration;

use super::start;
use crate::cluster::Running;
use crate::sys::error::{Error, Kind};
use crate::sys::process::{Patience, wait_for};

/// How long a server may take to notice that one of its processes is gone.
const LIMIT: Duration = Duration::from_secs(10);

/// What libpq, psql and this tool say about a connection that has ended without a word.
const LOST: [&str; 4] = [
    "server closed the connection unexpectedly",
    "connection to server was lost",
    "connection to the server is lost",
    "could not receive data from server",
];

/// What a server writes about a process that it has not ended itself.
const TOLD: [&str; 2] = ["was terminated by", "exited with exit code"];

impl Running {
    /// Adds the server's own account to a failure; an interruption needs none.
    pub fn with_log(&self, error: Error) -> Error {
        if matches!(error.kind(), Kind::Interrupted(_)) {
            return error;
        }
        let Ok(_acting) = self.spec().act() else { return error };
        let log = self.spec().layout.server_log();
        if is_about_a_lost_connection(&error) {
            let told = || {
                let tail = start::tail_of(&log);
                let told = TOLD.iter().any(|words| tail.contains(words));
                Ok((told || !self.postmaster.is_alive()).then_some(()))
            };
            // without an account the failure is told all the same
            let _ = wait_for(LIMIT, Patience::Interruptible, told);
        }
        let tail = start::tail_of(&log);
        if tail.trim().is_empty() {
            return error;
        }
        error.detail(format!("the end of the server's log:\n{}", tail.trim_end()))
    }
}

fn is_about_a_lost_connection(error: &Error) -> bool {
    let said =
        || std::iter::once(error.message()).chain(error.details().iter().map(String::as_str));
    said().any(|text| LOST.iter().any(|words| text.contains(words)))
}
