//! The template cache: a cluster is cloned, not initialised.
//!
//! `initdb` takes most of a second and its result is always the same, so it is kept, one for each
//! identity of the server and set of options, and copied. What stays equal between two clones is
//! the system identifier and the object ids of the initial catalogs; everything that keeps two
//! running clusters apart (paths, sockets, port, shared memory) comes from the clone's own place. The
//! copy is plain or copy-on-write; never hard links, because PostgreSQL writes its files in place.
//!
//! The first cluster is initialised in its own place, and a copy of it becomes the template: made in
//! a directory of its own under a lock, synced, and renamed in together with its manifest, so that it
//! is there whole or not at all.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::copy;
use super::copy::{Flaw, Reader};
use super::manifest::Manifest;
use super::trim::trim_cache;
use crate::cluster::files::{private_directory, remove_tree, sync_file_system};
use crate::cluster::layout::lock_of;
use crate::cluster::run::lock::Lock;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{IoContext, Result};
use crate::sys::process::{ActingAs, OsUser};
use crate::sys::signal;

/// How `initdb` is called. Everything in here is part of the template's key.
#[derive(Debug, Clone)]
pub struct Recipe<'a> {
    /// Whose `initdb`.
    pub toolchain: &'a Toolchain,
    /// The bootstrap superuser's name.
    pub superuser: &'a str,
    /// Who runs `initdb`, when we are root.
    pub user: Option<&'a OsUser>,
}

/// A data directory ready to be cloned.
#[derive(Debug)]
pub struct Template {
    directory: PathBuf,
    manifest: Manifest,
}

/// What a cache has for a recipe.
pub enum Obtained {
    /// The template.
    Ready(Template),
    /// The right to make it.
    Missing(Vacancy),
}

/// The right to make a template: nobody else does while this is held.
pub struct Vacancy {
    directory: PathBuf,
    lock: Lock,
}

/// A template being made, beside its place; nothing of it stays unless it is published.
struct Staging {
    place: PathBuf,
    directory: PathBuf,
    _lock: Lock,
}

/// A template being published; dropping it waits for the end.
#[derive(Debug)]
pub struct Recording(Option<JoinHandle<()>>);

impl Recipe<'_> {
    /// Makes a data directory, which must not exist, in a place the server's user can write to.
    /// Without syncing: whoever keeps the result syncs it.
    pub fn initialise(&self, data: &Path) -> Result<()> {
        // a server that is too old is told here, before its own complaints
        self.toolchain.version()?;
        self.toolchain
            .server_command("initdb", self.user)?
            .args(self.options())
            .arg("--no-sync")
            .arg("--pgdata")
            .arg(data)
            .capture()
            .map(drop)
    }

    fn options(&self) -> Vec<String> {
        let fixed = ["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-instructions"];
        let superuser = format!("--username={}", self.superuser);
        fixed.map(str::to_owned).into_iter().chain([superuser]).collect()
    }

    /// The name of the template: of what `initdb` makes, or of what was planted in that.
    fn key(&self, planted: Option<&str>) -> Result<String> {
        let mut digest = Sha256::new();
        digest.update(self.toolchain.identity()?);
        for option in self.options().iter().map(String::as_str).chain(planted) {
            digest.update([0]);
            digest.update(option);
        }
        // a user who made a template may have put anything into it, so no other user gets it
        if let Some(user) = self.user {
            digest.update(format!("\0user {}", user.uid));
        }
        let kind = if planted.is_some() { "-prepared" } else { "" };
        Ok(format!("{:x}", digest.finalize()).split_off(32) + kind)
    }
}

impl Template {
    /// The template for `recipe` below `cache`; when there is none, the right to make it.
    pub fn obtain(cache: &Path, recipe: &Recipe<'_>) -> Result<Obtained> {
        let _ourselves = ActingAs::ourselves();
        if let Some(template) = Self::find(cache, recipe, None)? {
            return Ok(Obtained::Ready(template));
        }
        private_directory(cache)?;
        let directory = cache.join(recipe.key(None)?);
        let lock = Lock::wait(&lock_of(&directory))?;
        // another command may have made it while we waited
        Ok(match Self::open(&directory) {
            Some(template) => Obtained::Ready(template),
            None => Obtained::Missing(Vacancy { directory, lock }),
        })
    }

    /// The template for `recipe`, or for what was `planted` in it, if it is there.
    pub fn find(cache: &Path, recipe: &Recipe<'_>, planted: Option<&str>) -> Result<Option<Self>> {
        let _ourselves = ActingAs::ourselves();
        Ok(Self::open(&cache.join(recipe.key(planted)?)))
    }

    /// Makes a template of a cleanly stopped cluster's data directory, which moves into the cache.
    /// `None`, and nothing is moved, while another command makes the same one.
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
            // what another user owns stays in their hands, wherever it is moved
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

    /// Copies the template to `target`, which must not exist. Nobody removes it while that goes on.
    pub fn clone_to(&self, target: &Path) -> std::result::Result<(), Flaw> {
        let _lock = {
            let _ourselves = ActingAs::ourselves();
            Lock::share(&lock_of(&self.directory)).map_err(Flaw::Failed)?
        };
        copy::copy(&self.directory.join("data"), target, &self.manifest, Reader::Ourselves)
    }

    /// Whether every file still has its digest; asked when a fresh clone does not start.
    pub fn is_intact(&self) -> bool {
        let _ourselves = ActingAs::ourselves();
        let data = self.directory.join("data");
        self.manifest.files.iter().all(|entry| entry.is_intact(&data))
    }

    /// Throws the template away, so that the next use makes it.
    pub fn discard(self) -> Result<()> {
        let _ourselves = ActingAs::ourselves();
        let _lock = Lock::wait(&lock_of(&self.directory))?;
        remove_tree(&self.directory)
    }

    fn open(directory: &Path) -> Option<Self> {
        let text = crate::sys::process::read_text(directory.join("manifest")).ok()?;
        let manifest = Manifest::parse(&text)?;
        if let Ok(file) = crate::sys::process::open_regular(directory.join("manifest")) {
            // the time of the last use, for `trim_cache`; not worth an error
            let _ = file.set_modified(SystemTime::now());
        }
        Some(Self { directory: directory.to_owned(), manifest })
    }
}

impl Vacancy {
    /// Makes a template of a data directory that `initdb` has just filled: copies it at once, and
    /// digests, syncs and publishes the copy while the cluster starts.
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

    /// An empty directory to make the template in. Whatever has its name was left by a command that
    /// was killed, since we hold the lock.
    fn stage(self) -> Result<Staging> {
        let directory = self.directory.with_extension("new");
        remove_tree(&directory)?;
        private_directory(&directory)?;
        Ok(Staging { place: self.directory, directory, _lock: self.lock })
    }
}

impl Staging {
    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Renames the template in, together with its manifest.
    fn publish(self, version: &str) -> Result<Template> {
        let manifest = Manifest::of(&self.data(), version)?;
        let list = self.directory.join("manifest");
        std::fs::write(&list, manifest.render()).on("write", &list)?;
        // the sync may take seconds, for which nobody waits who has pressed Ctrl-C
        signal::check()?;
        sync_file_system(&self.directory)?;
        remove_tree(&self.place)?;
        std::fs::rename(&self.directory, &self.place).on("publish the template", &self.place)?;
        Ok(Template { directory: self.place.clone(), manifest })
    }
}

impl Drop for Staging {
    /// The lock is still held, so what has this name is ours; once published, nothing has it.
    fn drop(&mut self) {
        let _ = remove_tree(&self.directory);
    }
}

impl Drop for Recording {
    /// A program that ended earlier would leave half a template.
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

/// Copies a data directory of `user` into a place of ours.
fn copy_from_user(from: &Path, to: &Path, user: Option<&OsUser>) -> Result<()> {
    let manifest = {
        let _acting = ActingAs::enter(user)?;
        Manifest::list(from)?
    };
    Ok(copy::copy(from, to, &manifest, Reader::User(user))?)
}

fn move_tree(from: &Path, to: &Path) -> Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
            copy::copy(from, to, &Manifest::list(from)?, Reader::Same)?;
            remove_tree(from)
        }
        other => other.on("write", to),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    /// A cache, a cluster's data directory, and the right to make a template of it.
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
        template.clone_to(&parent.path().join("clone")).expect("cloned");
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
        let cloned = template.clone_to(&parent.path().join("clone"));
        assert!(matches!(cloned, Err(Flaw::Damaged(_))), "{cloned:?}");
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
