//! Takes a backup: builds it beside its place, checks and describes it there, and then renames it.
//!
//! Until it is renamed, the previous backup stays. `pg_basebackup` gets the connection in its
//! environment, so no password is in an argument list.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tempfile::TempDir;

use super::{Backup, Compression, DATABASE_NAME, Sidecar};
use crate::cluster::{Lock, exchange, is_private, private_tempdir, remove_tree, replace_file};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Context, Error, IoContext, Result};
use crate::sys::process::{ActingAs, Handle, StandardOutput, describe};
use crate::sys::signal;
use crate::sys::steps::{PROGRESS, Steps};

/// The name of an unfinished backup.
const NEW: &str = "backup";

/// The error message of a `pg_basebackup` that was built without a compression.
const UNSUPPORTED: &str = "does not support compression";

/// A request for a backup.
#[derive(Debug)]
pub struct Take<'a> {
    /// The programs.
    pub toolchain: &'a Toolchain,
    /// The server. The role needs REPLICATION.
    pub conninfo: &'a Conninfo,
    /// The place of the backup. The new backup replaces the previous one.
    pub path: &'a Path,
    /// The name of the project's database, which the backup records.
    pub database_name: Option<&'a str>,
    /// The compressions to try, in this order.
    pub compressions: &'a [Compression],
}

/// The result.
#[derive(Debug)]
pub struct Taken {
    /// The description.
    pub sidecar: Sidecar,
    /// The size of its archives in bytes.
    pub size: u64,
}

impl Take<'_> {
    /// Takes the backup. If the place is a link, the link stays, and the directory that it leads to
    /// is replaced.
    pub fn run(&self, steps: &mut Steps) -> Result<Taken> {
        let path = std::fs::canonicalize(self.path).unwrap_or_else(|_| self.path.to_owned());
        check_place(&path)?;
        let parent = path.parent().unwrap_or(Path::new("/"));
        if !parent.is_dir() {
            let _acting = ActingAs::controller_of(parent)?;
            std::fs::create_dir_all(parent).on("create", parent)?;
        }
        // if root calls, the place may belong to another user, who could put a link there
        let parent = Handle::open_named(&std::fs::canonicalize(parent).on("find", parent)?)?;
        let path = parent.path().join(path.file_name().unwrap_or_default());
        let lock = Lock::wait(&beside(&path, ".lock"))?;
        let taken = self.take(&path, &parent, steps);
        lock.remove()?;
        taken
    }

    fn take(&self, path: &Path, parent: &Handle, steps: &mut Steps) -> Result<Taken> {
        let prefix = beside(path, ".new-");
        // the lock tells that no backup runs
        unfinished(path).iter().try_for_each(|left| remove_tree(left))?;
        let staging = private_tempdir(prefix.file_name().unwrap_or_default(), parent.path())?;
        let opened = parent.open_own(Path::new(staging.path().file_name().unwrap_or_default()))?;
        let new = opened.path().join(NEW);
        steps.run("copy", || self.copy(opened.path()))?;
        let taken = steps.run("verify", || {
            let backup = Backup::open(&new)?;
            backup.verify()?;
            Ok(backup.size())
        });
        let size = taken.context("the backup that was just taken is not sound")?;
        let sidecar = steps.run("describe", || self.describe(&new))?;
        put_in_place(&staging, &new, path)?;
        Ok(Taken { sidecar, size })
    }

    /// Makes the backup in `place`.
    fn copy(&self, place: &Path) -> Result<()> {
        for compression in self.compressions {
            let mut said: Vec<String> = Vec::new();
            let status = self.pg_basebackup(place, compression.argument(), &mut said)?;
            if status.success() {
                return Ok(());
            }
            if !said.iter().any(|line| line.contains(UNSUPPORTED)) {
                return Err(failure(self.conninfo, status, &said));
            }
            tracing::debug!("pg_basebackup cannot do {}", compression.argument());
        }
        Err(Error::failed("this pg_basebackup was built without this compression")
            .hint("set PG_BINDIR to one that has zlib or zstd"))
    }

    fn pg_basebackup(
        &self,
        place: &Path,
        compression: &str,
        said: &mut Vec<String>,
    ) -> Result<ExitStatus> {
        let command = self
            .toolchain
            .command("pg_basebackup")?
            // it starts a child for the WAL, which goes on if only pg_basebackup itself is killed
            .in_a_group()
            .directory(place)
            .args(["-D", NEW])
            .args(["-F", "tar", "-X", "stream", "-c", "fast", "-P", "--no-password"])
            .arg(format!("--compress={compression}"))
            .envs(self.conninfo.variables());
        command.stream(StandardOutput::Lines(&mut |_| {}), |line| {
            let line = String::from_utf8_lossy(line);
            // progress messages are separated by carriage returns
            let line = line.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or_default();
            match percentage(line) {
                Some(percent) => tracing::info!(target: PROGRESS, "{percent}%"),
                None => said.push(line.to_owned()),
            }
        })
    }

    fn describe(&self, new: &Path) -> Result<Sidecar> {
        if let Some(name) = self.database_name {
            replace_file(&new.join(DATABASE_NAME), &format!("{name}\n"))?;
        }
        let sidecar = Sidecar::of(self.conninfo, new)?;
        sidecar.write(new).map(|()| sidecar)
    }
}

/// Checks that the place holds a backup, or nothing.
fn check_place(path: &Path) -> Result<()> {
    let Ok(facts) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let is_empty = || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if facts.is_dir() && (is_empty() || Backup::open(path).is_ok()) {
        return Ok(());
    }
    Err(Error::conflict(format!("{} is there and is no backup", path.display()))
        .hint("it is left alone; name another directory"))
}

/// Exchanges the new and the old backup. The old one is removed with the build directory.
fn put_in_place(staging: &TempDir, new: &Path, path: &Path) -> Result<()> {
    signal::check()?;
    match std::fs::symlink_metadata(path) {
        Err(_) => std::fs::rename(new, path).on("rename the backup to", path)?,
        Ok(_) => exchange(new, path)?,
    }
    remove_tree(staging.path())
}

/// The path `.NAME` beside `path`, with `after` behind the name.
fn beside(path: &Path, after: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(after);
    path.with_file_name(name)
}

/// The directories that killed backups to `place` have left. None while a backup runs there.
pub fn abandoned_backups(place: &Path) -> Vec<PathBuf> {
    let found = || unfinished(place);
    if found().is_empty() {
        return Vec::new();
    }
    under_lock(place, || Ok(found())).ok().flatten().unwrap_or_default()
}

/// Removes one of [`abandoned_backups`], if it still is one. Returns whether it is gone.
pub fn remove_abandoned_backup(place: &Path, directory: &Path) -> Result<bool> {
    let removed =
        under_lock(place, || match unfinished(place).iter().any(|one| one == directory) {
            true => remove_tree(directory).map(|()| true),
            false => Ok(false),
        });
    removed.map(Option::unwrap_or_default)
}

/// Does some work while no backup to `place` can run. `None` if one runs now.
fn under_lock<T>(place: &Path, work: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    let _acting = ActingAs::controller_of(place.parent().unwrap_or(place))?;
    let Some(lock) = Lock::try_take(&beside(place, ".lock"))? else { return Ok(None) };
    let done = work();
    lock.remove()?;
    done.map(Some)
}

/// The directories beside `place` that look like unfinished backups to it: private, with nothing in
/// them but the backup.
fn unfinished(place: &Path) -> Vec<PathBuf> {
    let prefix = beside(place, ".new-");
    let prefix = prefix.file_name().unwrap_or_default().as_encoded_bytes();
    let is_meant = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let mut entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        name.starts_with(prefix)
            && path.symlink_metadata().is_ok_and(|facts| is_private(path, facts.uid()))
            && entries.all(|entry| entry.file_name() == NEW)
    };
    let beside = std::fs::read_dir(place.parent().unwrap_or(place)).into_iter().flatten().flatten();
    beside.map(|entry| entry.path()).filter(is_meant).collect()
}

/// The percentage in a line such as `  9122/22952 kB (39%), 1/2 tablespaces`.
fn percentage(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(" kB (")?;
    rest.split_once("%)")
        .map(|(percent, _)| percent)
        .filter(|percent| percent.parse::<u32>().is_ok())
}

fn failure(conninfo: &Conninfo, status: ExitStatus, said: &[String]) -> Error {
    let said = said.join("\n");
    let error =
        Error::failed(format!("cannot back up {conninfo}: pg_basebackup {}", describe(status)));
    let error = if said.contains("must be superuser or replication role")
        || said.contains("permission denied to start WAL sender")
    {
        error.hint("let the role replicate: ALTER ROLE name REPLICATION")
    } else if said.contains("no pg_hba.conf entry for replication") {
        error.hint("allow replication connections in the server's pg_hba.conf")
    } else if said.contains("max_wal_senders") {
        error.hint("the server needs wal_level = replica and free max_wal_senders")
    } else {
        error.hint("the previous backup, if there is one, is untouched")
    };
    error.detail(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_from_what_pg_basebackup_prints() {
        assert_eq!(percentage(" 9122/22952 kB (39%), 1/2 tablespaces"), Some("39"));
        assert_eq!(percentage("22964/22964 kB (100%), 2/2 tablespaces (/x/y)"), Some("100"));
        assert_eq!(percentage("waiting for checkpoint"), None);
        assert_eq!(percentage("pg_basebackup: error: x"), None);
    }

    #[test]
    fn only_a_backup_or_nothing_is_replaced() {
        let place = tempfile::tempdir().expect("temporary directory");
        let path = place.path().join("backup");
        assert!(check_place(&path).is_ok(), "nothing");
        std::fs::create_dir(&path).expect("made");
        assert!(check_place(&path).is_ok(), "empty");
        std::fs::write(path.join("diary"), "").expect("written");
        assert!(check_place(&path).is_err(), "something else");
        std::fs::write(path.join("base.tar.gz"), "").expect("written");
        assert!(check_place(&path).is_ok(), "a backup");
    }
}
