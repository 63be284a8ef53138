//! TCP connections to the development cluster. Without `PG_LISTEN` there are none.
//!
//! A server that listens on an address is reachable for every user of this machine, and perhaps of
//! others. So nobody connects over TCP without a password, whatever else `pg_hba.conf` says. The
//! password is random; it is in a file that only the owner of the cluster can read. An address that
//! other machines can reach needs the user's consent on the command line.

mod address;
mod check;
pub(in crate::cluster) mod hba;
mod passfile;
mod port;

pub use address::{Tcp, is_loopback};
pub use passfile::Password;
pub use port::{free_port, remembered_port};

use std::fmt;
use std::path::PathBuf;

use super::Running;
use super::run::postmaster::Shutdown;
use crate::sys::error::{Error, Result};

/// The way to a server over TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpAddress {
    /// The host, as clients name it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The file with the password.
    pub passfile: PathBuf,
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
    pub fn wanted_tcp_address(&self) -> Option<TcpAddress> {
        self.spec().settings.tcp.as_ref().and_then(|_| self.tcp_address())
    }

    /// The way to the server over TCP, whatever the settings ask for.
    pub fn tcp_address(&self) -> Option<TcpAddress> {
        let host = match self.postmaster.file.listens_on.as_deref()? {
            "*" => "localhost",
            "0.0.0.0" => "127.0.0.1",
            "::" => "::1",
            host => host,
        };
        let passfile = self.spec().layout.passfile();
        Some(TcpAddress { host: host.to_owned(), port: self.port(), passfile })
    }

    /// Whether the server listens as the settings ask for. A server that listens although they do
    /// not ask for it goes on.
    fn listens_as_wanted(&self) -> bool {
        let wanted = self.spec().settings.tcp.as_ref().map(|tcp| tcp.address());
        wanted.is_none() || self.postmaster.file.listens_on.as_deref() == wanted
    }

    /// Starts a server again that does not listen as the settings ask for. If others have sessions,
    /// it goes on as it is. Returns whether it was started again.
    pub(in crate::cluster) fn listening(self) -> Result<(Self, bool)> {
        if self.listens_as_wanted() {
            return Ok((self, false));
        }
        match self.other_sessions()? {
            0 => {}
            sessions => {
                let s = if sessions == 1 { " works" } else { "s work" };
                tracing::warn!(
                    "{sessions} other session{s} in this cluster, so its server goes on without \
                     the new PG_LISTEN: end them and start again"
                );
                return Ok((self, false));
            }
        }
        let port = self.port();
        let mut cluster = self.stop(Shutdown::Fast)?;
        cluster.spec.settings.port = port;
        Ok((cluster.start().map_err(Error::from)?, true))
    }
}
