//! The foreign keys between the tables of staging.

use std::collections::{BTreeMap, BTreeSet};

use crate::postgres::connection::session::{Row, Session, column};
use crate::sys::error::Result;

/// A foreign key.
#[derive(Debug, Clone)]
pub(in crate::pull) struct ForeignKey {
    pub(in crate::pull) referring: u32,
    pub(in crate::pull) referred: u32,
    /// The columns of the referring table.
    pub(in crate::pull) columns: Vec<String>,
    /// The columns of the referenced table.
    pub(in crate::pull) referred_columns: Vec<String>,
    /// An SQL condition: row `r` refers to row `f`.
    pub(in crate::pull) matches: String,
    /// The key belongs to a partitioned table of which the referring table is a partition.
    pub(in crate::pull) from_parent: bool,
}

/// A table or partition that can contain rows.
#[derive(Debug, Clone, Default)]
pub(in crate::pull) struct Relation {
    /// Its name in a query.
    pub(in crate::pull) rows: String,
    /// The partitioned tables above it.
    pub(in crate::pull) parents: Vec<u32>,
    /// Its partitions that store rows, or the table itself.
    pub(in crate::pull) leaves: Vec<u32>,
}

/// The foreign keys of staging.
#[derive(Debug, Clone, Default)]
pub(in crate::pull) struct Links {
    pub(in crate::pull) relations: BTreeMap<u32, Relation>,
    pub(in crate::pull) keys: Vec<ForeignKey>,
    /// The tables that the user named.
    pub(in crate::pull) named: BTreeSet<u32>,
}

/// Reads every foreign key of the database.
pub(in crate::pull) fn foreign_keys(session: &mut Session) -> Result<Vec<ForeignKey>> {
    let key = |row: &Row| {
        Ok(ForeignKey {
            referring: column(row, "referring")?,
            referred: column(row, "referred")?,
            columns: column(row, "columns")?,
            referred_columns: column(row, "referred_columns")?,
            matches: column(row, "matches")?,
            from_parent: false,
        })
    };
    let rows = session.query(sql!("pull/foreign-keys"), &[])?;
    rows.iter().map(key).collect()
}
