//! Waiting for a lock on an open file. A signal ends the wait, because anybody who may open the file can hold
//! the lock for as long as they like.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::waiting::{Patience, wait_for};
use crate::sys::error::{Error, Result};

/// Longer than any command should hold it; a stopped process could hold it for ever.
const LIMIT: Duration = Duration::from_secs(600);

/// Locks an open file alone, or together with others that `share` it. Waits for another holder and says so.
/// `path` is the file's.
///
/// # Errors
/// `Interrupted` after a signal, `Conflict` when the lock is still held after ten minutes.
pub fn lock(file: File, path: &Path, share: bool) -> Result<Flock<File>> {
    let how = if share { FlockArg::LockSharedNonblock } else { FlockArg::LockExclusiveNonblock };
    let (mut file, mut told) = (Some(file), false);
    let taken = wait_for(LIMIT, Patience::Interruptible, || {
        let Some(tried) = file.take() else { return Ok(None) };
        match Flock::lock(tried, how) {
            Ok(locked) => Ok(Some(locked)),
            Err((tried, Errno::EWOULDBLOCK | Errno::EINTR)) => {
                file = Some(tried);
                if !std::mem::replace(&mut told, true) {
                    say_that_we_wait(path);
                }
                Ok(None)
            }
            Err((_, errno)) => Err(Error::io("lock", path, &errno.into())),
        }
    })?;
    taken.ok_or_else(|| still_held(path))
}

/// Tells why a command does not go on.
pub fn say_that_we_wait(path: &Path) {
    tracing::info!("waiting for another db-tool command to finish ({})", path.display());
}

/// The error for a lock that was not free in time.
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
