//! The address on which a server listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};

use crate::sys::error::{Error, Result};
use crate::sys::shown::beginning;

/// The address on which a server listens for TCP connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tcp {
    address: String,
    /// Whether the user allows an address that other machines can reach.
    pub(super) public: bool,
    tls: bool,
}

impl Tcp {
    /// Takes one address: an IP address, a name, or `*`. `public` allows an address that other
    /// machines can reach.
    ///
    /// # Errors
    /// `Conflict` if it cannot be an address.
    pub fn new(text: &str, public: bool) -> Result<Self> {
        let text = text.trim();
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let in_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_name = !bare.starts_with('-') && !bare.is_empty() && bare.chars().all(in_name);
        if bare == "*" || bare.parse::<IpAddr>().is_ok() || is_name {
            return Ok(Self { address: bare.to_owned(), public, tls: false });
        }
        Err(Error::conflict(format!("PG_LISTEN is {}, which is not one address", beginning(text)))
            .hint("write 127.0.0.1, ::1 or localhost; the port is in PG_PORT"))
    }

    /// The same address with or without TLS.
    #[must_use]
    pub fn with_tls(self, tls: bool) -> Self {
        Self { tls, ..self }
    }

    /// Whether clients must use TLS.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// The address as the server's settings name it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether only this machine can reach the address, as far as the text tells.
    pub(super) fn is_loopback_only(&self) -> bool {
        is_loopback(&self.address)
    }

    /// The IP addresses that it stands for.
    pub(super) fn addresses(&self) -> Result<Vec<IpAddr>> {
        if self.address == "*" {
            return Ok(vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]);
        }
        let found = (self.address.as_str(), 0).to_socket_addrs().map_err(|error| {
            Error::conflict(format!(
                "PG_LISTEN is {}, which is no known name: {error}",
                self.address
            ))
            .hint("write 127.0.0.1, ::1 or localhost")
        })?;
        let mut addresses: Vec<_> = found.map(|socket| socket.ip()).collect();
        addresses.dedup();
        Ok(addresses)
    }
}

/// Whether the text is the name or an address of the loopback interface. Names that only a resolver
/// knows are not.
pub fn is_loopback(text: &str) -> bool {
    text.eq_ignore_ascii_case("localhost")
        || text.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_taken_and_nothing_else() {
        for (text, address) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            (" localhost ", "localhost"),
            ("*", "*"),
            ("db.example", "db.example"),
        ] {
            assert_eq!(Tcp::new(text, false).expect(text).address(), address);
        }
        for bad in ["a, b", "127.0.0.1,::1", "127.0.0.1:5432", "/tmp", "a'b", "-x", "a b", "[]"] {
            assert!(Tcp::new(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn loopback_addresses_are_known_by_their_text() {
        for own in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "LocalHost"] {
            assert!(is_loopback(own), "{own}");
        }
        for public in ["0.0.0.0", "::", "*", "10.0.0.1", "example.org", "", "127.0.0.1.example"] {
            assert!(!is_loopback(public), "{public}");
        }
    }
}
