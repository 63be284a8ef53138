//! Copies of the database in a private cluster.

use super::PrivateCluster;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::sql::quote::quote_ident;
use crate::sys::error::{Context, Result};

impl PrivateCluster {
    /// Makes a copy of the database, while nobody may be connected to the original. Returns the
    /// connections of the project's role and of the owner to it.
    pub fn copy(&self, owner: &str) -> Result<(Conninfo, Conninfo)> {
        // a name made of the original's could be cut to the original's
        let name = "db-tool copy";
        self.drop_copy(name)?;
        Ok((self.copy_as(name, owner)?, self.connection(owner, name)?))
    }

    /// Makes a copy of the database under a name that is not in use. Returns the connection of the
    /// project's role to it. Several threads may make copies at the same time.
    pub fn copy_as(&self, name: &str, owner: &str) -> Result<Conninfo> {
        let (copy, original, role) =
            (quote_ident(name), quote_ident(&self.database), quote_ident(owner));
        let from = ["TEMPLATE", &original, "OWNER", &role];
        let mut session = self.running.session("postgres")?;
        session
            .batch(&format!("CREATE DATABASE {copy} {}", from.join(" ")))
            .context("cannot copy the database")?;
        // a copy has not got the privileges on the original
        session.execute(sql!("diff/copy-privileges"), &[&self.database, &name])?;
        self.connection(&self.role, name)
    }

    /// Drops a copy, if there is one, and ends its sessions.
    pub fn drop_copy(&self, name: &str) -> Result<()> {
        let mut session = self.running.session("postgres")?;
        session.batch(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_ident(name)))
    }
}
