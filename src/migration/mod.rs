//! Migrations: numbered steps that move a database's schema forward and back.
//!
//! ```text
//! directory ─┐                    what is on disk: names, up and down files
//!            ├─ plan ── preflight ── runner     what to do · may it be done · do it
//! history ───┘                    what the database says was done
//! ```
//!
//! `plan` is pure: it gets two lists and a goal and returns steps or the reason why there are none.
//! `runner` is the only part that changes a database, and everything it does to the history goes
//! through the procedures of `sql/bundle/30-migration.sql`.

pub mod create;
pub mod directory;
pub mod history;
pub mod import;
pub mod keep;
pub mod kept;
pub mod lock;
pub mod migrate;
pub mod name;
pub mod plan;
pub mod preflight;
pub mod progress;
pub mod project;
pub mod refuse;
pub mod rejected;
pub mod runner;
pub mod script;
pub mod source;

/// The release of db-tool that the history records.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The direction of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Apply it.
    Up,
    /// Revert it.
    Down,
}

impl Direction {
    /// The direction's name in the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}
