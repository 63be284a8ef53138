//! What a verb reports as done is on disk.

use crate::error::Result;
use crate::postgres::conninfo::Conninfo;
use crate::postgres::session::Session;

/// A development cluster commits asynchronously; what a verb reports as done has to survive.
pub fn flush(conninfo: &Conninfo) -> Result<()> {
    let mut session = Session::connect(conninfo)?;
    session.batch("SET synchronous_commit = on")?;
    session.query(include_str!("../sql/query/flush.sql"), &[]).map(drop)
}
