//! TCP connections to the development cluster. Without `PG_LISTEN` there are none.
//!
//! A server that listens on an address is reachable for every user of this machine, and perhaps of
//! others. So nobody connects over TCP without a password, whatever else `pg_hba.conf` says. The
//! password is random; it is in a file that only the owner of the cluster can read. An address that
//! other machines can reach needs the user's consent on the command line.

mod address;
pub(in crate::cluster) mod certificate;
mod check;
pub(in crate::cluster) mod hba;
mod passfile;
mod port;

pub use address::{Tcp, is_loopback};
pub use passfile::Password;
pub use port::{free_port, remembered_port};

use std::fmt;
use std::path::PathBuf;

use super::run::postmaster::Shutdown;
use super::{Cluster, Running};
use crate::postgres::connection::session::column;
use crate::sys::error::{Error, Result};
use crate::sys::process::Patience;

/// The way to a server over TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpAddress {
    /// The host, as clients name it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The file with the password.
    pub passfile: PathBuf,
    /// The file with the certificate that clients trust, if the server uses TLS.
    pub root_certificate: Option<PathBuf>,
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Running {
    /// The way to the server over TCP. `None` if the settings ask for none, or if the server does
    /// not listen.
    pub fn wanted_tcp_address(&self) -> Result<Option<TcpAddress>> {
        match self.spec().settings.tcp {
            Some(_) => self.tcp_address(),
            None => Ok(None),
        }
    }

    /// The way to the server over TCP, whatever the settings ask for.
    pub fn tcp_address(&self) -> Result<Option<TcpAddress>> {
        let host = match self.postmaster.file.listens_on.as_deref() {
            None => return Ok(None),
            Some("*") => "localhost",
            Some("0.0.0.0") => "127.0.0.1",
            Some("::") => "::1",
            Some(host) => host,
        };
        let layout = &self.spec().layout;
        let [root_certificate, _] = layout.authority();
        Ok(Some(TcpAddress {
            host: host.to_owned(),
            port: self.port(),
            passfile: layout.passfile(),
            root_certificate: self.uses_tls()?.then_some(root_certificate),
        }))
    }

    fn uses_tls(&self) -> Result<bool> {
        let row = self.session("postgres")?.query_one("SHOW ssl", &[])?;
        Ok(column::<&str>(&row, "ssl")? == "on")
    }

    /// Whether the server listens as the settings ask for. A server that listens although they do
    /// not ask for it goes on.
    fn listens_as_wanted(&self) -> Result<bool> {
        let Some(wanted) = &self.spec().settings.tcp else { return Ok(true) };
        let listens_on = self.postmaster.file.listens_on.as_deref();
        Ok(listens_on == Some(wanted.address()) && self.uses_tls()? == wanted.tls())
    }

    /// Renews the files of TLS if they need it, and lets the server read them again.
    fn renew_certificates(&self) -> Result<()> {
        let _acting = self.spec().act()?;
        if self.spec().prepare_certificates()? {
            self.session("postgres")?.batch("SELECT pg_reload_conf()")?;
        }
        Ok(())
    }

    /// Starts a server again that does not listen as the settings ask for. It goes on as it is if
    /// others have sessions, or if a new start would change nothing. Returns whether it was started
    /// again.
    pub(in crate::cluster) fn listening(mut self) -> Result<(Self, bool)> {
        if self.listens_as_wanted()? {
            self.renew_certificates()?;
            return Ok((self, false));
        }
        self.cluster.spec.settings.port = self.port();
        if self.cluster.new_conf()?.is_none() {
            tracing::warn!(
                "the server does not listen as PG_LISTEN and PG_TLS ask for: other settings in \
                 postgresql.conf, or of ALTER SYSTEM, override them"
            );
            return Ok((self, false));
        }
        let sessions = self.other_sessions()?;
        if sessions > 0 {
            let s = if sessions == 1 { " works" } else { "s work" };
            tracing::warn!(
                "{sessions} other session{s} in this cluster, so its server goes on without the \
                 new PG_LISTEN and PG_TLS: end them and start again"
            );
            return Ok((self, false));
        }
        self.start_again().map(|running| (running, true))
    }

    /// Stops the server and starts it with the new settings. If it does not start, starts it again
    /// as it was.
    fn start_again(self) -> Result<Self> {
        let tls = self.uses_tls()?;
        let listens_on = self.postmaster.file.listens_on.as_deref();
        let tcp = listens_on.map(|address| Tcp::new(address, true)).transpose()?;
        let mut before = self.spec().clone();
        before.settings.tcp = tcp.map(|tcp| tcp.with_tls(tls));
        let before = Cluster::existing(before, self.cluster.toolchain.clone());
        let error = match self.stop(Shutdown::Fast)?.start() {
            Ok(running) => return Ok(running),
            Err(failure) => Error::from(failure),
        };
        match before.start_with(Patience::Stubborn).map_err(Error::from) {
            Ok(_) => Err(error.detail("The server runs again as it did before.")),
            Err(also) => Err(error.detail(format!("and it does not start again: {also}"))),
        }
    }
}
