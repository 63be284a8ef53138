//! Directories that are held open, so that nobody can put another one in their place.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::OPEN_FILES;
use super::acting::controller;
use super::user::OsUser;
use crate::sys::error::{Error, IoContext, Result};

/// An open directory.
#[derive(Debug)]
pub struct Handle {
    opened: File,
    path: PathBuf,
}

impl Handle {
    /// Opens a directory at a path without links.
    pub fn open(directory: &Path) -> Result<Self> {
        open(directory).map(|opened| Self::of(opened, directory)).on("open", directory)
    }

    /// Opens a directory. Where nobody else can put another one in its place, its path is its name, which
    /// people understand.
    pub fn to(directory: &Path) -> Result<Self> {
        let opened = Self::open(directory)?;
        Ok(match controller(directory)? {
            Some(_) => opened,
            None => Self { path: directory.to_owned(), ..opened },
        })
    }

    /// Opens a directory of ours in this one, itself and not by a link.
    ///
    /// # Errors
    /// `Conflict` when it is another user's, who has put it there in the place of ours.
    pub fn own(&self, name: &Path) -> Result<Self> {
        let path = self.path.join(name);
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
        let opened = File::options().read(true).custom_flags(flags.bits()).open(&path);
        let opened = opened.on("open", &path)?;
        if opened.metadata().on("read", &path)?.uid() == OsUser::current().uid {
            let is_named = !self.path.starts_with(OPEN_FILES);
            return Ok(if is_named { Self { opened, path } } else { Self::of(opened, &path) });
        }
        Err(Error::conflict(format!("{} was put there by another user", path.display())))
    }

    /// The directory itself.
    pub fn file(&self) -> &File {
        &self.opened
    }

    /// A path that leads into the directory as long as this lives, whatever has its name by then. Other
    /// processes cannot use it, but one can be started in it. Where the system has no such paths, it is the
    /// name.
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
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    #[cfg(target_os = "linux")]
    {
        use nix::errno::Errno;
        use nix::fcntl::{AT_FDCWD, OpenHow, ResolveFlag, openat2};
        let how = OpenHow::new().flags(flags | OFlag::O_RDONLY | OFlag::O_CLOEXEC);
        let how = how.resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
        match openat2(AT_FDCWD, directory, how) {
            Ok(opened) => return Ok(opened.into()),
            // an older kernel, or a container that does not let it through
            Err(Errno::ENOSYS | Errno::EPERM) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    File::options().read(true).custom_flags(flags.bits()).open(directory)
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
        let own = one.own(Path::new("own")).expect("opened");
        std::fs::write(own.path().join("file"), "").expect("written");
        if cfg!(target_os = "linux") {
            assert!(place.join("aside/own/file").exists());
        }
        std::os::unix::fs::symlink(place.join("one"), place.join("aside/link")).expect("linked");
        assert!(one.own(Path::new("link")).is_err());
    }
}
