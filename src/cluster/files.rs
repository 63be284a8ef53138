//! Makes, replaces and removes files and directories, so that interruptions and other users do no
//! harm.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use nix::unistd::{AccessFlags, access};

use tempfile::TempDir;

use super::Layout;
use super::layout::{CHECK_MARK, GITIGNORE, MARKER};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::no_follow;
use crate::sys::process::{
    ActingAs, OsUser, Patience, open_directory, remove_shared_memory, require_own_way, wait_for,
};

/// The files that prove that db-tool made a directory.
const MARKS: [&str; 2] = [MARKER, CHECK_MARK];

/// The most bytes that [`read_small`] reads.
const SMALL: u64 = 1024 * 1024;

/// If root calls, takes the rights of the server's user.
pub(super) fn act_for(layout: &Layout) -> Result<ActingAs> {
    ActingAs::owner(layout.owner())
}

/// Makes `directory` and closes it to all other users. If it exists, it must belong to this user,
/// and others must not be able to write in it: they would decide which files db-tool finds there.
pub fn private_directory(directory: &Path) -> Result<()> {
    require_own_way(directory)?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory).on("create", directory)?;
    access(directory, AccessFlags::W_OK | AccessFlags::X_OK).on("write to", directory)?;
    let us = OsUser::current().uid;
    let link = directory.symlink_metadata().on("read", directory)?;
    let facts = directory.metadata().on("read", directory)?;
    if facts.uid() == us && facts.mode() & 0o022 == 0 && [us, 0].contains(&link.uid()) {
        return Ok(());
    }
    let shown = directory.display();
    Err(Error::conflict(format!("{shown} belongs to another user, or others may write in it"))
        .hint("remove it, or use another place: other users must not be able to write there"))
}

/// Makes a directory that only this user may enter. Dropping the value removes it.
pub fn private_tempdir(prefix: impl AsRef<std::ffi::OsStr>, place: &Path) -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix(&prefix)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(place)
        .on("write to", place)
}

/// Makes a directory in a place where everybody may write. If it exists, it must belong to `owner`,
/// with whose rights db-tool works here, and must be closed to others.
pub fn make_private(directory: &Path, owner: u32) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        other => other.on("create", directory)?,
    }
    if !is_private(directory, owner) {
        return Err(Error::conflict(format!(
            "{} is not a private directory of ours, so no socket is put there",
            directory.display()
        ))
        .hint("remove it, or use a shorter PG_WORKING_DIR"));
    }
    Ok(())
}

/// Whether this is a directory, not a link, that belongs to `owner` and is closed to others.
pub fn is_private(directory: &Path, owner: u32) -> bool {
    std::fs::symlink_metadata(directory)
        .is_ok_and(|facts| facts.is_dir() && facts.uid() == owner && facts.mode() & 0o077 == 0)
}

/// Reads a small regular file. Fails if a link leads to it: db-tool never puts a link, a pipe or a
/// very large file there, so somebody else did.
pub(super) fn read_small(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = no_follow::read(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() || facts.len() > SMALL {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    file.take(SMALL).read_to_end(&mut bytes).map(|_| bytes)
}

/// Refuses a link in the place of a file or directory of the server's user, because root must not
/// follow it.
pub(super) fn refuse_link(path: &Path, user: Option<&OsUser>) -> Result<()> {
    match user {
        Some(user) if path.is_symlink() => Err(Error::conflict(format!(
            "{} is a link, which root does not follow in a place of user \"{}\"",
            path.display(),
            user.name
        ))
        .hint("replace the link by the file that it leads to, or call as that user")),
        _ => Ok(()),
    }
}

/// Replaces the file `path` in one step. The text goes to the new file, even if somebody else gives
/// the temporary name to another file.
pub fn replace_file(path: &Path, text: &str) -> Result<()> {
    let directory = path.parent().unwrap_or(path);
    let prefix = unfinished(path);
    let beside = tempfile::Builder::new().prefix(&prefix).tempfile_in(directory);
    let mut beside = beside.on("write to", directory)?;
    beside.write_all(text.as_bytes()).on("write", path)?;
    beside.as_file().sync_all().on("sync", path)?;
    beside.persist(path).map(drop).map_err(|error| Error::io("write", path, &error.error))
}

/// The beginning of the names under which [`replace_file`] writes a file before it gets its own name.
pub(super) fn unfinished(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    prefix
}

/// Writes the file that keeps a cluster out of the project's repository, unless it is there. Everybody
/// may read it, whatever the umask: root writes it, and the server's user recognises it.
pub fn write_gitignore(path: &Path) -> std::io::Result<()> {
    let mut file = match File::create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    };
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(GITIGNORE.as_bytes())
}

/// Exchanges two directories. On Linux this is one step, if the file system can do it.
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

/// Writes all data of the file system of `path` that is still in memory to the disk.
pub fn sync_file_system(path: &Path) -> Result<()> {
    let directory = open_directory(path).on("open", path)?;
    #[cfg(target_os = "linux")]
    nix::unistd::syncfs(&directory).on("sync", path)?;
    #[cfg(not(target_os = "linux"))]
    {
        nix::unistd::sync();
    }
    drop(directory);
    Ok(())
}

/// Removes a file. It is no error if there is none.
pub fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// The size of a file, or of a directory and everything in it, in bytes. Ignores what it cannot read.
pub fn tree_size(path: &Path) -> u64 {
    let Ok(facts) = path.symlink_metadata() else { return 0 };
    let below = || std::fs::read_dir(path).into_iter().flatten().flatten();
    let inside = if facts.is_dir() { below().map(|e| tree_size(&e.path())).sum() } else { 0 };
    facts.len() + inside
}

/// The longest time for which the processes of a killed command may still write into a directory.
const LAST_WRITES: Duration = Duration::from_secs(60);

/// Removes a directory and everything in it. It is no error if there is none.
///
/// If it is a data directory, or has one with the name `data`, and the server there was killed, this
/// removes the server's shared memory, too: no later server could find it.
pub fn remove_tree(directory: &Path) -> Result<()> {
    for data in [directory, &directory.join("data")] {
        // an interrupted removal may have taken PG_VERSION already
        if data.is_dir() {
            remove_shared_memory(data);
        }
    }
    let removed = wait_for(LAST_WRITES, Patience::Stubborn, || {
        match remove_all_but_marks(directory).and_then(|()| std::fs::remove_dir_all(directory)) {
            // a process wrote a file just before its end, after the directory had been emptied
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(None),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io("remove", directory, &error))
            }
            _ => Ok(Some(())),
        }
    })?;
    let written = || Error::io("remove", directory, &ErrorKind::DirectoryNotEmpty.into());
    removed.ok_or_else(written)
}

/// Removes the content of a directory except for the marks that prove that db-tool made it. If the
/// command is killed, the next one still recognises the rest.
fn remove_all_but_marks(directory: &Path) -> std::io::Result<()> {
    if !directory.symlink_metadata().is_ok_and(|facts| facts.is_dir()) {
        return Ok(());
    }
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if MARKS.iter().any(|mark| entry.file_name() == *mark) {
            continue;
        }
        let removed = match entry.file_type()?.is_dir() {
            true => std::fs::remove_dir_all(entry.path()),
            false => std::fs::remove_file(entry.path()),
        };
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_goes_last() {
        let place = tempfile::tempdir().expect("temporary directory");
        let directory = place.path().join("data.new-1");
        std::fs::create_dir_all(directory.join("data")).expect("made");
        for name in [MARKS[0], MARKS[1], "a", "z"] {
            std::fs::write(directory.join(name), "").expect("written");
        }
        remove_all_but_marks(&directory).expect("removed");
        let left = std::fs::read_dir(&directory).expect("read").count();
        assert_eq!(left, MARKS.len());
        remove_tree(&directory).expect("removed");
        assert!(!directory.exists());
        let link = place.path().join("link");
        std::fs::write(place.path().join("kept"), "").expect("written");
        std::os::unix::fs::symlink(place.path(), &link).expect("linked");
        remove_all_but_marks(&link).expect("nothing to do");
        assert!(place.path().join("kept").exists());
    }

    #[test]
    fn a_directory_is_removed_though_somebody_still_writes_in_it() {
        let place = tempfile::tempdir().expect("temporary directory");
        let directory = place.path().join("data.new-1");
        std::fs::create_dir(&directory).expect("made");
        let names = (0..2000).map(|number| directory.join(number.to_string()));
        std::thread::scope(|scope| {
            scope
                .spawn(|| names.map(std::fs::File::create).take_while(|made| made.is_ok()).count());
            remove_tree(&directory).expect("removed");
        });
        assert!(!directory.exists());
    }

    #[test]
    fn a_foreign_directory_gets_no_socket() {
        let place = tempfile::tempdir().expect("temporary directory");
        let directory = place.path().join("short");
        let us = OsUser::current().uid;
        assert!(make_private(&directory, us).is_ok(), "made");
        assert!(make_private(&directory, us).is_ok(), "found");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&directory, open).expect("opened");
        assert!(make_private(&directory, us).is_err(), "open to others");
        std::fs::remove_dir(&directory).expect("removed");
        std::os::unix::fs::symlink(place.path(), &directory).expect("linked");
        assert!(make_private(&directory, us).is_err(), "a link");
    }
}
