//! Compares two ordered streams of rows.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::{Side, Table, TableDiff};
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Error, Result};

/// The number of rows that each side fetches at a time.
const BATCH: usize = 1000;

/// The number of changes of a table that a report lists.
pub(super) const LISTED: usize = 1000;

/// The number of changes of a table that are held in memory if the caller needs all of them.
pub(super) const HELD: usize = 100_000;

/// A row that differs between the sides.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub enum Change {
    /// Only side B has the row.
    Added {
        /// The values of the key, then of the other columns.
        cells: Vec<Option<String>>,
    },
    /// Only side A has the row.
    Removed {
        /// The values of the key, then of the other columns.
        cells: Vec<Option<String>>,
    },
    /// Both sides have the row, with different values.
    Changed {
        /// The values of the key.
        key: Vec<Option<String>>,
        /// The values that differ.
        cells: Vec<Cell>,
    },
}

impl Change {
    pub(super) fn reversed(&self) -> Self {
        match self.clone() {
            Self::Added { cells } => Self::Removed { cells },
            Self::Removed { cells } => Self::Added { cells },
            Self::Changed { key, cells } => {
                let cells = cells.into_iter().map(|cell| Cell {
                    before: cell.after,
                    after: cell.before,
                    ..cell
                });
                Self::Changed { key, cells: cells.collect() }
            }
        }
    }
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Cell {
    /// The column.
    pub column: String,
    /// The value on side A.
    pub before: Option<String>,
    /// The value on side B.
    pub after: Option<String>,
}

type Cells = Vec<Option<String>>;

/// A cursor on one side.
struct Stream<'a> {
    session: &'a mut Session,
    held: VecDeque<Cells>,
    ended: bool,
}

impl<'a> Stream<'a> {
    fn open(session: &'a mut Session, table: &Table) -> Result<Self> {
        session.batch(&format!("DECLARE compared NO SCROLL CURSOR FOR {}", table.select()))?;
        Ok(Self { session, held: VecDeque::new(), ended: false })
    }

    fn peek(&mut self) -> Result<Option<&Cells>> {
        if self.held.is_empty() && !self.ended {
            let rows = self.session.query(&format!("FETCH {BATCH} FROM compared"), &[])?;
            self.ended = rows.len() < BATCH;
            for row in &rows {
                self.held.push_back(column(row, "cells")?);
            }
        }
        Ok(self.held.front())
    }

    fn take(&mut self) -> Cells {
        self.held.pop_front().unwrap_or_default()
    }

    fn close(self) -> Result<()> {
        self.session.batch("CLOSE compared")
    }
}

/// Compares a table that both sides have.
pub fn both(a: &mut Session, b: &mut Session, table: &Table, listed: usize) -> Result<TableDiff> {
    let mut diff = empty(table, None);
    let width = table.width();
    let (mut left, mut right) = (Stream::open(a, table)?, Stream::open(b, table)?);
    // sorting takes most of the time and happens before the first row, so let both sides sort at
    // once
    std::thread::scope(|scope| {
        let sorted = scope.spawn(|| left.peek().map(drop));
        right.peek()?;
        sorted.join().unwrap_or_else(|_| Err(Error::unexpected("a side panicked")))
    })?;
    loop {
        let order = match (left.peek()?, right.peek()?) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one[..width].cmp(&other[..width]),
        };
        match order {
            Ordering::Less => diff.push(Change::Removed { cells: left.take() }, listed),
            Ordering::Greater => diff.push(Change::Added { cells: right.take() }, listed),
            Ordering::Equal => {
                let (one, other) = (left.take(), right.take());
                // without a key, the digest covers the whole row
                if one != other && !table.key.is_empty() {
                    let key = one[..width].to_vec();
                    diff.push(Change::Changed { key, cells: cells(table, one, other) }, listed);
                }
            }
        }
    }
    left.close()?;
    right.close()?;
    Ok(diff.finished())
}

/// Lists the rows of a table that only one side has. Returns `None` if it is empty.
pub fn one(
    session: &mut Session,
    table: &Table,
    side: Side,
    listed: usize,
) -> Result<Option<TableDiff>> {
    let mut diff = empty(table, Some(side));
    let mut rows = Stream::open(session, table)?;
    while rows.peek()?.is_some() {
        let cells = rows.take();
        let change = match side {
            Side::A => Change::Removed { cells },
            Side::B => Change::Added { cells },
        };
        diff.push(change, listed);
    }
    rows.close()?;
    Ok((!diff.changes.is_empty()).then(|| diff.finished()))
}

fn empty(table: &Table, only_on: Option<Side>) -> TableDiff {
    TableDiff {
        table: table.name.clone(),
        key: table.key.clone(),
        columns: table.ordered().into_iter().cloned().collect(),
        only_on,
        changes: Vec::new(),
        more: 0,
    }
}

impl TableDiff {
    fn push(&mut self, change: Change, listed: usize) {
        match self.changes.len() < listed {
            true => self.changes.push(change),
            false => self.more += 1,
        }
    }

    /// Removes the digests of rows without a key, and sorts these rows for people.
    fn finished(mut self) -> Self {
        if self.key.is_empty() {
            for change in &mut self.changes {
                if let Change::Added { cells } | Change::Removed { cells } = change {
                    cells.remove(0);
                }
            }
            self.changes.sort_by(|one, other| one.cells().cmp(&other.cells()));
        }
        self
    }
}

impl Change {
    /// The values of a row that only one side has.
    fn cells(&self) -> Option<&Cells> {
        match self {
            Self::Added { cells } | Self::Removed { cells } => Some(cells),
            Self::Changed { .. } => None,
        }
    }
}

fn cells(table: &Table, one: Cells, other: Cells) -> Vec<Cell> {
    let names = table.ordered().into_iter().cloned();
    let pairs = names.zip(one.into_iter().zip(other));
    let differing = pairs.filter(|(_, (before, after))| before != after);
    differing.map(|(column, (before, after))| Cell { column, before, after }).collect()
}
