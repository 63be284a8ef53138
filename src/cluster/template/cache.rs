//! The cache of templates: db-tool clones a cluster instead of running `initdb`.
//!
//! `initdb` takes most of a second, and with the same server and options its result is always the
//! same. So db-tool keeps the result as a template and copies it. Two clones share the system
//! identifier and the OIDs of the initial catalogs. The settings that keep two running clusters
//! apart (paths, sockets, port, shared memory) depend on the place of the clone. A copy is a plain
//! one or copy-on-write, but never uses hard links, because PostgreSQL changes its files in place.
//!
//! db-tool initialises the first cluster in its own place, and a copy of it becomes the template.
//! It makes the copy under a lock in a directory of its own, syncs it, and renames it together with
//! its manifest. So a template is either complete or not there.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::SystemTime;

use super::copy::{self, CopyFailure, Holes, Method, Reader};
use super::manifest::{Entry, MANIFEST, Manifest};
use super::recipe::{Recipe, Stage};
use super::spare::{Spares, place_of};
use super::thin::thin;
use super::trim::trim_cache;
use crate::cluster::files::{private_directory, read_small, remove_tree, sync_file_system};
use crate::cluster::layout::lock_of;
use crate::cluster::run::lock::Lock;
use crate::sys::error::{IoContext, Result};
use crate::sys::process::{ActingAs, OsUser};
use crate::sys::signal;

/// A data directory that can be cloned.
#[derive(Debug)]
pub struct Template {
    directory: PathBuf,
    manifest: Manifest,
}

/// The answer of a cache to the request for a template.
pub enum Obtained {
    /// The template.
    Ready(Template),
    /// The permission to make the template, which is missing.
    Missing(Vacancy),
}

/// The permission to make a template. While it is held, no other command makes the same template.
pub struct Vacancy {
    directory: PathBuf,
    lock: Lock,
}

/// A data directory that becomes a template.
pub struct Deposit<'a> {
    /// How far the cluster has got.
    pub stage: Stage<'a>,
    /// The data directory.
    pub data: &'a Path,
    /// Whether the data directory moves into the cache. Otherwise it is copied.
    pub moves: bool,
    /// Whether the template holds for good. Otherwise it holds until the machine starts again, and
    /// takes less time.
    pub is_lasting: bool,
    /// More files of the template: name and content.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

/// A template that is being made, beside its place. Unless it is published, nothing of it stays.
struct TemplateDraft {
    place: PathBuf,
    directory: PathBuf,
    _lock: Lock,
}

/// A template that a thread publishes. Dropping the value waits for the thread.
#[derive(Debug)]
pub struct Recording(Option<JoinHandle<()>>);

impl Template {
    /// Returns the template for `recipe` in `cache`, or the permission to make it.
    pub fn obtain(cache: &Path, recipe: &Recipe<'_>) -> Result<Obtained> {
        let _ourselves = ActingAs::ourselves();
        if let Some(template) = Self::find(cache, recipe, None)? {
            return Ok(Obtained::Ready(template));
        }
        private_directory(cache)?;
        let directory = cache.join(recipe.name(None)?);
        let lock = Lock::wait(&lock_of(&directory))?;
        // another command may have made it while this one waited
        Ok(match Self::open(&directory) {
            Some(template) => Obtained::Ready(template),
            None => Obtained::Missing(Vacancy { directory, lock }),
        })
    }

    /// The template for `recipe` and `stage`. `None` if there is none.
    pub fn find(
        cache: &Path,
        recipe: &Recipe<'_>,
        stage: Option<Stage<'_>>,
    ) -> Result<Option<Self>> {
        let _ourselves = ActingAs::ourselves();
        Ok(Self::open(&cache.join(recipe.name(stage)?)))
    }

    /// Makes a template of the data directory of a cleanly stopped cluster. Returns `None`, and
    /// leaves the data directory alone, while another command makes the same template.
    pub fn adopt(cache: &Path, recipe: &Recipe<'_>, deposit: &Deposit<'_>) -> Result<Option<Self>> {
        let directory = cache.join(recipe.name(Some(deposit.stage))?);
        let _ourselves = ActingAs::ourselves();
        private_directory(cache)?;
        let Some(lock) = Lock::try_take(&lock_of(&directory))? else { return Ok(None) };
        let draft = Vacancy { directory, lock }.stage()?;
        deposit.put_into(&draft, recipe.user)?;
        let version = &recipe.toolchain.version()?.text;
        let template = match deposit.is_lasting {
            true => draft.publish(version)?,
            false => draft.publish_until_boot(version)?,
        };
        trim_cache(cache, &template.directory);
        Ok(Some(template))
    }

    /// A file beside the data directory. `None` if there is none.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        let _ourselves = ActingAs::ourselves();
        read_small(&self.directory.join(name)).ok()
    }

    /// Copies the template to `target`, which must not exist, or takes its spare. A shared lock keeps
    /// the template from being removed meanwhile.
    pub fn clone_to(
        &self,
        target: &Path,
        holes: Holes,
        spares: Spares,
    ) -> std::result::Result<(), CopyFailure> {
        let _lock = self.share().map_err(CopyFailure::Failed)?;
        if spares.take(&self.directory, &self.manifest, target).map_err(CopyFailure::Failed)? {
            return Ok(());
        }
        self.copy_to(target, Method { reader: Reader::Ourselves, holes })
    }

    /// Copies the template to `target`, which must not exist. The caller holds its lock.
    pub(super) fn copy_to(
        &self,
        target: &Path,
        how: Method<'_>,
    ) -> std::result::Result<(), CopyFailure> {
        copy::copy(&self.directory.join("data"), target, &self.manifest, how)
    }

    /// Keeps the template from being removed.
    pub(super) fn share(&self) -> Result<Option<nix::fcntl::Flock<File>>> {
        let _ourselves = ActingAs::ourselves();
        Lock::share(&lock_of(&self.directory))
    }

    /// The list of its files.
    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether every file still has its digest, or without digests its size and time. Asked if a new
    /// clone does not start.
    pub fn is_intact(&self) -> bool {
        if self.manifest.boot.is_some() {
            return self.is_unchanged();
        }
        let _ourselves = ActingAs::ourselves();
        let data = self.directory.join("data");
        self.manifest.files.iter().all(|entry| entry.is_intact(&data))
    }

    /// The text of a file beside the data directory, however long. `None` if there is none.
    pub fn text(&self, name: &str) -> Option<String> {
        let _ourselves = ActingAs::ourselves();
        crate::sys::process::read_text(self.directory.join(name)).ok()
    }

    /// Whether every file has its size, and its time or its digest. Reads hardly any of them.
    pub fn is_unchanged(&self) -> bool {
        let _ourselves = ActingAs::ourselves();
        let data = self.directory.join("data");
        let is_same = |entry: &Entry| {
            let facts = data.join(&entry.path).symlink_metadata();
            facts.is_ok_and(|facts| facts.is_file() && entry.matches(&data, &facts))
        };
        self.manifest.files.iter().all(is_same)
    }

    /// Removes the template, so that the next command makes it again.
    pub fn discard(self) -> Result<()> {
        let _ourselves = ActingAs::ourselves();
        let _lock = Lock::wait(&lock_of(&self.directory))?;
        remove_tree(&place_of(&self.directory))?;
        remove_tree(&self.directory)
    }

    /// The template in this directory.
    pub(super) fn open(directory: &Path) -> Option<Self> {
        let text = crate::sys::process::read_text(directory.join(MANIFEST)).ok()?;
        let manifest = Manifest::parse(&text).filter(Manifest::holds)?;
        if let Ok(file) = crate::sys::process::open_regular(directory.join(MANIFEST)) {
            // the modification time is the time of the last use, for `trim_cache`; an error does no
            // harm
            let _ = file.set_modified(SystemTime::now());
        }
        Some(Self { directory: directory.to_owned(), manifest })
    }
}

impl Deposit<'_> {
    fn put_into(&self, draft: &TemplateDraft, user: Option<&OsUser>) -> Result<()> {
        for (name, content) in &self.files {
            let place = draft.directory.join(name);
            let mut file = File::options();
            let opened = file.write(true).create_new(true).mode(0o600).open(&place);
            opened.and_then(|mut file| file.write_all(content)).on("write", &place)?;
        }
        let to = draft.data();
        if !self.moves {
            return copy_from_user(self.data, &to, user);
        }
        if user.is_none() {
            return move_tree(self.data, &to);
        }
        // the other user could still change files that belong to him, wherever they were moved
        copy_from_user(self.data, &to, user)?;
        let _acting = ActingAs::enter(user)?;
        remove_tree(self.data)
    }
}

impl Vacancy {
    /// Makes a template of a data directory that `initdb` has just filled. Copies it at once. A
    /// thread then publishes the copy while the cluster starts. If `spares` are made here, the
    /// process that makes the spare also computes the digests and syncs, and nobody waits for that.
    pub fn record(
        self,
        data: &Path,
        version: String,
        user: Option<&OsUser>,
        spares: Spares,
    ) -> Result<Recording> {
        let _ourselves = ActingAs::ourselves();
        let is_wished = spares.wish(&self.directory, data)?;
        let staging = self.stage()?;
        copy_from_user(data, &staging.data(), user)?;
        let publish = move || match is_wished {
            true => staging.publish_until_boot(&version),
            false => staging.publish(&version),
        };
        Ok(Recording(Some(std::thread::spawn(move || match publish() {
            Ok(Template { directory, .. }) => {
                if let Some(cache) = directory.parent() {
                    trim_cache(cache, &directory);
                }
            }
            Err(error) => tracing::debug!("no template was made: {error}"),
        }))))
    }

    /// An empty directory in which the template is made. We hold the lock, so a directory of this
    /// name was left by a killed command.
    fn stage(self) -> Result<TemplateDraft> {
        let directory = self.directory.with_extension("new");
        remove_tree(&directory)?;
        private_directory(&directory)?;
        Ok(TemplateDraft { place: self.directory, directory, _lock: self.lock })
    }
}

impl TemplateDraft {
    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Publishes a template that holds until the machine starts again. It takes neither digests nor
    /// a sync, so nobody waits for it.
    fn publish_until_boot(self, version: &str) -> Result<Template> {
        thin(&self.data())?;
        match Manifest::until_boot(&self.data(), version)? {
            Some(manifest) => self.put_in_place(manifest),
            None => self.publish(version),
        }
    }

    /// Publishes a template that holds for good.
    fn publish(self, version: &str) -> Result<Template> {
        thin(&self.data())?;
        let manifest = Manifest::of(&self.data(), version)?;
        // the sync may take seconds; do not begin it after Ctrl-C
        signal::check()?;
        sync_file_system(&self.directory)?;
        self.put_in_place(manifest)
    }

    /// Writes the manifest and renames the template to its place.
    fn put_in_place(self, manifest: Manifest) -> Result<Template> {
        let list = self.directory.join(MANIFEST);
        std::fs::write(&list, manifest.render()).on("write", &list)?;
        remove_tree(&self.place)?;
        std::fs::rename(&self.directory, &self.place).on("publish the template", &self.place)?;
        Ok(Template { directory: self.place.clone(), manifest })
    }
}

impl Drop for TemplateDraft {
    /// The lock is still held, so a directory of this name is ours. After publishing there is none.
    fn drop(&mut self) {
        let _ = remove_tree(&self.directory);
    }
}

impl Drop for Recording {
    /// If the program ended before the thread, half a template would stay.
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

/// Copies a data directory of `user` into the cache.
fn copy_from_user(from: &Path, to: &Path, user: Option<&OsUser>) -> Result<()> {
    let manifest = {
        let _acting = ActingAs::enter(user)?;
        Manifest::list(from)?
    };
    Ok(copy::copy(from, to, &manifest, Reader::User(user).into())?)
}

fn move_tree(from: &Path, to: &Path) -> Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
            copy::copy(from, to, &Manifest::list(from)?, Reader::Same.into())?;
            remove_tree(from)
        }
        other => other.on("write", to),
    }
}

#[cfg(test)]
mod tests;
