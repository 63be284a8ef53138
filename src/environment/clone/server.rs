//! Statements about clones.

use std::time::Duration;

use super::hint::Hints;
use super::note::{Database, Note};
use crate::cluster::{Layout, Lock, Running};
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::{quote_ident, quote_literal};
use crate::postgres::sql::template::fill;
use crate::sys::error::{Error, Result};
use crate::sys::process::{ActingAs, Patience, wait_for};

/// The database of the sessions. Nobody copies it.
const MAINTENANCE: &str = "postgres";

/// The longest wait for a free connection, or for a template that somebody uses.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// The SQLSTATEs that this module acts on.
pub(super) const TOO_MANY_CONNECTIONS: &str = "53300";
pub(super) const IN_USE: &str = "55006";
pub(super) const NO_SUCH_DATABASE: &str = "3D000";
pub(super) const TAKEN: &str = "42P04";

/// The project's database, from which clones get their properties.
pub(super) struct Original<'a> {
    pub(super) running: &'a Running,
    pub(super) database: &'a str,
}

impl Original<'_> {
    pub(super) fn layout(&self) -> &Layout {
        &self.running.spec().layout
    }
}

/// Whether the server gave this SQLSTATE.
pub(super) fn is(error: &Error, sqlstate: &str) -> bool {
    error.details().iter().any(|line| line.strip_prefix("SQLSTATE: ") == Some(sqlstate))
}

/// Opens a session of the superuser. If the server has no free connection, waits for one. Of all
/// commands that wait, one at a time asks the server.
pub(super) fn session(running: &Running) -> Result<Session> {
    let full = match running.session(MAINTENANCE) {
        Err(error) if is(&error, TOO_MANY_CONNECTIONS) => error,
        other => return other,
    };
    let layout = &running.spec().layout;
    let _acting = ActingAs::owner(layout.owner())?;
    crate::environment::lease::make_directory(&layout.clones())?;
    let queue = layout.clones().join("queue");
    let Some(_turn) = wait_for(LIMIT, Patience::Interruptible, || Lock::try_take(&queue))? else {
        return Err(full);
    };
    let connect = || match running.session(MAINTENANCE) {
        Err(error) if is(&error, TOO_MANY_CONNECTIONS) => Ok(None),
        other => other.map(Some),
    };
    wait_for(LIMIT, Patience::Interruptible, connect)?.ok_or(full)
}

/// All databases that db-tool has made beside those of projects.
pub(super) fn databases(session: &mut Session) -> Result<Vec<Database>> {
    let rows = session.query_typed(sql!("clone/databases"), &[])?;
    let read = |row| {
        let comment: Option<String> = column(row, "note")?;
        let note = comment.as_deref().map(Note::read);
        // the comment of another release, or of somebody else
        if note == Some(None) {
            return Ok(None);
        }
        Ok(Some(Database {
            name: column(row, "name")?,
            note: note.flatten(),
            sessions: column(row, "sessions")?,
            idle_minutes: column(row, "idle_minutes")?,
        }))
    };
    rows.iter().filter_map(|row| read(row).transpose()).collect()
}

/// Gives a database its note.
pub(super) fn comment(session: &mut Session, name: &str, note: &Note) -> Result<()> {
    let comment = quote_literal(&note.to_comment()?);
    session.batch(&format!("COMMENT ON DATABASE {} IS {comment}", quote_ident(name)))
}

/// Drops a database, and ends its sessions. Returns false if there is none of this name any more.
pub(super) fn drop_database(session: &mut Session, layout: &Layout, name: &str) -> Result<bool> {
    let dropped = session.batch(&format!("DROP DATABASE {} WITH (FORCE)", quote_ident(name)));
    let is_gone = dropped.as_ref().err().is_some_and(|error| is(error, NO_SUCH_DATABASE));
    if !is_gone {
        dropped?;
    }
    Hints::of(layout).remove(name);
    Ok(!is_gone)
}

/// Drops a template. Returns false if somebody uses it.
pub(super) fn drop_template(session: &mut Session, layout: &Layout, name: &str) -> Result<bool> {
    let dropped = session
        .batch(&fill(sql!("clone/retire"), &[("name", &quote_ident(name))]))
        .and_then(|()| drop_database(session, layout, name));
    match dropped {
        Err(error) if is(&error, IN_USE) => Ok(false),
        Err(error) if is(&error, NO_SUCH_DATABASE) => Ok(true),
        dropped => dropped.map(|_| true),
    }
}
