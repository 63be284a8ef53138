//! Guards for targets: no verb writes to staging, its rows go to this machine only, and a database on
//! another machine changes only if the user says so.

use std::net::ToSocketAddrs;
use std::path::PathBuf;

use super::resolve::Resolve;
use crate::bundle::inherits;
use crate::cluster::{Layout, is_meant_by};
use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment, Target};
use crate::postgres::connection::url::{PgUrl, is_local_host};
use crate::sys::error::{Error, Result};

impl Resolve {
    /// The connection of a verb that changes a database. Exits with 2 if it leads to staging, or to
    /// another machine without `--remote`.
    pub fn target(&self) -> Result<Conninfo> {
        let conninfo = self.connection()?;
        self.refuse_staging(&conninfo)?;
        self.refuse_remote(&conninfo)?;
        Ok(conninfo)
    }

    /// The connection of a verb that loads rows of staging. It must lead to this machine.
    pub fn local_target(&self) -> Result<Conninfo> {
        let conninfo = self.connection()?;
        self.refuse_staging(&conninfo)?;
        if conninfo.is_local() {
            return Ok(conninfo);
        }
        Err(Error::conflict(format!(
            "{conninfo} is not on this machine: db-tool loads rows of staging through a socket or loopback address only"
        ))
        .hint("let DB_URL point to the cluster: ?host=$PG_WORKING_DIR"))
    }

    /// Exits with 2 if the database is on another machine and nobody said `--remote`. A port of
    /// this machine counts as local, although a tunnel may lead elsewhere.
    pub fn refuse_remote(&self, conninfo: &Conninfo) -> Result<()> {
        if self.remote || conninfo.is_local() {
            return Ok(());
        }
        Err(Error::conflict(format!(
            "the database {} at {conninfo} is not on this machine",
            conninfo.database()
        ))
        .hint("--remote changes it all the same")
        .hint("or let DB_URL point to the cluster: ?host=$PG_WORKING_DIR"))
    }

    /// Exits with 2 if `STAGING_DB_URL` names the same database. Its host is resolved as seen from
    /// the ssh host.
    pub fn refuse_staging(&self, conninfo: &Conninfo) -> Result<()> {
        let by_ssh = self.env.text("STAGING_SSH_HOST")?.is_some_and(|host| host != "-");
        self.refuse_staging_seen(conninfo, by_ssh)
    }

    /// The same, if the command line decides whether ssh is used.
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
            "the database {} at {conninfo} is that of STAGING_DB_URL, and db-tool never writes to staging",
            conninfo.database()
        ))
        .hint("let DB_URL, or --url, name the database here: ?host=$PG_WORKING_DIR")
        .hint("or, if STAGING_DB_URL is wrong, correct it; with STAGING_SSH_HOST, it is the address as seen from that host"))
    }

    /// The connection to staging. The variables of libpq do not apply, because they describe the
    /// project's own database.
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
            // "here", as seen from the ssh host, is another machine
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

/// Two host names may have the same address. This machine cannot resolve names for the ssh host.
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

/// Refuses a URL on another machine, for a verb that makes or removes a cluster.
pub(in crate::cli) fn refuse_elsewhere(resolve: &Resolve) -> Result<()> {
    match resolve.project_url()? {
        Some((url, conninfo)) if !conninfo.is_local() => Err(Error::conflict(format!(
            "{url} is not on this machine, and this verb makes or removes a cluster here"
        ))
        .hint("unset DB_URL, or let it point to the cluster: ?host=$PG_WORKING_DIR")),
        Some((_, conninfo)) => resolve.refuse_staging(conninfo),
        None => Ok(()),
    }
}

/// Refuses `--url` if it does not point to the cluster in the working directory. `DB_URL` may
/// differ: it belongs to the project, and a user may remove a cluster of `check --keep` while it is
/// set.
pub(in crate::cli) fn refuse_other_cluster(resolve: &Resolve, layout: &Layout) -> Result<()> {
    let Some((url, conninfo)) = resolve.project_url()? else { return Ok(()) };
    let port = conninfo.targets().first().map_or(0, |target| target.port);
    if resolve.url.is_none() || is_meant_by(layout, port, conninfo) {
        return Ok(());
    }
    let place = layout.working_directory().display();
    Err(Error::conflict(format!("{url} does not point to the cluster in {place}"))
        .hint("omit --url to remove that cluster, or set PG_WORKING_DIR to the directory of the other one"))
}

/// Checks the tables of `--inherits`, for a verb that does nothing else with them.
pub(in crate::cli) fn check_inherits(resolve: &Resolve, tables: &[String]) -> Result<()> {
    if tables.is_empty() { Ok(()) } else { inherits::check(&resolve.connection()?, tables) }
}
