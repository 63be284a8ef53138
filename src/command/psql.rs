//! `database psql`: the way in.

use std::ffi::OsString;

use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::psql::script::psql;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Result};

/// Becomes psql on the connection. Returns only when that failed.
pub fn run(toolchain: &Toolchain, conninfo: &Conninfo, arguments: &[OsString]) -> Result<Error> {
    Ok(psql(toolchain, conninfo)?.args(arguments).replace_process())
}
