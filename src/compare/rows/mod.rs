//! Compares the rows of reference data without holding them in memory.
//!
//! First it compares a digest of each table; one query for each side computes the digests of all
//! tables, and both sides work at once. Only tables whose digests differ are read, by both sides at
//! once, in the order of their keys and in batches. Memory use does not depend on the size of a
//! table.

mod merge;
mod table;

pub use merge::Change;
pub use table::Table;

use std::collections::{BTreeMap, BTreeSet};

use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Context, Error, Kind, Result};
use crate::sys::parallel::at_once;

/// The tables and columns whose rows are compared.
#[derive(Debug, Clone, Default)]
pub struct RowSelection {
    /// Tables in addition to the immutable ones, as the user named them.
    pub tables: Vec<String>,
    /// Compare also generated columns and those with a volatile default.
    pub all_columns: bool,
    /// List every row that differs, because the caller drafts statements for them.
    pub every_row: bool,
}

/// The differences between the rows of a table.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TableDiff {
    pub table: String,
    /// The columns of the key. Empty if the table has no key that both sides share.
    pub key: Vec<String>,
    /// The columns that were compared.
    pub columns: Vec<String>,
    /// The only side that has the table, if one lacks it.
    pub only_on: Option<Side>,
    /// The rows that differ, in the order of the keys.
    pub changes: Vec<Change>,
    /// The number of further rows that differ.
    pub more: usize,
}

impl TableDiff {
    /// Keeps only the number of changes that reports show.
    pub fn cut(&mut self) {
        self.more += self.changes.len().saturating_sub(merge::LISTED);
        self.changes.truncate(merge::LISTED);
    }

    /// The differences in the opposite direction.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let only_on = self.only_on.map(|side| match side {
            Side::A => Side::B,
            Side::B => Side::A,
        });
        let changes = self.changes.iter().map(Change::reversed).collect();
        Self { only_on, changes, ..self.clone() }
    }
}

/// A side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Side {
    A,
    B,
}

/// Compares the rows of both databases, within the transactions of
/// [`crate::compare::facts::begin`].
///
/// # Errors
/// `NoSuchTable` for a named table that neither side has.
pub fn compare(
    a: &mut Session,
    b: &mut Session,
    selection: &RowSelection,
) -> Result<Vec<TableDiff>> {
    require(a, b, &selection.tables)?;
    let (of_a, of_b) = tables_of_both(a, b, selection)?;
    let names: BTreeSet<&String> = of_a.keys().chain(of_b.keys()).collect();
    let shared: Vec<Table> = names
        .iter()
        .filter_map(|name| Some(of_a.get(*name)?.shared_with(of_b.get(*name)?)))
        .collect();
    let digests = at_once(|| table::digests(a, &shared), || table::digests(b, &shared));
    let mut found = Vec::new();
    for ((table, one), other) in shared.iter().zip(digests.0?).zip(digests.1?) {
        if one != other {
            found.push(merge::both(a, b, table, selection.listed()).context(reading(table))?);
        }
    }
    for name in names {
        match (of_a.get(name), of_b.get(name)) {
            (Some(table), None) => {
                let found_in_a = merge::one(a, table, Side::A, selection.listed());
                found.extend(found_in_a.context(reading(table))?);
            }
            (None, Some(table)) => {
                let found_in_b = merge::one(b, table, Side::B, selection.listed());
                found.extend(found_in_b.context(reading(table))?);
            }
            _ => {}
        }
    }
    found.sort_by(|one, other| one.table.cmp(&other.table));
    Ok(found)
}

fn reading(table: &Table) -> String {
    format!("cannot compare the rows of {}", table.name)
}

type Tables = BTreeMap<String, Table>;

/// Selects tables on both sides. A table that is selected on one side is compared on the other
/// side, too, even if it is not immutable there.
fn tables_of_both(
    a: &mut Session,
    b: &mut Session,
    selection: &RowSelection,
) -> Result<(Tables, Tables)> {
    let (of_a, of_b) = at_once(|| tables(a, selection), || tables(b, selection));
    let (of_a, of_b) = (of_a?, of_b?);
    if of_a.keys().eq(of_b.keys()) {
        return Ok((of_a, of_b));
    }
    Ok((tables(a, &selection.with(&of_b))?, tables(b, &selection.with(&of_a))?))
}

impl RowSelection {
    /// The number of rows that are listed for a table.
    fn listed(&self) -> usize {
        if self.every_row { merge::HELD } else { merge::LISTED }
    }

    fn with(&self, tables: &Tables) -> Self {
        let all = self.tables.iter().chain(tables.keys());
        Self { tables: all.cloned().collect(), ..*self }
    }
}

fn tables(session: &mut Session, selection: &RowSelection) -> Result<Tables> {
    let query = sql!("rows/compared-tables");
    let rows = session.query(query, &[&selection.tables, &selection.all_columns])?;
    let table = |row| {
        let table = Table {
            name: column(row, "name")?,
            columns: column(row, "columns")?,
            key: column(row, "key")?,
        };
        Ok((table.name.clone(), table))
    };
    rows.iter().map(table).collect()
}

fn require(a: &mut Session, b: &mut Session, tables: &[String]) -> Result<()> {
    for table in tables {
        if !exists(a, table)? && !exists(b, table)? {
            return Err(no_such_table(format!("neither side has the table {table}"))
                .hint("name it with its schema, as in shop.currency"));
        }
    }
    Ok(())
}

fn exists(session: &mut Session, table: &str) -> Result<bool> {
    let query = sql!("postgres/table-exists");
    let row = session.query_one(query, &[&table]).map_err(|error| match session.sqlstate() {
        // the text is not a valid name
        Some("42601" | "42602" | "0A000") => {
            no_such_table(format!("{table} is not the name of a table: {error}"))
                .hint("write it as SQL does, as in shop.currency or \"Shop\".\"Currency\"")
        }
        _ => error,
    });
    column(&row?, "found")
}

fn no_such_table(message: String) -> Error {
    Error::new(Kind::NoSuchTable, message)
}
