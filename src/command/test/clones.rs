//! Clones in the development cluster, one for each file of tests.

use std::time::Duration;

use crate::command::content::Content;
use crate::command::content::clones::Clones;
use crate::environment::clone::{CloneDatabase, CloneOptions, Owner, Template};
use crate::environment::development::Development;
use crate::postgres::connection::conninfo::Conninfo;
use crate::project::test::outcome::Kept;
use crate::project::test::pool::{Database, Databases};
use crate::sys::error::Result;

/// A template with the project's content, and the clones of it. This process owns them: if it is
/// killed, the next command drops them.
pub struct InClones {
    clones: Clones,
    template: Template,
    connection: Conninfo,
    owner: Owner,
    /// How long the clone of a failed file stays.
    ttl: Duration,
}

struct InClone<'a> {
    source: &'a InClones,
    made: CloneDatabase,
    conninfo: Conninfo,
}

impl InClones {
    /// Builds the template, unless there is one. `connection` leads to the project's database.
    pub fn prepare(
        development: Development,
        content: Content,
        connection: Conninfo,
        ttl: Duration,
    ) -> Result<Self> {
        let clones = Clones::open(development, content)?;
        let template = clones.prepare()?;
        Ok(Self { clones, template, connection, owner: Owner::ourselves()?, ttl })
    }
}

impl Databases for InClones {
    fn fresh(&self) -> Result<Box<dyn Database + '_>> {
        let options = CloneOptions { owner: Some(self.owner), ..CloneOptions::default() };
        let made = self.clones.clone_of(&self.template, &options)?;
        let conninfo = self.connection.for_database(&made.name);
        Ok(Box::new(InClone { source: self, made, conninfo }))
    }
}

impl Database for InClone<'_> {
    fn conninfo(&self) -> &Conninfo {
        &self.conninfo
    }

    fn give_back(self: Box<Self>) -> Result<()> {
        self.source.clones.source().drop_own(&self.made.name)
    }

    fn keep(self: Box<Self>) -> Result<Option<Kept>> {
        self.source.clones.source().keep_own(&self.made.name, self.source.ttl)?;
        Ok(Some(Kept { url: self.made.url.to_url() }))
    }
}
