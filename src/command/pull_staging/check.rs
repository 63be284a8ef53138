//! `database pull_staging --check`: finds out whether a pull would work. It tries each connection only
//! once, while a pull tries several times.

use std::time::{Duration, Instant};

use super::PullStaging;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::toolchain::{Toolchain, Version};
use crate::pull;
use crate::pull::Health;
use crate::sys::error::{Error, Result};

/// The result of a check of both sides.
pub struct Checked {
    /// The time until the ssh tunnel stood, if the pull uses one.
    pub ssh: Option<Duration>,
    /// The time until the server accepted the connection.
    pub server: Duration,
    /// The state of staging.
    pub health: Health,
    /// The version of psql, which loads the patch file.
    pub psql: Option<String>,
    /// The version of the server that the patch file is for.
    pub target: Option<String>,
}

impl PullStaging {
    /// Checks both sides. `target` is the database for the patch file.
    ///
    /// # Errors
    /// An error that prevents the check, such as a refused connection. Errors that would only prevent
    /// the pull are in the report.
    pub fn check(&self, client: Option<&Toolchain>, target: Option<&Conninfo>) -> Result<Checked> {
        let started = Instant::now();
        let tunnel = self.tunnel()?;
        let ssh = tunnel.is_some().then(|| started.elapsed());
        let (server, mut health) = self.through(tunnel.as_ref(), |conninfo| {
            let started = Instant::now();
            let session = pull::connect(conninfo)?;
            Ok((started.elapsed(), pull::check(session, &self.options)?))
        })?;
        if let Some((toolchain, _)) = &self.by_pg_dump {
            health.problems.extend(too_old(toolchain, &health.version).err());
        }
        let psql = client.and_then(|client| version(client, "psql").ok());
        let psql = psql.map(|psql| psql.number().to_owned());
        let target = target.and_then(|target| pull::server_version(target).ok());
        Ok(Checked { ssh, server, health, psql, target })
    }
}

fn version(toolchain: &Toolchain, program: &str) -> Result<Version> {
    Version::parse(&toolchain.command(program)?.arg("--version").capture()?)
}

/// Checks `pg_dump`, which can read servers of its own major version and of older ones only.
fn too_old(toolchain: &Toolchain, server: &str) -> Result<()> {
    let dump = version(toolchain, "pg_dump")?;
    if dump.major >= Version::parse(server)?.major {
        return Ok(());
    }
    Err(Error::failed(format!("pg_dump {} cannot read PostgreSQL {server}", dump.number())).hint(
        "install a newer release and set PG_BINDIR, or use flags that db-tool itself understands",
    ))
}
