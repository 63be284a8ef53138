//! The registry of development clusters: one file for each working directory, so that `status --all`
//! and `gc` find the clusters of all projects.
//!
//! An entry names the working directory, its device and inode, and the project. A project that was
//! moved keeps the inode, so its next command recognises its old entry and replaces it. The time of
//! an entry's file is the time of the last use. An entry proves nothing: whoever uses it looks at the
//! directory itself.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cluster::{self, Layout};
use crate::sys::digest::sha256;
use crate::sys::error::{IoContext, Result};
use crate::sys::process::read_regular;

/// The registry of this user's clusters.
#[derive(Debug, Clone)]
pub struct Registry {
    directory: PathBuf,
}

/// A registered cluster.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The working directory.
    pub directory: PathBuf,
    /// The project, if there is one.
    pub project: Option<PathBuf>,
    /// The time of the last command.
    pub used: Option<SystemTime>,
    id: (u64, u64),
    file: PathBuf,
}

impl Entry {
    /// The layout of the cluster. `None` if the working directory does not exist, or is another
    /// directory than before.
    pub fn layout(&self) -> Option<Layout> {
        let facts = self.directory.symlink_metadata().ok()?;
        let is_same = facts.is_dir() && (facts.dev(), facts.ino()) == self.id;
        is_same.then(|| Layout::new(self.directory.clone(), None, facts.uid()))
    }

    /// Whether the working directory was deleted or moved. A place that is not mounted is another
    /// thing: then its parent is missing, too.
    pub fn is_gone(&self) -> bool {
        let parent = self.directory.ancestors().nth(1);
        self.layout().is_none() && parent.is_some_and(Path::is_dir)
    }
}

impl Registry {
    /// The registry in `directory`, which is made when it is needed.
    pub fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Notes that the cluster in `layout` is in use. Ignores errors: a missing entry does no harm.
    pub fn note(&self, layout: &Layout, project: Option<&Path>) {
        if let Err(error) = self.write(layout, project) {
            tracing::debug!("the cluster is not in the registry: {error}");
        }
    }

    fn write(&self, layout: &Layout, project: Option<&Path>) -> Result<()> {
        cluster::private_directory(&self.directory)?;
        let directory = layout.working_directory();
        let facts = directory.metadata().on("read", directory)?;
        let mut content = format!("{} {}\0", facts.dev(), facts.ino()).into_bytes();
        content.extend_from_slice(directory.as_os_str().as_bytes());
        content.push(0);
        content.extend_from_slice(project.map_or(b"", |path| path.as_os_str().as_bytes()));
        let name = sha256(directory.as_os_str().as_bytes());
        let file = self.directory.join(&name[..32]);
        // a text without an end is no entry, so this need not be written in one step
        content.push(0);
        std::fs::write(&file, &content).on("write", &file)?;
        for moved in self.entries().iter().filter(|entry| entry.file != file) {
            if moved.id == (facts.dev(), facts.ino()) && moved.layout().is_none() {
                moved.forget();
            }
        }
        Ok(())
    }

    /// All entries, sorted by the working directory.
    pub fn entries(&self) -> Vec<Entry> {
        let files = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let mut entries: Vec<_> = files.filter_map(|file| Entry::read(&file.path())).collect();
        entries.sort_by(|one, other| one.directory.cmp(&other.directory));
        entries
    }
}

impl Entry {
    fn read(file: &Path) -> Option<Self> {
        let content = read_regular(file).ok()?;
        let parts: Vec<&[u8]> = content.split(|byte| *byte == 0).collect();
        let [id, directory, project, b""] = parts[..] else { return None };
        let (device, inode) = std::str::from_utf8(id).ok()?.split_once(' ')?;
        let path = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
        Some(Self {
            directory: path(directory),
            project: (!project.is_empty()).then(|| path(project)),
            used: file.metadata().and_then(|facts| facts.modified()).ok(),
            id: (device.parse().ok()?, inode.parse().ok()?),
            file: file.to_owned(),
        })
    }

    /// Removes the entry. The cluster stays as it is.
    pub fn forget(&self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(directory: &Path) -> Layout {
        Layout::new(directory.to_owned(), None, nix::unistd::geteuid().as_raw())
    }

    #[test]
    fn a_moved_project_keeps_one_entry() {
        let place = tempfile::tempdir().expect("temporary directory");
        let registry = Registry::at(place.path().join("registry"));
        let odd = OsString::from_vec(b"no \xff UTF-8\n".to_vec());
        let (old, new) = (place.path().join(&odd), place.path().join("new"));
        std::fs::create_dir(&old).expect("made");
        registry.note(&layout(&old), Some(Path::new("/project")));
        let [entry] = &registry.entries()[..] else { panic!("one entry") };
        assert_eq!((&entry.directory, entry.is_gone()), (&old, false));
        assert_eq!(entry.project.as_deref(), Some(Path::new("/project")));
        std::fs::rename(&old, &new).expect("moved");
        assert!(registry.entries()[0].is_gone());
        registry.note(&layout(&new), None);
        let [entry] = &registry.entries()[..] else { panic!("one entry") };
        assert_eq!((&entry.directory, &entry.project), (&new, &None));
    }

    #[test]
    fn a_copy_is_another_project_and_garbage_is_no_entry() {
        let place = tempfile::tempdir().expect("temporary directory");
        let registry = Registry::at(place.path().join("registry"));
        for name in ["one", "two"] {
            std::fs::create_dir(place.path().join(name)).expect("made");
            registry.note(&layout(&place.path().join(name)), None);
        }
        std::fs::write(place.path().join("registry/x"), "1 2\0/half").expect("written");
        assert_eq!(registry.entries().len(), 2);
    }
}
