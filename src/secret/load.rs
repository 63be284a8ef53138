//! From a dotenv to the database.

use std::path::{Path, PathBuf};

use super::dotenv::{self, Entry};
use super::place::KeySource;
use super::sealed_file;
use super::store::Store;
use crate::error::{Error, Result};
use crate::postgres::conninfo::Conninfo;

/// Where secrets come from, the first that is there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Dotenv {
    /// `HECTIC_DOTENV_CONTENT`.
    pub content: Option<Vec<u8>>,
    /// `HECTIC_DOTENV_FILE`.
    pub file: Option<PathBuf>,
    /// `$LOCAL_DIR/.env.$ENVIRONMENT`; need not exist.
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

/// A dotenv, where its keys are, and whether it may be empty.
#[derive(Debug, Clone, Default)]
pub struct Supply {
    /// Where the secrets come from.
    pub dotenv: Dotenv,
    /// Where the keys are.
    pub keys: KeySource,
    /// Whether no entries at all may replace what is there.
    pub allow_empty: bool,
}

impl Supply {
    /// Reads the dotenv without loading it, so that a mistake is told before anything is replaced.
    pub fn check(&self) -> Result<()> {
        self.entries().map(drop)
    }

    /// The entries of the first dotenv there is. A sealed one is opened with the project's keys.
    ///
    /// # Errors
    /// Of a mistake in it, with its line; of a file that was named and cannot be read.
    pub fn entries(&self) -> Result<Option<Vec<Entry>>> {
        let Some((content, place)) = self.read()? else { return Ok(None) };
        let entries = match sealed_file::is_sealed(&content) {
            true => sealed_file::open(&content, &self.keys.project_keys()?),
            false => dotenv::parse(&content),
        };
        entries.map(Some).map_err(|error| error.hint(format!("it is in {place}")))
    }

    /// Loads the secrets into the database; none is fine, and so is a database that keeps none.
    ///
    /// The entries are read and sealed here, so that a mistake is told with its line and no value
    /// reaches the server.
    pub fn load(&self, conninfo: &Conninfo) -> Result<()> {
        let Some(entries) = self.entries()? else { return Ok(()) };
        match Store::open(conninfo, &self.keys)? {
            Some(mut store) => self.replace(&mut store, &entries),
            None => {
                tracing::warn!("the dotenv is not loaded: the database has no hectic bundle");
                Ok(())
            }
        }
    }

    /// Replaces what the store holds; nothing only if that was said.
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

    /// The content, and what to call its place.
    fn read(&self) -> Result<Option<(Vec<u8>, String)>> {
        let Dotenv { content, file, default } = &self.dotenv;
        if let Some(content) = content {
            return Ok(Some((content.clone(), "HECTIC_DOTENV_CONTENT".to_owned())));
        }
        let default = || default.as_ref().filter(|file| file.exists());
        match file.as_ref().or_else(default) {
            Some(file) => Ok(Some((read_file(file)?, file.display().to_string()))),
            None => Ok(None),
        }
    }
}

/// Reads a file that was named, or is there.
pub fn read_file(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| {
        let (file, reason) = (file.display(), error.kind());
        Error::missing(format!("dotenv file is not readable: {file} ({reason})")).hint(
            "make it readable, or unset HECTIC_DOTENV_FILE and ENVIRONMENT to load no secrets",
        )
    })
}
