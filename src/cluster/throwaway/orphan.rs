//! The registry of private clusters: the entries of living commands, and the removal of what dead
//! ones have left.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{MARK, remove_directory};
use crate::cluster::files::{act_for, read_small};
use crate::cluster::{Layout, Lock};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{ActingAs, OsUser, require_own_way};

/// The beginning of the names of directories and entries.
const PREFIX: &str = "db-tool-check-";

/// An entry is removed if no command has seen its directory for this long.
pub(super) const FORGET_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

/// Makes an entry and takes its lock.
pub(super) fn register(registry: &Path) -> Result<(Lock, String)> {
    for _ in 0..100 {
        let entry = tempfile::Builder::new().prefix(PREFIX).tempfile_in(registry);
        let (_, path) = entry
            .and_then(|file| file.keep().map_err(|error| error.error))
            .on("write to", registry)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // a sweep may take and remove an entry between its creation and our lock
        if let Some(lock) = Lock::try_take(&path)? {
            return Ok((lock, name));
        }
    }
    Err(Error::unexpected(format!("cannot keep an entry in {}", registry.display())))
}

/// A private cluster in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its directory.
    pub directory: PathBuf,
    /// Whether the command that made it still runs.
    pub is_used: bool,
    entry: PathBuf,
}

impl Registered {
    /// All private clusters of this user. Leaves out those whose directories this process cannot see.
    pub fn all(registry: &Path) -> Vec<Self> {
        let entries = std::fs::read_dir(registry).into_iter().flatten().flatten();
        let known = entries.filter_map(|entry| {
            let entry = entry.path();
            let directory = PathBuf::from(OsString::from_vec(read_small(&entry).ok()?));
            let is_used = Lock::try_take(&entry).ok()?.is_none();
            (!is_out_of_sight(&directory)).then_some(Self { directory, is_used, entry })
        });
        known.collect()
    }

    /// Stops its server and removes its directory, if its command is dead.
    pub fn remove(&self) -> Result<bool> {
        let Some(lock) = Lock::try_take(&self.entry)? else { return Ok(false) };
        remove_orphan(lock).map(|()| !self.directory.exists())
    }
}

/// Removes the directories of dead owners. The next run tries again to remove those that stay.
pub(super) fn sweep(registry: &Path) {
    let Ok(entries) = std::fs::read_dir(registry) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if let Ok(Some(lock)) = Lock::try_take(&path)
            && let Err(error) = remove_orphan(lock)
        {
            tracing::warn!("cannot remove what an interrupted check left: {error}");
        }
    }
}

fn remove_orphan(entry: Lock) -> Result<()> {
    // bytes: a path need not be UTF-8
    let bytes = read_small(entry.path()).on("read", entry.path())?;
    let directory = PathBuf::from(OsString::from_vec(bytes));
    if is_out_of_sight(&directory) && is_young(entry.path()) {
        return Ok(());
    }
    if let Some(layout) = orphan(entry.path(), &directory)? {
        tracing::debug!("removing {}, left by an interrupted check", directory.display());
        remove_directory(&layout)?;
    }
    entry.remove()
}

/// Whether the parent of a directory is missing. A container that shares the registry may have it.
fn is_out_of_sight(directory: &Path) -> bool {
    directory.parent().is_some_and(|place| place.is_absolute() && !place.exists())
}

/// Whether an entry still waits for a command that can see its directory.
fn is_young(entry: &Path) -> bool {
    let made = entry.symlink_metadata().and_then(|facts| facts.modified());
    made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age < FORGET_AFTER))
}

/// The layout of a directory that one of our commands has made. An entry can say anything. So the
/// directory must have the name of its entry and a mark, and must belong to us or, for root, to a
/// server's user.
pub(super) fn orphan(entry: &Path, directory: &Path) -> Result<Option<Layout>> {
    let us = OsUser::current().uid;
    let Ok(facts) = std::fs::symlink_metadata(directory) else { return Ok(None) };
    let name = directory.file_name().unwrap_or_default();
    let is_named = directory.is_absolute()
        && Some(name) == entry.file_name()
        && name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
    let is_possible = is_named
        && facts.is_dir()
        && (facts.uid() == us || us == 0)
        && entry.symlink_metadata().is_ok_and(|entry| entry.uid() == us);
    if !is_possible || require_own_way(directory.parent().unwrap_or(directory)).is_err() {
        return Ok(None);
    }
    let layout = Layout::new(directory.to_owned(), None, facts.uid());
    let _acting = act_for(&layout)?;
    let mark = directory.join(MARK).symlink_metadata();
    if mark.is_ok_and(|mark| mark.is_file() && mark.uid() == facts.uid()) {
        return Ok(Some(layout));
    }
    // A command that was killed before it wrote the mark left an empty directory. A directory with
    // content belongs to others.
    let _acting = ActingAs::controller_of(directory.parent().unwrap_or(directory))?;
    let _ = std::fs::remove_dir(directory);
    Ok(None)
}
