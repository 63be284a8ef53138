//! Pulling: rows of another database are copied into a patch file or into the database here.
//!
//! A [`Source`] reads all tables on one snapshot, so it shows staging at one moment. `COPY` returns
//! a table's rows in the order of its key, and they go to a part file as they arrive; memory holds
//! only a few of them. With several jobs, as many sessions read tables on that snapshot. The parts
//! are put together in the order of the foreign keys. The new file replaces the old one only when
//! it is complete.

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
pub use load::receipt::{TableReceipt, verify};
pub use mask::rules::Masks;
pub use mask::scan::{Proposals, scan};
pub use read::amount::Amount;
pub use read::source::Source;
pub use select::pattern::Pattern;
pub use select::since::Since;
pub use select::words::{split, split_names};
pub use select::{find::Selection, table::Table};
pub use transport::{Tunnel, with_retries};
pub use write::dump::dump;
pub use write::file::was_pulled;

use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::sys::error::Result;

/// The options of a pull.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// The tables.
    pub selection: Selection,
    /// The SQL form of pulled rows.
    pub format: Format,
    /// The number of rows in each `INSERT`.
    pub rows_per_insert: usize,
    /// Loading leaves existing rows as they are.
    pub keep_existing: bool,
    /// SQL conditions that restrict the rows of tables.
    pub conditions: Vec<Rule>,
    /// Limits on the number of rows of tables.
    pub limits: Vec<Rule>,
    /// The masks, if the project has any.
    pub masks: Option<Masks>,
    /// The rule that finds new rows, for a pull of new rows only.
    pub since: Option<Since>,
    /// Read rows in the order of their key. If nobody sees the order, the sort is not worth its
    /// cost.
    pub in_order: bool,
    /// The number of sessions that read at the same time.
    pub jobs: usize,
}

/// A condition or limit for one table.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The table: first as the user wrote it, later as its qualified name.
    pub table: String,
    /// The condition or the limit, as SQL.
    pub text: String,
}

/// The result of pulling one table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pulled {
    /// The table's qualified name.
    pub table: String,
    /// The rows that were read.
    pub amount: Amount,
    /// The duration.
    pub elapsed: Duration,
    /// The outcome of writing or loading.
    pub verdict: Verdict,
}

/// The outcome of writing or loading a table's rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Verdict {
    /// The rows are in the file.
    Written,
    /// The rows are in the database, and they are equal to those read.
    Equal {
        /// The columns whose values could not be compared.
        but: Vec<String>,
    },
    /// Existing rows stayed, so the rows were not compared.
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

/// Connects to a server with the application name of a pull. All sessions of a pull connect this
/// way. A session waits for a locked table no longer than for a connection.
///
/// # Errors
/// See [`Session::connect`].
pub fn connect(conninfo: &Conninfo) -> Result<Session> {
    let timeout = conninfo.targets().first().map(|target| conninfo.connect_timeout(target));
    let seconds = timeout.transpose()?.flatten().map_or(0, |timeout| timeout.as_secs());
    let lock_timeout = format!("{seconds}s");
    let settings = [
        ("lock_timeout", lock_timeout.as_str()),
        // from the first statement on; settings of the role are meant for the application
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
    ];
    let mut session =
        Session::connect(&conninfo.with_settings("database pull_staging", &settings))?;
    session.batch(sql!("pull/limits"))?;
    Ok(session)
}
