//! The settings of db-tool's own sessions. They switch off the timeouts that a database or a role
//! sets, which are meant for applications. Where the role may, they also make the server's messages
//! English, because db-tool reads them.
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

/// The setting for English messages. Only a superuser may send it.
const ENGLISH: &str = "lc_messages";

/// The facts about itself and the role that a server reports when a session begins.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The major version.
    pub major: u32,
    /// The role is a superuser.
    pub is_superuser: bool,
}

/// Facts about the server that earlier sessions have learned.
#[derive(Debug, Default)]
pub(super) struct LearnedFacts {
    facts: OnceLock<Facts>,
    refuses: AtomicBool,
}

impl Conninfo {
    /// The start-up options: all timeouts off, English messages, then the caller's own options.
    pub fn start_up_options(&self) -> String {
        let off = |name: &str| format!("-c {name}=0");
        let mut options: Vec<String> = match self.learned.refuses.load(Ordering::Relaxed) {
            true => Vec::new(),
            false => TIMEOUTS.into_iter().map(off).collect(),
        };
        if let Some(facts) = self.learned.facts.get().filter(|_| !options.is_empty()) {
            options.extend((facts.major >= NEWER_SINCE).then(|| off(NEWER)));
            options.extend(facts.is_superuser.then(|| format!("-c {ENGLISH}=C")));
        }
        options.extend(self.get("options").map(str::to_owned));
        options.join(" ")
    }

    /// Whether no session has learned the server's major version yet.
    pub fn is_version_unknown(&self) -> bool {
        self.learned.facts.get().is_none()
    }

    /// Remembers the facts that the server reports. Returns the statements for the settings of the
    /// current session that [`Self::start_up_options`] did not know to set.
    pub(crate) fn learn(&self, facts: Facts) -> Vec<&'static str> {
        let is_new = self.learned.facts.set(facts).is_ok();
        if !is_new || self.learned.refuses.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let is_free = |name: &str| !self.get("options").is_some_and(|own| own.contains(name));
        let timeout = (facts.major >= NEWER_SINCE && is_free(NEWER))
            .then_some(sql!("postgres/no-transaction-timeout"));
        let english = (facts.is_superuser && is_free(ENGLISH)).then_some(sql!("postgres/english"));
        timeout.into_iter().chain(english).collect()
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
