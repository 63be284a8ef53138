//! Which keys a database's secrets are sealed with, and where they are.
//!
//! The server reads `hectic.key` beside its data directory. On this machine the tool makes that file
//! when it is first needed. A key that the team shares, in `HECTIC_SECRET_KEY_FILE`, goes in front of
//! the cluster's own keys there, because the server may run as a user who cannot read it where it is.
//! A server elsewhere has to have it already.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::key::{FILE_NAME, KeyRing, Owner};
use crate::error::{Context, Error, IoContext, Result};
use crate::postgres::session::{Session, column};

/// Where keys may come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySource {
    /// `HECTIC_SECRET_KEY_FILE`.
    pub project: Option<PathBuf>,
}

impl KeySource {
    /// The project's keys, which open sealed dotenvs.
    ///
    /// # Errors
    /// `Missing` (exit 3) when there are none.
    pub fn project_keys(&self) -> Result<KeyRing> {
        let file = self.project.as_deref().ok_or_else(|| {
            Error::missing("HECTIC_SECRET_KEY_FILE is required for a sealed dotenv")
                .hint("set it to the file with the project's key; a teammate has it")
                .hint("a new one: database secrets keygen FILE")
        })?;
        project_keys(file)
    }

    /// The keys of the database that the session is in, the sealing one first. Makes the cluster's
    /// key when there is none and nothing is sealed yet.
    ///
    /// # Errors
    /// `Missing` (exit 3) when they are not at hand.
    pub fn keys(&self, session: &mut Session) -> Result<KeyRing> {
        self.keys_at_hand(session)?.ok_or_else(|| {
            Error::missing(
                "there is no key to seal secrets with: the server's directory is not at hand",
            )
            .hint("set HECTIC_SECRET_KEY_FILE to a file with the server's key")
        })
    }

    /// The same; none when neither the project's key nor the server's directory is at hand.
    pub fn keys_at_hand(&self, session: &mut Session) -> Result<Option<KeyRing>> {
        match (&self.project, Place::of(session)?) {
            (Some(project), Some(place)) => place.share(project).map(Some),
            (Some(project), None) => project_keys(project).map(Some),
            (None, Some(place)) => {
                place.require_or_unused(session)?;
                place.make()?;
                KeyRing::read(&place.file).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// Sees to it that a server on this machine has a key. One elsewhere, or one whose files belong
    /// to somebody else, is left alone: the bundle's functions say what is missing.
    pub fn provide(&self, session: &mut Session) -> Result<()> {
        match (&self.project, Place::of(session)?) {
            (Some(project), Some(place)) => place.share(project).map(drop),
            (None, Some(place)) => place.make(),
            (_, None) => Ok(()),
        }
    }

    /// The file with the key that is rotated, and the one that the server reads, if it is another.
    pub fn files(&self, session: &mut Session) -> Result<(PathBuf, Option<PathBuf>)> {
        let cluster = Place::of(session)?.map(|place| place.file).filter(|file| file.exists());
        match (&self.project, cluster) {
            (Some(project), cluster) => Ok((project.clone(), cluster)),
            (None, Some(cluster)) => Ok((cluster, None)),
            (None, None) => Err(Error::missing("there is no key file to rotate")
                .hint("`database secrets load` makes one")
                .hint("for a server elsewhere, set HECTIC_SECRET_KEY_FILE")),
        }
    }
}

fn project_keys(file: &Path) -> Result<KeyRing> {
    KeyRing::read(file).context("HECTIC_SECRET_KEY_FILE")
}

/// The place of the key of a server on this machine.
struct Place {
    file: PathBuf,
    /// Whose the server's files are.
    owner: Owner,
}

impl Place {
    /// None for a server elsewhere, one that reads its key from another place, or a session that may
    /// not ask.
    fn of(session: &mut Session) -> Result<Option<Self>> {
        let query = include_str!("../../sql/query/secret-key-place.sql");
        let row = match session.query_opt(query, &[]) {
            // who may not ask has nothing to do with the server's files
            Err(_) if session.sqlstate() == Some("42501") => None,
            row => row?,
        };
        let Some(row) = row else { return Ok(None) };
        let data = PathBuf::from(column::<String>(&row, "data_directory")?);
        let lock_file: String = column(&row, "lock_file")?;
        // a socket can lead into a container, where a path means something else
        let found = std::fs::read_to_string(data.join("postmaster.pid"));
        let (true, Some(directory)) = (found.is_ok_and(|text| text == lock_file), data.parent())
        else {
            return Ok(None);
        };
        let facts = data.metadata().on("read", &data)?;
        Ok(Some(Self { file: directory.join(FILE_NAME), owner: (facts.uid(), facts.gid()) }))
    }

    fn make(&self) -> Result<()> {
        if self.file.symlink_metadata().is_ok() {
            return Ok(());
        }
        let made = KeyRing::create(&self.file, Some(self.owner));
        made.context("cannot make a key for the secrets").map(drop)
    }

    /// The project's keys, which the server then has too.
    fn share(&self, project: &Path) -> Result<KeyRing> {
        let ring = project_keys(project)?;
        if self.file.exists() {
            KeyRing::adopt(&self.file, &ring)?;
        } else {
            KeyRing::create_with(&self.file, &ring, Some(self.owner))?;
        }
        Ok(ring)
    }

    /// A new key would open nothing of what is there.
    fn require_or_unused(&self, session: &mut Session) -> Result<()> {
        let query = include_str!("../../sql/query/secrets-exist.sql");
        if self.file.exists() || !column::<bool>(&session.query_one(query, &[])?, "found")? {
            return Ok(());
        }
        Err(Error::missing(format!(
            "the key {} is gone, and there are secrets sealed with it",
            self.file.display()
        ))
        .hint("put the file back")
        .hint("or give the secrets up: TRUNCATE hectic.secret_sealed, and load them again"))
    }
}
