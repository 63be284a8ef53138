//! The migrations of a project and the options with which they run.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::directory::Directory;
use super::history::{History, Record};
use super::kept::Kept;
use super::name::Name;
use super::source::{FileMatch, Source};
use crate::bundle::{self, Kind};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::sys::error::{Error, Result};
use crate::sys::process::{Patience, wait_for};

/// The migration directory and the options of a run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The bundle for a database that has no history. `None`: the migrator works only in databases
    /// that have one.
    pub bundle: Option<Kind>,
    /// The migration directory.
    pub directory: PathBuf,
    /// The directory where relative paths of `\i` start.
    pub base: PathBuf,
    /// The directory for private temporary files.
    pub scratch: PathBuf,
    /// The migration set.
    pub set: String,
    /// `user@host`, for the history.
    pub actor: String,
    /// psql variables.
    pub variables: Vec<(String, String)>,
    /// How long to wait for another migrator.
    pub wait: Duration,
    /// Wait also for a server that does not answer yet.
    pub wait_for_server: bool,
    /// Late migrations may be applied.
    pub out_of_order: bool,
    /// Go on although the history and the files do not match.
    pub force: bool,
}

impl RunOptions {
    /// Connects. If requested, waits for a server that is still starting.
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
                    // a refused connection is cheap, so try twice a second
                    wait_for(Duration::from_millis(500), Patience::Interruptible, || Ok(None))
                }
            }
        })?;
        connected.ok_or_else(|| {
            let error = last.unwrap_or_else(|| Error::failed("the server does not answer"));
            error.context(format!("waited for {} s", started.elapsed().as_secs()))
        })
    }

    /// The bundle to apply.
    ///
    /// # Errors
    /// `Conflict` (exit 2) if it is off.
    pub fn bundle(&self) -> Result<Kind> {
        self.bundle.ok_or_else(|| bundle::is_off("there is no history of migrations"))
    }

    /// Reads the history of the migration set. It is empty in a database without the bundle, if the
    /// migrator may apply the bundle there.
    ///
    /// # Errors
    /// `Conflict` (exit 2) if the database has no history and the bundle is off.
    pub fn history(&self, session: &mut Session) -> Result<History> {
        let history = History::read(session, &self.set)?;
        if !history.exists {
            self.bundle()?;
        }
        Ok(history)
    }

    /// Reads the migration directory and logs its warnings.
    pub fn read_directory(&self) -> Result<Directory> {
        let directory = Directory::read_whole(&self.directory)?;
        for warning in &directory.warnings {
            tracing::warn!("{warning}");
        }
        Ok(directory)
    }

    /// Checks that the files of all applied migrations are unchanged.
    ///
    /// # Errors
    /// `Conflict` (exit 2), naming each changed file.
    pub fn check_checksums(&self, directory: &Directory, history: &History) -> Result<()> {
        let mut changed = Vec::new();
        for record in history.records.iter().filter(|record| record.is_applied()) {
            match self.compare(directory, record)? {
                FileMatch::Changed(file) => changed.push((record, file)),
                FileMatch::ButComments(file) => tracing::warn!(
                    "{} was changed after it was applied, in comments or line ends only",
                    file.display()
                ),
                FileMatch::Exactly => {}
            }
        }
        let Some((first, file)) = changed.first() else { return Ok(()) };
        let mut error =
            Error::conflict(format!("{} was changed after it was applied", file.display()))
                .detail(format!("applied {} by {}", first.started, first.actor));
        for (_, file) in &changed[1..] {
            error = error.detail(format!("{} was also changed", file.display()));
        }
        Err(error.hint("put the file back and make the change with another migration").hint(
            "`migrator repair` records the file as it is now as the applied one; it runs no SQL",
        ))
    }

    /// Lists the downs of applied migrations whose SQL has changed since the up was applied.
    pub fn changed_downs(
        &self,
        directory: &Directory,
        history: &History,
        kept: &[Kept],
    ) -> Result<Vec<(Name, PathBuf)>> {
        let mut changed = Vec::new();
        for kept in kept {
            let record = history.find(kept.name.version).filter(|record| record.is_applied());
            if record.is_some()
                && let FileMatch::Changed(file) =
                    kept.compare_down(directory, &self.directory, &self.base)?
            {
                changed.push((kept.name.clone(), file));
            }
        }
        Ok(changed)
    }

    /// Compares the file of an applied migration with its checksum in the history.
    pub fn compare(&self, directory: &Directory, record: &Record) -> Result<FileMatch> {
        let migration = directory.find(record.name.version);
        let Some(file) = migration.and_then(|migration| migration.up.as_ref()) else {
            return Ok(FileMatch::Exactly);
        };
        let source = Source::load(file, &self.base)?;
        Ok(if source.checksum() == record.checksum {
            FileMatch::Exactly
        } else if source.normalized_checksum()? == record.normalized_checksum {
            FileMatch::ButComments(file.clone())
        } else {
            FileMatch::Changed(file.clone())
        })
    }
}
