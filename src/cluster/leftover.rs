//! Files in a working directory that nobody needs any more: those of killed commands and servers,
//! and clusters that were found damaged long ago.
//!
//! Everything here is proven twice. It has a name that only db-tool gives and, if it is a data
//! directory, the marker of a cluster that db-tool made. And the lock of the working directory was
//! free, so that no living command works with it. Removing proves both again, under the lock.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::build::is_ours;
use super::cleanup::socket_files;
use super::files::{act_for, remove_file, remove_tree, tree_size};
use super::recovery::recover;
use super::run::postmaster::Liveness;
use super::template::snapshot::unnamed;
use super::{Layout, Lock};
use crate::sys::error::Result;

/// A damaged cluster that was moved aside is removed after this time.
const KEEP_BROKEN: Duration = Duration::from_secs(7 * 24 * 3600);

/// The kind of a leftover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftoverKind {
    /// A directory in which a killed command was making a cluster or a snapshot.
    Unfinished,
    /// A damaged cluster that was moved aside more than a week ago.
    Broken,
    /// A socket, or its lock file, of a killed server.
    Socket,
}

/// A file or directory that nobody needs any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its kind.
    pub kind: LeftoverKind,
    /// Its path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The leftovers of a working directory. None while a command works there.
pub fn leftovers(layout: &Layout) -> Result<Vec<Leftover>> {
    let _acting = act_for(layout)?;
    if !layout.lock().is_file() {
        return Ok(Vec::new());
    }
    let Some(_lock) = Lock::try_take(&layout.lock())? else { return Ok(Vec::new()) };
    find(layout)
}

/// Removes a leftover, if it still is one. Returns false if a command works there now.
pub fn remove_leftover(layout: &Layout, leftover: &Leftover) -> Result<bool> {
    let _acting = act_for(layout)?;
    let Some(_lock) = Lock::try_take(&layout.lock())? else { return Ok(false) };
    if !find(layout)?.iter().any(|found| found.path == leftover.path) {
        return Ok(false);
    }
    match leftover.kind {
        LeftoverKind::Unfinished => recover(layout)?,
        LeftoverKind::Broken => remove_tree(&leftover.path)?,
        LeftoverKind::Socket => remove_file(&leftover.path)?,
    }
    Ok(leftover.path.symlink_metadata().is_err())
}

fn find(layout: &Layout) -> Result<Vec<Leftover>> {
    let mut found = Vec::new();
    let mut add = |kind, path: PathBuf| {
        let bytes = tree_size(&path);
        found.push(Leftover { kind, path, bytes });
    };
    let entries = std::fs::read_dir(layout.working_directory()).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("data.new-") && is_ours(&path) {
            add(LeftoverKind::Unfinished, path);
        } else if name.starts_with("data.broken-") && is_ours(&path) && is_old(&path) {
            add(LeftoverKind::Broken, path);
        }
    }
    unnamed(layout).into_iter().for_each(|path| add(LeftoverKind::Unfinished, path));
    if layout.data().is_dir()
        && !matches!(Liveness::thorough(&layout.data())?, Liveness::Running(_))
    {
        socket_files(layout)?.into_iter().for_each(|path| add(LeftoverKind::Socket, path));
    }
    Ok(found)
}

/// Whether a directory was moved here more than [`KEEP_BROKEN`] ago. A rename sets the time of the
/// last status change, and nobody can set it back without changing the clock.
fn is_old(path: &Path) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let changed = path.symlink_metadata().map(|facts| u64::try_from(facts.ctime()).unwrap_or(0));
    changed.is_ok_and(|changed| now.saturating_sub(changed) > KEEP_BROKEN.as_secs())
}
