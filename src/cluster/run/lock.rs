//! The lock with which one command at a time changes a cluster.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::sys::error::{Error, IoContext, Result};
use crate::sys::no_follow;
use crate::sys::process::{Patience, say_that_we_wait, still_held, wait_for};

/// The longest wait. No command should hold the lock for so long, but a stopped process could hold
/// it for ever.
const LIMIT: Duration = Duration::from_secs(600);

/// An advisory lock on a file. Dropping it releases the lock; the system releases it when the
/// process dies.
#[derive(Debug)]
pub struct Lock {
    file: Flock<File>,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock, and makes the file if it is missing. If another command holds the lock, says
    /// so and waits.
    pub fn wait(path: &Path) -> Result<Self> {
        let mut announced = false;
        let taken = wait_for(LIMIT, Patience::Interruptible, || {
            let lock = Self::try_take(path)?;
            if lock.is_none() && !announced {
                announced = true;
                say_that_we_wait(path);
            }
            Ok(lock)
        })?;
        taken.ok_or_else(|| still_held(path))
    }

    /// Takes the lock if nobody holds it.
    pub fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = no_follow::create(path, 0o644).on("create the lock file", path)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            // the last holder may have removed the file after we opened it and before we locked it
            Ok(file) if is_still(&file, path) => Ok(Some(Self { file, path: path.to_owned() })),
            Ok(_) | Err((_, Errno::EWOULDBLOCK | Errno::EINTR)) => Ok(None),
            Err((_, errno)) => Err(Error::io("lock", path, &errno.into())),
        }
    }

    /// Takes the lock together with others that share it. `None` if the file cannot be made or
    /// opened: then this directory is read-only for us, and nobody changes the cluster.
    pub fn share(path: &Path) -> Result<Option<Flock<File>>> {
        let found = wait_for(LIMIT, Patience::Interruptible, || {
            let made = no_follow::create_readable(path, 0o644);
            let Ok(file) = made.or_else(|_| no_follow::read(path)) else { return Ok(Some(None)) };
            match Flock::lock(file, FlockArg::LockSharedNonblock) {
                Ok(file) => Ok(is_still(&file, path).then_some(Some(file))),
                Err(_) => Ok(None),
            }
        })?;
        found.ok_or_else(|| still_held(path))
    }

    /// The locked file, for a child that inherits the lock.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Leaves the lock to a child that has inherited it. Dropping the value would release it for the
    /// child, too; so the descriptor stays open until this process ends.
    pub fn leave_to_child(self) {
        std::mem::forget(self);
    }

    /// The path of the lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file and releases the lock.
    pub fn remove(self) -> Result<()> {
        std::fs::remove_file(&self.path).on("remove", &self.path)?;
        drop(self.file);
        Ok(())
    }
}

fn is_still(file: &File, path: &Path) -> bool {
    let Ok((held, named)) = file.metadata().and_then(|held| Ok((held, path.metadata()?))) else {
        return false;
    };
    (held.dev(), held.ino()) == (named.dev(), named.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_lock_keeps_out_who_changes_something() {
        let place = tempfile::tempdir().expect("temporary directory");
        let path = place.path().join("lock");
        let shared = [Lock::share(&path), Lock::share(&path)].map(|lock| lock.expect("free"));
        assert!(shared.iter().all(Option::is_some));
        assert!(Lock::try_take(&path).expect("can try").is_none());
        drop(shared);
        assert!(Lock::try_take(&path).expect("can try").is_some());
    }

    #[test]
    fn one_holder_at_a_time() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("lock");
        let first = Lock::try_take(&path).expect("can lock").expect("free");
        assert!(Lock::try_take(&path).expect("can try").is_none());
        drop(first);
        assert!(Lock::try_take(&path).expect("can try").is_some());
    }

    #[test]
    fn a_removed_lock_can_be_taken_anew() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("lock");
        Lock::try_take(&path).expect("can lock").expect("free").remove().expect("removed");
        assert!(!path.exists());
        assert!(Lock::try_take(&path).expect("can try").is_some());
    }
}
