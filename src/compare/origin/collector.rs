//! What notes, in a private database, which statement touches which object.

use crate::compare::facts::{Identity, Kind};
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Context, Result};

/// A statement touched an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The object, as it is called now, or was at last.
    pub identity: Identity,
    /// What was sent to the server.
    pub statement: String,
    /// The migration that was running.
    pub migration: Option<String>,
}

/// Does `work` while a collector is in the database, and takes it out again. An error of `work` comes
/// first.
///
/// # Errors
/// Those of `work`; those of the session, which has to be a superuser's.
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

/// Nothing for what is no fact, such as the row type of a table.
fn touch(row: &crate::postgres::connection::session::Row) -> Result<Option<Touch>> {
    let (kind, name): (String, String) = (column(row, "kind")?, column(row, "name")?);
    // what has a comment of its own is a part of a table to the server
    let kind = kind.strip_prefix("table ").unwrap_or(&kind);
    let Some(kind) = Kind::named(kind) else { return Ok(None) };
    Ok(Some(Touch {
        identity: Identity { kind, name },
        statement: column(row, "statement")?,
        migration: column(row, "migration")?,
    }))
}
