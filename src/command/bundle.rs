//! `database bundle`: shows and upgrades the hectic bundle of a database.

use crate::bundle::{self, Installed, Kind, Status, VERSION};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::connection::session::Session;
use crate::secret::KeySource;
use crate::sys::error::Result;

/// Describes in one line which bundle the database has.
pub fn status(conninfo: &Conninfo) -> Result<String> {
    Ok(describe(&bundle::status(&mut Session::connect(conninfo)?)?))
}

/// Upgrades the bundle to this tool's version. Returns a line that describes the change. `default`
/// is the kind for a database that has no bundle. `wanted` adds what the database lacks of a kind.
///
/// # Errors
/// `Conflict` (exit 2) if the database has no bundle and no kind is given.
pub fn upgrade(
    conninfo: &Conninfo,
    keys: &KeySource,
    wanted: Option<Kind>,
    default: Option<Kind>,
) -> Result<String> {
    let mut session = Session::connect(conninfo)?;
    let there = bundle::status(&mut session)?;
    let kind = wanted
        .or(there.kind)
        .or(default)
        .ok_or_else(|| bundle::is_off("there is no bundle to upgrade"))?;
    let is_older = matches!(there.status, Status::Older(_));
    if is_older {
        // the upgrade seals secrets that an older bundle stored as plain text
        keys.provide(&mut session)?;
    }
    let was = bundle::upgrade(&mut session, kind)?;
    if is_older {
        remove_residue(&mut session);
    }
    durability::flush(conninfo)?;
    let now = described(kind.max(was.kind.unwrap_or(kind)));
    let before = describe(&was);
    Ok(match was.status {
        Status::Absent => format!("{now} applied"),
        Status::Current if was.kind < Some(kind) => format!("{now} applied (was: {before})"),
        Status::Current => format!("{now} is current; applied again"),
        _ => format!("upgraded to the {now} (was: {before})"),
    })
}

/// Removes plain secrets from dead rows, statistics and the write-ahead log, as far as a session can.
fn remove_residue(session: &mut Session) {
    let turn_over = sql!("bundle/turn-wal-over");
    for sql in [
        sql!("bundle/vacuum-statistics"),
        // a recycled segment keeps its old content
        "ALTER SYSTEM SET wal_recycle = off",
        "SELECT pg_reload_conf()",
        turn_over,
        turn_over,
        turn_over,
        "ALTER SYSTEM RESET wal_recycle",
        "SELECT pg_reload_conf()",
    ] {
        if let Err(error) = session.batch(sql) {
            tracing::warn!("traces of plain secrets may remain on disk: {error}");
        }
    }
}

/// This tool's bundle of a kind, in words.
pub fn described(kind: Kind) -> String {
    format!("{kind} bundle {VERSION}")
}

fn describe(installed: &Installed) -> String {
    let kind = installed.kind.map(|kind| format!(", {kind}")).unwrap_or_default();
    match &installed.status {
        Status::Absent => format!("absent (this tool brings {VERSION})"),
        Status::Unversioned => format!("there{kind}, without a version"),
        Status::Current => format!("{VERSION}{kind}, current"),
        Status::Older(version) => format!("{version}{kind}, older than {VERSION}"),
        Status::Newer(version) => format!("{version}{kind}, newer than {VERSION}"),
        Status::Unknown(version) => format!("{version}{kind}, unknown to this tool ({VERSION})"),
    }
}
