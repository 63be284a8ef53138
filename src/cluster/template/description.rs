//! The description of a cached state: a file beside its data directory.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The name of the description in the directory of a template.
pub(super) const DESCRIPTION: &str = "state.json";

/// Facts about a cached state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The version of db-tool that made it.
    tool: String,
    /// The time when it was made, in seconds since the epoch.
    made: u64,
    /// The word of its state.
    pub word: String,
    /// The directory of the project.
    pub project: Option<PathBuf>,
    /// Whether it holds sealed values.
    pub sealed: bool,
    /// What the maker has noted while it made the state. It may be long, so it has a file of its own.
    #[serde(skip)]
    pub note: Option<String>,
}

/// The content of a new state's description.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// The directory of the project.
    pub project: Option<PathBuf>,
    /// Whether it holds sealed values.
    pub sealed: bool,
    /// A text that comes back with the state.
    pub note: Option<String>,
}

impl Description {
    /// The time when the state was made.
    pub fn made(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.made)
    }

    pub(super) fn of(word: &str, details: &Details) -> Self {
        let made = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        Self {
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            made,
            word: word.to_owned(),
            project: details.project.clone(),
            sealed: details.sealed,
            note: details.note.clone(),
        }
    }
}
