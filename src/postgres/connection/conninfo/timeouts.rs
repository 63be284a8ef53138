//! Switches off the timeouts that a database or a role sets: they are meant for applications, not
//! for db-tool.
//!
//! `pg_dump` does the same. db-tool sends the settings in the start-up packet: there they override
//! ALTER DATABASE and ALTER ROLE, survive RESET ALL, and cost no round trip. The caller's own
//! options follow ours and so override them. A connection pooler may refuse such options, and a
//! server refuses a setting that it does not know. So a connection remembers how the server has
//! reacted.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Conninfo;

/// The timeouts that every supported major version knows.
const TIMEOUTS: [&str; 4] = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
];

/// The timeout that major versions know from [`NEWER_SINCE`] on.
const NEWER: &str = "transaction_timeout";

/// The first major version that knows [`NEWER`].
const NEWER_SINCE: u32 = 17;

/// Facts about the server that earlier sessions have learned.
#[derive(Debug, Default)]
pub(super) struct Learned {
    major: OnceLock<u32>,
    refuses: AtomicBool,
}

impl Conninfo {
    /// The start-up options: all timeouts off, then the caller's own options.
    pub fn start_up_options(&self) -> String {
        let off = |name: &str| format!("-c {name}=0");
        let mut options: Vec<String> = match self.learned.refuses.load(Ordering::Relaxed) {
            true => Vec::new(),
            false => TIMEOUTS.into_iter().map(off).collect(),
        };
        if !options.is_empty()
            && self.learned.major.get().is_some_and(|major| *major >= NEWER_SINCE)
        {
            options.push(off(NEWER));
        }
        options.extend(self.get("options").map(str::to_owned));
        options.join(" ")
    }

    /// Whether no session has learned the server's major version yet.
    pub fn is_version_unknown(&self) -> bool {
        self.learned.major.get().is_none()
    }

    /// Remembers the server's major version. Returns whether the current session still has a
    /// timeout that [`Self::start_up_options`] did not switch off.
    pub(crate) fn learn_version(&self, major: u32) -> bool {
        let is_new = self.learned.major.set(major).is_ok();
        let is_named = self.get("options").is_some_and(|options| options.contains(NEWER));
        let is_refused = self.learned.refuses.load(Ordering::Relaxed);
        is_new && major >= NEWER_SINCE && !is_named && !is_refused
    }

    /// Remembers that the server, or a pooler in front of it, refuses our options. Returns whether
    /// this is new, so that another attempt is worth while.
    pub(crate) fn leave_timeouts(&self) -> bool {
        !self.learned.refuses.swap(true, Ordering::Relaxed)
    }

    /// [`Self::variables`] with [`Self::start_up_options`], for a program that db-tool starts.
    pub fn variables_without_timeouts(&self) -> Vec<(&'static str, String)> {
        let mut variables = self.variables();
        variables.retain(|(name, _)| *name != "PGOPTIONS");
        variables.push(("PGOPTIONS", self.start_up_options()));
        variables
    }
}
