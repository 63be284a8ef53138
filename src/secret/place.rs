//! Finds the keys that seal a database's secrets.
//!
//! The server reads `hectic.key` beside its data directory. If the server is on this machine,
//! db-tool makes that file when it is first needed. A key that the team shares is in the file that
//! `HECTIC_SECRET_KEY_FILE` names. db-tool copies it to the front of the cluster's key file,
//! because the server's user may not be able to read the team's file. A server on another machine
//! must have its keys already.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::Flock;

use super::key::{FILE_NAME, KeyRing, Owner};
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Context, Error, IoContext, Result};
use crate::sys::process::ActingAs;

/// The sources of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySource {
    /// The file with the project's key, `HECTIC_SECRET_KEY_FILE`.
    pub project: Option<PathBuf>,
}

impl KeySource {
    /// The project's keys, which open sealed dotenvs.
    ///
    /// # Errors
    /// `Missing` (exit 3) if there are none.
    pub fn project_keys(&self) -> Result<KeyRing> {
        let file = self.project.as_deref().ok_or_else(|| {
            Error::missing("HECTIC_SECRET_KEY_FILE is required for a sealed dotenv")
                .hint("set it to the file with the project's key; a teammate has it")
                .hint("a new one: database secrets keygen FILE")
        })?;
        project_keys(file)
    }

    /// The keys of the session's cluster; the first one seals. Makes the cluster's key if there is
    /// none and nothing is sealed yet.
    ///
    /// # Errors
    /// `Missing` (exit 3) if the keys are out of reach.
    pub fn keys(&self, session: &mut Session) -> Result<KeyRing> {
        self.keys_at_hand(session)?.ok_or_else(|| {
            Error::missing(
                "there is no key to seal secrets with: db-tool cannot read the server's directory",
            )
            .hint("set HECTIC_SECRET_KEY_FILE to a file with the server's key")
        })
    }

    fn keys_at_hand(&self, session: &mut Session) -> Result<Option<KeyRing>> {
        match (&self.project, ServerKey::of(session)?) {
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

    /// The keys that may open the stored secrets. Writes nothing. `None` if the server's key file
    /// is out of reach; then the server itself can be asked.
    pub fn opening_keys(&self, session: &mut Session) -> Result<Option<KeyRing>> {
        let Some(place) = ServerKey::of(session)? else { return Ok(None) };
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

    /// Makes sure that a server on this machine has a key. Leaves other servers alone, and those
    /// whose files belong to somebody else: there the bundle's functions report a missing key.
    pub fn provide(&self, session: &mut Session) -> Result<()> {
        match (&self.project, ServerKey::of(session)?) {
            (Some(project), Some(place)) => place.share(project).map(drop),
            (None, Some(place)) => place.make(),
            (_, None) => Ok(()),
        }
    }

    /// The path of the key file of a server on this machine, even if it does not exist.
    pub fn server_file(&self, session: &mut Session) -> Result<Option<PathBuf>> {
        Ok(ServerKey::of(session)?.map(|place| place.file))
    }

    /// Prevents rotations as long as values are being sealed.
    pub fn share_lock(&self, session: &mut Session) -> Result<Option<Flock<File>>> {
        let place = ServerKey::of(session)?;
        place.map(|place| lock(&place.data, true)).transpose()
    }

    /// The files of a rotation: the server's key file, and the project's key file if there is one.
    ///
    /// # Errors
    /// `Missing` if the server's key file is out of reach: the server would not know the new key.
    pub fn files(&self, session: &mut Session) -> Result<Files> {
        let place =
            ServerKey::of(session)?.filter(|place| place.file.exists()).ok_or_else(|| {
                Error::missing("db-tool cannot read the server's key file, or there is none")
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
    // a key file beside a data directory belongs to that cluster and is removed with it
    let is_clusters = file.file_name() == Some(FILE_NAME.as_ref())
        && file.with_file_name("data").join("PG_VERSION").is_file();
    if is_clusters {
        return Err(Error::conflict(
            "HECTIC_SECRET_KEY_FILE is the key file of a cluster, and is removed with the cluster",
        )
        .hint("make a key for the project: database secrets keygen FILE"));
    }
    KeyRing::read(file).context("HECTIC_SECRET_KEY_FILE")
}

/// The files that a rotation changes.
pub struct Files {
    /// The server's key file.
    pub cluster: PathBuf,
    /// The server's data directory.
    pub data: PathBuf,
    /// The user id of the server.
    owner: u32,
    /// The project's key file, if there is one. Then its key is rotated.
    pub project: Option<PathBuf>,
}

impl Files {
    /// If root calls, takes the rights of the user who owns the server's files.
    pub fn act(&self) -> Result<ActingAs> {
        ActingAs::owner(self.owner)
    }

    /// Prevents other rotations of this cluster's keys, and sealing with them.
    pub fn lock(&self) -> Result<Flock<File>> {
        lock(&self.data, false)
    }

    /// Another cluster with the same key file.
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

/// The key file of a server on this machine.
struct ServerKey {
    data: PathBuf,
    file: PathBuf,
    /// The owner of the server's files.
    owner: Owner,
}

impl ServerKey {
    /// Asks the server. None if the server is on another machine, if it reads its key from another
    /// place, or if the session's role may not ask.
    fn of(session: &mut Session) -> Result<Option<Self>> {
        let query = sql!("secret/key-place");
        let row = match session.query_opt(query, &[]) {
            // a role that may not ask may not change the server's files, either
            Err(_) if session.sqlstate() == Some("42501") => None,
            row => row?,
        };
        let Some(row) = row else { return Ok(None) };
        let data = PathBuf::from(column::<String>(&row, "data_directory")?);
        let lock_file: String = column(&row, "lock_file")?;
        // a socket may lead into a container, where the same path is another file
        let found = crate::sys::process::read_text(data.join("postmaster.pid"));
        let (true, Some(directory)) = (found.is_ok_and(|text| text == lock_file), data.parent())
        else {
            return Ok(None);
        };
        let facts = data.metadata().on("read", &data)?;
        let file = directory.join(FILE_NAME);
        Ok(Some(Self { owner: (facts.uid(), facts.gid()), file, data }))
    }

    /// If root calls, takes the rights of the user who owns the server's files.
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

    /// Gives the project's keys to the server, too, and returns them.
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

    /// Fails if the key file is missing although there are sealed secrets: a new key would not open
    /// them.
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
