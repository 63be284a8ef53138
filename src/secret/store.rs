//! The secrets of one database. Only sealed values go over the connection.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;

use super::dotenv::Entry;
use super::key::KeyRing;
use super::place::{Files, KeySource};
use super::{Secret, dotenv};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Context, Error, IoContext, Result};
use crate::sys::process::ActingAs;

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// The time of the last change of its value, in ISO 8601 and UTC.
    pub updated: String,
}

/// The result of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The databases, each with the number of secrets that were sealed again.
    pub resealed: Vec<(String, i64)>,
    /// Whether the old keys were removed.
    pub dropped: bool,
}

/// The secrets of one database.
pub struct Store<'a> {
    session: Session,
    conninfo: &'a Conninfo,
    source: &'a KeySource,
}

impl<'a> Store<'a> {
    /// Connects to the database. `None` if the database keeps no secrets.
    pub fn open(conninfo: &'a Conninfo, source: &'a KeySource) -> Result<Option<Self>> {
        let mut session = Session::connect(conninfo)?;
        let query = sql!("secret/can-load");
        let found = column(&session.query_one(query, &[])?, "found")?;
        Ok(bool::then(found, || Self { session, conninfo, source }))
    }

    /// Connects to the database. It is an error if the database keeps no secrets.
    pub fn require(conninfo: &'a Conninfo, source: &'a KeySource) -> Result<Self> {
        Self::open(conninfo, source)?.ok_or_else(|| {
            Error::failed("the database has no hectic bundle that keeps sealed secrets")
                .hint("`database secrets load` and `database hydrate` bring it, unless the project has bundle = \"off\"")
                .hint("`database bundle upgrade` renews an old one")
        })
    }

    /// Makes sure that the server has a key, if the server is on this machine.
    pub fn provide_key(&mut self) -> Result<()> {
        self.source.provide(&mut self.session)
    }

    fn keys(&mut self) -> Result<KeyRing> {
        self.source.keys(&mut self.session)
    }

    /// Replaces all secrets in one transaction. The sealed form of an unchanged value stays.
    pub fn replace(&mut self, entries: &[Entry]) -> Result<()> {
        let _no_rotation = self.source.share_lock(&mut self.session)?;
        let ring = self.keys()?;
        let before: HashMap<String, Vec<u8>> = self.sealed()?.into_iter().collect();
        let seal = |entry: &Entry| {
            ring.reseal(&entry.name, &entry.value, before.get(&entry.name).map(Vec::as_slice))
        };
        let sealed = entries.iter().map(seal).collect::<Result<Vec<_>>>()?;
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        let query = sql!("secret/load");
        self.session.query(query, &[&names, &sealed]).context("cannot load the secrets").map(drop)
    }

    /// The number of secrets.
    pub fn count(&mut self) -> Result<usize> {
        self.list().map(|listed| listed.len())
    }

    /// The names and times of all secrets, without opening the values.
    pub fn list(&mut self) -> Result<Vec<Listed>> {
        let rows = self.session.query(sql!("secret/list"), &[])?;
        let listed =
            |row| Ok(Listed { name: column(row, "name")?, updated: column(row, "updated")? });
        rows.iter().map(listed).collect()
    }

    fn sealed(&mut self) -> Result<Vec<(String, Vec<u8>)>> {
        let rows = self.session.query(sql!("secret/sealed-all"), &[])?;
        rows.iter().map(|row| Ok((column(row, "name")?, column(row, "sealed")?))).collect()
    }

    /// The number of secrets that the server on this machine cannot open, after it has got the
    /// project's keys.
    pub fn unreadable(&mut self) -> Result<usize> {
        let sealed = self.sealed()?;
        if sealed.is_empty() {
            return Ok(0);
        }
        if self.source.project.is_some() {
            self.provide_key()?;
        }
        let Some(file) = self.source.server_file(&mut self.session)? else { return Ok(0) };
        if !file.exists() {
            return Ok(sealed.len());
        }
        let ring = {
            let directory = file.parent().unwrap_or(&file);
            let owner = directory.metadata().on("read", directory)?.uid();
            let _acting = ActingAs::owner(owner)?;
            KeyRing::read(&file)?
        };
        Ok(sealed.iter().filter(|(name, sealed)| ring.open(name, sealed).is_err()).count())
    }

    /// The value of one secret. Opens it here if the key is in reach. Otherwise the server opens
    /// it, if the role may ask for that.
    ///
    /// # Errors
    /// `Missing` if there is no secret with this name.
    pub fn get(&mut self, name: &str) -> Result<Secret> {
        let Some(ring) = self.source.opening_keys(&mut self.session)? else {
            let query = sql!("secret/get");
            let value: Option<String> = column(&self.session.query_one(query, &[&name])?, "value")?;
            return value.map(Secret::new).ok_or_else(|| missing(name));
        };
        let sealed = self.sealed_one(name)?.ok_or_else(|| missing(name))?;
        ring.open(name, &sealed)
    }

    fn sealed_one(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let query = sql!("secret/sealed");
        self.session.query_opt(query, &[&name])?.map(|row| column(&row, "sealed")).transpose()
    }

    /// All secrets, opened in the same way as by [`Self::get`].
    pub fn all(&mut self) -> Result<Vec<Entry>> {
        let Some(ring) = self.source.opening_keys(&mut self.session)? else {
            let rows = self.session.query(sql!("secret/open-all"), &[])?;
            let entry = |row| {
                let value: String = column(row, "value")?;
                Ok(Entry { name: column(row, "name")?, value: Secret::new(value) })
            };
            return rows.iter().map(entry).collect();
        };
        let open = |(name, sealed): (String, Vec<u8>)| {
            let value = ring.open(&name, &sealed)?;
            Ok(Entry { name, value })
        };
        self.sealed()?.into_iter().map(open).collect()
    }

    /// Stores one secret.
    ///
    /// # Errors
    /// `Conflict` for a name that is not allowed in a dotenv.
    pub fn set(&mut self, name: &str, value: &Secret) -> Result<()> {
        if !dotenv::is_name(name) {
            return Err(Error::conflict("this is no name for a secret").hint(
                "letters, digits, \"_\" and \".\", not starting with a digit or \".\", at most 128",
            ));
        }
        let _no_rotation = self.source.share_lock(&mut self.session)?;
        let before = self.sealed_one(name)?;
        let sealed = self.keys()?.reseal(name, value, before.as_deref())?;
        self.session.batch("BEGIN")?;
        let ended = match self.stored(name, &sealed) {
            Ok(()) => return self.session.batch("COMMIT"),
            Err(error) => error,
        };
        // the first error counts
        let _ = self.session.batch("ROLLBACK");
        Err(ended)
    }

    /// Stores a sealed value, and makes the server open it as a proof.
    fn stored(&mut self, name: &str, sealed: &[u8]) -> Result<()> {
        let query = sql!("secret/set");
        self.session.execute(query, &[&name, &sealed])?;
        let query = sql!("secret/opens");
        self.session.query_one(query, &[&name]).map(drop)
    }

    /// Removes one secret.
    ///
    /// # Errors
    /// `Missing` if there is no secret with this name.
    pub fn unset(&mut self, name: &str) -> Result<()> {
        let query = sql!("secret/unset");
        match self.session.execute(query, &[&name])? {
            0 => Err(missing(name)),
            _ => Ok(()),
        }
    }

    /// Adds a key, and seals all secrets in all databases of the cluster with it. The old keys are
    /// removed only when no secret is sealed with them any more, and never from the project's file:
    /// sealed dotenvs and other clusters need them.
    pub fn rotate(&mut self, drop_old: bool) -> Result<Rotated> {
        let files = self.source.files(&mut self.session)?;
        let _alone = files.lock()?;
        let databases = self.databases(drop_old)?;
        if let Some(neighbour) = files.neighbour().filter(|_| drop_old) {
            return Err(Error::conflict(format!(
                "{} is another cluster whose secrets need these keys",
                neighbour.display()
            ))
            .hint("rotate without --drop-old"));
        }
        let before = {
            let _acting = files.act()?;
            KeyRing::read(&files.cluster)?.ids()
        };
        let ring = add_key(&files)?.only_active();
        let mut resealed = Vec::new();
        let mut left = 0;
        for database in databases {
            let conninfo = self.conninfo.for_database(&database);
            let Some(mut store) = Store::open(&conninfo, self.source)? else { continue };
            let (anew, others) = store.rekey(&ring)?;
            left += others;
            if drop_old && others == 0 {
                store.prove(&ring).context("the old keys stay")?;
            }
            resealed.push((database, anew));
        }
        if left > 0 {
            return Err(Error::failed(format!("{left} secrets are still sealed with old keys"))
                .hint("the old keys stay; load those secrets again, then rotate again"));
        }
        if drop_old {
            // a crash of the server must not undo the new seals after the old keys are removed
            durability::flush(self.conninfo)?;
            let _acting = files.act()?;
            KeyRing::drop_keys(&files.cluster, &before)?;
        }
        Ok(Rotated { resealed, dropped: drop_old })
    }

    /// The databases that accept connections. With `all`, it is an error if there are others.
    fn databases(&mut self, all: bool) -> Result<Vec<String>> {
        let query = sql!("secret/databases");
        let mut open = Vec::new();
        for row in self.session.query(query, &[])? {
            let name: String = column(&row, "name")?;
            if column(&row, "is_open")? {
                open.push(name);
            } else if all {
                return Err(Error::conflict(format!(
                    "the database {name} accepts no connections, and may hold secrets"
                ))
                .hint("allow connections, or rotate without --drop-old"));
            }
        }
        Ok(open)
    }

    /// Opens every secret with the keys of `ring`, as a proof.
    fn prove(&mut self, ring: &KeyRing) -> Result<()> {
        self.sealed()?.iter().try_for_each(|(name, sealed)| ring.open(name, sealed).map(drop))
    }

    /// Returns the number of secrets that were sealed again, and of those that still have another
    /// key.
    fn rekey(&mut self, ring: &KeyRing) -> Result<(i64, i64)> {
        let row = self.session.query_one(sql!("secret/rekey"), &[])?;
        let resealed = column(&row, "resealed")?;
        let id = ring.active().id();
        let query = sql!("secret/of-other-keys");
        let row = self.session.query_one(query, &[&&id[..]])?;
        Ok((resealed, column(&row, "left")?))
    }
}

/// Adds a new key, which the server then knows.
fn add_key(files: &Files) -> Result<KeyRing> {
    match &files.project {
        None => {
            let _acting = files.act()?;
            KeyRing::add(&files.cluster)
        }
        Some(project) => {
            let ring = {
                let _acting = ActingAs::controller_of(project)?;
                KeyRing::add(project)?
            };
            let _acting = files.act()?;
            KeyRing::adopt(&files.cluster, &ring)?;
            Ok(ring)
        }
    }
}

fn missing(name: &str) -> Error {
    Error::missing(format!("there is no secret \"{name}\""))
        .hint("`database secrets list` shows the names")
}
