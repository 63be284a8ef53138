//! Temporary files that another program reads while a command runs, such as the SQL for psql.
//!
//! They lie in a directory that only its owner may enter, whatever the umask is. The command holds
//! a lock on the directory, which the system releases when the command dies. So every command
//! removes the directories whose locks are free.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::sys::error::{Error, IoContext, Result};
use crate::sys::no_follow;
use crate::sys::process::{OsUser, require_own_way};

/// The prefix of the directories' names.
const PREFIX: &str = "db-tool-scratch-";

/// A private directory. Dropping the value removes the directory.
#[derive(Debug)]
pub struct Scratch {
    directory: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes a directory in `parent`. Removes the directories that killed commands have left there.
    pub fn new(parent: &Path) -> Result<Self> {
        require_own_way(parent)?;
        sweep(parent);
        for _ in 0..100 {
            let directory = tempfile::Builder::new()
                .prefix(PREFIX)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(parent)
                .on("write to", parent)?;
            // another command may have taken the lock in between, and then it removes the directory
            if let Some(lock) = lock(directory.path()) {
                return Ok(Self { directory, _lock: lock });
            }
        }
        Err(Error::unexpected(format!("cannot keep a directory in {}", parent.display())))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Makes a file that only its owner may read.
    pub fn create(&self, name: &str) -> Result<File> {
        let path = self.path().join(name);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).on("create", &path)
    }

    /// Makes a file that contains `text`.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        self.create(name)?.write_all(text.as_bytes()).on("write", &path)?;
        Ok(path)
    }
}

/// Removes the directories that killed commands have left in `parent`, as far as it can.
pub fn sweep(parent: &Path) {
    for directory in left(parent) {
        remove(&directory);
    }
}

/// The directories that killed commands have left in `parent`.
pub fn left(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let ours = entries
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()))
        .map(|entry| entry.path());
    ours.filter(|directory| lock(directory).is_some()).collect()
}

/// Removes such a directory, unless a command uses it. Returns whether it is gone.
pub fn remove(directory: &Path) -> bool {
    if let Some(_lock) = lock(directory)
        && let Err(error) = std::fs::remove_dir_all(directory)
    {
        tracing::debug!("cannot remove {}: {error}", directory.display());
    }
    !directory.exists()
}

/// Locks one of our directories. `None` if another process holds the lock or has removed the
/// directory.
fn lock(directory: &Path) -> Option<File> {
    let opened = no_follow::directory(directory).ok()?;
    opened.try_lock().ok()?;
    let (held, named) = (opened.metadata().ok()?, directory.symlink_metadata().ok()?);
    let is_same = (held.dev(), held.ino()) == (named.dev(), named.ino());
    (is_same && held.uid() == OsUser::current().uid).then_some(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parent: &Path) -> Vec<PathBuf> {
        std::fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_a_killed_command_left_is_removed_and_the_rest_stays() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join("db-tool-scratch-left");
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join("1.sql"), "SELECT 1;").unwrap();
        let precious = parent.path().join("precious");
        std::fs::create_dir(&precious).unwrap();
        std::os::unix::fs::symlink(&precious, parent.path().join("db-tool-scratch-link")).unwrap();
        let living = Scratch::new(parent.path()).unwrap();
        assert!(!left.exists());
        let next = Scratch::new(parent.path()).unwrap();
        assert!(living.path().is_dir() && precious.is_dir(), "in use, or not ours");
        drop((living, next));
        assert_eq!(names(parent.path()).len(), 2, "the link and its target");
    }
}
