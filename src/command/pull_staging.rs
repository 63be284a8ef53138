//! `database pull_staging`: brings rows of staging into the patch file.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::Result;
use crate::postgres::conninfo::Conninfo;
use crate::process::Environment;
use crate::staging::{self, Pulled, Tunnel, Wanted, patiently};

/// Where the rows are, which are wanted, and where they go.
#[derive(Clone)]
pub struct PullStaging {
    /// The host that ssh connects to; none: the server is reached without.
    pub ssh_host: Option<String>,
    /// The server, as it is reached from that host.
    pub conninfo: Conninfo,
    /// What is pulled.
    pub wanted: Wanted,
    /// The patch file.
    pub file: PathBuf,
    /// How long a connection may take.
    pub timeout: Duration,
    /// What ssh gets.
    pub environment: Environment,
}

impl PullStaging {
    /// Pulls. The patch file is replaced when all has arrived.
    pub fn run(self) -> Result<Vec<Pulled>> {
        let Some(host) = &self.ssh_host else { return self.pull(&self.conninfo) };
        let tunnel =
            patiently(|| Tunnel::open(host, &self.conninfo, self.timeout, &self.environment))?;
        let pulled = self.pull(&tunnel.conninfo(&self.conninfo));
        pulled.map_err(|error| tunnel.explain(error))
    }

    fn pull(&self, conninfo: &Conninfo) -> Result<Vec<Pulled>> {
        let session = patiently(|| staging::connect(conninfo))?;
        staging::pull(session, conninfo, self.wanted.clone(), &self.file)
    }
}
