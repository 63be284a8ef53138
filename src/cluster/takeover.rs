//! Directories that root hands over to the user who runs the server, and takes back.
//!
//! Root hands over a directory only if it holds nothing of other users: an empty one, one that root
//! has just made, or one that db-tool has used before. Root opens the directory first, without
//! following links, and changes the owner of the open directory, because somebody could put another
//! directory in its place. A `.gitignore` that belongs to root tells `cleanup` that the working
//! directory was root's.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, fchown};
use std::path::Path;

use super::files::{act_for, read_small, remove_tree, write_gitignore};
use super::layout::{GITIGNORE, Layout, MARKER};
use super::not_ours;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{ActingAs, Handle, OsUser};

/// The name of the mark. If this file belongs to root, root has handed the directory over.
const MARK: &str = ".gitignore";

/// Refuses a directory of root that must not be handed to `user`. Changes nothing.
pub(super) fn check_free(layout: &Layout, user: Option<&OsUser>) -> Result<()> {
    let Some(user) = user else { return Ok(()) };
    let _ourselves = ActingAs::ourselves();
    let (directory, data) = (layout.working_directory(), layout.data());
    if directory.symlink_metadata().is_err() {
        return Ok(());
    }
    match free(&Handle::open(directory)?, directory, user) {
        Err(_) if is_foreign(&data) => Err(not_ours(layout)),
        free => free.map(drop),
    }
}

/// Hands the working directory to `user`, and makes it if it is missing. Leaves the mark of root in
/// it.
pub(super) fn hand_over_marked(directory: &Path, user: &OsUser) -> Result<()> {
    let _ourselves = ActingAs::ourselves();
    let Some(opened) = opened_if_free(directory, user, 0o700)? else { return Ok(()) };
    let mark = opened.path().join(MARK);
    write_gitignore(&mark).on("write to", directory)?;
    fchown(opened.file(), Some(user.uid), Some(user.gid)).on("hand over", directory)
}

/// Hands the directory to `user`, and makes it if it is missing.
pub(super) fn hand_over(directory: &Path, user: &OsUser, mode: u32) -> Result<()> {
    let _ourselves = ActingAs::ourselves();
    let Some(opened) = opened_if_free(directory, user, mode)? else { return Ok(()) };
    fchown(opened.file(), Some(user.uid), Some(user.gid)).on("hand over", directory)
}

fn opened_if_free(directory: &Path, user: &OsUser, mode: u32) -> Result<Option<Handle>> {
    if directory.symlink_metadata().is_err() {
        make(directory, mode)?;
    }
    let opened = Handle::open(directory)?;
    Ok(free(&opened, directory, user)?.then_some(opened))
}

/// Makes a private directory for `user` in a place where others may write.
pub(super) fn make_for(directory: &Path, user: &OsUser) -> Result<()> {
    let _ourselves = ActingAs::ourselves();
    DirBuilder::new().mode(0o700).create(directory).on("create", directory)?;
    let opened = Handle::open(directory)?;
    fchown(opened.file(), Some(user.uid), Some(user.gid)).on("hand over", directory)
}

/// Whether root has handed the working directory over: then the mark belongs to root.
pub(super) fn was_handed_over(layout: &Layout) -> bool {
    let mark = layout.gitignore().symlink_metadata();
    layout.owner() != 0 && mark.is_ok_and(|facts| facts.is_file() && facts.uid() == 0)
}

/// Gives a directory that was handed over back to root.
pub(super) fn take_back(layout: &Layout) -> Result<()> {
    let directory = layout.working_directory();
    let opened = {
        let _acting = act_for(layout)?;
        Handle::open(directory)?
    };
    let _ourselves = ActingAs::ourselves();
    if opened.file().metadata().on("read", directory)?.uid() != layout.owner() {
        return Ok(());
    }
    fchown(opened.file(), Some(0), Some(OsUser::current().gid)).on("take back", directory)
}

/// Removes a directory from the working directory if it belongs to root: the server's user cannot
/// empty it.
pub(super) fn remove_directory_of_root(layout: &Layout, name: &OsStr) -> Result<()> {
    let working = layout.working_directory();
    let _ourselves = ActingAs::ourselves();
    let opened = Handle::open(working)?;
    let path = opened.path().join(name);
    match path.symlink_metadata() {
        Ok(facts) if facts.is_dir() && facts.uid() == 0 => remove_tree(&path),
        _ => Ok(()),
    }
}

/// Whether the directory may be handed over. False if it already belongs to `user`; an error if it
/// holds other files.
fn free(opened: &Handle, directory: &Path, user: &OsUser) -> Result<bool> {
    let facts = opened.file().metadata().on("read", directory)?;
    if facts.uid() == user.uid {
        return Ok(false);
    }
    if is_blank(opened.path()).on("read", directory)? || is_marked(opened.path()) {
        return Ok(true);
    }
    let shown = directory.display();
    Err(Error::conflict(format!(
        "{shown} holds other things, and the server's user \"{}\" would get it",
        user.name
    ))
    .hint("use an empty directory, or one that does not exist yet")
    .hint(format!(
        "if it is meant for that user, hand it over yourself: chown {} {shown}",
        user.name
    )))
}

/// Whether other files than a cluster are in the place of the data directory.
fn is_foreign(data: &Path) -> bool {
    data.symlink_metadata().is_ok()
        && !is_empty(data).unwrap_or(false)
        && !data.join("PG_VERSION").exists()
}

pub(super) fn is_empty(directory: &Path) -> std::io::Result<bool> {
    Ok(std::fs::read_dir(directory)?.next().is_none())
}

/// Whether a directory is empty, or holds only an empty `data`.
fn is_blank(directory: &Path) -> std::io::Result<bool> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name() != "data" || !entry.file_type()?.is_dir() || !is_empty(&entry.path())?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether db-tool has used the directory: it holds a cluster that db-tool made, db-tool's
/// `.gitignore`, or a cluster that was moved aside.
fn is_marked(directory: &Path) -> bool {
    let aside = |name: &str| {
        ["data.kept-", "data.broken-", "data.before-deploy-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    };
    let ignored = read_small(&directory.join(MARK));
    ignored.is_ok_and(|text| text == GITIGNORE.as_bytes())
        || read_small(&directory.join("data").join(MARKER)).is_ok()
        || std::fs::read_dir(directory).is_ok_and(|entries| {
            entries.flatten().any(|entry| aside(&entry.file_name().to_string_lossy()))
        })
}

/// Makes a directory and its parents, with the rights of the user who controls the place.
fn make(directory: &Path, mode: u32) -> Result<()> {
    let _acting = ActingAs::controller_of(directory)?;
    if let Some(parent) = directory.parent() {
        std::fs::create_dir_all(parent).on("create", parent)?;
    }
    match DirBuilder::new().mode(mode).create(directory) {
        Err(_) if directory.is_dir() => Ok(()),
        made => made.on("create", directory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger() -> OsUser {
        OsUser { name: "x".into(), uid: 54321, gid: 54321, home: "/".into() }
    }

    #[test]
    fn only_what_holds_nothing_of_anybodys_is_handed_over() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        let check =
            |name: &str| check_free(&Layout::new(place.join(name), None, 54321), Some(&stranger()));
        for free in ["empty", "blank/data", "used/data", "ignored", "kept/data.kept-1"] {
            std::fs::create_dir_all(place.join(free)).unwrap();
        }
        std::fs::write(place.join("used/data").join(MARKER), "{}").unwrap();
        std::fs::write(place.join("ignored/.gitignore"), GITIGNORE).unwrap();
        for free in ["missing", "empty", "blank", "used", "ignored", "kept"] {
            assert!(check(free).is_ok(), "{free}");
        }
        std::fs::create_dir_all(place.join("full/other")).unwrap();
        std::fs::create_dir_all(place.join("forged")).unwrap();
        std::os::unix::fs::symlink(
            place.join("ignored/.gitignore"),
            place.join("forged/.gitignore"),
        )
        .unwrap();
        std::os::unix::fs::symlink(place.join("empty"), place.join("link")).unwrap();
        for other in ["full", "forged", "link"] {
            assert!(check(other).is_err(), "{other}");
        }
    }
}
