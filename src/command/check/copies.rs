//! The databases in which a check runs the tests: copies in its private cluster.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::environment::private::PrivateCluster;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Session, column};
use crate::project::test::outcome::Kept;
use crate::project::test::pool::{Database, Databases};
use crate::sys::error::Result;

/// Copies of the database of a private cluster.
pub(super) struct Copies<'a> {
    cluster: &'a PrivateCluster,
    database: String,
    /// The owner of the database.
    owner: String,
    made: AtomicUsize,
}

struct Copy<'a> {
    cluster: &'a PrivateCluster,
    name: String,
    conninfo: Conninfo,
}

impl<'a> Copies<'a> {
    pub(super) fn of(cluster: &'a PrivateCluster) -> Result<Self> {
        let conninfo = cluster.conninfo()?;
        let mut session = Session::connect(&conninfo)?;
        let row = session.query_one(sql!("diff/database-owner"), &[])?;
        let (database, owner) = (conninfo.database().to_owned(), column(&row, "owner")?);
        Ok(Self { cluster, database, owner, made: AtomicUsize::new(0) })
    }
}

impl Databases for Copies<'_> {
    fn fresh(&self) -> Result<Box<dyn Database + '_>> {
        let name = format!("db-tool test {}", self.made.fetch_add(1, Ordering::SeqCst) + 1);
        let conninfo = self.cluster.copy_as(&name, &self.owner)?;
        let mut session = self.cluster.running().session("postgres")?;
        session.execute(sql!("test/copy-settings"), &[&self.database, &name])?;
        Ok(Box::new(Copy { cluster: self.cluster, name, conninfo }))
    }
}

impl Database for Copy<'_> {
    fn conninfo(&self) -> &Conninfo {
        &self.conninfo
    }

    fn give_back(self: Box<Self>) -> Result<()> {
        self.cluster.drop_copy(&self.name)
    }

    fn keep(self: Box<Self>) -> Result<Option<Kept>> {
        match self.cluster.stays() {
            true => Ok(Some(Kept { url: self.cluster.url(&self.name) })),
            false => self.cluster.drop_copy(&self.name).map(|()| None),
        }
    }
}
