//! `database restore`: a backup in the place of the development cluster.

use std::path::PathBuf;

use crate::backup::{Backup, Prepared, Wanted, restore_into};
use crate::cluster::run::postmaster::Shutdown;
use crate::cluster::{ClusterSpec, Replaced, Running, Staging};
use crate::postgres::toolchain::Toolchain;
use crate::secret::{KeySource, tell_unreadable};
use crate::sys::error::{Context, Result};
use crate::sys::steps::Steps;

/// What to restore, and where.
#[derive(Debug)]
pub struct Restore {
    /// The backup.
    pub backup: Backup,
    /// The development cluster.
    pub spec: ClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// The role that the project connects as, when it connects to this cluster.
    pub role: Option<String>,
    /// The database that the project connects to.
    pub database: Option<String>,
    /// Where the keys of secrets may come from.
    pub keys: KeySource,
    /// Whether indexes that a changed collation affects are built anew.
    pub reindex: bool,
}

/// A backup that was restored.
#[derive(Debug)]
pub struct Restored {
    /// The cluster's URL.
    pub url: String,
    /// What was changed, a sentence each.
    pub changes: Vec<String>,
    /// What somebody should do something about, a sentence each.
    pub warnings: Vec<String>,
    /// Where the old cluster is, if it was not made by this tool.
    pub kept: Option<PathBuf>,
    /// The steps.
    pub steps: Steps,
}

impl Restore {
    /// Restores. Until the last step the old cluster is as it was.
    pub fn run(self) -> Result<Restored> {
        let mut steps = Steps::default();
        let staging = Staging::beside(self.spec.clone())?;
        let (role, database) = (self.role.as_deref(), self.database.as_deref());
        let wanted = Wanted { role, database, reindex: self.reindex };
        let prepared =
            restore_into(&self.backup, &staging.spec(), &self.toolchain, &wanted, &mut steps)
                .context(format!("cannot restore {}", self.backup.directory().display()))
                .hint("the development cluster is as it was")?;
        let Prepared { running, changes, mut warnings, .. } = {
            prepared.release()?;
            prepared
        };
        steps.run("stop", || running.stop(Shutdown::Fast).map(drop))?;
        let user = role.unwrap_or(&self.spec.superuser);
        let database = database.unwrap_or("postgres");
        let prove = |running: &Running| running.prove_login(user, database);
        let Replaced { running, kept } =
            steps.run("swap", || staging.take_place(&self.toolchain, prove))?;
        tell_unreadable(&running, &self.keys, &mut warnings);
        let url = running.url(user, database).to_url();
        Ok(Restored { url, changes, warnings, kept, steps })
    }
}
