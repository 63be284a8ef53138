//! `database pull_staging`: copies rows of staging into the patch file or into the database here.

mod check;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::connection::session::Session;
use crate::postgres::toolchain::Toolchain;
use crate::pull;
use crate::pull::{Flags, Proposals, PullOptions, Pulled, Source, Tunnel, with_retries};
use crate::sys::error::{Context, Result};
use crate::sys::process::Environment;

pub use check::Checked;

/// A pull: the server, the rows, and their destination.
#[derive(Clone)]
pub struct PullStaging {
    /// The host that ssh connects to. `None` means a direct connection.
    pub ssh_host: Option<String>,
    /// The server's address, as seen from that host.
    pub conninfo: Conninfo,
    /// The tables and rows to pull.
    pub options: PullOptions,
    /// `pg_dump` with its flags, if `pg_dump` does the pull.
    pub by_pg_dump: Option<(Toolchain, Flags)>,
    /// The patch file.
    pub file: PathBuf,
    /// The database to load into, instead of writing the patch file.
    pub into: Option<Conninfo>,
    /// Continue an interrupted pull: skip the tables that it read.
    pub resume: bool,
    /// The time limit for a connection.
    pub timeout: Duration,
    /// The environment of ssh.
    pub environment: Environment,
}

impl PullStaging {
    /// Pulls. Replaces the patch file after all rows have arrived. Returns no counts for a pull by
    /// `pg_dump`.
    pub fn run(self) -> Result<Vec<Pulled>> {
        let started = Instant::now();
        let local = self.into.as_ref().map(pull::connect).transpose();
        let local = local.context("cannot load into the database here")?;
        let (tunnel, _) = with_retries(|| self.tunnel())?;
        let pulled =
            self.through(tunnel.as_ref(), |conninfo| self.pull(conninfo, local, started))?;
        self.into.as_ref().map(durability::flush).transpose()?;
        Ok(pulled)
    }

    /// Proposes entries for `staging.toml`. Changes nothing.
    pub fn scan(&self) -> Result<Proposals> {
        let (tunnel, _) = with_retries(|| self.tunnel())?;
        self.through(tunnel.as_ref(), |conninfo| {
            let (session, _) = with_retries(|| pull::connect(conninfo))?;
            pull::scan(session, &self.options.selection, self.options.masks.as_ref())
        })
    }

    /// Opens the ssh tunnel, if the pull uses one.
    fn tunnel(&self) -> Result<Option<Tunnel>> {
        let open = |host| Tunnel::open(host, &self.conninfo, self.timeout, &self.environment);
        self.ssh_host.as_deref().map(open).transpose()
    }

    /// Runs `work` with a connection string that goes through the tunnel.
    fn through<T>(
        &self,
        tunnel: Option<&Tunnel>,
        work: impl FnOnce(&Conninfo) -> Result<T>,
    ) -> Result<T> {
        let Some(tunnel) = tunnel else { return work(&self.conninfo) };
        let done = work(&tunnel.conninfo(&self.conninfo));
        done.map_err(|error| tunnel.explain(error))
    }

    fn pull(
        &self,
        conninfo: &Conninfo,
        local: Option<Session>,
        started: Instant,
    ) -> Result<Vec<Pulled>> {
        let (session, attempt) = with_retries(|| pull::connect(conninfo))?;
        if let Some((toolchain, flags)) = &self.by_pg_dump {
            let selection = &self.options.selection;
            pull::dump(session, conninfo, toolchain, selection, flags, &self.file)?;
            return Ok(Vec::new());
        }
        let source =
            Source::open(session, conninfo, &self.source(), attempt, self.options.clone())?;
        match local {
            Some(local) => pull::load(source, local, started),
            None => pull::pull(source, &self.file, self.resume),
        }
    }

    /// The name of staging in messages: the server's address and database, without a user.
    fn source(&self) -> String {
        let server = self.conninfo.targets().first().map(ToString::to_string).unwrap_or_default();
        let host = self.ssh_host.as_ref().map(|host| format!("{host}:")).unwrap_or_default();
        format!("{host}{server}/{}", self.conninfo.database())
    }
}
