//! What the current role may read of staging, and how large it is: asked before any row is read.

use super::rows;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_ident;
use crate::pull::select::table::Table;
use crate::pull::template::fill;
use crate::sys::error::{Error, Result};

/// A table, as the current role finds it.
#[derive(Debug, Clone)]
pub(in crate::pull) struct State {
    pub(in crate::pull) oid: u32,
    readable: bool,
    policed: bool,
    denied: Vec<String>,
    sequences: Vec<String>,
    /// An estimate.
    pub(in crate::pull) rows: Option<i64>,
    pub(in crate::pull) bytes: i64,
}

/// Asks about tables.
pub(in crate::pull) fn states(session: &mut Session, oids: &[u32]) -> Result<Vec<State>> {
    let sequences = fill(sql!("pull/sequences"), &[]);
    let template = sql!("pull/state");
    let rows = session.query(&fill(template, &[("@sequences@", &sequences)]), &[&oids]);
    let rows = rows.map_err(|error| rows::explain_lock(session, error))?;
    let state = |row| {
        Ok(State {
            oid: column(row, "oid")?,
            readable: column(row, "readable")?,
            policed: column(row, "policed")?,
            denied: column(row, "denied")?,
            sequences: column(row, "sequences")?,
            rows: column(row, "rows")?,
            bytes: column(row, "bytes")?,
        })
    };
    rows.iter().map(state).collect()
}

impl State {
    /// What keeps `table` from being pulled, but for single columns.
    pub(in crate::pull) fn obstacles(&self) -> Vec<String> {
        let mut all = Vec::new();
        if !self.readable {
            all.push("may not be read".to_owned());
        }
        if self.policed {
            all.push("row-level security hides rows".to_owned());
        }
        all.extend(
            self.sequences.iter().map(|name| format!("its sequence {name} may not be read")),
        );
        all
    }

    /// The columns that a pull reads and the role may not. A mask reads what it says, which is not
    /// looked at; where a row is, only who may read all of it can ask.
    pub(in crate::pull) fn denied(&self, table: &Table) -> Option<String> {
        let read = |name: &&String| {
            table.columns.contains(name)
                && (!table.masked.contains_key(*name)
                    || table.key.contains(name)
                    || table.closure.is_some())
        };
        let names = self.denied.iter().filter(read).map(|name| quote_ident(name));
        let names = names.collect::<Vec<_>>().join(", ");
        (self.readable && !names.is_empty()).then(|| format!("columns may not be read: {names}"))
    }
}

/// Refuses tables that cannot be read as a whole; all of them are named.
///
/// # Errors
/// `Failed`, with a line for each.
pub(in crate::pull) fn require(session: &mut Session, tables: &[Table]) -> Result<()> {
    refuse(session, tables, |state, _| state.obstacles())
}

/// The same for columns, once it is known which are read.
///
/// # Errors
/// `Failed`, with a line for each table.
pub(in crate::pull) fn require_columns(session: &mut Session, tables: &[Table]) -> Result<()> {
    refuse(session, tables, |state, table| state.denied(table).into_iter().collect())
}

fn refuse(
    session: &mut Session,
    tables: &[Table],
    obstacles: impl Fn(&State, &Table) -> Vec<String>,
) -> Result<()> {
    let mut refused = Vec::new();
    let states = states(session, &crate::pull::select::table::oids(tables))?;
    for table in tables {
        let state = states.iter().find(|state| state.oid == table.oid);
        let obstacles = state.map(|state| obstacles(state, table)).unwrap_or_default();
        refused.extend(obstacles.iter().map(|obstacle| format!("{}: {obstacle}", table.name)));
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(Error::failed("staging does not let its role read all that is to be pulled")
        .detail(refused.join("\n"))
        .hint("it needs USAGE on schemas, SELECT on tables and sequences, BYPASSRLS where policies are")
        .hint("or leave tables out with --exclude-table in STAGING_DUMP_FLAGS"))
}
