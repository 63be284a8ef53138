//! Restores a backup: extracts it, starts a server, checks and tames the cluster.

pub(in crate::backup) mod live;
pub(in crate::backup) mod preflight;
pub(in crate::backup) mod prepare;
pub(in crate::backup) mod settings;
pub(in crate::backup) mod superuser;
pub(in crate::backup) mod tame;

use crate::cluster::{ClusterSpec, Found, Running, find};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Context, Error, Result};

/// The caller's requirements for a restored cluster.
#[derive(Debug, Clone, Copy, Default)]
pub struct Requirements<'a> {
    /// A role that the cluster must have. It is made if it is missing.
    pub role: Option<&'a str>,
    /// The start-up options of the sessions of this role, which must be able to connect with them.
    pub options: Option<&'a str>,
    /// A database that the backup must have. Otherwise the restore fails.
    pub database: Option<&'a str>,
    /// Whether the indexes that a changed collation affects are rebuilt.
    pub reindex: bool,
}

/// Starts the server of a cluster that is being prepared.
pub(in crate::backup) fn start(spec: &ClusterSpec, toolchain: &Toolchain) -> Result<Running> {
    match find(spec.clone(), toolchain.clone())? {
        Found::Stopped(cluster) | Found::Stale(cluster) => {
            cluster.start().map_err(Error::from).context("the backup cannot be recovered")
        }
        Found::Running(running) => Ok(running),
        Found::Nothing => Err(Error::unexpected("the restored data directory is gone")),
    }
}
