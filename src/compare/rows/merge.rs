//! Two ordered streams of rows, laid beside each other.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::{Side, Table, TableDiff};
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Error, Result};

/// How many rows a side holds at a time.
const BATCH: usize = 1000;

/// How many changes of a table are listed; beyond that, nobody reads them.
pub(super) const LISTED: usize = 1000;

/// How many changes of a table are held where all are wanted; beyond that, nobody has the memory.
pub(super) const HELD: usize = 100_000;

/// A row that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub enum Change {
    /// It is on side B only.
    Added {
        /// In the order of key, then other columns.
        cells: Vec<Option<String>>,
    },
    /// It is on side A only.
    Removed {
        /// Likewise.
        cells: Vec<Option<String>>,
    },
    /// It differs in these columns.
    Changed {
        /// The values of the key.
        key: Vec<Option<String>>,
        /// The columns that differ.
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
    /// On side A.
    pub before: Option<String>,
    /// On side B.
    pub after: Option<String>,
}

type Cells = Vec<Option<String>>;

/// A cursor.
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

/// A table that is on both sides.
pub fn both(a: &mut Session, b: &mut Session, table: &Table, listed: usize) -> Result<TableDiff> {
    let mut diff = empty(table, None);
    let width = table.width();
    let (mut left, mut right) = (Stream::open(a, table)?, Stream::open(b, table)?);
    // sorting is what takes its time, and comes with the first rows
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
                // without a key, the digest that places a row is all of it
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

/// A table that is on one side only; none if it is empty.
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

    /// Without a key, digests have placed the rows; they go, and the rows get an order for people.
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
    /// The row, where there is one only.
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
