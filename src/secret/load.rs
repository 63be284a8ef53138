//! Loads the secrets of a dotenv into a database.

use std::path::{Path, PathBuf};

use super::dotenv::{self, Entry};
use super::key::KeyRing;
use super::place::KeySource;
use super::sealed_file;
use super::store::Store;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::postgres::connection::conninfo::Conninfo;
use crate::sys::digest::hex;
use crate::sys::error::{Error, Result};

/// The possible places of the dotenv. The first one that is set counts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Dotenv {
    /// The dotenv itself, from `HECTIC_DOTENV_CONTENT`.
    pub content: Option<Vec<u8>>,
    /// Its path, from `HECTIC_DOTENV_FILE`.
    pub file: Option<PathBuf>,
    /// The default path `$LOCAL_DIR/.env.$ENVIRONMENT`. The file need not exist.
    pub default: Option<PathBuf>,
}

impl std::fmt::Debug for Dotenv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dotenv")
            .field("content", &self.content.as_ref().map(|_| "[redacted]"))
            .field("file", &self.file)
            .field("default", &self.default)
            .finish()
    }
}

/// The secrets to load: the dotenv, the keys, and options.
#[derive(Clone, Default)]
pub struct Supply {
    /// The dotenv.
    pub dotenv: Dotenv,
    /// The place of the keys.
    pub keys: KeySource,
    /// Whether it is an error if the database keeps no secrets. The user has named the dotenv.
    pub required: bool,
    /// Whether a dotenv without entries may replace the stored secrets.
    pub allow_empty: bool,
    /// The content of the dotenv and the name of its place, once it was read: a pipe can be read
    /// only once.
    pub content: Option<(Zeroizing<Vec<u8>>, String)>,
}

impl std::fmt::Debug for Supply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { dotenv, keys, allow_empty, required, .. } = self;
        f.debug_struct("Supply")
            .field("dotenv", dotenv)
            .field("keys", keys)
            .field("allow_empty", allow_empty)
            .field("required", required)
            .finish_non_exhaustive()
    }
}

impl Supply {
    /// Reads the dotenv and the project's key without loading them. So a mistake is reported before
    /// anything is replaced.
    pub fn settle(&mut self) -> Result<()> {
        self.content = self.read()?;
        if self.keys.project.is_some() {
            self.keys.project_keys()?;
        }
        self.entries().map(drop)
    }

    /// The entries of the dotenv. The project's keys open a sealed dotenv.
    ///
    /// # Errors
    /// A mistake in the dotenv, with its line, or a file that cannot be read.
    pub fn entries(&self) -> Result<Option<Vec<Entry>>> {
        let Some((content, place)) = self.read()? else { return Ok(None) };
        let entries = match sealed_file::is_sealed(&content) {
            true => sealed_file::open(&content, &self.keys.project_keys()?),
            false => dotenv::parse(&content).and_then(plain),
        };
        entries.map(Some).map_err(|error| error.hint(format!("it is in {place}")))
    }

    /// Whether there is a dotenv.
    pub fn exist(&self) -> bool {
        self.content.is_some() || self.place().is_some()
    }

    /// Loads the secrets into the database. If the database keeps no secrets, does not read the
    /// dotenv, and only warns about that. Otherwise the database has a key afterwards, even without
    /// a dotenv.
    ///
    /// The entries are read and sealed here. So a mistake is reported with its line, and the server
    /// gets no plain value.
    ///
    /// # Errors
    /// `Conflict` (exit 2) if the database keeps no secrets although they are required.
    pub fn load(&self, conninfo: &Conninfo) -> Result<()> {
        let Some(mut store) = Store::open(conninfo, &self.keys)? else { return self.leave_out() };
        match self.entries()? {
            Some(entries) => self.replace(&mut store, &entries),
            // sources, and users with psql, may store secrets of their own
            None => store.provide_key(),
        }
    }

    /// A digest of the entries and of the project's keys, made with the key in `key_file`, which is
    /// made if it is missing: without this key, nobody can find a value by trying.
    pub fn fingerprint(&self, key_file: &Path) -> Result<String> {
        let Some(entries) = self.entries()? else { return Ok(String::new()) };
        KeyRing::create(key_file, None)?;
        let ring = KeyRing::read(key_file)?;
        let key = ring.active().bytes();
        let mut digest = Sha256::new_with_prefix(key);
        for entry in &entries {
            for part in [entry.name.as_bytes(), entry.value.expose().as_bytes()] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part);
            }
        }
        // the key on both sides, as in an HMAC
        Ok(hex(&Sha256::new_with_prefix(key).chain_update(digest.finalize()).finalize()))
    }

    /// Names the keys with which values are sealed in a new cluster: the project's keys, or else
    /// those in the cluster's key file, if there is one.
    pub fn ring_id(&self, key_file: Option<&Path>) -> Result<String> {
        let ring = match (&self.keys.project, key_file.filter(|file| file.exists())) {
            (Some(_), _) => self.keys.project_keys()?,
            (None, Some(file)) => KeyRing::read(file)?,
            (None, None) => return Ok("own".to_owned()),
        };
        Ok(hex(&ring.active().id()))
    }

    /// The number of secrets that the database stores.
    pub fn stored(&self, conninfo: &Conninfo) -> Result<usize> {
        Store::open(conninfo, &self.keys)?.map_or(Ok(0), |mut store| store.count())
    }

    /// Makes sure that a server on this machine has a key, if the database keeps secrets.
    pub fn provide_key(&self, conninfo: &Conninfo) -> Result<()> {
        Store::open(conninfo, &self.keys)?.map_or(Ok(()), |mut store| store.provide_key())
    }

    fn leave_out(&self) -> Result<()> {
        const WHAT: &str = "the dotenv is not loaded: the database has no hectic bundle";
        if self.required {
            return Err(Error::conflict(WHAT)
                .hint("bundle = \"history\" in database.toml brings the secrets")
                .hint("or omit --dotenv-file"));
        }
        if self.place().is_some() {
            tracing::warn!("{WHAT}");
        }
        Ok(())
    }

    /// Replaces the stored secrets. Refuses a dotenv without entries, unless `allow_empty` is set.
    pub fn replace(&self, store: &mut Store, entries: &[Entry]) -> Result<()> {
        if !entries.is_empty() || self.allow_empty {
            return store.replace(entries);
        }
        match store.count()? {
            0 => Ok(()),
            there => Err(Error::conflict(format!(
                "the dotenv has no entries; to load it would remove {there} secrets"
            ))
            .hint("if that is meant: database secrets load --allow-empty")),
        }
    }

    /// The content of the dotenv and the name of its place.
    fn read(&self) -> Result<Option<(Zeroizing<Vec<u8>>, String)>> {
        if self.content.is_some() {
            return Ok(self.content.clone());
        }
        match self.place() {
            Some(DotenvPlace::Variable(content)) => {
                let content = Zeroizing::new(content.to_owned());
                Ok(Some((content, "HECTIC_DOTENV_CONTENT".to_owned())))
            }
            Some(DotenvPlace::File(file)) => {
                Ok(Some((Zeroizing::new(read_file(file)?), file.display().to_string())))
            }
            None => Ok(None),
        }
    }

    /// The place of the dotenv. `None` if there is no dotenv.
    fn place(&self) -> Option<DotenvPlace<'_>> {
        let Dotenv { content, file, default } = &self.dotenv;
        // a link that leads nowhere counts as a file, so that it is reported
        let default = || default.as_ref().filter(|file| file.symlink_metadata().is_ok());
        let file = || file.as_ref().or_else(default).map(|file| DotenvPlace::File(file));
        content.as_deref().map(DotenvPlace::Variable).or_else(file)
    }
}

/// The place of a dotenv that is set or exists.
enum DotenvPlace<'a> {
    Variable(&'a [u8]),
    File(&'a Path),
}

/// The entries of a plain dotenv. Fails if one of them has the form of a sealed value.
fn plain(entries: Vec<Entry>) -> Result<Vec<Entry>> {
    match entries.iter().find(|entry| sealed_file::is_sealed_value(&entry.value)) {
        None => Ok(entries),
        Some(entry) => Err(Error::failed(format!("{} holds a sealed value", entry.name)).hint(
            "a sealed dotenv begins with its own first line, and has NAME=sealed:… without quotes",
        )),
    }
}

/// Reads a dotenv file that is set or exists.
pub fn read_file(file: &Path) -> Result<Vec<u8>> {
    crate::sys::process::read(file)?.map_err(|error| {
        let (file, reason) = (file.display(), error.kind());
        Error::missing(format!("dotenv file is not readable: {file} ({reason})")).hint(
            "make it readable, or unset HECTIC_DOTENV_FILE and ENVIRONMENT to load no secrets",
        )
    })
}
