//! `database psql`: opens psql on the project's database.

use std::ffi::OsString;

use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::psql::script::psql;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Result};

/// Replaces this process by psql on the connection. Returns only if that fails.
pub fn run(toolchain: &Toolchain, conninfo: &Conninfo, arguments: &[OsString]) -> Result<Error> {
    Ok(psql(toolchain, conninfo)?.args(arguments).replace_process())
}
