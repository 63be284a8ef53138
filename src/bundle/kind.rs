//! The two kinds of the bundle. A project chooses one of them, or none.

use crate::sys::error::Error;

/// How much of the bundle a database has. `Full` contains `History`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The version, the history of migrations and the secrets. No rule applies to tables.
    History,
    /// Everything: also the parent tables and their rules.
    Full,
}

impl Kind {
    /// The word for this kind in settings and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Full => "full",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error for work that needs the bundle in a project without one. `what` is the beginning of its
/// sentence.
pub fn is_off(what: &str) -> Error {
    Error::conflict(format!("{what}, because the hectic bundle is off")).hint(
        "bundle = \"history\" in database.toml brings the history of migrations and the secrets, without rules for tables",
    )
}
