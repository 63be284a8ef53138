//! `database pull_staging --check`: whether a pull would work. Tried once, without the patience of a pull.

use std::time::{Duration, Instant};

use super::PullStaging;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::toolchain::{Toolchain, Version};
use crate::pull;
use crate::pull::Health;
use crate::sys::error::{Error, Result};

/// What was found, here and there.
pub struct Checked {
    /// How long ssh took.
    pub ssh: Option<Duration>,
    /// How long the server took to let us in.
    pub server: Duration,
    /// What is there.
    pub health: Health,
    /// psql's version, which loads the patch.
    pub psql: Option<String>,
    /// The version of the database that the patch is for.
    pub target: Option<String>,
}

impl PullStaging {
    /// Looks at both sides. `target` is where the patch goes.
    ///
    /// # Errors
    /// What keeps from looking; what keeps from pulling is among the problems.
    pub fn check(&self, client: Option<&Toolchain>, target: Option<&Conninfo>) -> Result<Checked> {
        let started = Instant::now();
        let tunnel = self.tunnel()?;
        let ssh = tunnel.is_some().then(|| started.elapsed());
        let (server, mut health) = self.through(tunnel.as_ref(), |conninfo| {
            let started = Instant::now();
            let session = pull::connect(conninfo)?;
            Ok((started.elapsed(), pull::check(session, &self.wanted)?))
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

/// `pg_dump` reads servers of its own major and older ones.
fn too_old(toolchain: &Toolchain, server: &str) -> Result<()> {
    let dump = version(toolchain, "pg_dump")?;
    if dump.major >= Version::parse(server)?.major {
        return Ok(());
    }
    Err(Error::failed(format!("pg_dump {} cannot read PostgreSQL {server}", dump.number()))
        .hint("install a newer one and set PG_BINDIR, or use flags that a pull knows itself"))
}
