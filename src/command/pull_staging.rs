//! `database pull_staging`: brings rows of staging into the patch file.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::Result;
use crate::postgres::conninfo::Conninfo;
use crate::postgres::toolchain::Toolchain;
use crate::process::Environment;
use crate::staging::{self, Flags, Pulled, Tunnel, Wanted, patiently};

/// Where the rows are, which are wanted, and where they go.
#[derive(Clone)]
pub struct PullStaging {
    /// The host that ssh connects to; none: the server is reached without.
    pub ssh_host: Option<String>,
    /// The server, as it is reached from that host.
    pub conninfo: Conninfo,
    /// What is pulled.
    pub wanted: Wanted,
    /// `pg_dump` and its flags, where the pull is left to it.
    pub by_pg_dump: Option<(Toolchain, Flags)>,
    /// The patch file.
    pub file: PathBuf,
    /// How long a connection may take.
    pub timeout: Duration,
    /// What ssh gets.
    pub environment: Environment,
}

impl PullStaging {
    /// Pulls. The patch file is replaced when all has arrived. What `pg_dump` pulled is not counted.
    pub fn run(self) -> Result<Vec<Pulled>> {
        let Some(host) = &self.ssh_host else { return self.pull(&self.conninfo) };
        let tunnel =
            patiently(|| Tunnel::open(host, &self.conninfo, self.timeout, &self.environment))?;
        let pulled = self.pull(&tunnel.conninfo(&self.conninfo));
        pulled.map_err(|error| tunnel.explain(error))
    }

    fn pull(&self, conninfo: &Conninfo) -> Result<Vec<Pulled>> {
        let session = patiently(|| staging::connect(conninfo))?;
        if let Some((toolchain, flags)) = &self.by_pg_dump {
            let selection = &self.wanted.selection;
            staging::dump(session, conninfo, toolchain, selection, flags, &self.file)?;
            return Ok(Vec::new());
        }
        staging::pull(session, conninfo, self.wanted.clone(), &self.file)
    }
}
