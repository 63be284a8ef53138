//! `database bundle`: what a database holds of the hectic bundle, and moving it on.

use crate::bundle::{self, Status, VERSION};
use crate::durability;
use crate::error::Result;
use crate::postgres::conninfo::Conninfo;
use crate::postgres::session::Session;

/// What the database holds, in a line.
pub fn status(conninfo: &Conninfo) -> Result<String> {
    Ok(describe(&bundle::status(&mut Session::connect(conninfo)?)?))
}

/// Brings the database to this tool's version; says what was done.
pub fn upgrade(conninfo: &Conninfo) -> Result<String> {
    let was = bundle::upgrade(&mut Session::connect(conninfo)?)?;
    durability::flush(conninfo)?;
    Ok(match was {
        Status::Current => format!("bundle {VERSION} is current; applied again"),
        Status::Absent => format!("bundle {VERSION} applied"),
        other => format!("bundle upgraded to {VERSION} (was: {})", describe(&other)),
    })
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
