//! A project's migrations: where they are, and on whose behalf they run.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::directory::Directory;
use super::history::{History, Record};
use super::source::Source;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::sys::error::{Error, Result};
use crate::sys::process::{Patience, wait_for};

/// What every verb works on.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The migration directory.
    pub directory: PathBuf,
    /// Where relative paths of `\i` start.
    pub base: PathBuf,
    /// Where private files may be made.
    pub scratch: PathBuf,
    /// The set.
    pub set: String,
    /// `user@host`, for the history.
    pub actor: String,
    /// psql variables.
    pub variables: Vec<(String, String)>,
    /// How long another migrator is waited for.
    pub wait: Duration,
    /// Whether a server that does not answer yet is waited for as well.
    pub wait_for_server: bool,
    /// Whether late files may be applied after later ones.
    pub out_of_order: bool,
}

impl RunOptions {
    /// Connects, waiting for a server that is still starting if that was asked for.
    pub fn connect(&self, conninfo: &Conninfo) -> Result<Session> {
        if !self.wait_for_server {
            return Session::connect(conninfo);
        }
        let started = Instant::now();
        let mut last = None;
        let connected = wait_for(self.wait, Patience::Interruptible, || {
            match Session::connect(conninfo) {
                Ok(session) => Ok(Some(session)),
                Err(error) => {
                    if last.is_none() {
                        tracing::info!("waiting for the server: {error}");
                    }
                    last = Some(error);
                    // a refused connection costs nothing; a second between two is enough
                    wait_for(Duration::from_millis(500), Patience::Interruptible, || Ok(None))
                }
            }
        })?;
        connected.ok_or_else(|| {
            let error = last.unwrap_or_else(|| Error::failed("the server does not answer"));
            error.context(format!("waited for {} s", started.elapsed().as_secs()))
        })
    }

    /// The migrations on disk, with warnings about what is none.
    pub fn read_directory(&self) -> Result<Directory> {
        let directory = Directory::read_whole(&self.directory)?;
        for warning in &directory.warnings {
            tracing::warn!("{warning}");
        }
        Ok(directory)
    }

    /// Whether every applied file is what was applied.
    ///
    /// # Errors
    /// `Conflict` (exit 2) naming each file that is not.
    pub fn check_checksums(&self, directory: &Directory, history: &History) -> Result<()> {
        let mut changed = Vec::new();
        for record in history.records.iter().filter(|record| record.is_applied()) {
            match self.compare(directory, record)? {
                Same::Changed(file) => changed.push((record, file)),
                Same::ButComments(file) => tracing::warn!(
                    "{} was changed after it was applied, in comments or line ends only",
                    file.display()
                ),
                Same::Exactly => {}
            }
        }
        let Some((first, file)) = changed.first() else { return Ok(()) };
        let mut error =
            Error::conflict(format!("{} was changed after it was applied", file.display()))
                .detail(format!("applied {} by {}", first.started, first.actor));
        for (_, file) in &changed[1..] {
            error = error.detail(format!("and so was {}", file.display()));
        }
        Err(error.hint("put the file back and make the change with another migration").hint(
            "`migrator repair` records the file as it is now as the applied one; it runs no SQL",
        ))
    }

    /// Compares the file of an applied migration with what was applied.
    pub fn compare(&self, directory: &Directory, record: &Record) -> Result<Same> {
        let migration = directory.find(record.name.version);
        let Some(file) = migration.and_then(|migration| migration.up.as_ref()) else {
            return Ok(Same::Exactly);
        };
        let source = Source::load(file, &self.base)?;
        Ok(if source.checksum() == record.checksum {
            Same::Exactly
        } else if source.normalized_checksum()? == record.normalized_checksum {
            Same::ButComments(file.clone())
        } else {
            Same::Changed(file.clone())
        })
    }
}

/// How a file relates to what was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Same {
    /// It is that, or it is not there at all.
    Exactly,
    /// It differs in comments, byte order mark or line ends.
    ButComments(PathBuf),
    /// It differs.
    Changed(PathBuf),
}
