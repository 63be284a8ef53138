//! `backup.json`, the description of a backup. It tells the content without a restore.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Error, Result};

/// The name of the file.
const NAME: &str = "backup.json";

/// The description of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// The version of db-tool that took the backup.
    pub tool: String,
    /// The time in UTC, for people.
    pub taken: String,
    /// The time in seconds since the epoch.
    pub epoch: i64,
    /// The server's version, such as `17.10`.
    pub server: String,
    /// The server's major version.
    pub major: i32,
    /// The bootstrap superuser.
    pub superuser: Option<String>,
    /// The databases by their names.
    pub databases: BTreeMap<String, DatabaseFacts>,
    /// The files of the backup with their sizes in bytes.
    pub files: BTreeMap<String, u64>,
}

/// Facts about one database. There are fewer for a database to which the role may not connect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFacts {
    /// Its size in bytes.
    pub bytes: Option<i64>,
    /// The extensions and their versions.
    pub extensions: BTreeMap<String, String>,
    /// The version of the hectic bundle.
    pub bundle: Option<String>,
    /// The last migration of each set.
    pub migrations: BTreeMap<String, String>,
}

impl Sidecar {
    /// Reads the description beside a backup. `None` if there is none that can be read.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        serde_json::from_slice(&crate::sys::process::read_regular(directory.join(NAME)).ok()?).ok()
    }

    /// Makes the description from the answers of the server that was backed up.
    pub(super) fn of(conninfo: &Conninfo, directory: &Path) -> Result<Self> {
        let mut session = Session::connect(conninfo)?;
        let row = session.query_one(sql!("backup/server"), &[])?;
        let mut databases = BTreeMap::new();
        for found in session.query(sql!("backup/databases"), &[])? {
            let name: String = column(&found, "name")?;
            let mut facts = describe(&conninfo.for_database(&name))
                .inspect_err(|error| tracing::debug!("{name} is not described: {error}"))
                .unwrap_or_default();
            facts.bytes = column(&found, "bytes")?;
            databases.insert(name, facts);
        }
        Ok(Self {
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            taken: column(&row, "taken")?,
            epoch: column(&row, "epoch")?,
            server: column(&row, "version")?,
            major: column(&row, "major")?,
            superuser: column(&row, "superuser")?,
            databases,
            files: files(directory),
        })
    }

    /// Writes the description into a backup.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::unexpected(format!("cannot describe the backup: {error}")))?;
        crate::cluster::replace_file(&directory.join(NAME), &format!("{text}\n"))
    }
}

fn describe(conninfo: &Conninfo) -> Result<DatabaseFacts> {
    let mut session = Session::connect(conninfo)?;
    let mut facts = DatabaseFacts::default();
    for row in session.query(sql!("backup/extensions"), &[])? {
        facts.extensions.insert(column(&row, "name")?, column(&row, "version")?);
    }
    // a database without the bundle, or with another version of it, has no such facts
    if let Ok(Some(row)) = session.query_opt(sql!("bundle/version"), &[]) {
        facts.bundle = column(&row, "version").ok();
    }
    let heads = session
        .query(sql!("backup/migrations"), &[])
        .or_else(|_| session.query(sql!("backup/migrations-before-0-5-2"), &[]));
    for row in heads.unwrap_or_default() {
        facts.migrations.insert(column(&row, "set")?, column(&row, "name")?);
    }
    Ok(facts)
}

fn files(directory: &Path) -> BTreeMap<String, u64> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let sized = entries.filter_map(|entry| {
        Some((entry.file_name().to_string_lossy().into_owned(), entry.metadata().ok()?.len()))
    });
    sized.collect()
}
