//! Directories that the process holds open, so that nobody can replace them by others.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::OPEN_FILES;
use super::acting::controller;
use super::user::OsUser;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::no_follow;

/// An open directory.
#[derive(Debug)]
pub struct Handle {
    opened: File,
    path: PathBuf,
}

impl Handle {
    /// Opens a directory. No part of the path may be a symbolic link.
    pub fn open(directory: &Path) -> Result<Self> {
        open(directory).map(|opened| Self::of(opened, directory)).on("open", directory)
    }

    /// Opens a directory. If no other user can replace it, [`Self::path`] returns its name, which
    /// is clearer in messages.
    pub fn open_named(directory: &Path) -> Result<Self> {
        let opened = Self::open(directory)?;
        Ok(match controller(directory)? {
            Some(_) => opened,
            None => Self { path: directory.to_owned(), ..opened },
        })
    }

    /// Opens a directory in this one. It must belong to the user of this process and must not be a
    /// link.
    ///
    /// # Errors
    /// `Conflict` if it belongs to another user, who has put it in the place of ours.
    pub fn open_own(&self, name: &Path) -> Result<Self> {
        let path = self.path.join(name);
        let opened = no_follow::directory(&path).on("open", &path)?;
        if opened.metadata().on("read", &path)?.uid() == OsUser::current().uid {
            let is_named = !self.path.starts_with(OPEN_FILES);
            return Ok(if is_named { Self { opened, path } } else { Self::of(opened, &path) });
        }
        Err(Error::conflict(format!("{} was put there by another user", path.display())))
    }

    /// The open directory, as a file.
    pub fn file(&self) -> &File {
        &self.opened
    }

    /// A path that leads to this directory as long as the handle lives, even if somebody renames
    /// the directory. Only this process can use the path, but it can start another process in the
    /// directory. On systems without such paths it is the directory's name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn of(opened: File, directory: &Path) -> Self {
        let path = Path::new(OPEN_FILES).join(opened.as_raw_fd().to_string());
        let path = if path.exists() { path } else { directory.to_owned() };
        Self { opened, path }
    }
}

fn open(directory: &Path) -> std::io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use nix::errno::Errno;
        use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
        // no link is followed on the whole way, not only in the last place
        let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let options = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
        match openat2(AT_FDCWD, directory, options) {
            Ok(opened) => return Ok(opened.into()),
            // an older kernel, or a container that blocks the call
            Err(Errno::ENOSYS | Errno::EPERM) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    no_follow::directory(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_stays_with_its_directory() {
        let place = tempfile::tempdir().expect("temporary directory");
        let place = place.path().canonicalize().expect("found");
        for name in ["one/own", "two/own"] {
            std::fs::create_dir_all(place.join(name)).expect("made");
        }
        std::os::unix::fs::symlink(place.join("one"), place.join("link")).expect("linked");
        assert!(Handle::open(&place.join("link")).is_err());
        assert!(Handle::open(&place.join("link/own")).is_err());
        let one = Handle::open(&place.join("one")).expect("opened");
        std::fs::rename(place.join("one"), place.join("aside")).expect("moved");
        std::fs::rename(place.join("two"), place.join("one")).expect("moved");
        let own = one.open_own(Path::new("own")).expect("opened");
        std::fs::write(own.path().join("file"), "").expect("written");
        if cfg!(target_os = "linux") {
            assert!(place.join("aside/own/file").exists());
        }
        std::os::unix::fs::symlink(place.join("one"), place.join("aside/link")).expect("linked");
        assert!(one.open_own(Path::new("link")).is_err());
    }
}
