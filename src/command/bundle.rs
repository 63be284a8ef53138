//! `database bundle`: shows and upgrades the hectic bundle of a database.

use crate::bundle::{self, Status, VERSION};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::connection::session::Session;
use crate::secret::KeySource;
use crate::sys::error::Result;

/// Describes in one line which bundle the database has.
pub fn status(conninfo: &Conninfo) -> Result<String> {
    Ok(describe(&bundle::status(&mut Session::connect(conninfo)?)?))
}

/// Upgrades the bundle to this tool's version. Returns a line that describes the change.
pub fn upgrade(conninfo: &Conninfo, keys: &KeySource) -> Result<String> {
    let mut session = Session::connect(conninfo)?;
    let is_older = matches!(bundle::status(&mut session)?, Status::Older(_));
    if is_older {
        // the upgrade seals secrets that an older bundle stored as plain text
        keys.provide(&mut session)?;
    }
    let was = bundle::upgrade(&mut session)?;
    if is_older {
        remove_residue(&mut session);
    }
    durability::flush(conninfo)?;
    Ok(match was {
        Status::Current => format!("bundle {VERSION} is current; applied again"),
        Status::Absent => format!("bundle {VERSION} applied"),
        other => format!("bundle upgraded to {VERSION} (was: {})", describe(&other)),
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

fn describe(status: &Status) -> String {
    match status {
        Status::Absent => format!("absent (this tool brings {VERSION})"),
        Status::Unversioned => "there, without a version".to_owned(),
        Status::Current => format!("{VERSION}, current"),
        Status::Older(version) => format!("{version}, older than {VERSION}"),
        Status::Newer(version) => format!("{version}, newer than {VERSION}"),
        Status::Unknown(version) => format!("{version}, unknown to this tool ({VERSION})"),
    }
}
