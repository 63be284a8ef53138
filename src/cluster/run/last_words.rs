//! Adds the end of the server's log to the error of a client.
//!
//! When a session crashes, the operating system closes the connection, and the client notices at
//! once. The server notices a moment later, and only then writes the cause to its log.

use std::time::Duration;

use super::start;
use crate::cluster::Running;
use crate::sys::error::{Error, Kind};
use crate::sys::process::{Patience, wait_for};

/// The longest time in which a server notices that one of its processes has ended.
const LIMIT: Duration = Duration::from_secs(10);

/// The messages of libpq, psql and db-tool about a connection that ended without an error message.
const LOST: [&str; 4] = [
    "server closed the connection unexpectedly",
    "connection to server was lost",
    "connection to the server is lost",
    "could not receive data from server",
];

/// The messages of a server about a process that it did not end itself.
const CRASH_REPORTS: [&str; 2] = ["was terminated by", "exited with exit code"];

impl Running {
    /// Adds the end of the server's log to the error. An interruption gets no log.
    pub fn with_log(&self, error: Error) -> Error {
        if matches!(error.kind(), Kind::Interrupted(_)) {
            return error;
        }
        let Ok(_acting) = self.spec().act() else { return error };
        let log = self.spec().layout.server_log();
        if is_about_a_lost_connection(&error) {
            let reported = || {
                let tail = start::tail_of(&log);
                let reported = CRASH_REPORTS.iter().any(|words| tail.contains(words));
                Ok((reported || !self.postmaster.is_alive()).then_some(()))
            };
            // if the log stays silent, the error is reported without it
            let _ = wait_for(LIMIT, Patience::Interruptible, reported);
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
