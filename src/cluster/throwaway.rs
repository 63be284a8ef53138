//! A private cluster: it has its own directory, and leaves nothing, however its command ends.
//!
//! The owner holds a lock on an entry in a registry from before the directory exists until after it
//! is gone. The system releases the lock when the owner dies. So an entry whose lock is free is an
//! orphan, and the next run stops its server and removes its directory. The registry has a fixed
//! place, because `TMPDIR` differs from shell to shell and the next run must still find the orphan.

mod orphan;

use std::fmt;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use orphan::Registered;
use orphan::{orphan, register, sweep};

use super::files::{act_for, private_directory, read_small, remove_file, remove_tree, tree_size};
use super::layout::CHECK_MARK as MARK;
use super::run::postmaster::{Liveness, Shutdown, heal};
use super::run::start::tail_of;
use super::takeover::make_for;
use super::{Layout, Lock};
use crate::sys::error::{Context, Error, IoContext, Result};
use crate::sys::later;
use crate::sys::process::{ActingAs, OsUser, require_own_way};
use crate::sys::scratch;

/// The longest time for an orphaned server to end.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// A private directory with its registry entry.
#[derive(Debug)]
pub struct Throwaway {
    layout: Layout,
    entry: Option<Entry>,
    witness: Option<Arc<dyn Witness>>,
}

/// The entry of a private directory in the registry.
#[derive(Debug)]
enum Entry {
    /// This process holds its lock.
    Locked(Lock),
    /// This process has inherited its lock. The path of the entry.
    Inherited(PathBuf),
}

impl Entry {
    fn remove(self) -> Result<()> {
        match self {
            Self::Locked(lock) => lock.remove(),
            Self::Inherited(path) => remove_file(&path),
        }
    }
}

/// Looks at each private cluster just before it is removed.
pub trait Witness: fmt::Debug + Send + Sync {
    /// Takes note of what the cluster would leave.
    fn see(&self, traces: &Traces);
}

/// What a private cluster would leave.
#[derive(Debug)]
pub struct Traces {
    /// The size of its directory in bytes.
    pub bytes: u64,
    /// The end of its server's log.
    pub log: String,
}

impl Throwaway {
    /// Claims a directory below `parent`. First removes the directories of dead owners.
    pub fn claim(parent: &Path, registry: &Path, user: Option<&OsUser>) -> Result<Self> {
        require_own_way(parent)?;
        private_directory(registry)?;
        sweep(registry);
        scratch::sweep(parent);
        let (entry, name) = register(registry)?;
        let directory = parent.join(name);
        std::fs::write(entry.path(), directory.as_os_str().as_encoded_bytes())
            .on("write", entry.path())?;
        let owner = user.map_or_else(|| OsUser::current().uid, |user| user.uid);
        // from here on a drop removes the directory
        let layout = Layout::new(directory, None, owner);
        let claimed = Self { layout, entry: Some(Entry::Locked(entry)), witness: None };
        let directory = claimed.layout.working_directory();
        let made = match user {
            Some(user) => make_for(directory, user),
            None => DirBuilder::new()
                .mode(0o700)
                .create(directory)
                .on("create the check's directory", directory),
        };
        made.hint(
            "set TMPDIR to a directory that can be written to, or PG_THROWAWAY_DIR if that is set",
        )?;
        let _acting = act_for(&claimed.layout)?;
        File::create_new(directory.join(MARK)).on("write to", directory)?;
        Ok(claimed)
    }

    /// Lets `witness` look at the cluster before it is removed.
    #[must_use]
    pub fn seen_by(mut self, witness: Arc<dyn Witness>) -> Self {
        self.witness = Some(witness);
        self
    }

    /// The paths of the cluster.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Stops the server and removes the directory.
    pub fn remove(mut self) -> Result<()> {
        self.show();
        remove_directory(&self.layout)?;
        self.entry.take().map_or(Ok(()), Entry::remove)
    }

    /// The locked entry, for a child that is to inherit it. `None` if this process has inherited the
    /// lock itself.
    pub fn entry(&self) -> Option<&Lock> {
        match &self.entry {
            Some(Entry::Locked(lock)) => Some(lock),
            Some(Entry::Inherited(_)) | None => None,
        }
    }

    /// Leaves everything as it is and running to a child that has inherited the lock of the entry.
    pub fn leave_to_child(mut self) {
        if let Some(Entry::Locked(lock)) = self.entry.take() {
            lock.leave_to_child();
        }
    }

    /// Takes over a directory whose entry's lock this process has inherited.
    ///
    /// # Errors
    /// `Conflict` if the directory is none of ours.
    pub fn take_over(directory: &Path, entry: &Path) -> Result<Self> {
        let said = read_small(entry).on("read", entry)?;
        let layout = match said == directory.as_os_str().as_encoded_bytes() {
            true => orphan(entry, directory)?,
            false => None,
        };
        let layout = layout.ok_or_else(|| {
            let shown = directory.display();
            Error::conflict(format!("{shown} is no directory of a private cluster"))
        })?;
        Ok(Self { layout, entry: Some(Entry::Inherited(entry.to_owned())), witness: None })
    }

    /// Stops the server. Nobody waits for the removal of the directory.
    pub fn remove_later(self) -> Result<()> {
        let acting = act_for(&self.layout)?;
        stop(&self.layout)?;
        drop(acting);
        let what = format!("remove {}", self.layout.working_directory().display());
        later::begin(what, || self.remove());
        Ok(())
    }

    /// Leaves everything as it is and running. Only the user will remove it.
    pub fn keep(mut self) -> Result<PathBuf> {
        let _acting = act_for(&self.layout)?;
        remove_file(&self.layout.working_directory().join(MARK))?;
        let _ourselves = ActingAs::ourselves();
        self.entry.take().map_or(Ok(()), Entry::remove)?;
        Ok(self.layout.working_directory().to_owned())
    }

    fn show(&self) {
        if let (Some(witness), Ok(acting)) = (&self.witness, act_for(&self.layout)) {
            let bytes = tree_size(self.layout.working_directory());
            let log = tail_of(&self.layout.server_log());
            drop(acting);
            witness.see(&Traces { bytes, log });
        }
    }
}

impl Drop for Throwaway {
    /// Runs after a panic or an early error. It cannot report a failure, so it ignores one.
    fn drop(&mut self) {
        let Some(entry) = self.entry.take() else { return };
        self.show();
        if remove_directory(&self.layout).is_ok() {
            let _ = entry.remove();
        }
    }
}

/// Stops the server of a private cluster, which need not keep its data.
fn stop(layout: &Layout) -> Result<()> {
    let data = layout.data();
    match Liveness::of(&data)? {
        Liveness::Running(server) => server.stop(Shutdown::Immediate, STOP_LIMIT),
        Liveness::Stale => heal(&data),
        Liveness::Stopped => Ok(()),
    }
}

/// Stops the server of a private cluster and removes its directories.
pub(super) fn remove_directory(layout: &Layout) -> Result<()> {
    let _acting = act_for(layout)?;
    stop(layout)?;
    remove_tree(&layout.short_socket_directory())?;
    let directory = layout.working_directory();
    match remove_tree(directory) {
        // the user who may empty the directory need not be able to remove it from its parent
        Err(_)
            if std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none()) =>
        {
            let _acting = ActingAs::controller_of(directory.parent().unwrap_or(directory))?;
            std::fs::remove_dir(directory).on("remove", directory)
        }
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use super::orphan::FORGET_AFTER;
    use super::*;

    fn places() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().expect("temporary directory");
        let registry = parent.path().join("registry");
        (parent, registry)
    }

    #[test]
    fn nothing_is_left_of_a_dropped_one() {
        let (parent, registry) = places();
        let claimed = Throwaway::claim(parent.path(), &registry, None).expect("claimed");
        let directory = claimed.layout().working_directory().to_owned();
        assert!(directory.is_dir());
        drop(claimed);
        assert!(!directory.exists());
        assert_eq!(std::fs::read_dir(&registry).expect("readable").count(), 0);
    }

    #[test]
    fn nothing_is_left_of_a_panic() {
        let (parent, registry) = places();
        let panicked = std::panic::catch_unwind(|| {
            let claimed = Throwaway::claim(parent.path(), &registry, None).expect("claimed");
            std::fs::create_dir(claimed.layout().data()).expect("made");
            panic!("between two steps");
        });
        assert!(panicked.is_err());
        assert_eq!(std::fs::read_dir(&registry).expect("readable").count(), 0);
        assert_eq!(std::fs::read_dir(parent.path()).expect("readable").count(), 1, "the registry");
    }

    #[test]
    fn the_living_are_left_alone_and_orphans_removed() {
        let (parent, registry) = places();
        let odd = parent.path().join(OsString::from_vec(b"no \xff UTF-8".to_vec()));
        std::fs::create_dir(&odd).expect("made");
        let mut orphan = Throwaway::claim(&odd, &registry, None).expect("claimed");
        let orphaned = orphan.layout().working_directory().to_owned();
        let living = Throwaway::claim(parent.path(), &registry, None).expect("claimed");
        assert!(orphaned.exists(), "its owner lives");
        drop(orphan.entry.take()); // as a killed process drops its lock
        drop(orphan);
        let next = Throwaway::claim(parent.path(), &registry, None).expect("claimed");
        assert!(!orphaned.exists(), "its owner is dead");
        assert!(living.layout().working_directory().exists());
        assert!(next.layout().working_directory().exists());
    }

    #[test]
    fn an_entry_waits_for_who_sees_its_directory() {
        let (parent, registry) = places();
        let (place, aside) = (parent.path().join("mounted"), parent.path().join("aside"));
        std::fs::create_dir(&place).expect("made");
        let mut orphan = Throwaway::claim(&place, &registry, None).expect("claimed");
        let name = orphan.layout().working_directory().file_name().expect("a name").to_owned();
        drop(orphan.entry.take());
        drop(orphan);
        std::fs::rename(&place, &aside).expect("unmounted");
        drop(Throwaway::claim(parent.path(), &registry, None).expect("claimed"));
        assert!(aside.join(&name).exists() && registry.join(&name).exists());
        std::fs::rename(&aside, &place).expect("mounted");
        drop(Throwaway::claim(parent.path(), &registry, None).expect("claimed"));
        assert!(!place.join(&name).exists() && !registry.join(&name).exists());
        let entry = registry.join("db-tool-check-old");
        std::fs::write(&entry, "/gone/db-tool-check-old").expect("written");
        let old = std::time::SystemTime::now() - 2 * FORGET_AFTER;
        File::options().write(true).open(&entry).expect("opened").set_modified(old).expect("set");
        drop(Throwaway::claim(parent.path(), &registry, None).expect("claimed"));
        assert!(!entry.exists());
    }

    #[test]
    fn a_kept_one_is_nobodys_orphan() {
        let (parent, registry) = places();
        let claimed = Throwaway::claim(parent.path(), &registry, None).expect("claimed");
        let directory = claimed.keep().expect("kept");
        drop(Throwaway::claim(parent.path(), &registry, None).expect("claimed"));
        assert!(directory.exists());
    }

    #[test]
    fn an_entry_cannot_point_elsewhere() {
        let (parent, registry) = places();
        let precious = parent.path().join("precious");
        std::fs::create_dir_all(&precious).expect("made");
        std::fs::create_dir_all(&registry).expect("made");
        let text = precious.to_str().expect("UTF-8");
        std::fs::write(registry.join("db-tool-check-x"), text).expect("written");
        drop(Throwaway::claim(parent.path(), &registry, None).expect("claimed"));
        assert!(precious.exists());
    }
}
