//! Stops a cluster while its files are copied, and starts it again if it ran before.

use super::access;
use super::postmaster::{Shutdown, heal};
use crate::cluster::{Cluster, ClusterSpec, Found, version};
use crate::sys::error::{Context, Error, Result};
use crate::sys::process::Patience;

/// A cluster that was stopped for a while.
#[derive(Debug)]
pub struct Paused {
    cluster: Cluster,
    ran: bool,
}

impl Found {
    /// Stops the server, if one runs. Fails before that if the server could not start again. `None`
    /// if there is no cluster.
    pub fn pause(self) -> Result<Option<Paused>> {
        let _acting = self.spec().map(ClusterSpec::act).transpose()?;
        let (cluster, ran) = match self {
            Self::Nothing => return Ok(None),
            Self::Stopped(cluster) => (cluster, false),
            Self::Stale(cluster) => {
                heal(&cluster.spec.layout.data())?;
                (cluster, false)
            }
            Self::Running(running) => {
                running.cluster.check_startable()?;
                let port = running.port();
                let mut cluster = running.stop(Shutdown::Fast)?;
                // start again on the same port, even if this command's environment names another
                // one
                cluster.spec.settings.port = port;
                (cluster, true)
            }
        };
        Ok(Some(Paused { cluster, ran }))
    }
}

impl Paused {
    /// Starts the server again if it ran before, even if a signal has arrived.
    pub fn resume(self) -> Result<()> {
        if !self.ran {
            return Ok(());
        }
        let started = self.cluster.start_with(Patience::Stubborn).map(drop);
        started.map_err(Error::from).context("the server does not start again")
    }
}

impl Cluster {
    /// Checks for reasons why the server would not start, as far as they are known before.
    fn check_startable(&self) -> Result<()> {
        let (spec, toolchain) = (&self.spec, &self.toolchain);
        spec.settings.require_libraries(toolchain)?;
        if let Some(user) = &spec.settings.server_user {
            access::check_reach(toolchain.bindir(), user)?;
        }
        version::check_major(&spec.layout.data(), toolchain)
    }
}
