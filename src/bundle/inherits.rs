//! `--inherits TABLE`, an option from the time before the bundle. The tables must still exist.

use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Error, Kind, Result};

/// Checks that each of `tables` exists. The error (exit 5) names the first table that does not.
pub fn check(conninfo: &Conninfo, tables: &[String]) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let mut session = Session::connect(conninfo)?;
    for table in tables {
        let query = sql!("postgres/table-exists");
        let found = match session.query_one(query, &[table]) {
            Ok(row) => column(&row, "found")?,
            // the text is not a table name at all
            Err(error) if error.kind() == Kind::Sql => false,
            Err(error) => return Err(error),
        };
        if !found {
            return Err(Error::new(Kind::NoSuchTable, format!("the table {table} does not exist"))
                .hint("name it with its schema, as in hectic.created_at")
                .hint("--inherits is no longer needed: the bundle enforces inheritance"));
        }
    }
    Ok(())
}
