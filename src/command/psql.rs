//! `database psql`: the way in.

use std::ffi::OsString;

use crate::error::{Error, Result};
use crate::postgres::conninfo::Conninfo;
use crate::postgres::script::psql;
use crate::postgres::toolchain::Toolchain;

/// Becomes psql on the connection. Returns only when that failed.
pub fn run(toolchain: &Toolchain, conninfo: &Conninfo, arguments: &[OsString]) -> Result<Error> {
    Ok(psql(toolchain, conninfo)?.args(arguments).replace_process())
}
