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

/// The records as a text, for a cached state.
pub fn note(touched: &[Touch]) -> Option<String> {
    let records: Vec<_> = touched
        .iter()
        .map(|Touch { identity, statement, migration }| {
            (identity.kind.label(), &identity.name, statement, migration)
        })
        .collect();
    serde_json::to_string(&records).ok()
}

/// The records in such a text. `None` if it is no such text.
pub fn from_note(note: &str) -> Option<Vec<Touch>> {
    let records: Vec<(String, String, String, Option<String>)> = serde_json::from_str(note).ok()?;
    let touch = |(kind, name, statement, migration): (String, String, String, Option<String>)| {
        Some(Touch { identity: Identity { kind: Kind::named(&kind)?, name }, statement, migration })
    };
    records.into_iter().map(touch).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_as_a_text() {
        let identity = Identity { kind: Kind::Table, name: "a.\"b c\"".into() };
        let statement = "CREATE TABLE a.\"b c\" ()".to_owned();
        let touched = [None, Some("1-x".to_owned())].map(|migration| Touch {
            identity: identity.clone(),
            statement: statement.clone(),
            migration,
        });
        let text = note(&touched).expect("text");
        assert_eq!(from_note(&text).as_deref(), Some(&touched[..]));
        assert_eq!(from_note("{}"), None);
    }
}
