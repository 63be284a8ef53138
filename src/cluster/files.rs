//! Files and directories: made for one user, replaced and removed in ways that bear interruption.

use std::fs::{DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::unistd::{AccessFlags, access};

use crate::error::{Error, IoContext, Result};
use crate::process::OsUser;

/// The most bytes that [`read_small`] reads.
const SMALL: u64 = 1024 * 1024;

/// Creates `directory` for nobody but us; one that is there has to be writable.
pub fn private_directory(directory: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).on("create", directory)?;
    access(directory, AccessFlags::W_OK | AccessFlags::X_OK).on("write to", directory)
}

/// Makes a directory in a place where everybody may write: it must be ours and closed to others.
pub fn make_private(directory: &Path, user: Option<&OsUser>) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        other => {
            other.on("create", directory)?;
            if let Some(user) = user {
                user.own(directory)?;
            }
        }
    }
    let owner = user.map_or_else(|| OsUser::current().uid, |user| user.uid);
    if !is_private(directory, owner) {
        return Err(Error::conflict(format!(
            "{} is not a private directory of ours, so no socket is put there",
            directory.display()
        ))
        .hint("remove it, or use a shorter PG_WORKING_DIR"));
    }
    Ok(())
}

/// Whether this is a directory, itself and not by a link, that `owner` has alone.
pub fn is_private(directory: &Path, owner: u32) -> bool {
    std::fs::symlink_metadata(directory)
        .is_ok_and(|facts| facts.is_dir() && facts.uid() == owner && facts.mode() & 0o077 == 0)
}

/// The content of a regular file that is itself at `path`, and small: a link, a pipe or gigabytes in
/// the place of a file that this tool knows are somebody's mischief.
pub(super) fn read_small(path: &Path) -> std::io::Result<Vec<u8>> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = File::options().read(true).custom_flags(flags.bits()).open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() || facts.len() > SMALL {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    file.take(SMALL).read_to_end(&mut bytes).map(|_| bytes)
}

/// Replaces `path` in one step.
pub fn replace_file(path: &Path, text: &str, owner: Option<&OsUser>) -> Result<()> {
    let directory = path.parent().unwrap_or(path);
    let beside = tempfile::NamedTempFile::new_in(directory).on("write to", directory)?;
    std::fs::write(beside.path(), text).on("write", path)?;
    beside.as_file().sync_all().on("sync", path)?;
    if let Some(owner) = owner {
        owner.own(beside.path())?;
    }
    beside.persist(path).map(drop).map_err(|error| Error::io("write", path, &error.error))
}

/// Exchanges two directories, in one step where the system can.
pub fn exchange(one: &Path, other: &Path) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
        match renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE) {
            Ok(()) => return Ok(()),
            Err(nix::errno::Errno::EINVAL | nix::errno::Errno::ENOSYS) => {}
            Err(errno) => return Err(errno).on("replace", other),
        }
    }
    let aside = one.with_extension("old");
    std::fs::rename(other, &aside).on("move away", other)?;
    if let Err(error) = std::fs::rename(one, other) {
        let _ = std::fs::rename(&aside, other);
        return Err(Error::io("replace", other, &error));
    }
    std::fs::rename(&aside, one).on("rename", &aside)
}

/// Writes everything that is still in memory for the file system of `path` to its disk.
pub fn sync_file_system(path: &Path) -> Result<()> {
    let directory = File::open(path).on("open", path)?;
    #[cfg(target_os = "linux")]
    nix::unistd::syncfs(&directory).on("sync", path)?;
    #[cfg(not(target_os = "linux"))]
    {
        nix::unistd::sync();
    }
    drop(directory);
    Ok(())
}

/// Removes a file; one that is not there is fine.
pub fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", path, &error))
        }
        _ => Ok(()),
    }
}

/// Removes a directory and everything in it; one that is not there is fine.
pub fn remove_tree(directory: &Path) -> Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", directory, &error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_directory_gets_no_socket() {
        let place = tempfile::tempdir().expect("temporary directory");
        let directory = place.path().join("short");
        assert!(make_private(&directory, None).is_ok(), "made");
        assert!(make_private(&directory, None).is_ok(), "found");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&directory, open).expect("opened");
        assert!(make_private(&directory, None).is_err(), "open to others");
        std::fs::remove_dir(&directory).expect("removed");
        std::os::unix::fs::symlink(place.path(), &directory).expect("linked");
        assert!(make_private(&directory, None).is_err(), "a link");
    }
}
