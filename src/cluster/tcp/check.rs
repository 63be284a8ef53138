//! The checks of an address before a server listens on it.
//!
//! PostgreSQL reports an address that it cannot use only when it starts. By then db-tool would have
//! stopped the old server, or made directories. So db-tool tries the address first.

use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener};

use super::Tcp;
use super::certificate;
use super::port::free_port_of;
use crate::cluster::ClusterSpec;
use crate::cluster::run::postmaster::{Liveness, PidFile};
use crate::sys::error::{Error, Result};
use crate::sys::process;

/// The reason why a server cannot listen on an address.
enum Obstacle {
    /// Another program listens there.
    InUse,
    /// The server's user may not listen on such a low port.
    Privileged,
    /// This machine does not have the address.
    Absent,
    Other(std::io::Error),
}

impl ClusterSpec {
    /// Checks whether the server can listen as the settings say, before anything is changed. If
    /// another program has taken a port that db-tool chose, chooses another one.
    ///
    /// # Errors
    /// `Conflict` for an address that must not or cannot be used. `Missing` if another program
    /// listens there.
    pub fn settle_address(&mut self) -> Result<()> {
        let Some(tcp) = &self.settings.tcp else { return Ok(()) };
        if tcp.tls() {
            certificate::check_place(&self.layout)?;
        }
        let own = self.own_listener()?;
        let addresses = tcp.addresses()?;
        let is_public = !addresses.iter().all(|address| address.to_canonical().is_loopback());
        // somebody has consented when the server was started
        let stands =
            own.as_ref().is_some_and(|own| own.listens_on.as_deref() == Some(tcp.address()));
        if is_public && !tcp.public && !stands {
            return Err(Error::conflict(format!(
                "PG_LISTEN is {}, which other machines can reach",
                tcp.address()
            ))
            .hint("to use the database from this machine, set PG_LISTEN=127.0.0.1")
            .hint("`postgres-init --listen-public` opens it to the network"));
        }
        if own.is_some_and(|own| own.port == Some(self.settings.port)) {
            return Ok(());
        }
        let Some((address, obstacle)) = self.obstacle(&addresses)? else { return Ok(()) };
        if !self.settings.automatic_port || !matches!(obstacle, Obstacle::InUse) {
            return Err(obstacle.report(tcp, address, self.settings.port));
        }
        let chosen = free_port_of(address)?;
        tracing::warn!(
            "{}; the server gets the port {chosen} instead",
            in_use(address, self.settings.port)
        );
        self.settings.port = chosen;
        Ok(())
    }

    /// The server that runs in this place, if it listens for TCP connections.
    fn own_listener(&self) -> Result<Option<PidFile>> {
        match Liveness::of(&self.layout.data())? {
            Liveness::Running(server) if server.file.listens_on.is_some() => Ok(Some(server.file)),
            _ => Ok(None),
        }
    }

    /// The first address on which the server cannot listen. A name may stand for addresses that
    /// this machine lacks, such as `::1`; one that it has is enough.
    fn obstacle(&self, addresses: &[IpAddr]) -> Result<Option<(IpAddr, Obstacle)>> {
        // the rights that db-tool assumes for the server's user concern files only
        let is_root_for_another = self.settings.server_user.is_some();
        if let (true, Some(first)) = (is_root_for_another, addresses.first())
            && self.settings.port < lowest_port()
        {
            return Ok(Some((*first, Obstacle::Privileged)));
        }
        let mut absent = None;
        let mut usable = false;
        for address in addresses {
            match TcpListener::bind((*address, self.settings.port)).map_err(Obstacle::of) {
                Ok(_) => usable = true,
                Err(Obstacle::Absent) => absent = Some((*address, Obstacle::Absent)),
                Err(obstacle) => return Ok(Some((*address, obstacle))),
            }
        }
        Ok(absent.filter(|_| !usable))
    }
}

impl Obstacle {
    fn of(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::AddrInUse => Self::InUse,
            ErrorKind::PermissionDenied => Self::Privileged,
            ErrorKind::AddrNotAvailable => Self::Absent,
            // a machine without IPv6
            _ if error.raw_os_error() == Some(nix::libc::EAFNOSUPPORT) => Self::Absent,
            _ => Self::Other(error),
        }
    }

    fn report(self, tcp: &Tcp, address: IpAddr, port: u16) -> Error {
        match self {
            Self::InUse => Error::missing(in_use(address, port))
                .hint("choose another port with PG_PORT; with PG_PORT=0 db-tool finds a free one")
                .hint("or end that program"),
            Self::Privileged => Error::conflict(format!(
                "PG_PORT is {port}, and the server's user may not listen on so low a port"
            ))
            .hint("choose one above 1023, or let db-tool find a free one: PG_PORT=0"),
            Self::Absent => Error::conflict(format!(
                "PG_LISTEN is {}, and this machine has no such address",
                tcp.address()
            ))
            .hint("write 127.0.0.1, ::1 or localhost"),
            Self::Other(error) => {
                Error::failed(format!("cannot listen on {address}, port {port}: {error}"))
                    .hint("try another address in PG_LISTEN, or another port in PG_PORT")
            }
        }
    }
}

/// The lowest port that a user other than root may listen on.
fn lowest_port() -> u16 {
    let limit = process::read_text("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    limit.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024)
}

/// The sentence that names the program which listens on a port.
fn in_use(address: IpAddr, port: u16) -> String {
    let who = match process::listener(address, port) {
        Some(found) if found.name.starts_with("postgres") => match &found.directory {
            Some(data) => {
                let place = data.parent().filter(|_| data.ends_with("data")).unwrap_or(data);
                format!("the PostgreSQL server in {} (process {})", place.display(), found.pid)
            }
            None => format!("another PostgreSQL server (process {})", found.pid),
        },
        Some(found) => format!("the program {} (process {})", found.name.escape_debug(), found.pid),
        None => "another program".to_owned(),
    };
    format!("the port {port} of {address} is taken: {who} listens there")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_program_in_the_way_is_named() {
        let listening = TcpListener::bind(("127.0.0.1", 0)).expect("bound");
        let port = listening.local_addr().expect("an address").port();
        let said = in_use(Ipv4Addr::LOCALHOST.into(), port);
        assert!(said.contains(&port.to_string()), "{said}");
        if cfg!(target_os = "linux") {
            assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
        }
    }
}
