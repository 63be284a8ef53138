//! The short directories for sockets of clusters whose working directory somebody has deleted.
//!
//! Their names hold a digest of the working directory. So a path in the registry of this user proves
//! that a directory with the digest of this path is ours, although everybody may write in `/tmp`.

use std::path::{Path, PathBuf};

use super::Layout;
use super::cleanup::remove_short_directory;
use super::files::is_private;
use super::layout::SHORT_PARENT;
use super::run::postmaster::answers;
use crate::sys::error::Result;
use crate::sys::process::{ActingAs, OsUser};

/// The short directories of a working directory that does not exist any more.
pub fn orphaned_sockets(working_directory: &Path) -> Vec<PathBuf> {
    let layouts = layouts(working_directory).into_iter();
    layouts.map(|layout| layout.short_socket_directory()).collect()
}

/// Removes the short directories of a working directory that does not exist any more. Returns
/// whether they are gone: those of a server that still runs stay.
pub fn remove_orphaned_sockets(working_directory: &Path) -> Result<bool> {
    for layout in layouts(working_directory) {
        let short = layout.short_socket_directory();
        let _acting = ActingAs::owner(layout.owner())?;
        let entries = std::fs::read_dir(&short).into_iter().flatten().flatten();
        if entries.map(|entry| entry.path()).any(|path| answers(&path)) {
            return Ok(false);
        }
        remove_short_directory(&layout)?;
    }
    Ok(layouts(working_directory).is_empty())
}

/// The layouts whose short directories exist and are private. Root's clusters belong to other users.
fn layouts(working_directory: &Path) -> Vec<Layout> {
    if working_directory.symlink_metadata().is_ok() {
        return Vec::new();
    }
    let own = OsUser::current().uid;
    let entries = std::fs::read_dir(SHORT_PARENT).into_iter().flatten().flatten();
    let layouts = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let (uid, _) = name.strip_prefix("db-tool-")?.split_once('-')?;
        let layout = Layout::new(working_directory.to_owned(), None, uid.parse().ok()?);
        let short = layout.short_socket_directory();
        let is_ours = short == entry.path() && is_private(&short, layout.owner());
        (is_ours && (own == 0 || own == layout.owner())).then_some(layout)
    });
    layouts.collect()
}
