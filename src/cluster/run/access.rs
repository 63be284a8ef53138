//! Checks and prepares the working directory.
//!
//! A server refuses to run as root. If root calls, another user runs the server and must be able to
//! reach the directory. If that user cannot, PostgreSQL reports only "Permission denied". So
//! db-tool walks down the path first and names the directory that blocks the way.

use std::fs::{DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use crate::cluster::files::{refuse_link, write_gitignore};
use crate::cluster::layout::Layout;
use crate::cluster::takeover::{hand_over, hand_over_marked};
use crate::sys::error::{Context, Error, IoContext, Kind, Result};
use crate::sys::process::{ActingAs, OsUser};
use crate::sys::shown::beginning;

/// The directory of Nix's builds. Root could write into it and damage the builds for all users.
const NIX_STORE: &str = "/nix/store";
/// Directories of the operating system. Nothing below them may hold a cluster.
const SYSTEM: [&str; 14] = [
    "/bin",
    "/boot",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/proc",
    "/sbin",
    "/sys",
    "/usr",
    "/System",
    "/Library",
    "/private/etc",
];
/// Directories of the operating system in which users may have directories of their own.
const SHARED: [&str; 23] = [
    "/dev",
    "/dev/shm",
    "/home",
    "/lost+found",
    "/media",
    "/mnt",
    "/nix",
    "/opt",
    "/private",
    "/private/tmp",
    "/private/var",
    "/root",
    "/run",
    "/snap",
    "/srv",
    "/tmp",
    "/Users",
    "/usr/local",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/tmp",
];

/// Refuses a directory that must not hold a cluster.
///
/// `precious` are the home directories and the project: a cluster would mix with their files. Links
/// are followed, and the directory that they lead to counts.
pub fn check_working_directory(directory: &Path, precious: &[PathBuf]) -> Result<()> {
    let shown = directory.display();
    if directory.as_os_str().as_encoded_bytes().iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Err(Error::conflict("PG_WORKING_DIR contains a line break, which initdb refuses")
            .hint("use a directory without one"));
    }
    if directory.to_str().is_none() {
        let what = format!("PG_WORKING_DIR is {shown}, whose name is not UTF-8");
        return Err(Error::conflict(what).hint("the server's settings cannot name it: rename it"));
    }
    match std::fs::metadata(directory) {
        Ok(facts) if !facts.is_dir() => {
            return Err(Error::conflict(format!("PG_WORKING_DIR is {shown}, which is a file"))
                .hint("set PG_WORKING_DIR to a directory; it is created when missing"));
        }
        Err(_) if directory.is_symlink() => {
            return Err(Error::conflict(format!(
                "PG_WORKING_DIR is {shown}, a link that leads nowhere"
            ))
            .hint("create the directory it should lead to, or remove the link"));
        }
        _ => {}
    }
    let real = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    if real.starts_with(NIX_STORE) {
        return Err(Error::conflict(format!(
            "PG_WORKING_DIR is {shown}, and nothing may be written into the Nix store"
        ))
        .hint(
            "set LOCAL_DIR to your checkout (export LOCAL_DIR=\"$PWD\"), not to the flake's copy",
        ));
    }
    if is_system(&real) || is_system(directory) {
        return Err(Error::conflict(format!(
            "PG_WORKING_DIR is {shown}, a directory of the operating system"
        ))
        .hint("use a directory of its own, such as $LOCAL_DIR/focus/postgresql"));
    }
    if real.parent().is_none() || precious.iter().any(|path| is_same_or_below(path, &real)) {
        return Err(Error::conflict(format!(
            "PG_WORKING_DIR is {shown}, a directory that holds other things (a home directory or \
             the project itself)"
        ))
        .hint("use a directory of its own, such as $LOCAL_DIR/focus/postgresql"));
    }
    Ok(())
}

/// Whether a directory belongs to the operating system. Directories below `/usr/local` may be the
/// user's.
fn is_system(directory: &Path) -> bool {
    let below = |top: &&str| directory.starts_with(top) && !directory.starts_with("/usr/local");
    SYSTEM.iter().any(below) || SHARED.iter().any(|shared| directory == Path::new(shared))
}

/// Whether `path` is `ancestor` or lies below it.
fn is_same_or_below(path: &Path, ancestor: &Path) -> bool {
    std::fs::canonicalize(path).is_ok_and(|path| path.starts_with(ancestor))
}

/// Makes the directories and files around the data directory, and hands them to the server's user.
pub fn prepare(layout: &Layout, user: Option<&OsUser>) -> Result<()> {
    let directory = layout.working_directory();
    let made = match user {
        Some(user) => hand_over_marked(directory, user),
        None => make_closed(directory).on("create PG_WORKING_DIR", directory),
    };
    made.map_err(|error| match error.kind() {
        Kind::Conflict => error,
        _ => error.hint("make its parent writable, or set PG_WORKING_DIR to another place"),
    })?;
    if let Some(user) = user {
        check_reach(directory, user)?;
    }
    let _acting = ActingAs::enter(user)?;
    if layout.logs().is_file() {
        return Err(Error::conflict(format!(
            "PG_LOG_PATH is {}, which is a file",
            layout.logs().display()
        ))
        .hint("set it to a directory: several logs go there"));
    }
    if layout.logs().starts_with(layout.data()) {
        return Err(Error::conflict("PG_LOG_PATH is inside the data directory, which is replaced")
            .hint("set it to a directory outside, or unset it for $PG_WORKING_DIR/log"));
    }
    refuse_link(layout.logs(), user.filter(|_| layout.logs().starts_with(directory)))?;
    match user {
        Some(user) if !layout.logs().starts_with(directory) && !layout.logs().exists() => {
            hand_over(layout.logs(), user, 0o755)?;
        }
        _ => {
            let mut builder = DirBuilder::new();
            // others must not change logs, whatever the umask
            let made = builder.recursive(true).mode(0o755).create(layout.logs());
            made.on("create the log directory", layout.logs())?;
        }
    }
    let ignore = layout.gitignore();
    write_gitignore(&ignore).on("write", &ignore)?;
    if let Some(user) = user {
        check_reach(layout.logs(), user)?;
        check_writable(layout.logs(), user)?;
    }
    Ok(())
}

/// Checks whether the server can work in the directory. Changes nothing. `user` runs the server;
/// `None` stands for the caller.
pub fn check_access(layout: &Layout, user: Option<&OsUser>) -> Result<()> {
    let directory = layout.working_directory();
    match user {
        Some(user) => check_reach(directory, user),
        None => access(directory, AccessFlags::W_OK | AccessFlags::X_OK).on("write to", directory),
    }
}

/// Checks whether `user` can reach `directory`. The error names the directory that blocks the way.
pub fn check_reach(directory: &Path, user: &OsUser) -> Result<()> {
    let _ourselves = ActingAs::ourselves();
    let real = std::fs::canonicalize(directory).on("find", directory)?;
    let components: Vec<_> = real.ancestors().collect();
    for component in components.into_iter().rev() {
        let facts = std::fs::metadata(component).on("read", component)?;
        if !may_search(&facts, user) {
            return Err(Error::failed(format!(
                "the server runs as \"{}\", who cannot reach {}: {} is closed to that user",
                user.name,
                directory.display(),
                component.display()
            ))
            .hint(format!("open it (chmod o+x {}), or use another place", component.display()))
            .hint("or choose another user with PG_OS_USER"));
        }
    }
    Ok(())
}

/// Makes a directory that others may not enter, and its parents. The server trusts everybody who
/// can reach its sockets, and the user's own configuration may leave the sockets open. An existing
/// directory stays unchanged, even if another shell has just made it.
pub(in crate::cluster) fn make_closed(directory: &Path) -> std::io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(_) if directory.is_dir() => Ok(()),
        made => made,
    }
}

/// Checks whether `user` can write to the log directory. db-tool does not change the owner of a
/// directory that somebody else made.
fn check_writable(directory: &Path, user: &OsUser) -> Result<()> {
    let _ourselves = ActingAs::ourselves();
    let facts = std::fs::metadata(directory).on("read", directory)?;
    let bit = permission(&facts, user, 0o2);
    if facts.mode() & bit != 0 {
        return Ok(());
    }
    Err(Error::failed(format!(
        "the server runs as \"{}\", who cannot write to PG_LOG_PATH {}",
        user.name,
        directory.display()
    ))
    .hint(format!(
        "hand it over (chown {} {}), or unset PG_LOG_PATH",
        user.name,
        directory.display()
    )))
}

/// Whether the permission bits let `user` pass. Access control lists are not read: if a list lets
/// the user in although the bits do not, the answer is wrong.
fn may_search(facts: &Metadata, user: &OsUser) -> bool {
    facts.mode() & permission(facts, user, 0o1) != 0
}

/// Of the three permission bits for `right`, the one that counts for `user`.
fn permission(facts: &Metadata, user: &OsUser, right: u32) -> u32 {
    if facts.uid() == user.uid {
        right << 6
    } else if facts.gid() == user.gid {
        right << 3
    } else {
        right
    }
}

/// The user who runs the server if root calls: the owner of the working directory, else `preferred`
/// (`PG_OS_USER`), else `postgres`, else `nobody`. `None` if the caller is not root.
pub fn server_user(directory: &Path, preferred: Option<&str>) -> Result<Option<OsUser>> {
    if !OsUser::current().is_root() {
        return Ok(None);
    }
    if let Ok(facts) = std::fs::metadata(directory)
        && facts.uid() != 0
    {
        return Ok(Some(OsUser::with_id(facts.uid())));
    }
    if let Some(name) = preferred {
        return match OsUser::named(name)? {
            Some(user) if !user.is_root() => Ok(Some(user)),
            Some(_) => {
                Err(Error::conflict("PG_OS_USER is root, but PostgreSQL does not run as root"))
            }
            None => {
                Err(Error::conflict(format!("PG_OS_USER is {}: no such user", beginning(name))))
            }
        }
        .hint("set it to the user who is to run the server, or unset it for postgres");
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = OsUser::named(name)? {
            return Ok(Some(user));
        }
    }
    Err(Error::missing("PostgreSQL does not run as root, and there is no user postgres or nobody")
        .hint("set PG_OS_USER to the user who is to run it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn two_shells_may_make_the_same_directory_at_once() {
        let top = tempfile::tempdir().unwrap();
        for round in 0..100 {
            let directory = top.path().join(format!("{round}/pg"));
            let start = std::sync::Barrier::new(4);
            let make = || {
                start.wait();
                make_closed(&directory)
            };
            std::thread::scope(|scope| {
                let shells = [(); 4].map(|()| scope.spawn(make));
                for shell in shells {
                    shell.join().unwrap().unwrap();
                }
            });
        }
    }

    #[test]
    fn a_project_or_home_is_refused() {
        let project = tempfile::tempdir().expect("temporary directory");
        let own = project.path().join("focus/postgresql");
        std::fs::create_dir_all(&own).expect("made");
        let precious = [project.path().to_owned()];
        assert!(check_working_directory(&own, &precious).is_ok());
        assert!(check_working_directory(project.path(), &precious).is_err());
        let parent = project.path().parent().expect("a parent");
        assert!(check_working_directory(parent, &precious).is_err());
        assert!(check_working_directory(Path::new("/"), &[]).is_err());
        for system in ["/etc", "/etc/postgresql", "/usr/lib/x", "/tmp", "/var/lib", "/srv", "/bin"]
        {
            assert!(check_working_directory(Path::new(system), &[]).is_err(), "{system}");
        }
        for own in ["/srv/pg", "/tmp/pg", "/usr/local/pg", "/var/lib/pg", "/dev/shm/pg"] {
            assert!(check_working_directory(Path::new(own), &[]).is_ok(), "{own}");
        }
        let link = project.path().join("link");
        std::os::unix::fs::symlink(project.path(), &link).expect("linked");
        assert!(check_working_directory(&link, &precious).is_err());
    }

    #[test]
    fn a_name_that_no_setting_can_hold_is_refused() {
        use std::os::unix::ffi::OsStrExt;
        let directory = Path::new(std::ffi::OsStr::from_bytes(b"/tmp/no \xff UTF-8"));
        let refused = check_working_directory(directory, &[]).expect_err("refused");
        assert!(refused.message().contains("not UTF-8"), "{refused}");
    }

    #[test]
    fn line_breaks_files_and_dangling_links_are_refused() {
        let place = tempfile::tempdir().expect("temporary directory");
        let file = place.path().join("file");
        std::fs::write(&file, "").expect("written");
        std::os::unix::fs::symlink("/nowhere/at/all", place.path().join("link")).expect("linked");
        for bad in ["a\nb", "file", "link"] {
            let refused = check_working_directory(&place.path().join(bad), &[]);
            assert!(refused.is_err(), "{bad:?}");
        }
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let place = tempfile::tempdir().expect("temporary directory");
        let layout = Layout::new(place.path().join("pg"), None, 0);
        std::fs::create_dir(layout.working_directory()).expect("made");
        let elsewhere = place.path().join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, layout.gitignore()).expect("linked");
        prepare(&layout, None).expect("prepared");
        assert!(!elsewhere.exists());
    }

    #[test]
    fn the_blocking_component_is_named() {
        let place = tempfile::tempdir().expect("temporary directory");
        let closed = place.path().join("closed");
        let inside = closed.join("inside");
        std::fs::create_dir_all(&inside).expect("made");
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(place.path(), mode(0o755)).expect("set");
        std::fs::set_permissions(&closed, mode(0o700)).expect("set");
        let stranger = OsUser { name: "x".into(), uid: 54321, gid: 54321, home: "/".into() };
        let error = check_reach(&inside, &stranger).expect_err("closed");
        assert!(error.message().ends_with("closed is closed to that user"), "{error}");
        std::fs::set_permissions(&closed, mode(0o711)).expect("set");
        assert!(check_reach(&inside, &stranger).is_ok());
    }
}
