//! Spares: copies of templates that were made in advance.
//!
//! On a disk, the creation of a thousand files takes longer than all other work of a new cluster. So
//! after a command has cloned a template there, a process in the background makes the next copy, and
//! the next command takes it by a rename. A spare lies beside its template, under the name of the
//! template with the extension `spare`, and counts in the limit of the cache. Its manifest is that
//! of the template, so a spare of another generation is not taken.
//!
//! If root calls, a spare belongs to the server's user. It lies in a directory that only root may
//! enter, so that user cannot change it before it is taken.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::fcntl::renameat;

use super::manifest::{Entry, MANIFEST, Manifest};
use crate::cluster::files::remove_tree;
use crate::cluster::space;
use crate::sys::error::{IoContext, Result};
use crate::sys::no_follow;
use crate::sys::process::ActingAs;

/// Where commands take and wish spares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Spares {
    /// Nowhere.
    #[default]
    Off,
    /// On a disk.
    OnDisk,
    /// Also in memory.
    Everywhere,
}

/// A template that was cloned, and of which a spare would help the next command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The directory of the template.
    pub template: PathBuf,
    /// The user and the group to which the clone belongs.
    pub owner: (u32, u32),
}

/// The wishes of this process.
static WISHES: Mutex<Vec<Wish>> = Mutex::new(Vec::new());

/// Returns the wishes of this process, and forgets them.
pub fn wishes() -> Vec<Wish> {
    std::mem::take(&mut *WISHES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The place of the spare of a template.
pub(super) fn place_of(template: &Path) -> PathBuf {
    template.with_extension("spare")
}

impl Spares {
    /// Whether a clone in `directory` of a template in `cache` can be a spare: a rename must be
    /// possible, and worth it.
    fn help(self, cache: &Path, directory: &Path) -> bool {
        let device = |path: &Path| path.metadata().map(|facts| facts.dev()).ok();
        let _ourselves = ActingAs::ourselves();
        match self {
            Self::Off => false,
            Self::OnDisk if space::is_in_memory(directory) || space::shares_blocks(directory) => {
                false
            }
            Self::OnDisk | Self::Everywhere => {
                device(cache).is_some() && device(cache) == device(directory)
            }
        }
    }

    /// Takes the spare of a template to `target`, which must not exist, and wishes the next one.
    /// Returns false if there is no spare. The caller holds the lock of the template.
    pub(super) fn take(self, template: &Path, manifest: &Manifest, target: &Path) -> Result<bool> {
        let Some((to, wish)) = self.wish_for(template, target)? else { return Ok(false) };
        let _ourselves = ActingAs::ourselves();
        let is_taken = take_to(&to, &wish, manifest, target);
        wish.remember();
        Ok(is_taken)
    }

    /// Wishes a spare of a template from which `data` might have been cloned. Returns whether a
    /// spare helps there.
    pub(super) fn wish(self, template: &Path, data: &Path) -> Result<bool> {
        let wish = self.wish_for(template, data)?;
        Ok(wish.map(|(_, wish)| wish.remember()).is_some())
    }

    /// The wish for a spare that can become `target`, with the directory of `target`. `None` if a
    /// spare would not help there.
    fn wish_for(self, template: &Path, target: &Path) -> Result<Option<(File, Wish)>> {
        let directory = target.parent().unwrap_or(target);
        if !self.help(template.parent().unwrap_or(template), directory) {
            return Ok(None);
        }
        let to = no_follow::directory(directory).on("open", directory)?;
        let facts = to.metadata().on("read", directory)?;
        let owner = (facts.uid(), facts.gid());
        Ok(Some((to, Wish { template: template.to_owned(), owner })))
    }
}

impl Wish {
    /// Adds the wish to those of this process.
    fn remember(self) {
        let mut wishes = WISHES.lock().unwrap_or_else(PoisonError::into_inner);
        if !wishes.contains(&self) {
            wishes.push(self);
        }
    }
}

/// Moves the data directory of the spare. Whatever goes wrong, the caller copies the template.
fn take_to(directory: &File, wish: &Wish, manifest: &Manifest, target: &Path) -> bool {
    let spare = place_of(&wish.template);
    if !fits(&spare, wish, manifest) {
        return false;
    }
    let Ok(from) = no_follow::directory(&spare) else { return false };
    let name = target.file_name().unwrap_or_default();
    if renameat(&from, "data", directory, name).is_err() {
        return false;
    }
    tracing::debug!("cloning the template by taking its spare");
    let _ = remove_tree(&spare);
    true
}

/// Whether the spare was made of the template as it is, for the same user, and is complete.
pub(super) fn fits(spare: &Path, wish: &Wish, manifest: &Manifest) -> bool {
    let text = crate::sys::process::read_text(spare.join(MANIFEST)).unwrap_or_default();
    let data = spare.join("data");
    let owner = data.symlink_metadata().map(|facts| (facts.uid(), facts.gid()));
    let is_whole = |entry: &Entry| {
        let facts = data.join(&entry.path).symlink_metadata();
        facts.is_ok_and(|facts| facts.is_file() && facts.len() == entry.size)
    };
    text == manifest.render()
        && owner.is_ok_and(|owner| owner == wish.owner)
        && manifest.files.iter().all(is_whole)
}

/// Whether this is the directory of a spare.
pub(super) fn is_spare(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "spare")
}
