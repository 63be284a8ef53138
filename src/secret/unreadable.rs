//! Finds secrets that do not open: after a restore, a cluster may lack their key.

use super::place::KeySource;
use super::store::Store;
use crate::cluster::Running;
use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment};
use crate::sys::error::Result;

/// Adds a warning for every database with secrets that the server cannot open.
pub fn tell_unreadable(running: &Running, keys: &KeySource, warnings: &mut Vec<String>) {
    let databases = running.databases();
    let databases = databases.inspect_err(|error| warnings.push(error.message().to_owned()));
    for database in databases.unwrap_or_default() {
        match count(running, &database, keys) {
            Ok(0) => {}
            Ok(count) => warnings.push(format!(
                "no key in {} opens {count} secret{} of the database {database}: add the key that sealed \
                 them, or load the secrets again",
                running.spec().layout.key().display(),
                if count == 1 { "" } else { "s" },
            )),
            Err(error) => warnings.push(format!(
                "cannot tell whether the secrets of the database {database} open: {}",
                error.message()
            )),
        }
    }
}

fn count(running: &Running, database: &str, keys: &KeySource) -> Result<usize> {
    let url = running.url(&running.spec().settings.superuser, database);
    let conninfo = Conninfo::resolve(&url, &LibpqEnvironment::default())?;
    Store::open(&conninfo, keys)?.map_or(Ok(0), |mut store| store.unreadable())
}
