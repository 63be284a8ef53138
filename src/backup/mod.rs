//! Physical backups: taken with `pg_basebackup`, checked, described, and restored.
//!
//! A backup is a directory as `pg_basebackup -Ft` writes it, with a description of ours:
//!
//! ```text
//! postgresql-backup/
//! ├── base.tar.zst        the data directory (or base.tar, base.tar.gz)
//! ├── pg_wal.tar          the log that makes it consistent (also compressed; absent with -X fetch)
//! ├── 16384.tar.zst       a tablespace, named after its OID
//! ├── backup_manifest     size and checksum of every file
//! ├── backup.json         what is in it: the `sidecar`
//! └── database_name       the database that counts, in a normalised backup
//! ```
//!
//! `archive` reads tar streams and believes nothing about them; `manifest` checks what comes out;
//! `read` does both at once, with or without writing. `take` makes a backup. A restore is `prepare`:
//! extract, look at what can be seen without a server (`preflight`), keep of the `settings` what suits
//! this machine, start, and deal with what only a server can tell (`live`). Where the result goes is the
//! caller's business: a private cluster, or a `cluster::Replacement` that takes the old one's place.

pub mod read;
pub mod restore;
mod sidecar;
mod take;

use std::path::{Path, PathBuf};

pub use restore::Requirements;
pub use restore::prepare::{Prepared, restore_into};
pub use restore::tame::admit;
pub use sidecar::Sidecar;
pub use take::{Take, Taken};

use crate::sys::error::{Error, IoContext, Result};
use read::archive::{Archive, Place};
use read::manifest::Manifest;

/// The name of `pg_basebackup`'s list of files.
const MANIFEST: &str = "backup_manifest";
/// The name of the file that says which database counts.
const DATABASE_NAME: &str = "database_name";

/// A backup that exists.
#[derive(Debug, Clone)]
pub struct Backup {
    directory: PathBuf,
    archives: Vec<Archive>,
}

impl Backup {
    /// Finds the backup in `directory`; exit 3 when there is none.
    pub fn open(directory: &Path) -> Result<Self> {
        if !directory.is_dir() {
            return Err(missing(directory, "does not exist"));
        }
        let mut archives = archives_in(directory)?;
        let bases = archives.iter().filter(|archive| archive.place == Place::Base);
        match bases.count() {
            0 => Err(missing(directory, "holds no base.tar, base.tar.gz or base.tar.zst")),
            1 => {
                archives.sort_by_key(|archive| archive.place);
                Ok(Self { directory: directory.to_owned(), archives })
            }
            _ => Err(Error::conflict(format!(
                "{} holds more than one base archive",
                directory.display()
            ))
            .hint("say which one with --archive FILE")),
        }
    }

    /// The backup whose base archive is `file`, whatever its name; the rest stands beside it.
    pub fn open_archive(file: &Path) -> Result<Self> {
        if !file.is_file() {
            return Err(missing(file, "does not exist"));
        }
        let directory = file.parent().unwrap_or(Path::new("/"));
        let mut archives = archives_in(directory)?;
        archives.retain(|archive| archive.place != Place::Base);
        archives.insert(0, Archive { file: file.to_owned(), place: Place::Base });
        archives.sort_by_key(|archive| archive.place);
        Ok(Self { directory: directory.to_owned(), archives })
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What `database backup` wrote about it; `None` for a backup that others took.
    pub fn sidecar(&self) -> Option<Sidecar> {
        Sidecar::read(&self.directory)
    }

    /// The database that counts, in a normalised backup.
    pub fn database_name(&self) -> Option<String> {
        let name = crate::sys::process::read_text(self.directory.join(DATABASE_NAME)).ok()?;
        Some(name.trim_end_matches('\n').to_owned()).filter(|name| !name.is_empty())
    }

    /// The bytes of its archives.
    pub fn size(&self) -> u64 {
        let sizes = self.archives.iter().filter_map(|archive| archive.file.metadata().ok());
        sizes.map(|facts| facts.len()).sum()
    }

    /// Reads the whole backup and compares it with its manifest; false when it has none.
    pub fn verify(&self) -> Result<bool> {
        let manifest = self.manifest()?;
        let has_manifest = manifest.is_some();
        crate::backup::read::whole::read(self, manifest, None).map(|()| has_manifest)
    }

    fn manifest(&self) -> Result<Option<Manifest>> {
        let path = self.directory.join(MANIFEST);
        if !path.exists() {
            return Ok(None);
        }
        Manifest::parse(&crate::sys::process::read_regular(&path).on("read", &path)?, &path)
            .map(Some)
    }
}

fn archives_in(directory: &Path) -> Result<Vec<Archive>> {
    let entries = std::fs::read_dir(directory)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .on("read", directory)?;
    Ok(entries.iter().filter_map(|entry| Archive::named(&entry.path())).collect())
}

fn missing(path: &Path, what: &str) -> Error {
    Error::missing(format!("no backup: {} {what}", path.display()))
        .hint("take one with `database backup`, or name another directory")
}

/// A backup that cannot be what was once written.
fn corrupt(file: &Path, why: impl std::fmt::Display) -> Error {
    Error::failed(format!("{} is truncated or corrupt: {why}", file.display()))
        .hint("copy it again from where it came, or take another backup")
}
