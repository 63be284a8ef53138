//! Parses connection strings and prints them without secrets.
//!
//! PostgreSQL has two forms of connection strings (manual §34.1.1):
//! `postgresql://user@host/db?key=value` and `key=value key='value'`. Both are sets of parameters,
//! and a [`PgUrl`] is such a set. [`PgUrl::to_url`] writes a canonical form that libpq and other
//! URL parsers understand: a socket directory is in the parameter `host`, and the authority is
//! `localhost`.
//!
//! This file does no I/O. `conninfo` fills in the parameters that a string leaves open.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::path::Path;

use crate::sys::error::{Error, Result};

/// The keyword of a parameter, and the environment variable from which libpq reads it, if there is
/// one.
pub(crate) type Keyword = (&'static str, Option<&'static str>);

/// All parameters of manual §34.1.2, with their variables from §34.15.
///
/// Keywords that the installed libpq does not know are accepted: it gets them as variables, which
/// it then ignores.
pub(crate) const KEYWORDS: &[Keyword] = &[
    ("application_name", Some("PGAPPNAME")),
    ("channel_binding", Some("PGCHANNELBINDING")),
    ("client_encoding", Some("PGCLIENTENCODING")),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("dbname", Some("PGDATABASE")),
    ("fallback_application_name", None),
    ("gssdelegation", Some("PGGSSDELEGATION")),
    ("gssencmode", Some("PGGSSENCMODE")),
    ("gsslib", Some("PGGSSLIB")),
    ("host", Some("PGHOST")),
    ("hostaddr", Some("PGHOSTADDR")),
    ("keepalives", None),
    ("keepalives_count", None),
    ("keepalives_idle", None),
    ("keepalives_interval", None),
    ("krbsrvname", Some("PGKRBSRVNAME")),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
    ("max_protocol_version", Some("PGMAXPROTOCOLVERSION")),
    ("min_protocol_version", Some("PGMINPROTOCOLVERSION")),
    ("options", Some("PGOPTIONS")),
    ("passfile", Some("PGPASSFILE")),
    ("password", Some("PGPASSWORD")),
    ("port", Some("PGPORT")),
    ("replication", None),
    ("require_auth", Some("PGREQUIREAUTH")),
    ("requirepeer", Some("PGREQUIREPEER")),
    ("service", Some("PGSERVICE")),
    ("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION")),
    ("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION")),
    ("sslcert", Some("PGSSLCERT")),
    ("sslcertmode", Some("PGSSLCERTMODE")),
    ("sslcompression", Some("PGSSLCOMPRESSION")),
    ("sslcrl", Some("PGSSLCRL")),
    ("sslcrldir", Some("PGSSLCRLDIR")),
    ("sslkey", Some("PGSSLKEY")),
    ("sslmode", Some("PGSSLMODE")),
    ("sslnegotiation", Some("PGSSLNEGOTIATION")),
    ("sslpassword", None),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("sslsni", Some("PGSSLSNI")),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    ("tcp_user_timeout", None),
    ("user", Some("PGUSER")),
];

/// The parameters whose values are never shown.
const SECRETS: &[&str] = &["password", "sslpassword"];

/// The port of a server if the URL names none.
pub(crate) const DEFAULT_PORT: u16 = 5432;

/// A password. It has neither `Debug` nor `Display`, so that no code can print it by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes the password as plain text.
    pub fn new(clear: impl Into<String>) -> Self {
        Self(clear.into())
    }

    /// The password as plain text. Use it only for the protocol and for the environment of a child.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// A parsed connection string: a set of parameters, printed without passwords.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PgUrl {
    parameters: BTreeMap<&'static str, String>,
    secrets: BTreeMap<&'static str, Password>,
}

impl PgUrl {
    /// Parses either form of a connection string (manual §34.1.1). An empty string leaves all
    /// parameters open.
    ///
    /// # Errors
    /// `Conflict` for a malformed string, an unknown parameter or an invalid port. The message
    /// repeats no text that could be a password.
    pub fn parse(text: &str) -> Result<Self> {
        let url = parse::parse(text)?;
        url.ports()?;
        Ok(url)
    }

    /// The URL of a server with a socket in `dir`. `dir` must have no comma, which libpq would read
    /// as a separator of hosts.
    pub fn for_socket(dir: &Path, port: u16, user: &str, database: &str) -> Self {
        Self::default()
            .with("host", &dir.to_string_lossy())
            .with("port", &port.to_string())
            .with("user", user)
            .with("dbname", database)
    }

    /// The value of a parameter, which may be empty. Never a password.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.parameters.get(key).map(String::as_str)
    }

    /// The value of a password parameter.
    pub(crate) fn secret(&self, key: &str) -> Option<&Password> {
        self.secrets.get(key)
    }

    /// The host parameter: a name, an address, a socket directory, or a list with commas.
    pub fn host(&self) -> Option<&str> {
        self.get("host")
    }

    /// Returns this URL with one parameter set. `key` must be a keyword of libpq.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        let known = self.set(key, value);
        debug_assert!(known, "{key} is not a connection parameter");
        self
    }

    /// Returns this URL with one parameter left open.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.parameters.remove(key);
        self.secrets.remove(key);
        self
    }

    /// Returns this URL with one parameter set, unless it is set already, even to an empty value.
    pub(crate) fn with_default(self, key: &str, value: &str) -> Self {
        let open = !self.parameters.contains_key(key) && !self.secrets.contains_key(key);
        if open { self.with(key, value) } else { self }
    }

    /// The parameters with values that are not empty, without passwords.
    pub(crate) fn filled_parameters(&self) -> BTreeMap<&'static str, String> {
        let filled = self.parameters.iter().filter(|(_, value)| !value.is_empty());
        filled.map(|(key, value)| (*key, value.clone())).collect()
    }

    /// The canonical URL, percent-encoded and without passwords.
    pub fn to_url(&self) -> String {
        let mut open: BTreeMap<&str, &str> =
            self.parameters.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let authority = self.authority(&mut open);
        let mut url = format!("postgresql://{authority}/");
        if let Some(database) = take_filled(&mut open, "dbname") {
            url.push_str(&encode(database, ""));
        }
        let mut separator = '?';
        for key in in_reading_order(&open) {
            let _ = write!(url, "{separator}{key}={}", encode(open[key], "/,:"));
            separator = '&';
        }
        url
    }

    /// `user@host:port,…`. Takes the parameters that it writes out of `open`. It is empty if there
    /// is no host, because URL parsers refuse a user without a host.
    fn authority<'a>(&self, open: &mut BTreeMap<&'a str, &'a str>) -> String {
        let Some(hosts) = self.host().filter(|host| !host.is_empty()) else {
            return String::new();
        };
        let user = take_filled(open, "user").map(|user| format!("{}@", encode(user, "")));
        let user = user.unwrap_or_default();
        let hosts: Vec<_> = hosts.split(',').collect();
        let ports: Option<Vec<_>> = self.get("port").map(|ports| ports.split(',').collect());
        // With several hosts, the authority must state each port, even the default one. If the
        // ports are left open (to PGPORT), the hosts must be in the query.
        let ports_open = hosts.len() > 1 && ports.is_none();
        if ports_open || hosts.iter().any(|host| host.is_empty() || is_socket(host)) {
            return format!("{user}localhost");
        }
        open.remove("host");
        let hosts = hosts.into_iter().map(encode_host);
        match ports.filter(|ports| ports.len() == hosts.len() && *ports != [""]) {
            None => format!("{user}{}", hosts.collect::<Vec<_>>().join(",")),
            Some(ports) => {
                open.remove("port");
                let each: Vec<_> = hosts.zip(ports).map(with_port).collect();
                format!("{user}{}", each.join(","))
            }
        }
    }

    /// All ports of the list. `None` for a port that is left open.
    pub(crate) fn ports(&self) -> Result<Vec<Option<u16>>> {
        let Some(ports) = self.get("port") else { return Ok(Vec::new()) };
        ports.split(',').map(|port| parse_port(port.trim())).collect()
    }

    /// Sets a parameter. Returns false if libpq has no such parameter.
    fn set(&mut self, key: &str, value: &str) -> bool {
        let Some(key) = keyword(key) else { return false };
        if SECRETS.contains(&key) {
            self.secrets.insert(key, Password::new(value));
        } else {
            self.parameters.insert(key, value.to_owned());
        }
        true
    }
}

impl fmt::Display for PgUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_url())
    }
}

impl fmt::Debug for PgUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PgUrl({self})")
    }
}

/// The canonical spelling of a keyword. `None` if libpq has no such keyword.
pub(crate) fn keyword(key: &str) -> Option<&'static str> {
    KEYWORDS.iter().map(|(known, _)| *known).find(|known| *known == key)
}

/// Whether libpq takes this host for a socket: an absolute path, or an abstract socket `@name`.
pub(crate) fn is_socket(host: &str) -> bool {
    host.starts_with(['/', '@'])
}

/// Whether the client reaches this host without a network: a socket, `localhost` or a loopback
/// address.
pub(crate) fn is_local_host(host: &str) -> bool {
    let loopback = |address: IpAddr| address.to_canonical().is_loopback();
    host.is_empty()
        || is_socket(host)
        || host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(loopback)
}

/// Parses a port as libpq does. `None` for an empty one.
pub(crate) fn parse_port(port: &str) -> Result<Option<u16>> {
    if port.is_empty() {
        return Ok(None);
    }
    match port.parse::<u16>() {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(port_error()),
    }
}

/// The error for an invalid port. It does not repeat the text, which may be a part of a password:
/// an unencoded `/` cuts it off.
fn port_error() -> Error {
    Error::conflict("the connection string's port is not between 1 and 65535")
        .hint("in a URL, write / : @ and % in a user or password as %2F %3A %40 and %25")
}

/// Takes a parameter with a value out of `open`. An empty parameter stays and is written as `key=`.
fn take_filled<'a>(open: &mut BTreeMap<&'a str, &'a str>, key: &str) -> Option<&'a str> {
    open.get(key).is_some_and(|value| !value.is_empty()).then(|| open.remove(key)).flatten()
}

/// The names of the parameters: first host and port, as people read them, then the others in
/// alphabetical order.
fn in_reading_order<'a>(open: &BTreeMap<&'a str, &'a str>) -> Vec<&'a str> {
    let mut keys: Vec<_> = open.keys().copied().collect();
    keys.sort_by_key(|key| (!matches!(*key, "host" | "port"), *key));
    keys
}

/// `host:port`, or only the host if the port is empty.
fn with_port((host, port): (String, &str)) -> String {
    if port.is_empty() { host } else { format!("{host}:{}", encode(port, "")) }
}

/// Puts an IPv6 address into brackets.
fn encode_host(host: &str) -> String {
    if host.contains(':') { format!("[{}]", encode(host, ":")) } else { encode(host, "") }
}

/// Percent-encodes all characters but the unreserved ones of RFC 3986 and those in `readable`.
pub fn encode(text: &str, readable: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric()
            || b"-._~".contains(&byte)
            || readable.contains(byte as char)
        {
            encoded.push(byte as char);
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
