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

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::copy::{self, CopyFailure, Holes, Method, Reader};
use super::manifest::Manifest;
use super::thin::thin;
use super::trim::trim_cache;
use crate::cluster::files::{private_directory, remove_tree, sync_file_system};
use crate::cluster::layout::lock_of;
use crate::cluster::run::lock::Lock;
use crate::postgres::toolchain::{Toolchain, remedied};
use crate::sys::digest::hex;
use crate::sys::error::{IoContext, Result};
use crate::sys::process::{ActingAs, OsUser};
use crate::sys::signal;

/// The arguments of `initdb`. All of them are part of the template's key.
#[derive(Debug, Clone)]
pub struct Recipe<'a> {
    /// The toolchain with the `initdb` to run.
    pub toolchain: &'a Toolchain,
    /// The name of the bootstrap superuser.
    pub superuser: &'a str,
    /// The user who runs `initdb` if root calls.
    pub user: Option<&'a OsUser>,
}

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

/// A template that is being made, beside its place. Unless it is published, nothing of it stays.
struct TemplateDraft {
    place: PathBuf,
    directory: PathBuf,
    _lock: Lock,
}

/// A template that a thread publishes. Dropping the value waits for the thread.
#[derive(Debug)]
pub struct Recording(Option<JoinHandle<()>>);

impl Recipe<'_> {
    /// Makes the data directory `data`, which must not exist, where the server's user can write.
    /// Does not sync it; a caller that keeps the data directory does that.
    pub fn initialise(&self, data: &Path) -> Result<()> {
        // report a server that is too old before `initdb` fails in a less clear way
        self.toolchain.version()?;
        self.toolchain
            .server_command("initdb", self.user)?
            .args(self.options())
            .arg("--no-sync")
            .arg("--pgdata")
            .arg(data)
            .capture()
            .map(drop)
            .map_err(remedied)
    }

    fn options(&self) -> Vec<String> {
        let fixed = ["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-instructions"];
        let superuser = format!("--username={}", self.superuser);
        fixed.map(str::to_owned).into_iter().chain([superuser]).collect()
    }

    /// The name of the template. `planted` is the key of a [`Seed`](super::seed::Seed) if the
    /// template holds one.
    fn key(&self, planted: Option<&str>) -> Result<String> {
        let mut digest = Sha256::new();
        digest.update(self.toolchain.identity()?);
        for option in self.options().iter().map(String::as_str).chain(planted) {
            digest.update([0]);
            digest.update(option);
        }
        // a user who made a template may have put anything into it, so no other user may get it
        if let Some(user) = self.user {
            digest.update(format!("\0user {}", user.uid));
        }
        let kind = if planted.is_some() { "-prepared" } else { "" };
        Ok(hex(&digest.finalize()).split_off(32) + kind)
    }
}

impl Template {
    /// Returns the template for `recipe` in `cache`, or the permission to make it.
    pub fn obtain(cache: &Path, recipe: &Recipe<'_>) -> Result<Obtained> {
        let _ourselves = ActingAs::ourselves();
        if let Some(template) = Self::find(cache, recipe, None)? {
            return Ok(Obtained::Ready(template));
        }
        private_directory(cache)?;
        let directory = cache.join(recipe.key(None)?);
        let lock = Lock::wait(&lock_of(&directory))?;
        // another command may have made it while this one waited
        Ok(match Self::open(&directory) {
            Some(template) => Obtained::Ready(template),
            None => Obtained::Missing(Vacancy { directory, lock }),
        })
    }

    /// The template for `recipe`, with a planted seed if `planted` is its key. `None` if there is
    /// none.
    pub fn find(cache: &Path, recipe: &Recipe<'_>, planted: Option<&str>) -> Result<Option<Self>> {
        let _ourselves = ActingAs::ourselves();
        Ok(Self::open(&cache.join(recipe.key(planted)?)))
    }

    /// Makes a template of the data directory of a cleanly stopped cluster, and moves that
    /// directory into the cache. Returns `None`, and moves nothing, while another command makes the
    /// same template.
    pub fn adopt(
        cache: &Path,
        recipe: &Recipe<'_>,
        planted: &str,
        data: &Path,
    ) -> Result<Option<Self>> {
        let directory = cache.join(recipe.key(Some(planted))?);
        let _ourselves = ActingAs::ourselves();
        let Some(lock) = Lock::try_take(&lock_of(&directory))? else { return Ok(None) };
        let staging = Vacancy { directory, lock }.stage()?;
        if recipe.user.is_some() {
            // the other user could still change files that belong to him, wherever they were moved
            copy_from_user(data, &staging.data(), recipe.user)?;
            let _acting = ActingAs::enter(recipe.user)?;
            remove_tree(data)?;
        } else {
            move_tree(data, &staging.data())?;
        }
        let template = staging.publish(&recipe.toolchain.version()?.text)?;
        trim_cache(cache, &template.directory);
        Ok(Some(template))
    }

    /// Copies the template to `target`, which must not exist. A shared lock keeps the template from
    /// being removed meanwhile.
    pub fn clone_to(&self, target: &Path, holes: Holes) -> std::result::Result<(), CopyFailure> {
        let _lock = {
            let _ourselves = ActingAs::ourselves();
            Lock::share(&lock_of(&self.directory)).map_err(CopyFailure::Failed)?
        };
        let (data, how) =
            (self.directory.join("data"), Method { reader: Reader::Ourselves, holes });
        copy::copy(&data, target, &self.manifest, how)
    }

    /// Whether every file still has its digest. Asked if a new clone does not start.
    pub fn is_intact(&self) -> bool {
        let _ourselves = ActingAs::ourselves();
        let data = self.directory.join("data");
        self.manifest.files.iter().all(|entry| entry.is_intact(&data))
    }

    /// Removes the template, so that the next command makes it again.
    pub fn discard(self) -> Result<()> {
        let _ourselves = ActingAs::ourselves();
        let _lock = Lock::wait(&lock_of(&self.directory))?;
        remove_tree(&self.directory)
    }

    fn open(directory: &Path) -> Option<Self> {
        let text = crate::sys::process::read_text(directory.join("manifest")).ok()?;
        let manifest = Manifest::parse(&text)?;
        if let Ok(file) = crate::sys::process::open_regular(directory.join("manifest")) {
            // the modification time is the time of the last use, for `trim_cache`; an error does no
            // harm
            let _ = file.set_modified(SystemTime::now());
        }
        Some(Self { directory: directory.to_owned(), manifest })
    }
}

impl Vacancy {
    /// Makes a template of a data directory that `initdb` has just filled. Copies it at once. A
    /// thread then computes the digests, syncs and publishes the copy while the cluster starts.
    pub fn record(self, data: &Path, version: String, user: Option<&OsUser>) -> Result<Recording> {
        let _ourselves = ActingAs::ourselves();
        let staging = self.stage()?;
        copy_from_user(data, &staging.data(), user)?;
        Ok(Recording(Some(std::thread::spawn(move || match staging.publish(&version) {
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

    /// Writes the manifest and renames the template to its place.
    fn publish(self, version: &str) -> Result<Template> {
        thin(&self.data())?;
        let manifest = Manifest::of(&self.data(), version)?;
        let list = self.directory.join("manifest");
        std::fs::write(&list, manifest.render()).on("write", &list)?;
        // the sync may take seconds; do not begin it after Ctrl-C
        signal::check()?;
        sync_file_system(&self.directory)?;
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
mod tests {
    use std::fs::File;

    use super::*;

    /// A cache, the data directory of a cluster, and the permission to make a template of it.
    fn places() -> (tempfile::TempDir, PathBuf, Vacancy) {
        let parent = tempfile::tempdir().expect("temporary directory");
        let data = parent.path().join("data");
        std::fs::create_dir_all(data.join("base")).expect("made");
        std::fs::write(data.join("base/1"), "one").expect("written");
        let directory = parent.path().join("cache/key");
        private_directory(&parent.path().join("cache")).expect("made");
        let lock = Lock::try_take(&lock_of(&directory)).expect("can lock").expect("free");
        (parent, data, Vacancy { directory, lock })
    }

    fn cached(parent: &tempfile::TempDir) -> Vec<String> {
        let entries = std::fs::read_dir(parent.path().join("cache")).expect("readable");
        let names = entries.map(|entry| entry.expect("read").file_name());
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_recording_is_a_template_once_it_is_dropped() {
        let (parent, data, vacancy) = places();
        drop(vacancy.record(&data, "postgres 17".into(), None).expect("copied"));
        assert!(data.join("base/1").exists(), "the cluster goes on with its own");
        assert_eq!(cached(&parent), ["key", "key.lock"]);
        let template = Template::open(&parent.path().join("cache/key")).expect("published");
        assert!(template.is_intact());
        template.clone_to(&parent.path().join("clone"), Holes::Fill).expect("cloned");
        let copied = std::fs::read_to_string(parent.path().join("clone/base/1"));
        assert_eq!(copied.expect("there"), "one");
    }

    #[test]
    fn nobody_makes_a_template_that_is_being_recorded() {
        let (parent, data, vacancy) = places();
        let lock = parent.path().join("cache/key.lock");
        let staging = vacancy.stage().expect("made");
        assert!(Lock::try_take(&lock).expect("can try").is_none());
        move_tree(&data, &staging.data()).expect("moved");
        staging.publish("postgres 17").expect("published");
        assert!(Lock::try_take(&lock).expect("can try").is_some());
    }

    #[test]
    fn nothing_stays_of_a_template_that_was_not_published() {
        let (parent, data, vacancy) = places();
        std::os::unix::fs::symlink("base", data.join("link")).expect("linked");
        assert!(vacancy.record(&data, "postgres 17".into(), None).is_err(), "a link is no file");
        assert_eq!(cached(&parent), ["key.lock"]);
    }

    #[test]
    fn a_template_that_another_command_makes_is_left_to_it() {
        use crate::postgres::toolchain::Search;
        use std::os::unix::fs::OpenOptionsExt;
        let (parent, data, _vacancy) = places();
        let (cache, bindir) = (parent.path().join("cache"), parent.path().join("bin"));
        std::fs::create_dir(&bindir).expect("made");
        for program in ["postgres", "initdb", "psql"] {
            let mut file = File::options();
            file.write(true).create(true).mode(0o755).open(bindir.join(program)).expect("made");
        }
        let search = Search { bindir: Some(bindir), ..Search::default() };
        let toolchain = Toolchain::locate(&search, &Default::default()).expect("complete");
        let recipe = Recipe { toolchain: &toolchain, superuser: "me", user: None };
        let key = recipe.key(Some("seed")).expect("digested");
        assert_ne!(key, recipe.key(None).expect("digested"));
        let _other = Lock::try_take(&lock_of(&cache.join(key))).expect("can lock").expect("free");
        assert!(Template::adopt(&cache, &recipe, "seed", &data).expect("tried").is_none());
        assert!(data.join("base/1").exists());
    }

    #[test]
    fn what_a_killed_command_left_is_replaced() {
        let (parent, data, vacancy) = places();
        std::fs::create_dir_all(parent.path().join("cache/key.new/data/half")).expect("made");
        drop(vacancy.record(&data, "postgres 17".into(), None).expect("copied"));
        assert!(!parent.path().join("cache/key/data/half").exists());
        assert_eq!(cached(&parent), ["key", "key.lock"]);
    }

    #[test]
    fn a_changed_template_is_noticed_and_discarded() {
        let (parent, data, vacancy) = places();
        drop(vacancy.record(&data, "postgres 17".into(), None).expect("copied"));
        let template = Template::open(&parent.path().join("cache/key")).expect("published");
        std::fs::write(parent.path().join("cache/key/data/base/1"), "two").expect("written");
        assert!(!template.is_intact());
        let cloned = template.clone_to(&parent.path().join("clone"), Holes::Fill);
        assert!(matches!(cloned, Err(CopyFailure::Damaged(_))), "{cloned:?}");
        template.discard().expect("removed");
        assert_eq!(cached(&parent), ["key.lock"]);
    }

    #[test]
    fn templates_that_nobody_used_for_long_are_forgotten() {
        let (parent, data, vacancy) = places();
        let old = parent.path().join("cache/old");
        std::fs::create_dir(&old).expect("made");
        std::fs::write(old.join("manifest"), "").expect("written");
        let manifest = File::open(old.join("manifest")).expect("opened");
        manifest
            .set_modified(SystemTime::now() - 2 * crate::cluster::template::trim::FORGET_AFTER)
            .expect("aged");
        drop(vacancy.record(&data, "postgres 17".into(), None).expect("copied"));
        assert_eq!(cached(&parent), ["key", "key.lock"]);
    }
}
