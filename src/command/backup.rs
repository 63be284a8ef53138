//! `database backup`: takes a physical backup and verifies it.

use std::path::Path;

use crate::backup::{Compression, Take, Taken};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::Result;
use crate::sys::steps::Steps;

/// Takes a backup of the cluster of `conninfo`. Writes it to `path`.
pub fn run(
    toolchain: &Toolchain,
    conninfo: &Conninfo,
    path: &Path,
    steps: &mut Steps,
) -> Result<Taken> {
    let compressions = &Compression::BEST;
    Take { toolchain, conninfo, path, database_name: None, compressions }.run(steps)
}
