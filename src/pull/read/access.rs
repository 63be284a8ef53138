//! The privileges of the current role on staging and the sizes of its tables, checked before any
//! row is read.

use super::rows;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_ident;
use crate::pull::select::table::{CatalogTable, Table, oids};
use crate::pull::template::fill;
use crate::sys::error::{Error, Result};

/// A table as the current role sees it.
#[derive(Debug, Clone)]
pub(in crate::pull) struct State {
    pub(in crate::pull) oid: u32,
    readable: bool,
    policed: bool,
    denied: Vec<String>,
    sequences: Vec<String>,
    /// An estimate of the planner.
    pub(in crate::pull) rows: Option<i64>,
    pub(in crate::pull) bytes: i64,
}

/// Looks up the state of tables.
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
    /// The reasons why the role cannot pull the table. Single columns are checked by
    /// [`Self::denied`].
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

    /// Lists the columns that the pull reads and the role may not read. A masked column does not
    /// count, because the mask replaces it. The key does count, and so does every column in a
    /// closure: only a role that may read the whole table can ask for the place of a row.
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

/// Refuses tables that the role cannot read as a whole.
///
/// # Errors
/// `Failed`, with a line for each obstacle of each table.
pub(in crate::pull) fn require(session: &mut Session, tables: &[CatalogTable]) -> Result<()> {
    refuse(session, tables, |state, _| state.obstacles())
}

/// Refuses columns that the role cannot read, once the pull knows which columns it reads.
///
/// # Errors
/// `Failed`, with a line for each table.
pub(in crate::pull) fn require_columns(session: &mut Session, tables: &[Table]) -> Result<()> {
    refuse(session, tables, |state, table| state.denied(table).into_iter().collect())
}

fn refuse<T: AsRef<CatalogTable>>(
    session: &mut Session,
    tables: &[T],
    obstacles: impl Fn(&State, &T) -> Vec<String>,
) -> Result<()> {
    let mut refused = Vec::new();
    let states = states(session, &oids(tables))?;
    for table in tables {
        let CatalogTable { oid, name, .. } = table.as_ref();
        let state = states.iter().find(|state| state.oid == *oid);
        let obstacles = state.map(|state| obstacles(state, table)).unwrap_or_default();
        refused.extend(obstacles.iter().map(|obstacle| format!("{name}: {obstacle}")));
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(Error::failed("the role may not read all the rows that the pull needs")
        .detail(refused.join("\n"))
        .hint("it needs USAGE on schemas, SELECT on tables and sequences, and BYPASSRLS for tables with policies")
        .hint("or leave tables out with --exclude-table in STAGING_DUMP_FLAGS"))
}
