//! The rows of reference data, compared without holding them.
//!
//! First a digest a table, all of a side in one round trip and both sides at once. Only tables whose digests differ are
//! read, both sides at once, in the order of their keys, a batch at a time: what is held does not
//! grow with the table.

mod merge;
mod table;

pub use merge::Change;
pub use table::Table;

use std::collections::{BTreeMap, BTreeSet};

use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Context, Error, Kind, Result};
use crate::sys::parallel::at_once;

/// What is compared.
#[derive(Debug, Clone, Default)]
pub struct RowSelection {
    /// Tables besides the immutable ones, as people name them.
    pub tables: Vec<String>,
    /// Also generated columns and those with a volatile default.
    pub all_columns: bool,
    /// Lists every row that differs: not for showing, but for doing something about it.
    pub every_row: bool,
}

/// How the rows of one table differ.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TableDiff {
    /// The table.
    pub table: String,
    /// The columns that tell its rows apart; empty where whole rows are counted.
    pub key: Vec<String>,
    /// The columns that were compared.
    pub columns: Vec<String>,
    /// It is on one side only.
    pub only_on: Option<Side>,
    /// In the order of the keys.
    pub changes: Vec<Change>,
    /// How many there are beyond those that are listed.
    pub more: usize,
}

impl TableDiff {
    /// As many changes as are shown; the others are counted.
    pub fn cut(&mut self) {
        self.more += self.changes.len().saturating_sub(merge::LISTED);
        self.changes.truncate(merge::LISTED);
    }

    /// The same differences from B to A.
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

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

/// Compares the rows of both databases, within the transactions of [`crate::compare::facts::begin`].
///
/// # Errors
/// `NoSuchTable` for a table that was named and is on neither side.
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

/// A table that is to be compared on one side is so on the other, where perhaps it is not immutable.
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
    /// How many rows of a table are listed.
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
            return Err(no_such_table(format!("the table {table} is on neither side"))
                .hint("name it with its schema, as in shop.currency"));
        }
    }
    Ok(())
}

fn exists(session: &mut Session, table: &str) -> Result<bool> {
    let query = sql!("postgres/table-exists");
    let row = session.query_one(query, &[&table]).map_err(|error| match session.sqlstate() {
        // what is no name at all
        Some("42601" | "42602" | "0A000") => {
            no_such_table(format!("{table} names no table: {error}"))
                .hint("write it as SQL does, as in shop.currency or \"Shop\".\"Currency\"")
        }
        _ => error,
    });
    column(&row?, "found")
}

fn no_such_table(message: String) -> Error {
    Error::new(Kind::NoSuchTable, message)
}
