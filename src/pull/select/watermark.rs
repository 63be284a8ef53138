//! The high-water mark of a table, and the condition on rows that are new since.

use serde::{Deserialize, Serialize};

/// The high-water mark of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::pull) struct Watermark {
    pub(in crate::pull) column: String,
    /// The highest value. `None` for an empty table.
    pub(in crate::pull) value: Option<String>,
    /// The number of rows that have this value or `NULL`.
    pub(in crate::pull) edge: i64,
}

/// The rows of one table that the pull reads.
#[derive(Debug, Clone, Default)]
pub(in crate::pull) struct Increment {
    /// The fingerprint of the table's query without the condition on new rows.
    pub(in crate::pull) fingerprint: String,
    /// The SQL condition on new rows. `None` means all rows.
    pub(in crate::pull) condition: Option<String>,
    /// The table has no new rows.
    pub(in crate::pull) is_empty: bool,
    /// The high-water mark after this pull.
    pub(in crate::pull) mark: Option<Watermark>,
}

impl Increment {
    /// Checks whether the rows that an earlier pull read with this fingerprint stay in the file.
    pub(in crate::pull) fn stays(&self, fingerprint: &str) -> bool {
        self.fingerprint == fingerprint && (self.is_empty || self.condition.is_some())
    }
}
