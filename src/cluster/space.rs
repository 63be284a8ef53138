//! The space on a disk, looked at before work that needs a known amount of it.
//!
//! A disk that fills up in the middle of the work costs time, and may stop a server that shares the
//! disk. A look beforehand promises nothing, because others write, too.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use crate::sys::error::{Error, IoContext, Result};

/// The space that a new cluster needs: its files, and a segment of the write-ahead log.
pub const NEW_CLUSTER: u64 = 50_000_000;

/// The free space, in bytes, for files in `place`. Its directories need not exist yet.
pub fn free(place: &Path) -> Result<u64> {
    let existing = place.ancestors().find(|path| path.exists()).unwrap_or(place);
    let facts = statvfs(existing).on("read the free space of", existing)?;
    Ok(facts.blocks_available().saturating_mul(facts.fragment_size()))
}

/// Fails if `place` has fewer than `bytes` free for `what`.
pub fn require(place: &Path, bytes: u64, what: &str) -> Result<()> {
    // a file system that does not tell its free space says 0 for everything
    let Ok(free) = free(place) else { return Ok(()) };
    if free >= bytes || statvfs(place).is_ok_and(|facts| facts.blocks() == 0) {
        return Ok(());
    }
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    Err(Error::failed(format!(
        "there is no space left for {what} in {}: it needs about {} MB, and {} MB are free",
        place.display(),
        megabytes(bytes),
        free / 1_000_000
    ))
    .hint("free some space on the disk; `database gc` removes what nobody needs any more")
    .hint("or use a directory on another disk"))
}

/// The same for a copy of `bytes`. A file system that shares the blocks of copies needs less, and
/// db-tool cannot say how much.
pub fn require_for_copy(place: &Path, bytes: u64, what: &str) -> Result<()> {
    if shares_blocks(place) { Ok(()) } else { require(place, bytes, what) }
}

/// Whether the files of this directory are in memory.
#[cfg(target_os = "linux")]
pub fn is_in_memory(place: &Path) -> bool {
    use nix::sys::statfs::{TMPFS_MAGIC, statfs};
    statfs(place).is_ok_and(|facts| facts.filesystem_type() == TMPFS_MAGIC)
}

/// Whether the files of this directory are in memory: unknown here.
#[cfg(not(target_os = "linux"))]
pub fn is_in_memory(_: &Path) -> bool {
    false
}

/// Whether a copy shares the blocks of the original. True if that is unknown.
#[cfg(target_os = "linux")]
pub(in crate::cluster) fn shares_blocks(place: &Path) -> bool {
    use nix::sys::statfs::{BTRFS_SUPER_MAGIC, FsType, XFS_SUPER_MAGIC, statfs};
    /// bcachefs and ZFS, which have no name in the C library.
    const OTHERS: [i128; 2] = [0xca45_1a4e, 0x2fc1_2fc1];
    let Ok(FsType(magic)) = statfs(place).map(|facts| facts.filesystem_type()) else { return true };
    // the type of the number differs from machine to machine
    [BTRFS_SUPER_MAGIC.0, XFS_SUPER_MAGIC.0].contains(&magic) || OTHERS.contains(&i128::from(magic))
}

/// Whether a copy shares the blocks of the original: unknown here.
#[cfg(not(target_os = "linux"))]
pub(in crate::cluster) fn shares_blocks(_: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_before_it_begins() {
        let place = tempfile::tempdir().expect("temporary directory");
        let missing = place.path().join("not/made/yet");
        assert_eq!(
            free(&missing).expect("read") / 1_000_000_000,
            free(place.path()).expect("read") / 1_000_000_000
        );
        require(place.path(), 1, "one byte").expect("fits");
        let error = require(place.path(), u64::MAX, "a universe").expect_err("too much");
        assert!(error.message().contains("no space left for a universe"), "{error}");
    }
}
