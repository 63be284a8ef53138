//! The sign that a process in the background is about to put a state into the cache.
//!
//! A command that has built a state leaves the copying to such a process, the saver. Meanwhile
//! another command may look for the same state. It would build the state again, which takes longer
//! than the rest of the copying, so it waits a little. The sign is a locked file beside the place of
//! the template; the saver inherits the lock, so the system releases it however the saver ends.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cluster::Lock;
use crate::cluster::files::remove_file;
use crate::sys::error::Result;
use crate::sys::process::{ActingAs, Patience, wait_for};

/// The longest time to wait for a saver. Then the command builds the state itself.
const LIMIT: Duration = Duration::from_secs(10);

fn sign_of(place: &Path) -> PathBuf {
    place.with_extension("saving")
}

/// Makes the sign that a process saves the state whose template has its place at `place`. `None` if
/// one does so already.
pub(super) fn sign(place: &Path) -> Result<Option<Lock>> {
    Lock::try_take(&sign_of(place))
}

/// Removes the sign. The caller has inherited its lock.
pub(super) fn remove_sign(place: &Path) -> Result<()> {
    remove_file(&sign_of(place))
}

/// Waits while a process saves the state. Returns whether one did.
pub(super) fn wait_for_saver(place: &Path) -> Result<bool> {
    let _ourselves = ActingAs::ourselves();
    let sign = sign_of(place);
    if !sign.exists() {
        return Ok(false);
    }
    tracing::debug!("another process saves this state; waiting for it");
    wait_for(LIMIT, Patience::Interruptible, || match Lock::try_take(&sign)? {
        Some(lock) => lock.remove().map(Some),
        None => Ok(None),
    })?;
    Ok(true)
}

/// Waits until nobody saves any state in `cache`, for a command that looks at all of them.
pub fn wait_for_savers(cache: &Path) -> Result<()> {
    let entries = std::fs::read_dir(cache).into_iter().flatten().flatten();
    let signs = entries.map(|entry| entry.path()).filter(|path| *path == sign_of(path));
    signs.collect::<Vec<_>>().iter().try_for_each(|sign| wait_for_saver(sign).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_without_a_saver_or_for_a_dead_one() {
        let cache = tempfile::tempdir().expect("temporary directory");
        let place = cache.path().join("abc-hydrated");
        assert!(!wait_for_saver(&place).expect("looked"));
        let lock = sign(&place).expect("can lock").expect("free");
        assert!(sign(&place).expect("can try").is_none(), "one saver is enough");
        drop(lock);
        assert!(wait_for_saver(&place).expect("looked"), "it may have saved before its end");
        assert!(!sign_of(&place).exists());
    }
}
