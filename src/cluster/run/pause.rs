//! A cluster that stands still while its files are copied, and then is as it was.

use super::access;
use super::postmaster::{Shutdown, heal};
use crate::cluster::{Cluster, ClusterSpec, Found, version};
use crate::sys::error::{Context, Error, Result};
use crate::sys::process::Patience;

/// A cluster whose server does not run.
#[derive(Debug)]
pub struct Paused {
    cluster: Cluster,
    ran: bool,
}

impl Found {
    /// Stops the server, if one runs; not when it is known already that it could not start again.
    /// `None` when there is no cluster.
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
                // where it is found now, whatever this command's environment says
                cluster.spec.port = port;
                (cluster, true)
            }
        };
        Ok(Some(Paused { cluster, ran }))
    }
}

impl Paused {
    /// Lets the server run again if it ran, whatever signal has arrived.
    pub fn resume(self) -> Result<()> {
        if !self.ran {
            return Ok(());
        }
        let started = self.cluster.start_with(Patience::Stubborn).map(drop);
        started.map_err(Error::from).context("the server does not start again")
    }
}

impl Cluster {
    /// What would keep the server from starting, as far as it can be known before.
    fn check_startable(&self) -> Result<()> {
        let (spec, toolchain) = (&self.spec, &self.toolchain);
        spec.require_libraries(toolchain)?;
        if let Some(user) = &spec.server_user {
            access::check_reach(toolchain.bindir(), user)?;
        }
        version::check_major(&spec.layout.data(), toolchain)
    }
}
