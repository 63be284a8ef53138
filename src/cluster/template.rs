//! The template cache: a cluster is cloned, not initialised.
//!
//! `initdb` takes most of a second and its result is always the same, so it is kept, one for each
//! identity of the server and set of options, and copied. What stays equal between two clones is
//! the system identifier and the object ids of the initial catalogs; everything that keeps two
//! running clusters apart (paths, sockets, port, shared memory) comes from the clone's own place. The
//! copy is plain or copy-on-write; never hard links, because PostgreSQL writes its files in place.
//!
//! A template is built in a directory of its own under a lock, synced, and renamed in together with
//! its manifest: it is there whole or not at all.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::unistd::{AccessFlags, access};
use sha2::{Digest, Sha256};

use super::copy::{self, Flaw};
use super::lock::Lock;
use super::manifest::Manifest;
use crate::error::{Error, IoContext, Result};
use crate::postgres::toolchain::Toolchain;
use crate::process::OsUser;

/// Where every user can work. Fixed: `TMPDIR` may be closed to the server's user, and differs from
/// shell to shell.
const SHARED_PLACE: &str = "/tmp";

/// Templates that nobody used for this long are removed when a new one is built.
const FORGET_AFTER: Duration = Duration::from_secs(60 * 24 * 3600);

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
        Ok(format!("{:x}", digest.finalize()).split_off(32))
    }
}

impl Template {
    /// The template for `recipe` below `cache`, built if it is not there.
    pub fn obtain(cache: &Path, recipe: &Recipe<'_>) -> Result<Self> {
        if let Some(template) = Self::find(cache, recipe, None)? {
            return Ok(template);
        }
        let directory = cache.join(recipe.key(None)?);
        private_directory(cache)?;
        let _lock = Lock::wait(&lock_of(&directory))?;
        // another command may have built it while we waited
        match Self::open(&directory) {
            Some(template) => Ok(template),
            None => Self::build(cache, &directory, recipe),
        }
    }

    /// The template for `recipe`, or for what was `planted` in it, if it is there.
    pub fn find(cache: &Path, recipe: &Recipe<'_>, planted: Option<&str>) -> Result<Option<Self>> {
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
        let Some(_lock) = Lock::try_take(&lock_of(&directory))? else { return Ok(None) };
        Self::publish(&directory, recipe, |place| move_tree(data, place)).map(Some)
    }

    /// Copies the template to `target`, which must not exist, for `owner`.
    pub fn clone_to(&self, target: &Path, owner: Option<&OsUser>) -> std::result::Result<(), Flaw> {
        copy::copy(&self.directory.join("data"), target, &self.manifest, owner)
    }

    /// Whether every file still has its digest; asked when a fresh clone does not start.
    pub fn is_intact(&self) -> bool {
        let data = self.directory.join("data");
        self.manifest.files.iter().all(|entry| entry.is_intact(&data))
    }

    /// Throws the template away, so that the next use builds it.
    pub fn discard(self) -> Result<()> {
        let _lock = Lock::wait(&lock_of(&self.directory))?;
        remove_tree(&self.directory)
    }

    fn open(directory: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(directory.join("manifest")).ok()?;
        let manifest = Manifest::parse(&text)?;
        if let Ok(file) = File::open(directory.join("manifest")) {
            // the time of the last use, for `forget_unused`; not worth an error
            let _ = file.set_modified(SystemTime::now());
        }
        Some(Self { directory: directory.to_owned(), manifest })
    }

    fn build(cache: &Path, directory: &Path, recipe: &Recipe<'_>) -> Result<Self> {
        tracing::debug!("initialising a cluster as the template for later ones");
        forget_unused(cache);
        Self::publish(directory, recipe, |data| initialise_as_user(recipe, data))
    }

    /// Has `fill` make a data directory, and renames it in with its manifest. The caller holds the
    /// lock, so whatever has the name of the staging directory was left by a command that was killed.
    fn publish(
        directory: &Path,
        recipe: &Recipe<'_>,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Self> {
        let staging = directory.with_extension("new");
        remove_tree(&staging)?;
        private_directory(&staging)?;
        let published = fill(&staging.join("data")).and_then(|()| {
            let manifest = Manifest::of(&staging.join("data"), &recipe.toolchain.version()?.text)?;
            let list = staging.join("manifest");
            std::fs::write(&list, manifest.render()).on("write", &list)?;
            sync_file_system(&staging)?;
            remove_tree(directory)?;
            std::fs::rename(&staging, directory).on("publish the template", directory)?;
            Ok(Self { directory: directory.to_owned(), manifest })
        });
        if published.is_err() {
            let _ = remove_tree(&staging);
        }
        published
    }
}

/// Runs `initdb` into `data`. When another user has to run it, that user cannot reach our cache, so
/// it runs in a temporary directory and the result is moved. The directory's name is a digest of
/// `data`, so that what a killed command left there is found and removed.
fn initialise_as_user(recipe: &Recipe<'_>, data: &Path) -> Result<()> {
    let Some(user) = recipe.user else { return recipe.initialise(data) };
    let digest = format!("{:x}", Sha256::digest(data.as_os_str().as_encoded_bytes()));
    let outside = Path::new(SHARED_PLACE).join(format!("db-tool-initdb-{}", &digest[..12]));
    remove_tree(&outside)?;
    DirBuilder::new().mode(0o700).create(&outside).on("create", &outside)?;
    let made = outside.join("data");
    let moved = user
        .own(&outside)
        .and_then(|()| recipe.initialise(&made))
        .and_then(|()| move_tree(&made, data));
    moved.and(remove_tree(&outside))
}

fn move_tree(from: &Path, to: &Path) -> Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
            copy_tree(from, to).and_then(|()| remove_tree(from))
        }
        other => other.on("write", to),
    }
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let manifest = Manifest::of(from, "")?;
    for (mode, path) in std::iter::once(&(0o700, PathBuf::new())).chain(&manifest.directories) {
        let made = to.join(path);
        DirBuilder::new().mode(*mode).create(&made).on("create", &made)?;
    }
    for entry in &manifest.files {
        let made = to.join(&entry.path);
        std::fs::copy(from.join(&entry.path), &made).on("write", &made)?;
    }
    Ok(())
}

/// Creates `directory` for nobody but us; one that is there has to be writable.
pub fn private_directory(directory: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).on("create", directory)?;
    access(directory, AccessFlags::W_OK | AccessFlags::X_OK).on("write to", directory)
}

/// Writes everything that is still in memory for the file system of `path` to its disk.
pub fn sync_file_system(path: &Path) -> Result<()> {
    let directory = File::open(path).on("open", path)?;
    #[cfg(target_os = "linux")]
    nix::unistd::syncfs(&directory).on("sync", path)?;
    #[cfg(not(target_os = "linux"))]
    {
        nix::unistd::sync();
    }
    drop(directory);
    Ok(())
}

/// Removes a directory and everything in it; one that is not there is fine.
pub fn remove_tree(directory: &Path) -> Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", directory, &error))
        }
        _ => Ok(()),
    }
}

fn lock_of(directory: &Path) -> PathBuf {
    directory.with_extension("lock")
}

/// Removes templates of servers that are gone. Best effort: a cache may be larger than it has to be.
fn forget_unused(cache: &Path) {
    let Ok(entries) = std::fs::read_dir(cache) else { return };
    for directory in entries.flatten().map(|entry| entry.path()) {
        let used = directory.join("manifest").metadata().and_then(|facts| facts.modified());
        let idle = used.ok().and_then(|time| time.elapsed().ok());
        if idle.is_some_and(|idle| idle > FORGET_AFTER)
            && let Ok(Some(lock)) = Lock::try_take(&lock_of(&directory))
        {
            let _ = remove_tree(&directory);
            let _ = lock.remove();
        }
    }
}
