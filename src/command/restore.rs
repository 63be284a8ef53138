//! `database restore`: replaces the development cluster by a backup.

use std::path::PathBuf;

use crate::backup::{Backup, Prepared, Requirements, restore_into};
use crate::cluster::run::postmaster::Shutdown;
use crate::cluster::tcp::Password;
use crate::cluster::{ClusterSpec, Replaced, Replacement, Running};
use crate::postgres::toolchain::Toolchain;
use crate::secret::{KeySource, tell_unreadable};
use crate::sys::error::{Context, Result};
use crate::sys::steps::Steps;

/// The options of a restore.
#[derive(Debug)]
pub struct Restore {
    /// The backup.
    pub backup: Backup,
    /// The development cluster.
    pub spec: ClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// The role that the project connects as, if its URL names this cluster.
    pub role: Option<String>,
    /// The start-up options of the project's sessions.
    pub options: Option<String>,
    /// The project's database.
    pub database: Option<String>,
    /// The possible places of the keys of secrets.
    pub keys: KeySource,
    /// Rebuild the indexes that a changed collation affects.
    pub reindex: bool,
}

/// The result of a restore.
#[derive(Debug)]
pub struct Restored {
    /// The cluster's URL.
    pub url: String,
    /// The changes that taming made, one sentence each.
    pub changes: Vec<String>,
    /// Warnings, one sentence each; each needs an action of the user.
    pub warnings: Vec<String>,
    /// The directory of the old cluster, if another tool made that cluster.
    pub kept: Option<PathBuf>,
    /// The steps, with their times.
    pub steps: Steps,
}

impl Restore {
    /// Restores. The old cluster stays unchanged until the last step.
    pub fn run(self) -> Result<Restored> {
        let mut steps = Steps::default();
        let replacement = Replacement::beside(self.spec.clone())?;
        let (role, database) = (self.role.as_deref(), self.database.as_deref());
        let options = self.options.as_deref();
        let requirements = Requirements { role, options, database, reindex: self.reindex };
        let prepared = restore_into(
            &self.backup,
            &replacement.spec(),
            &self.toolchain,
            &requirements,
            &mut steps,
        )
        .context(format!("cannot restore {}", self.backup.directory().display()))
        .hint("the development cluster is as it was")?;
        let Prepared { running, changes, mut warnings, conf } = prepared;
        conf.install(&running)?;
        steps.run("stop", || running.stop(Shutdown::Fast).map(drop))?;
        let user = role.unwrap_or(&self.spec.settings.superuser);
        let database = database.unwrap_or("postgres");
        let prove = |running: &Running| {
            running.give_password(role, Password::Keep)?;
            running.prove_login(user, database, options)
        };
        let Replaced { running, kept, .. } =
            steps.run("swap", || replacement.take_place(&self.toolchain, prove))?;
        tell_unreadable(&running, &self.keys, &mut warnings);
        let url = running.url_with_options(user, database, options).to_url();
        Ok(Restored { url, changes, warnings, kept, steps })
    }
}
