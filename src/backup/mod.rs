//! Physical backups: takes them with `pg_basebackup`, checks, describes and restores them.
//!
//! A backup is a directory in the format of `pg_basebackup -Ft`, with a description:
//!
//! ```text
//! postgresql-backup/
//! ├── base.tar.zst        the data directory (or base.tar, base.tar.gz)
//! ├── pg_wal.tar          the WAL that makes it consistent (may be compressed; absent with -X fetch)
//! ├── 16384.tar.zst       a tablespace, named after its OID
//! ├── backup_manifest     the manifest: size and checksum of every file
//! ├── backup.json         the description (`sidecar`)
//! └── database_name       the project's database, in a normalised backup
//! ```
//!
//! `archive` reads tar streams and trusts nothing in them; `manifest` checks the files in them;
//! `read` does both, and writes the files if asked. `take` makes a backup.
//!
//! `prepare` restores a backup: it extracts the archives, makes the checks that need no server
//! (`preflight`), keeps the `settings` that suit this machine, starts the server, and adapts the
//! cluster (`live`). The caller chooses the place: a private cluster, or a `cluster::Replacement`
//! for the development cluster.

mod compression;
pub mod read;
pub mod restore;
mod sidecar;
mod take;

use std::path::{Path, PathBuf};

pub use compression::Compression;
pub use restore::Requirements;
pub use restore::prepare::{FinalConf, Prepared, restore_into};
pub use restore::tame::admit;
pub use sidecar::Sidecar;
pub use take::{Take, Taken, abandoned_backups, remove_abandoned_backup};

use crate::sys::error::{Error, IoContext, Result};
use read::archive::{Archive, Place};
use read::manifest::Manifest;

/// The place of a backup in the project's directory, unless the user names another.
pub const DEFAULT_PLACE: &str = "focus/postgresql-backup";
/// The name of `pg_basebackup`'s list of files.
const MANIFEST: &str = "backup_manifest";
/// The name of the file with the name of the project's database.
const DATABASE_NAME: &str = "database_name";

/// A backup on the disk.
#[derive(Debug, Clone)]
pub struct Backup {
    directory: PathBuf,
    archives: Vec<Archive>,
}

impl Backup {
    /// Finds the backup in `directory`. The error is `Missing` (exit 3) if there is none.
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

    /// The backup with the base archive `file`, which may have any name. Its other files are beside
    /// it.
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

    /// The directory of the backup.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The description. `None` for a backup that db-tool did not take.
    pub fn sidecar(&self) -> Option<Sidecar> {
        Sidecar::read(&self.directory)
    }

    /// The name of the project's database, in a normalised backup.
    pub fn database_name(&self) -> Option<String> {
        let name = crate::sys::process::read_text(self.directory.join(DATABASE_NAME)).ok()?;
        Some(name.trim_end_matches('\n').to_owned()).filter(|name| !name.is_empty())
    }

    /// The compression of its base archive. `None` for one that db-tool cannot read.
    pub fn compression(&self) -> Result<Option<Compression>> {
        // `open` makes sure of a base archive, and sorts it to the front
        self.archives.first().map_or(Ok(None), |base| Compression::of(&base.file))
    }

    /// The size of its archives in bytes.
    pub fn size(&self) -> u64 {
        let sizes = self.archives.iter().filter_map(|archive| archive.file.metadata().ok());
        sizes.map(|facts| facts.len()).sum()
    }

    /// The size of its files in bytes after unpacking. Without a manifest it is an estimate.
    pub fn unpacked_size(&self) -> Result<u64> {
        /// The factor by which the best compression makes a data directory smaller.
        const SMALLER: u64 = 10;
        let estimate = || self.size().saturating_mul(SMALLER);
        Ok(self.manifest()?.map_or_else(estimate, |manifest| manifest.size()))
    }

    /// Reads the complete backup and compares it with its manifest. Returns false if it has no
    /// manifest.
    pub fn verify(&self) -> Result<bool> {
        let manifest = self.manifest()?;
        let has_manifest = manifest.is_some();
        crate::backup::read::archives::read(self, manifest, None).map(|()| has_manifest)
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

/// The error for a backup that differs from the one that was taken.
fn corrupt(file: &Path, why: impl std::fmt::Display) -> Error {
    Error::failed(format!("{} is truncated or corrupt: {why}", file.display()))
        .hint("copy it again from its source, or take another backup")
}
