//! Makes spares: the work of a process in the background.

use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};

use super::cache::Template;
use super::copy::Reader;
use super::description::DESCRIPTION;
use super::manifest::MANIFEST;
use super::spare::{Wish, fits, is_spare, place_of};
use super::transfer::make_lasting;
use crate::cluster::files::{private_directory, remove_tree, sync_file_system};
use crate::cluster::layout::lock_of;
use crate::cluster::{Lock, space};
use crate::sys::error::{IoContext, Result};
use crate::sys::process::OsUser;

/// The number of spares in a cache.
const MOST: usize = 2;

/// Makes the spare of a template, unless there is one. A template that holds only until the machine
/// starts again then holds for good, unless it is a state of a project.
pub fn make(wish: &Wish) -> Result<()> {
    let cache = wish.template.parent().unwrap_or(&wish.template);
    private_directory(cache)?;
    if !is_state(&wish.template) {
        make_lasting(&wish.template)?;
    }
    let Some(template) = Template::open(&wish.template) else { return Ok(()) };
    let spare = place_of(&wish.template);
    if fits(&spare, wish, template.manifest()) {
        return Ok(());
    }
    let lock = wish.template.with_extension("spare-lock");
    let Some(lock) = Lock::try_take(&lock)? else { return Ok(()) };
    let draft = wish.template.with_extension("spare-new");
    let made = space::require(cache, space::NEW_CLUSTER, "a spare")
        .and_then(|()| write(&template, &draft, wish))
        .and_then(|()| publish(&wish.template, &draft, &spare));
    if made.is_err() {
        let _ = remove_tree(&draft);
    }
    let _ = lock.remove();
    made.map(|()| forget_older(cache))
}

/// Whether the template is a state of a project. Such a state is soon replaced, so it is not worth
/// the time that it takes to make it hold for good.
fn is_state(template: &Path) -> bool {
    template.join(DESCRIPTION).exists()
}

fn write(template: &Template, draft: &Path, wish: &Wish) -> Result<()> {
    remove_tree(draft)?;
    private_directory(draft)?;
    let data = draft.join("data");
    template.copy_to(&data, Reader::Same.into())?;
    if wish.owner.0 != OsUser::current().uid {
        let manifest = template.manifest();
        let directories = manifest.directories.iter().map(|(_, path)| path);
        let files = manifest.files.iter().map(|entry| &entry.path);
        for path in std::iter::once(&PathBuf::new()).chain(directories).chain(files) {
            let path = data.join(path);
            lchown(&path, Some(wish.owner.0), Some(wish.owner.1)).on("hand over", &path)?;
        }
    }
    let list = draft.join(MANIFEST);
    std::fs::write(&list, template.manifest().render()).on("write", &list)?;
    sync_file_system(draft)
}

/// Puts the spare in its place, under the lock of its template.
fn publish(template: &Path, draft: &Path, spare: &Path) -> Result<()> {
    let _lock = Lock::wait(&lock_of(template))?;
    remove_tree(spare)?;
    std::fs::rename(draft, spare).on("publish", spare)
}

/// Removes all spares but the newest ones.
fn forget_older(cache: &Path) {
    let entries = std::fs::read_dir(cache).into_iter().flatten().flatten();
    let mut spares: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| is_spare(path)).collect();
    let made = |spare: &PathBuf| spare.join(MANIFEST).metadata().and_then(|facts| facts.modified());
    spares.sort_by_key(|spare| std::cmp::Reverse(made(spare).ok()));
    for spare in spares.iter().skip(MOST) {
        let _ = remove_tree(spare);
    }
}
