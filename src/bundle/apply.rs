//! Applies the bundle to a database, and asks a database for its bundle.

use super::{
    Installed, Kind, OBJECTS_QUERY, Status, VERSION, VERSION_QUERY, script, upgrade_script,
};
use crate::postgres::connection::session::{Session, column};
use crate::postgres::error::SqlError;
use crate::sys::error::{Context, Error, Result};

/// The SQLSTATE of a missing privilege.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// The message for a database that has more of the bundle than the caller chose.
const KEPT: &str = "the database has the full bundle, and keeps it";

/// Applies the bundle in one transaction. This can be repeated. `Full` adds to a database with
/// `History`; `History` removes nothing from a database with `Full`.
///
/// # Errors
/// `Unexpected` (exit 13) if the database holds another version.
pub fn apply(session: &mut Session, kind: Kind) -> Result<()> {
    run(session, &script(kind)).context("cannot apply the hectic bundle")?;
    if kind == Kind::History && status(session)?.kind == Some(Kind::Full) {
        tracing::info!("{KEPT}");
    }
    Ok(())
}

/// Asks the database for its bundle.
pub fn status(session: &mut Session) -> Result<Installed> {
    let objects = session.query_one(OBJECTS_QUERY, &[])?;
    let version: Option<String> = if column(&objects, "has_version")? {
        let row = session.query_opt(VERSION_QUERY, &[])?;
        row.map(|row| column(&row, "version")).transpose()?
    } else {
        None
    };
    let status = Status::of(column(&objects, "has_objects")?, version.as_deref());
    let kind = if column(&objects, "has_rules")? { Kind::Full } else { Kind::History };
    Ok(Installed { kind: (status != Status::Absent).then_some(kind), status })
}

/// Upgrades the bundle from a known older version to this one, in one transaction. Returns the
/// state before the upgrade. The database keeps its kind of bundle, unless `kind` contains more.
///
/// # Errors
/// `Unexpected` (exit 13) for a newer or unknown version.
pub fn upgrade(session: &mut Session, kind: Kind) -> Result<Installed> {
    let there = status(session)?;
    if there.kind > Some(kind) {
        tracing::info!("{KEPT}");
    }
    let kind = there.kind.map_or(kind, |there| there.max(kind));
    match &there.status {
        Status::Absent | Status::Unversioned | Status::Current => apply(session, kind)?,
        Status::Older(version) => {
            let script = upgrade_script(version, kind)
                .ok_or_else(|| Error::unexpected(format!("no upgrade from {version}")))?;
            run(session, &script).context(format!("cannot upgrade the bundle from {version}"))?;
        }
        Status::Newer(version) => {
            return Err(Error::unexpected(format!(
                "the database has bundle {version}, this tool brings {VERSION}"
            ))
            .hint("use a newer db-tool; nothing was changed"));
        }
        Status::Unknown(version) => {
            return Err(Error::unexpected(format!(
                "the database has bundle \"{version}\", which no release of db-tool made"
            ))
            .hint("nothing was changed; restore hectic.version, or recreate the database"));
        }
    }
    Ok(there)
}

fn run(session: &mut Session, script: &str) -> Result<()> {
    let result = session.batch(script);
    let failure = session.last_failure().cloned();
    if result.is_err() {
        // the failed transaction is still open; an error of ROLLBACK would hide the cause
        let _ = session.batch("ROLLBACK");
    }
    for notice in session.take_notices() {
        match notice.hint {
            Some(hint) => tracing::warn!("{} (hint: {hint})", notice.message),
            None => tracing::warn!("{}", notice.message),
        }
    }
    let Err(error) = result else { return Ok(()) };
    match failure {
        None => Err(error),
        Some(failure) => {
            let located = SqlError::from_db_error(&failure, "hectic bundle", script);
            let error = Error::new(error.kind(), failure.message()).detail(located.render());
            // if the server sent a hint, `render` has shown it
            Err(match (failure.hint(), failure.code().code()) {
                (None, INSUFFICIENT_PRIVILEGE) => error.hint(
                    "the role needs CREATE on the database, or has to own what is there already",
                ),
                _ => error,
            })
        }
    }
}
