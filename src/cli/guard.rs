//! Staging is only read: no verb that writes runs on it, and its rows go to this machine only.

use std::net::ToSocketAddrs;
use std::path::PathBuf;

use super::resolve::Resolve;
use crate::bundle::inherits;
use crate::cluster::{Layout, is_meant_by};
use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment, Target};
use crate::postgres::connection::url::{PgUrl, is_local_host};
use crate::sys::error::{Error, Result};

impl Resolve {
    /// The connection of a verb that writes; exit 2 when that is staging's.
    pub fn target(&self) -> Result<Conninfo> {
        let conninfo = self.connection()?;
        self.refuse_staging(&conninfo)?;
        Ok(conninfo)
    }

    /// The connection of a verb that brings rows of staging: this machine's only.
    pub fn local_target(&self) -> Result<Conninfo> {
        let conninfo = self.target()?;
        if conninfo.is_local() {
            return Ok(conninfo);
        }
        Err(Error::conflict(format!(
            "{conninfo} is not on this machine: rows of staging are loaded through a socket or loopback only"
        ))
        .hint("let DB_URL point to the cluster: ?host=$PG_WORKING_DIR"))
    }

    /// Exit 2 when `STAGING_DB_URL` means the same database, seen from where it is reached.
    pub fn refuse_staging(&self, conninfo: &Conninfo) -> Result<()> {
        let by_ssh = self.env.text("STAGING_SSH_HOST")?.is_some_and(|host| host != "-");
        self.refuse_staging_seen(conninfo, by_ssh)
    }

    /// The same, where the command line says how staging is reached.
    pub fn refuse_staging_seen(&self, conninfo: &Conninfo, by_ssh: bool) -> Result<()> {
        let Some(url) = self.env.text("STAGING_DB_URL")? else { return Ok(()) };
        let staging = self.staging(&PgUrl::parse(url).map_err(unusable)?)?;
        let same = |one: &Target| {
            staging
                .targets()
                .iter()
                .any(|other| self.same_server(conninfo, one, &staging, other, by_ssh))
        };
        if conninfo.database() != staging.database() || !conninfo.targets().iter().any(same) {
            return Ok(());
        }
        Err(Error::conflict(format!(
            "the database {} at {conninfo} is STAGING_DB_URL's: staging is only read",
            conninfo.database()
        ))
        .hint("let DB_URL, or --url, name the database here: ?host=$PG_WORKING_DIR")
        .hint("or, if STAGING_DB_URL is wrong, correct it; with STAGING_SSH_HOST it is as seen from that host"))
    }

    /// Staging's connection; the variables of libpq are about the database here and do not count.
    pub(super) fn staging(&self, url: &PgUrl) -> Result<Conninfo> {
        let surroundings = LibpqEnvironment { variables: Default::default(), ..self.libpq() };
        Conninfo::resolve(url, &surroundings).map_err(unusable)
    }

    fn same_server(
        &self,
        conninfo: &Conninfo,
        one: &Target,
        staging: &Conninfo,
        other: &Target,
        by_ssh: bool,
    ) -> bool {
        if one.port != other.port {
            return false;
        }
        match (is_here(one), is_here(other)) {
            // from the other end of ssh, "here" is another machine
            (true, true) if by_ssh => false,
            (true, true) if one.is_socket() && other.is_socket() => {
                let ours = |conninfo| {
                    self.layout().is_ok_and(|layout| is_meant_by(&layout, one.port, conninfo))
                };
                real(&one.host) == real(&other.host) || ours(conninfo) && ours(staging)
            }
            (true, true) => true,
            (false, false) => same_host(one, other, by_ssh),
            _ => false,
        }
    }
}

pub(super) fn unusable(error: Error) -> Error {
    error.context("cannot use STAGING_DB_URL")
}

fn is_here(target: &Target) -> bool {
    match target.hostaddr {
        Some(address) => address.to_canonical().is_loopback(),
        None => is_local_host(&target.host),
    }
}

fn real(directory: &str) -> PathBuf {
    std::fs::canonicalize(directory).unwrap_or_else(|_| directory.into())
}

/// Two names may mean one address; what they mean at the other end of ssh is not known here.
fn same_host(one: &Target, other: &Target, by_ssh: bool) -> bool {
    if one.host.eq_ignore_ascii_case(&other.host) {
        return true;
    }
    let addresses = |target: &Target| -> Vec<_> {
        match target.hostaddr {
            Some(address) => vec![address],
            None if by_ssh => target.host.parse().into_iter().collect(),
            None => {
                let found = (target.host.as_str(), target.port).to_socket_addrs();
                found.into_iter().flatten().map(|address| address.ip()).collect()
            }
        }
    };
    let others = addresses(other);
    addresses(one).iter().any(|address| others.contains(address))
}

/// A verb that destroys what is there touches only this machine.
pub(in crate::cli) fn refuse_elsewhere(resolve: &Resolve) -> Result<()> {
    match resolve.project_url()? {
        Some((url, conninfo)) if !conninfo.is_local() => Err(Error::conflict(format!(
            "{url} is not on this machine, and this verb makes or removes a cluster here"
        ))
        .hint("unset DB_URL, or let it point to the cluster: ?host=$PG_WORKING_DIR")),
        Some((_, conninfo)) => resolve.refuse_staging(&conninfo),
        None => Ok(()),
    }
}

/// `--url` and the working directory stand on one command line, so they have to agree. `DB_URL` may
/// differ: it belongs to the project, and a cluster that `check --keep` left is removed under it.
pub(in crate::cli) fn refuse_other_cluster(resolve: &Resolve, layout: &Layout) -> Result<()> {
    let Some((url, conninfo)) = resolve.project_url()? else { return Ok(()) };
    let port = conninfo.targets().first().map_or(0, |target| target.port);
    if resolve.url.is_none() || is_meant_by(layout, port, &conninfo) {
        return Ok(());
    }
    let place = layout.working_directory().display();
    Err(Error::conflict(format!("{url} does not point to the cluster in {place}"))
        .hint("leave --url out to remove that cluster, or set PG_WORKING_DIR to the one you mean"))
}

/// `--inherits`, for a verb that does no more with it.
pub(in crate::cli) fn check_inherits(resolve: &Resolve, tables: &[String]) -> Result<()> {
    if tables.is_empty() { Ok(()) } else { inherits::check(&resolve.connection()?, tables) }
}
