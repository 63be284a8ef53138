//! Directories: the repository, its build output, and places that a server's user can reach.
//!
//! If root runs the tests (containers, CI), PostgreSQL's programs run as another user. That user
//! cannot enter a checkout below a private home directory, so the files that it has to read go
//! below `/var/tmp` then.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, User, geteuid};

use crate::failure::{Failure, On, Result};

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable at run time too, which is right even when the checkout was moved.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Cargo's target directory: `cargo x` itself is `<target>/<profile>/xtask`.
pub(crate) fn target() -> PathBuf {
    let own = std::env::current_exe().ok();
    let target = own.as_deref().and_then(|exe| exe.parent()?.parent());
    target.map_or_else(|| root().join("target"), Path::to_path_buf)
}

/// Whether we are root, so that servers run as another user.
pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

/// The user that runs servers for root: `postgres` if there is one, else `nobody`.
pub(crate) fn server_user() -> Result<(Uid, Gid)> {
    let known = |name| User::from_name(name).ok().flatten();
    let user = known("postgres").or_else(|| known("nobody"));
    user.map(|user| (user.uid, user.gid))
        .ok_or_else(|| Failure::new("there is neither a user `postgres` nor a user `nobody`"))
}

/// The first component of `path` that users other than its owner cannot pass.
pub(crate) fn barrier(path: &Path) -> Option<&Path> {
    let mut components: Vec<&Path> = path.ancestors().filter(|p| p.is_absolute()).collect();
    components.reverse();
    components
        .into_iter()
        .find(|part| fs::metadata(part).is_ok_and(|meta| meta.permissions().mode() & 0o001 == 0))
}

/// A directory of that name that survives between runs and that the server's user can reach.
pub(crate) fn kept(name: &str) -> Result<PathBuf> {
    let target = target();
    if is_root() && barrier(&target).is_some() {
        let top = PathBuf::from(format!("/var/tmp/db-tool-{}", geteuid()));
        open_directory(&top)?;
        owned_by_us(&top)?;
        return open_directory(&top.join(name));
    }
    open_directory(&target.join(name))
}

/// A directory that others may enter, with any umask.
fn open_directory(path: &Path) -> Result<PathBuf> {
    fs::create_dir_all(path).on("create", path)?;
    if is_root() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).on("open", path)?;
    }
    Ok(path.to_path_buf())
}

/// Refuses a directory that another user has put into a shared place.
fn owned_by_us(path: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(path).on("look at", path)?;
    if meta.is_dir() && meta.uid() == geteuid().as_raw() {
        return Ok(());
    }
    Err(Failure::new(format!("{} is not a directory of ours; remove it", path.display())))
}

/// The parent of a scratch directory that needs `room` bytes: in memory if possible, unless `TMPDIR`
/// names another. An ext4 without a journal makes files many times slower once hundreds were deleted
/// in the last minutes, which benchmarks and soaks do and people do not.
pub(crate) fn scratch_parent(room: u64) -> PathBuf {
    let memory = Path::new("/dev/shm");
    match std::env::var_os("TMPDIR") {
        None if has_room(memory, room) => memory.to_owned(),
        _ => std::env::temp_dir(),
    }
}

/// Whether the directory has room: containers often have a small `/dev/shm`.
#[cfg(target_os = "linux")]
fn has_room(directory: &Path, room: u64) -> bool {
    nix::sys::statvfs::statvfs(directory)
        .is_ok_and(|fs| fs.blocks_available() * fs.fragment_size() > room)
}

#[cfg(not(target_os = "linux"))]
fn has_room(_: &Path, _: u64) -> bool {
    false
}

/// A directory of our own below the system's temporary one, removed when dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes the directory; others may enter it when we are root.
    pub(crate) fn new(name: &str) -> Result<Self> {
        Self::below(std::env::temp_dir(), name)
    }

    /// The same below `shared`.
    pub(crate) fn below(shared: PathBuf, name: &str) -> Result<Self> {
        // Resolved, since a socket's path must be the short and real one (macOS links /tmp).
        let shared = shared.canonicalize().on("resolve", &shared)?;
        let path = shared.join(format!("db-tool-{name}-{}", std::process::id()));
        let mode = if is_root() { 0o755 } else { 0o700 };
        fs::DirBuilder::new().mode(mode).create(&path).on("create", &path)?;
        Ok(Self(path))
    }

    /// The path of the directory.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Leaves the directory where it is.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_component_is_named_and_the_scratch_directory_goes_away() {
        let scratch = Scratch::new("barrier").unwrap();
        let inner = scratch.path().join("private/inner");
        fs::create_dir_all(&inner).unwrap();
        let private = inner.parent().unwrap();
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(barrier(private), None);
        fs::set_permissions(private, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(barrier(&inner), Some(private));
        let path = scratch.path().to_path_buf();
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn the_repository_holds_this_crate() {
        assert!(root().join("xtask/Cargo.toml").is_file());
    }
}
