//! `database hydrate`: loads the bundle, the secrets and the sources into an existing database.

use crate::command::content::{Content, Progress};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::Result;
use crate::sys::steps::Steps;

/// Puts `content` into the database of `conninfo`.
pub fn run(toolchain: &Toolchain, conninfo: &Conninfo, content: &Content) -> Result<Steps> {
    let mut steps = Steps::default();
    content.apply(toolchain, conninfo, Progress::Prepared, &mut |_| Ok(()), &mut steps)?;
    steps.run("flush", || durability::flush(conninfo))?;
    Ok(steps)
}
