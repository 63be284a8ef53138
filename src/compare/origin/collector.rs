//! The collector, which records in a private database which statement touches which object.

use crate::compare::facts::{Identity, Kind};
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Context, Result};

/// A record that a statement touched an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The object, with its present or its last name.
    pub identity: Identity,
    /// The statement that the client sent.
    pub statement: String,
    /// The migration that ran the statement.
    pub migration: Option<String>,
}

/// Installs the collector, runs `work`, and removes the collector.
///
/// # Errors
/// The error of `work`, or else an error of the session, which must be a superuser's.
pub fn collect(session: &mut Session, work: impl FnOnce() -> Result<()>) -> Result<Vec<Touch>> {
    const UNPREPARED: &str = "cannot note where objects come from";
    session.batch(sql!("origin/collector-start")).context(UNPREPARED)?;
    work()?;
    let rows = session.query(sql!("origin/collected"), &[]);
    let touched = rows.context(UNPREPARED)?.into_iter().filter_map(|row| touch(&row).transpose());
    let touched = touched.collect::<Result<_>>()?;
    session.batch(sql!("origin/collector-end")).context(UNPREPARED)?;
    Ok(touched)
}

/// Converts a record. Returns `None` for an object that is no fact, such as the row type of a
/// table.
fn touch(row: &crate::postgres::connection::session::Row) -> Result<Option<Touch>> {
    let (kind, name): (String, String) = (column(row, "kind")?, column(row, "name")?);
    // the server reports a comment on a part of a table as "table …"
    let kind = kind.strip_prefix("table ").unwrap_or(&kind);
    let Some(kind) = Kind::named(kind) else { return Ok(None) };
    Ok(Some(Touch {
        identity: Identity { kind, name },
        statement: column(row, "statement")?,
        migration: column(row, "migration")?,
    }))
}
