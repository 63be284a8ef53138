//! Waits for a lock on an open file. Anybody who may open the file can hold its lock for any time,
//! so a signal ends the wait.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::waiting::{Patience, wait_for};
use crate::sys::error::{Error, Result};

/// The longest wait. No command should hold a lock for so long, but a stopped process could hold it
/// for ever.
const LIMIT: Duration = Duration::from_secs(600);

/// Locks an open file, exclusively or, if `share` is true, together with others that share it. If
/// another process holds the lock, the function says so and waits. `path` is the path of the file.
///
/// # Errors
/// `Interrupted` after a signal, `Conflict` when the lock is still held after ten minutes.
pub fn lock(file: File, path: &Path, share: bool) -> Result<Flock<File>> {
    let mode = if share { FlockArg::LockSharedNonblock } else { FlockArg::LockExclusiveNonblock };
    let (mut file, mut announced) = (Some(file), false);
    let taken = wait_for(LIMIT, Patience::Interruptible, || {
        let Some(tried) = file.take() else { return Ok(None) };
        match Flock::lock(tried, mode) {
            Ok(locked) => Ok(Some(locked)),
            Err((tried, Errno::EWOULDBLOCK | Errno::EINTR)) => {
                file = Some(tried);
                if !std::mem::replace(&mut announced, true) {
                    say_that_we_wait(path);
                }
                Ok(None)
            }
            Err((_, errno)) => Err(Error::io("lock", path, &errno.into())),
        }
    })?;
    taken.ok_or_else(|| still_held(path))
}

/// Says which lock the command waits for.
pub fn say_that_we_wait(path: &Path) {
    tracing::info!("waiting for another db-tool command to finish ({})", path.display());
}

/// The error of a wait for a lock that took too long.
pub fn still_held(path: &Path) -> Error {
    Error::conflict(format!("another command still holds {}", path.display()))
        .hint(format!("see which one with: fuser -v {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_free_when_its_holder_is_gone() {
        let place = tempfile::tempdir().expect("temporary directory");
        let open = || File::open(place.path()).expect("opened");
        let held = lock(open(), place.path(), false).expect("free");
        let waiting = std::thread::spawn({
            let (file, path) = (open(), place.path().to_owned());
            move || lock(file, &path, true).map(drop)
        });
        drop(held);
        waiting.join().expect("no panic").expect("free in the end");
        let shared = [(); 2].map(|()| lock(open(), place.path(), true).expect("shared"));
        drop(shared);
    }
}
