//! The secrets of one database. What goes over the connection is sealed.

use std::collections::HashMap;

use super::dotenv::Entry;
use super::key::KeyRing;
use super::place::KeySource;
use super::{Secret, dotenv};
use crate::error::{Context, Error, Result};
use crate::postgres::conninfo::Conninfo;
use crate::postgres::session::{Session, column};

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// When its value last changed, ISO 8601, UTC.
    pub updated: String,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// Databases, and how many secrets of each were sealed anew.
    pub resealed: Vec<(String, i64)>,
    /// Whether the old keys are gone.
    pub dropped: bool,
}

/// The secrets of one database.
pub struct Store<'a> {
    session: Session,
    conninfo: &'a Conninfo,
    source: &'a KeySource,
}

impl<'a> Store<'a> {
    /// Connects. `None` when the database does not keep secrets.
    pub fn open(conninfo: &'a Conninfo, source: &'a KeySource) -> Result<Option<Self>> {
        let mut session = Session::connect(conninfo)?;
        let query = include_str!("../../sql/query/can-load-secrets.sql");
        let found = column(&session.query_one(query, &[])?, "found")?;
        Ok(bool::then(found, || Self { session, conninfo, source }))
    }

    /// The same; a database that keeps no secrets is an error.
    pub fn require(conninfo: &'a Conninfo, source: &'a KeySource) -> Result<Self> {
        Self::open(conninfo, source)?.ok_or_else(|| {
            Error::failed("the database has no hectic bundle that keeps sealed secrets")
                .hint("`database hydrate` brings it; `database bundle upgrade` renews an old one")
        })
    }

    fn keys(&mut self) -> Result<KeyRing> {
        self.source.keys(&mut self.session)
    }

    /// Replaces all secrets, in one transaction or not at all. A value that has not changed stays as
    /// it rests.
    pub fn replace(&mut self, entries: &[Entry]) -> Result<()> {
        let ring = self.keys()?;
        let before: HashMap<String, Vec<u8>> = self.sealed()?.into_iter().collect();
        let seal = |entry: &Entry| {
            ring.reseal(&entry.name, &entry.value, before.get(&entry.name).map(Vec::as_slice))
        };
        let sealed = entries.iter().map(seal).collect::<Result<Vec<_>>>()?;
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        let query = include_str!("../../sql/query/secrets-load.sql");
        self.session.query(query, &[&names, &sealed]).context("cannot load the secrets").map(drop)
    }

    /// How many secrets there are.
    pub fn count(&mut self) -> Result<usize> {
        self.list().map(|listed| listed.len())
    }

    /// Names and times, decrypting nothing.
    pub fn list(&mut self) -> Result<Vec<Listed>> {
        let rows = self.session.query(include_str!("../../sql/query/secrets-list.sql"), &[])?;
        let listed =
            |row| Ok(Listed { name: column(row, "name")?, updated: column(row, "updated")? });
        rows.iter().map(listed).collect()
    }

    fn sealed(&mut self) -> Result<Vec<(String, Vec<u8>)>> {
        let rows = self.session.query(include_str!("../../sql/query/secrets-sealed.sql"), &[])?;
        rows.iter().map(|row| Ok((column(row, "name")?, column(row, "sealed")?))).collect()
    }

    /// One value, opened here if the key is at hand, else by the server, for who may ask it to.
    ///
    /// # Errors
    /// `Missing` when there is none of that name.
    pub fn get(&mut self, name: &str) -> Result<Secret> {
        let Some(ring) = self.source.keys_at_hand(&mut self.session)? else {
            let query = include_str!("../../sql/query/secret-get.sql");
            let value: Option<String> = column(&self.session.query_one(query, &[&name])?, "value")?;
            return value.map(Secret::new).ok_or_else(|| missing(name));
        };
        let sealed = self.sealed_one(name)?.ok_or_else(|| missing(name))?;
        ring.open(name, &sealed)
    }

    fn sealed_one(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let query = include_str!("../../sql/query/secret-sealed.sql");
        self.session.query_opt(query, &[&name])?.map(|row| column(&row, "sealed")).transpose()
    }

    /// All of them, opened likewise.
    pub fn all(&mut self) -> Result<Vec<Entry>> {
        let Some(ring) = self.source.keys_at_hand(&mut self.session)? else {
            let rows = self.session.query(include_str!("../../sql/query/secrets-open.sql"), &[])?;
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

    /// Stores one.
    ///
    /// # Errors
    /// `Conflict` for a name that a dotenv could not hold.
    pub fn set(&mut self, name: &str, value: &Secret) -> Result<()> {
        if !dotenv::is_name(name) {
            return Err(Error::conflict("this is no name for a secret").hint(
                "letters, digits, \"_\" and \".\", not starting with a digit or \".\", at most 128",
            ));
        }
        let before = self.sealed_one(name)?;
        let sealed = self.keys()?.reseal(name, value, before.as_deref())?;
        let query = include_str!("../../sql/query/secret-set.sql");
        self.session.execute(query, &[&name, &sealed]).map(drop)
    }

    /// Removes one.
    ///
    /// # Errors
    /// `Missing` when there is none of that name.
    pub fn unset(&mut self, name: &str) -> Result<()> {
        let query = include_str!("../../sql/query/secret-unset.sql");
        match self.session.execute(query, &[&name])? {
            0 => Err(missing(name)),
            _ => Ok(()),
        }
    }

    /// Adds a key and seals all secrets of all databases of the cluster with it. The old keys go only
    /// when nothing is sealed with them any more.
    pub fn rotate(&mut self, drop_old: bool) -> Result<Rotated> {
        let (file, cluster) = self.source.files(&mut self.session)?;
        let ring = KeyRing::add(&file)?;
        if let Some(cluster) = &cluster {
            KeyRing::adopt(cluster, &ring)?;
        }
        let mut rotated = Rotated { resealed: Vec::new(), dropped: false };
        let mut left = 0;
        for database in self.databases()? {
            let conninfo = self.conninfo.for_database(&database);
            let Some(mut store) = Store::open(&conninfo, self.source)? else { continue };
            let (resealed, others) = store.rekey(&ring)?;
            left += others;
            rotated.resealed.push((database, resealed));
        }
        if drop_old && left > 0 {
            return Err(Error::failed(format!("{left} secrets are still sealed with old keys"))
                .hint("the old keys stay; load those secrets again, then rotate again"));
        }
        if drop_old {
            for file in [Some(&file), cluster.as_ref()].into_iter().flatten() {
                KeyRing::drop_old(file)?;
            }
            rotated.dropped = true;
        }
        Ok(rotated)
    }

    fn databases(&mut self) -> Result<Vec<String>> {
        let query = include_str!("../../sql/query/backup-databases.sql");
        self.session.query(query, &[])?.iter().map(|row| column(row, "name")).collect()
    }

    /// How many were sealed anew, and how many still have another key.
    fn rekey(&mut self, ring: &KeyRing) -> Result<(i64, i64)> {
        let row = self.session.query_one(include_str!("../../sql/query/secrets-rekey.sql"), &[])?;
        let resealed = column(&row, "resealed")?;
        let id = ring.active().id();
        let query = include_str!("../../sql/query/secrets-of-other-keys.sql");
        let row = self.session.query_one(query, &[&&id[..]])?;
        Ok((resealed, column(&row, "left")?))
    }
}

fn missing(name: &str) -> Error {
    Error::missing(format!("there is no secret \"{name}\""))
        .hint("`database secrets list` shows the names")
}
