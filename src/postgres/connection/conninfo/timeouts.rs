//! The timeouts that a database or a role sets are meant for its application, not for this tool.
//!
//! As `pg_dump` does, our sessions switch them off. They do so in the start-up packet: that beats ALTER
//! DATABASE and ALTER ROLE, survives RESET ALL and costs no round trip. The caller's own options stand
//! behind ours and so beat them. Not everybody takes ours: a connection pooler may refuse such options,
//! and a server refuses a setting that it does not know. So a connection remembers what it has met.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Conninfo;

/// What every supported release knows.
const TIMEOUTS: [&str; 4] = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
];

/// What releases know from [`NEWER_SINCE`] on.
const NEWER: &str = "transaction_timeout";

/// The first major version that knows [`NEWER`].
const NEWER_SINCE: u32 = 17;

/// What earlier sessions have learned of the server.
#[derive(Debug, Default)]
pub(super) struct Met {
    major: OnceLock<u32>,
    refuses: AtomicBool,
}

impl Conninfo {
    /// The start-up options: every timeout off, then the caller's own.
    pub fn start_up_options(&self) -> String {
        let off = |name: &str| format!("-c {name}=0");
        let mut options: Vec<String> = match self.met.refuses.load(Ordering::Relaxed) {
            true => Vec::new(),
            false => TIMEOUTS.into_iter().map(off).collect(),
        };
        if !options.is_empty() && self.met.major.get().is_some_and(|major| *major >= NEWER_SINCE) {
            options.push(off(NEWER));
        }
        options.extend(self.get("options").map(str::to_owned));
        options.join(" ")
    }

    /// Whether no session has told yet which settings the server knows.
    pub fn is_unmet(&self) -> bool {
        self.met.major.get().is_none()
    }

    /// Remembers the server's major version. Returns whether the session that told it has a timeout
    /// that [`Self::start_up_options`] did not switch off yet.
    pub(crate) fn meet(&self, major: u32) -> bool {
        let is_new = self.met.major.set(major).is_ok();
        let is_named = self.get("options").is_some_and(|options| options.contains(NEWER));
        let is_refused = self.met.refuses.load(Ordering::Relaxed);
        is_new && major >= NEWER_SINCE && !is_named && !is_refused
    }

    /// Remembers that the server, or a pooler before it, refuses our options. Returns whether that is
    /// news, so that another attempt makes sense.
    pub(crate) fn leave_timeouts(&self) -> bool {
        !self.met.refuses.swap(true, Ordering::Relaxed)
    }

    /// [`Self::variables`] with [`Self::start_up_options`], for a program that works for us.
    pub fn variables_without_timeouts(&self) -> Vec<(&'static str, String)> {
        let mut variables = self.variables();
        variables.retain(|(name, _)| *name != "PGOPTIONS");
        variables.push(("PGOPTIONS", self.start_up_options()));
        variables
    }
}
