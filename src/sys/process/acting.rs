//! File access of root with the rights of another user.
//!
//! Where other users may write, one of them can replace a directory by a symbolic link while root
//! uses its name. In such a place root therefore takes the rights of the user who controls it: then
//! root cannot read or write anything that this user could not read or write anyway.
//!
//! Linux keeps separate user and group ids for file access, one set for each thread. A new thread
//! inherits them. A new program does not: it gets them from its effective ids. Other systems have
//! no such ids; there these functions change nothing, and the callers check owners themselves.

use std::fs::Metadata;
use std::marker::PhantomData;
use std::path::{Component, Path, PathBuf};

use super::OPEN_FILES;
use super::OsUser;
use crate::sys::error::{Error, IoContext, Result};

/// The most symbolic links that a path may lead through, as on Linux.
const LINKS: usize = 40;

/// A guard: until it is dropped, this thread accesses files with other rights.
#[must_use = "the rights are as before once this is dropped"]
#[derive(Debug)]
pub struct ActingAs {
    before: Option<system::Rights>,
    /// The rights belong to a thread, so the guard must not move to another one.
    _thread: PhantomData<*const ()>,
}

impl ActingAs {
    /// Takes the rights of `user`. Changes nothing for `None`, or if the process does not run as
    /// root.
    pub fn enter(user: Option<&OsUser>) -> Result<Self> {
        let before = match user {
            Some(user) if system::is_root() => {
                system::assume(user.uid, user.gid).map_err(|()| {
                    Error::failed(format!("cannot act as user \"{}\" on files", user.name))
                        .hint("root needs the capabilities CAP_SETUID and CAP_SETGID here")
                })?
            }
            _ => None,
        };
        Ok(Self { before, _thread: PhantomData })
    }

    /// Takes the rights of the user with this id.
    pub fn owner(uid: u32) -> Result<Self> {
        let user = (uid != 0 && system::is_root()).then(|| OsUser::with_id(uid));
        Self::enter(user.as_ref())
    }

    /// Takes back the rights of this process.
    pub fn ourselves() -> Self {
        let before = if system::is_root() { system::resume() } else { None };
        Self { before, _thread: PhantomData }
    }

    /// Takes the rights of the user who controls `path`. If no other user controls it, the process
    /// uses its own rights.
    pub fn controller_of(path: &Path) -> Result<Self> {
        match controller(path)? {
            Some(user) => Self::enter(Some(&user)),
            None => Ok(Self::ourselves()),
        }
    }
}

/// Whether this thread accesses files with the rights of another user.
pub(super) fn is_acting() -> bool {
    system::is_root() && system::is_acting()
}

impl Drop for ActingAs {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            system::restore(before);
        }
    }
}

/// The user who controls `path`: the owner of the first directory or link on the way down that
/// belongs neither to root nor to this process. Such a user can replace all that follows. `None` if
/// there is no such user, or if the process does not run as root.
pub fn controller(path: &Path) -> Result<Option<OsUser>> {
    if !system::is_root() {
        return Ok(None);
    }
    let path = std::path::absolute(path).on("find", path)?;
    let _ourselves = ActingAs::ourselves();
    foreign_owner(&path, 0).map(|owner| owner.map(OsUser::with_id))
}

/// Refuses a path if another user could replace a part of it.
pub fn require_own_way(path: &Path) -> Result<()> {
    match controller(path)? {
        None => Ok(()),
        Some(user) => Err(Error::conflict(format!(
            "root does not use {}: user \"{}\" controls the path",
            path.display(),
            user.name
        ))
        .hint("use a place of root's own")),
    }
}

fn foreign_owner(path: &Path, us: u32) -> Result<Option<u32>> {
    use std::os::unix::fs::MetadataExt;
    let (mut reached, mut ahead) = (PathBuf::from("/"), parts(path));
    let mut links = 0;
    if let Some((held, facts)) = open_directory_in(path) {
        if facts.uid() != us && facts.uid() != 0 {
            return Ok(Some(facts.uid()));
        }
        ahead = parts(path.strip_prefix(&held).unwrap_or(path));
        reached = held;
    }
    while let Some(part) = ahead.pop() {
        if part == ".." {
            reached.pop();
            continue;
        }
        let next = reached.join(&part);
        let Ok(facts) = next.symlink_metadata() else { return Ok(None) };
        if facts.uid() != us && facts.uid() != 0 {
            return Ok(Some(facts.uid()));
        }
        if !facts.is_symlink() {
            reached = next;
            continue;
        }
        links += 1;
        if links > LINKS {
            return Err(Error::failed(format!("{} leads through too many links", path.display())));
        }
        let target = std::fs::read_link(&next).on("read", &next)?;
        if target.is_absolute() {
            reached = PathBuf::from("/");
        }
        ahead.extend(parts(&target));
    }
    Ok(None)
}

/// The leading part of `path` that names an open directory of this process, as in
/// `/proc/self/fd/7`. It stays the same directory, even if somebody renames it.
fn open_directory_in(path: &Path) -> Option<(PathBuf, Metadata)> {
    let held = Path::new(OPEN_FILES).join(path.strip_prefix(OPEN_FILES).ok()?.iter().next()?);
    let facts = held.metadata().ok()?;
    facts.is_dir().then_some((held, facts))
}

/// The names in a path, the last one first.
fn parts(path: &Path) -> Vec<std::ffi::OsString> {
    let named = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    path.components().rev().filter(named).map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(target_os = "linux")]
mod system {
    use std::sync::OnceLock;

    use nix::libc;
    use nix::unistd::{Gid, Uid, getgroups, setfsgid, setfsuid};

    /// The ids that a thread had before.
    #[derive(Debug)]
    pub(super) struct Rights {
        uid: Uid,
        gid: Gid,
        groups: Option<Vec<Gid>>,
    }

    /// An id that no user has. The kernel ignores the request to take it and returns the current
    /// id.
    const NOBODY: u32 = u32::MAX;

    pub(super) fn is_root() -> bool {
        static ROOT: OnceLock<bool> = OnceLock::new();
        *ROOT.get_or_init(|| Uid::effective().is_root())
    }

    pub(super) fn is_acting() -> bool {
        setfsuid(Uid::from_raw(NOBODY)) != Uid::effective()
    }

    pub(super) fn assume(uid: u32, gid: u32) -> Result<Option<Rights>, ()> {
        if setfsuid(Uid::from_raw(NOBODY)).as_raw() == uid {
            return Ok(None);
        }
        let groups = getgroups().map_err(drop)?;
        set_groups(&[])?;
        // Take the user id last: with it the kernel takes away the capabilities that override
        // permissions.
        let gid_before = setfsgid(Gid::from_raw(gid));
        let uid_before = setfsuid(Uid::from_raw(uid));
        let before = Rights { uid: uid_before, gid: gid_before, groups: Some(groups) };
        let (now, group) = (setfsuid(Uid::from_raw(NOBODY)), setfsgid(Gid::from_raw(NOBODY)));
        if (now.as_raw(), group.as_raw()) == (uid, gid) {
            return Ok(Some(before));
        }
        restore(before);
        Err(())
    }

    /// Does not set the supplementary groups: root's capabilities override permissions without them.
    pub(super) fn resume() -> Option<Rights> {
        let own = Uid::effective();
        let uid = setfsuid(own);
        (uid != own).then(|| Rights { uid, gid: setfsgid(Gid::effective()), groups: None })
    }

    pub(super) fn restore(rights: Rights) {
        setfsuid(rights.uid);
        setfsgid(rights.gid);
        if let Some(groups) = rights.groups {
            let _ = set_groups(&groups);
        }
    }

    /// Sets the groups of this thread only; the C library's function sets those of all threads.
    #[expect(unsafe_code, reason = "no safe function sets the groups of one thread")]
    fn set_groups(groups: &[Gid]) -> Result<(), ()> {
        // SAFETY: the kernel reads as many ids as there are; a `Gid` is one id and nothing else
        let set = unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) };
        if set == 0 { Ok(()) } else { Err(()) }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    #[derive(Debug)]
    pub(super) struct Rights;

    pub(super) fn is_root() -> bool {
        nix::unistd::Uid::effective().is_root()
    }

    pub(super) fn is_acting() -> bool {
        false
    }

    pub(super) fn assume(_: u32, _: u32) -> Result<Option<Rights>, ()> {
        Ok(None)
    }

    pub(super) fn resume() -> Option<Rights> {
        None
    }

    pub(super) fn restore(_: Rights) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    const STRANGER: u32 = 54321;

    fn stranger() -> OsUser {
        OsUser { name: "stranger".into(), uid: STRANGER, gid: STRANGER, home: "/".into() }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn file_work_has_the_rights_of_the_user_and_then_its_own_again() {
        let place = tempfile::tempdir().unwrap();
        std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let secret = place.path().join("secret");
        std::fs::write(&secret, "mine").unwrap();
        std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
        let acting = ActingAs::enter(Some(&stranger())).unwrap();
        if !system::is_root() {
            assert!(std::fs::read(&secret).is_ok(), "nobody else can act as somebody");
            return;
        }
        assert!(std::fs::read(&secret).is_err());
        let theirs = place.path().join("theirs");
        std::fs::write(&theirs, "").unwrap();
        let facts = theirs.metadata().unwrap();
        assert_eq!((facts.uid(), facts.gid()), (STRANGER, STRANGER));
        std::thread::scope(|scope| {
            let read = scope.spawn(|| std::fs::read(&secret).is_ok());
            assert!(!read.join().unwrap(), "a thread inherits them");
        });
        {
            let _ourselves = ActingAs::ourselves();
            assert!(std::fs::read(&secret).is_ok());
        }
        assert!(std::fs::read(&secret).is_err());
        drop(acting);
        assert!(std::fs::read(&secret).is_ok());
    }

    #[test]
    fn whoever_owns_a_part_of_the_way_controls_it() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        std::fs::create_dir_all(path("ours/below")).unwrap();
        symlink(path("ours/below"), path("link")).unwrap();
        symlink(path("loop"), path("loop")).unwrap();
        let us = place.path().metadata().unwrap().uid();
        for trusted in ["ours/below", "ours/new/file", "link/file", "ours/../link"] {
            assert_eq!(foreign_owner(&path(trusted), us), Ok(None), "{trusted}");
        }
        assert!(foreign_owner(&path("loop"), us).is_err());
        if us != 0 {
            return;
        }
        std::fs::create_dir_all(path("theirs/below")).unwrap();
        symlink(path("theirs"), path("into")).unwrap();
        symlink(path("ours"), path("from")).unwrap();
        chown(path("theirs"), Some(STRANGER), None).unwrap();
        std::os::unix::fs::lchown(path("from"), Some(STRANGER), None).unwrap();
        for theirs in ["theirs", "theirs/below/x", "into/new", "from/below", "link/../../theirs/x"]
        {
            assert_eq!(foreign_owner(&path(theirs), us), Ok(Some(STRANGER)), "{theirs}");
        }
        let (ours, theirs) = (path("theirs/ours"), path("theirs"));
        std::fs::create_dir(&ours).unwrap();
        for (directory, owner) in [(ours, None), (theirs, Some(STRANGER))] {
            let held =
                crate::sys::process::Handle::open(&directory.canonicalize().unwrap()).unwrap();
            let owner = if cfg!(target_os = "linux") { owner } else { Some(STRANGER) };
            assert_eq!(foreign_owner(&held.path().join("file"), us), Ok(owner));
        }
    }
}
