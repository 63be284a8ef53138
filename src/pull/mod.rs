//! Rows of another database, brought into a patch file.
//!
//! A [`Source`] is staging at one moment: every table is read on one snapshot, in the order of its
//! key, as `COPY` writes it, and goes into a part of the file as it arrives: nothing is held. With
//! several jobs the tables are read by as many sessions on that snapshot. The parts are put together in
//! the order of the foreign keys, and the file replaces the old one when it is whole, and not before.

mod check;
mod flags;
mod into_file;
pub mod load;
pub mod mask;
mod progress;
pub mod read;
pub mod select;
mod template;
mod transport;
pub mod write;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use check::{Health, TableHealth, check, server_version};
pub use flags::{Flags, Format};
pub use into_file::pull;
pub use load::into_database::load;
pub use load::receipt::{Contained, verify};
pub use mask::rules::Masks;
pub use mask::scan::{Proposals, scan};
pub use read::rows::Amount;
pub use read::source::Source;
pub use select::pattern::Pattern;
pub use select::since::Since;
pub use select::table::{Selection, Table};
pub use select::words::{split, split_names};
pub use transport::{Tunnel, patiently};
pub use write::dump::dump;
pub use write::file::was_pulled;

use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::sys::error::Result;

/// What is pulled, and how it is written.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The tables.
    pub selection: Selection,
    /// How rows are written.
    pub format: Format,
    /// How many rows an `INSERT` has.
    pub rows_per_insert: usize,
    /// Rows that are there stay as they are.
    pub keep_existing: bool,
    /// Which rows of a table are pulled: SQL.
    pub conditions: Vec<Rule>,
    /// How many rows of a table are pulled.
    pub limits: Vec<Rule>,
    /// What becomes of values on their way, if anything.
    pub masks: Option<Masks>,
    /// What tells new rows, if only those are pulled.
    pub since: Option<Since>,
    /// Whether rows come in the order of their key. Where nobody sees it, it need not cost anything.
    pub in_order: bool,
    /// How many sessions read at once.
    pub jobs: usize,
}

/// Something that is said of one table.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The table, as a person names it; once the tables are known, as they do.
    pub table: String,
    /// What is said.
    pub text: String,
}

/// What was pulled of a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pulled {
    /// The table.
    pub table: String,
    /// Its rows.
    pub amount: Amount,
    /// How long it took.
    pub elapsed: Duration,
    /// What became of them.
    pub verdict: Verdict,
}

/// What became of the rows of a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Verdict {
    /// They stand in the file.
    Written,
    /// They are in the database as they were read.
    Equal {
        /// The columns whose values could not be compared.
        but: Vec<String>,
    },
    /// Rows that were there before stayed: there is nothing to compare with.
    Kept,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written => f.write_str("written"),
            Self::Equal { but } if but.is_empty() => f.write_str("equal"),
            Self::Equal { but } => write!(f, "equal, not compared: {}", but.join(", ")),
            Self::Kept => f.write_str("loaded beside what was here"),
        }
    }
}

/// Connects under our name; other sessions of a pull come by the same way. A table that somebody has
/// locked is waited for as long as a connection.
///
/// # Errors
/// See [`Session::connect`].
pub fn connect(conninfo: &Conninfo) -> Result<Session> {
    let timeout = conninfo.targets().first().map(|target| conninfo.connect_timeout(target));
    let seconds = timeout.transpose()?.flatten().map_or(0, |timeout| timeout.as_secs());
    let lock_timeout = format!("{seconds}s");
    let settings = [
        ("lock_timeout", lock_timeout.as_str()),
        // from the first statement on, whatever is meant for the application
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
    ];
    let mut session =
        Session::connect(&conninfo.with_settings("database pull_staging", &settings))?;
    session.batch(sql!("pull/limits"))?;
    Ok(session)
}
