//! Watches directories for changes of the files in them.
//!
//! The system reports changes to a thread of the crate `notify`. Each directory is watched by
//! itself and not with those below it, so that the caller decides which directories cost a watch.
//! A directory that somebody has removed and made again is another one, although its path is the
//! same, and maybe even its inode. So the thread notes each directory that was removed or renamed.

mod burst;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;
use notify::event::{AccessKind, AccessMode, Event, EventKind, ModifyKind};
use notify::{ErrorKind, RecursiveMode, Watcher as _};

pub use burst::Burst;

use crate::sys::error::{Error, Result};

/// A watch over directories. It ends when it is dropped.
pub struct Watcher {
    system: notify::RecommendedWatcher,
    /// The watched directories, each with its device and its inode.
    watched: BTreeMap<PathBuf, (u64, u64)>,
    /// Paths that were removed or renamed since the last call of [`Self::watch`].
    moved: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Watcher {
    /// A watch over no directory yet. A thread calls `on_change` with the paths of changed files.
    /// It calls it without a path if the system has dropped reports, so that any file may have
    /// changed.
    ///
    /// # Errors
    /// `Failed` if the user has reached the system's limit of watchers.
    pub fn new(on_change: impl Fn(Vec<PathBuf>) + Send + 'static) -> Result<Self> {
        let moved = Arc::new(Mutex::new(BTreeSet::new()));
        let noted = Arc::clone(&moved);
        let handler = move |event: notify::Result<Event>| match event {
            Ok(event) if is_change(&event) => {
                if is_move(&event) {
                    let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                    noted.extend(event.paths.iter().cloned());
                }
                on_change(event.paths);
            }
            Ok(_) => {}
            Err(_) => on_change(Vec::new()),
        };
        let system = notify::recommended_watcher(handler).map_err(|error| cannot_watch(&error))?;
        Ok(Self { system, watched: BTreeMap::new(), moved })
    }

    /// Watches these directories, and no others any more. Their paths must hold no links. Leaves out
    /// a directory that does not exist.
    ///
    /// # Errors
    /// `Failed` if the user has reached the system's limit of watched directories.
    pub fn watch(&mut self, directories: &BTreeSet<PathBuf>) -> Result<()> {
        let numbered = directories.iter().filter_map(|path| Some((path.clone(), number(path)?)));
        let wanted: BTreeMap<PathBuf, (u64, u64)> = numbered.collect();
        let moved = std::mem::take(&mut *self.moved.lock().unwrap_or_else(PoisonError::into_inner));
        if wanted == self.watched && !self.watched.keys().any(|path| moved.contains(path)) {
            return Ok(());
        }
        let is_same = |path: &PathBuf, id, other: &BTreeMap<PathBuf, (u64, u64)>| {
            other.get(path) == Some(id) && !moved.contains(path)
        };
        let mut paths = self.system.paths_mut();
        for (path, _) in self.watched.iter().filter(|(path, id)| !is_same(path, id, &wanted)) {
            // the system forgets a removed directory by itself
            let _ = paths.remove(path);
        }
        for (path, _) in wanted.iter().filter(|(path, id)| !is_same(path, id, &self.watched)) {
            match paths.add(path, RecursiveMode::NonRecursive) {
                Err(error) if !is_missing(&error) => return Err(cannot_watch(&error)),
                _ => {}
            }
        }
        paths.commit().map_err(|error| cannot_watch(&error))?;
        self.watched = wanted;
        Ok(())
    }
}

fn number(directory: &Path) -> Option<(u64, u64)> {
    let facts = directory.metadata().ok().filter(std::fs::Metadata::is_dir)?;
    Some((facts.dev(), facts.ino()))
}

/// Whether a file may have another content. Readers cause events, too.
fn is_change(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

/// Whether a path may have come to stand for another directory.
fn is_move(event: &Event) -> bool {
    matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)))
}

fn is_missing(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn cannot_watch(error: &notify::Error) -> Error {
    let what = error.paths.first().map_or("files".to_owned(), |path| path.display().to_string());
    let limit = |name: &str| {
        Error::failed(format!("cannot watch {what}: the limit {name} of the system is reached"))
            .hint(format!("raise it, as root: sysctl {name}=524288"))
            .hint("or close a program that watches many files, such as an editor or a file server")
    };
    match &error.kind {
        ErrorKind::MaxFilesWatch => limit("fs.inotify.max_user_watches"),
        ErrorKind::Io(error) if error.raw_os_error() == Some(Errno::EMFILE as i32) => {
            limit("fs.inotify.max_user_instances")
        }
        ErrorKind::Io(error) => Error::failed(format!("cannot watch {what}: {error}")),
        kind => Error::failed(format!("cannot watch {what}: {kind:?}")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_directory_that_is_made_again_is_watched_again() {
        let place = tempfile::tempdir().expect("temporary directory");
        let directory = place.path().canonicalize().expect("found").join("sub");
        let (changes, seen) = channel();
        let mut watcher = Watcher::new(move |paths| {
            let _ = changes.send(paths);
        })
        .expect("watching");
        let directories = BTreeSet::from([directory.clone()]);
        watcher.watch(&directories).expect("a missing directory is left out");
        for round in ["first", "second"] {
            std::fs::create_dir(&directory).expect("made");
            watcher.watch(&directories).expect("watched");
            let file = directory.join(round);
            std::fs::write(&file, "").expect("written");
            // the test hangs here if nothing is reported
            while !seen.recv().expect("the watcher lives").contains(&file) {}
            std::fs::remove_dir_all(&directory).expect("removed");
            while !seen.recv().expect("the watcher lives").contains(&directory) {}
        }
    }

    #[test]
    fn a_reader_changes_nothing() {
        let event = |kind| is_change(&Event::new(EventKind::Access(kind)));
        assert!(!event(AccessKind::Open(AccessMode::Any)));
        assert!(!event(AccessKind::Close(AccessMode::Read)));
        assert!(event(AccessKind::Close(AccessMode::Write)));
    }
}
