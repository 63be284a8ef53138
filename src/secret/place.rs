//! Which keys a database's secrets are sealed with, and where they are.
//!
//! The server reads `hectic.key` beside its data directory. On this machine the tool makes that file
//! when it is first needed. A key that the team shares, in `HECTIC_SECRET_KEY_FILE`, goes in front of
//! the cluster's own keys there, because the server may run as a user who cannot read it where it is.
//! A server elsewhere has to have it already.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::Flock;

use super::key::{FILE_NAME, KeyRing, Owner};
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Context, Error, IoContext, Result};
use crate::sys::process::ActingAs;

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

    fn keys_at_hand(&self, session: &mut Session) -> Result<Option<KeyRing>> {
        match (&self.project, Place::of(session)?) {
            (Some(project), Some(place)) => place.share(project).map(Some),
            (Some(project), None) => project_keys(project).map(Some),
            (None, Some(place)) => {
                place.require_or_unused(session)?;
                place.make()?;
                let _acting = place.act()?;
                KeyRing::read(&place.file).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// The keys that may open what is sealed; nothing is written. None when the server's directory is
    /// not at hand: the server itself may be asked then.
    pub fn opening_keys(&self, session: &mut Session) -> Result<Option<KeyRing>> {
        let Some(place) = Place::of(session)? else { return Ok(None) };
        place.require_or_unused(session)?;
        let own = {
            let _acting = place.act()?;
            if place.file.exists() { Some(KeyRing::read(&place.file)?) } else { None }
        };
        let project = self.project.as_deref().map(project_keys).transpose()?;
        Ok(match (project, own) {
            (Some(project), Some(own)) => Some(project.with(own)),
            (project, own) => project.or(own),
        })
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

    /// The file that a server on this machine reads its keys from, whether or not it is there.
    pub fn server_file(&self, session: &mut Session) -> Result<Option<PathBuf>> {
        Ok(Place::of(session)?.map(|place| place.file))
    }

    /// Keeps rotations away while something is sealed.
    pub fn share_lock(&self, session: &mut Session) -> Result<Option<Flock<File>>> {
        let place = Place::of(session)?;
        place.map(|place| lock(&place.data, true)).transpose()
    }

    /// The file with the key that is rotated, and the one that the server reads, if it is another.
    ///
    /// # Errors
    /// `Missing` when the server's is not at hand: it would not know the new key.
    pub fn files(&self, session: &mut Session) -> Result<Files> {
        let place = Place::of(session)?.filter(|place| place.file.exists()).ok_or_else(|| {
            Error::missing("the server's key file is not at hand, or there is none")
                .hint("rotate on the server's machine, as its user or root")
                .hint("`database hydrate` makes a key where there is none")
        })?;
        Ok(Files {
            owner: place.owner.0,
            cluster: place.file,
            data: place.data,
            project: self.project.clone(),
        })
    }
}

fn project_keys(file: &Path) -> Result<KeyRing> {
    // beside a data directory it is a cluster's, which goes with that
    let is_clusters = file.file_name() == Some(FILE_NAME.as_ref())
        && file.with_file_name("data").join("PG_VERSION").is_file();
    if is_clusters {
        return Err(Error::conflict(
            "HECTIC_SECRET_KEY_FILE is the key of a cluster, which is gone with it",
        )
        .hint("make a key for the project: database secrets keygen FILE"));
    }
    KeyRing::read(file).context("HECTIC_SECRET_KEY_FILE")
}

/// The files that a rotation is about.
pub struct Files {
    /// The server's key.
    pub cluster: PathBuf,
    /// The server's data directory.
    pub data: PathBuf,
    /// The user id of the server.
    owner: u32,
    /// The project's key, if there is one; it then is the one that is rotated.
    pub project: Option<PathBuf>,
}

impl Files {
    /// Works with the rights of the user whose the server's files are, when root calls.
    pub fn act(&self) -> Result<ActingAs> {
        ActingAs::owner(self.owner)
    }

    /// Holds off other rotations of this cluster's keys, and those who seal with them.
    pub fn lock(&self) -> Result<Flock<File>> {
        lock(&self.data, false)
    }

    /// Another cluster whose server reads the same key file.
    pub fn neighbour(&self) -> Option<PathBuf> {
        let entries = std::fs::read_dir(self.data.parent()?).ok()?.flatten();
        let mut directories = entries.map(|entry| entry.path()).filter(|path| *path != self.data);
        directories.find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            !name.starts_with("data.") && path.join("PG_VERSION").is_file()
        })
    }
}

fn lock(directory: &Path, share: bool) -> Result<Flock<File>> {
    let opened = crate::sys::process::open_directory(directory).on("open", directory)?;
    crate::sys::process::lock(opened, directory, share)
}

/// The place of the key of a server on this machine.
struct Place {
    data: PathBuf,
    file: PathBuf,
    /// Whose the server's files are.
    owner: Owner,
}

impl Place {
    /// None for a server elsewhere, one that reads its key from another place, or a session that may
    /// not ask.
    fn of(session: &mut Session) -> Result<Option<Self>> {
        let query = sql!("secret/key-place");
        let row = match session.query_opt(query, &[]) {
            // who may not ask has nothing to do with the server's files
            Err(_) if session.sqlstate() == Some("42501") => None,
            row => row?,
        };
        let Some(row) = row else { return Ok(None) };
        let data = PathBuf::from(column::<String>(&row, "data_directory")?);
        let lock_file: String = column(&row, "lock_file")?;
        // a socket can lead into a container, where a path means something else
        let found = crate::sys::process::read_text(data.join("postmaster.pid"));
        let (true, Some(directory)) = (found.is_ok_and(|text| text == lock_file), data.parent())
        else {
            return Ok(None);
        };
        let facts = data.metadata().on("read", &data)?;
        let file = directory.join(FILE_NAME);
        Ok(Some(Self { owner: (facts.uid(), facts.gid()), file, data }))
    }

    /// Works with the rights of the user whose the server's files are, when root calls.
    fn act(&self) -> Result<ActingAs> {
        ActingAs::owner(self.owner.0)
    }

    fn make(&self) -> Result<()> {
        let _acting = self.act()?;
        if self.file.symlink_metadata().is_ok() {
            return Ok(());
        }
        let made = KeyRing::create(&self.file, Some(self.owner));
        made.context("cannot make a key for the secrets").map(drop)
    }

    /// The project's keys, which the server then has too.
    fn share(&self, project: &Path) -> Result<KeyRing> {
        let ring = project_keys(project)?;
        let _acting = self.act()?;
        if self.file.exists() {
            KeyRing::adopt(&self.file, &ring)?;
        } else {
            KeyRing::create_with(&self.file, &ring, Some(self.owner))?;
        }
        Ok(ring)
    }

    /// A new key would open nothing of what is there.
    fn require_or_unused(&self, session: &mut Session) -> Result<()> {
        let query = sql!("secret/exist");
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
