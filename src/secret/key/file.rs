//! Reads and writes key files. Only private files are read; one process at a time changes a file,
//! in one step.

use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use nix::fcntl::Flock;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::{KeyRing, MAX_FILE, Owner};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::open_directory;

/// The prefix of an unfinished key file's name.
const UNFINISHED: &str = ".hectic.key.";

/// The content of a key file. Fails if the file is open to others or too large.
pub(super) fn content(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let file = crate::sys::process::open_regular(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::missing(format!("there is no key file {}", path.display()))
        }
        _ => Error::io("read", path, &error),
    })?;
    // the properties of the open file: its name may belong to another file by now
    let facts = file.metadata().on("read", path)?;
    let mode = facts.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::failed(format!(
            "the key file {} is open to others (mode {mode:04o})",
            path.display()
        ))
        .hint(format!("chmod 600 {}", crate::sys::shell::quote(&path.to_string_lossy())))
        .hint("if somebody may have read it, rotate the key and change the secrets"));
    }
    if !facts.is_file() || facts.len() > MAX_FILE {
        return Err(Error::failed(format!("{} is no key file", path.display())));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize));
    file.take(MAX_FILE).read_to_end(&mut content).on("read", path)?;
    Ok(content)
}

/// Replaces the content of a key file. One process at a time does this.
pub(super) fn rewrite(
    path: &Path,
    change: impl FnOnce(&[u8]) -> Result<Zeroizing<String>>,
) -> Result<KeyRing> {
    // if the file is a link, the link stays
    let path = &path.canonicalize().on("read", path)?;
    let _lock = lock_directory(path)?;
    let before = content(path)?;
    let facts = std::fs::metadata(path).on("read", path)?;
    let text = change(&before)?;
    let ring = KeyRing::parse(text.as_bytes())?;
    if text.len() as u64 > MAX_FILE {
        return Err(Error::failed(format!("{} would be larger than any key file", path.display()))
            .hint("remove keys and comments that are not needed"));
    }
    let beside = write_beside(path, &text, Some((facts.uid(), facts.gid())))?;
    beside.persist(path).map_err(|error| Error::io("write", path, &error.error))?;
    sync_directory(path)?;
    Ok(ring)
}

/// Waits until no other process writes key files in the directory of `path`, and keeps others from
/// it.
pub(super) fn lock_directory(path: &Path) -> Result<Flock<File>> {
    let directory = directory_of(path);
    let opened = open_directory(directory).on("open", directory)?;
    crate::sys::process::lock(opened, directory, false)
}

/// Removes the files that killed commands have left: they may hold keys that were dropped since.
/// The caller has the lock.
fn remove_unfinished(directory: &Path) -> Result<()> {
    for entry in std::fs::read_dir(directory).on("read", directory)?.flatten() {
        let unfinished = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
        if unfinished && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            std::fs::remove_file(entry.path()).on("remove", entry.path())?;
        }
    }
    Ok(())
}

/// Writes `text` to a file in the directory of `path`, syncs it, and closes it to all but `owner`.
/// The caller has the lock.
pub(super) fn write_beside(path: &Path, text: &str, owner: Option<Owner>) -> Result<NamedTempFile> {
    remove_unfinished(directory_of(path))?;
    let mut beside = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(directory_of(path))
        .on("write to", directory_of(path))?;
    beside.write_all(text.as_bytes()).on("write", path)?;
    let facts = beside.as_file().metadata().on("read", path)?;
    if let Some((user, group)) = owner.filter(|owner| *owner != (facts.uid(), facts.gid())) {
        fchown(beside.as_file(), Some(user), Some(group)).on("give away", path)?;
    }
    beside.as_file().sync_all().on("sync", path)?;
    Ok(beside)
}

pub(super) fn sync_directory(path: &Path) -> Result<()> {
    let directory = directory_of(path);
    open_directory(directory).and_then(|opened| opened.sync_all()).on("sync", directory)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
