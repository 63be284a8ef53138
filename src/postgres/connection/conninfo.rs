//! Resolves connection strings by the rules of libpq.
//!
//! libpq takes the parameters that a string leaves open from a service file, then from the `PG*`
//! variables, then from its defaults (manual §34.1, §34.15 to §34.17). db-tool does the same, for
//! two reasons. Its own sessions and the programs that it starts (`psql`, `pg_dump`) then certainly
//! connect to the same server. And a program gets all parameters as variables, so that no password
//! is in an argument list.
//!
//! This module does not read the environment of the process: `cli` passes it as a value.

mod own_settings;
mod passfile;
mod service;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::url;
pub use super::url::Password;
use super::url::{KEYWORDS, PgUrl};
use crate::sys::error::{Error, Result};
pub use own_settings::Facts;

/// The parts of the environment that libpq would read.
#[derive(Clone, Default)]
pub struct LibpqEnvironment {
    /// The `PG*` variables. An empty variable counts as unset.
    pub variables: BTreeMap<String, String>,
    /// The home directory, which holds `.pgpass`, `.pg_service.conf` and `.postgresql/`.
    pub home: Option<PathBuf>,
    /// The name of the user of the operating system. It is the default database user.
    pub os_user: Option<String>,
}

impl LibpqEnvironment {
    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn in_home(&self, name: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(name))
    }
}

/// A server to try.
#[derive(Clone)]
pub struct Target {
    /// A socket directory, an abstract socket `@name`, a host name, or an address.
    pub host: String,
    /// The address to connect to. Without it, the client looks up `host`.
    pub hostaddr: Option<IpAddr>,
    /// The port. It is also a part of a socket's name.
    pub port: u16,
    /// The password for this server.
    pub password: Option<Password>,
}

impl Target {
    /// Whether the client reaches this server through a Unix socket.
    pub fn is_socket(&self) -> bool {
        self.hostaddr.is_none() && url::is_socket(&self.host)
    }
}

impl fmt::Display for Target {
    /// `host:port`, or the socket's path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hostaddr {
            _ if self.is_socket() => write!(f, "{}/.s.PGSQL.{}", self.host, self.port),
            Some(address) if self.host != address.to_string() => {
                write!(f, "{} ({address}):{}", self.host, self.port)
            }
            _ if self.host.contains(':') => write!(f, "[{}]:{}", self.host, self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A resolved connection string, with a value for every parameter that matters.
#[derive(Clone)]
pub struct Conninfo {
    targets: Vec<Target>,
    user: String,
    database: String,
    parameters: BTreeMap<&'static str, String>,
    home: Option<PathBuf>,
    warnings: Vec<String>,
    /// Facts about the server that sessions have learned. Connections derived from this one share
    /// them.
    learned: Arc<own_settings::LearnedFacts>,
}

impl Conninfo {
    /// Resolves `url`: parameters that it leaves open come from its service, then the `PG*`
    /// variables, then libpq's defaults. The password may come from a password file.
    ///
    /// # Errors
    /// `Missing` if the service or the user is not defined. `Conflict` if a service file cannot be
    /// read or parsed, if a port or an address is invalid, or if lists have different lengths.
    pub fn resolve(url: &PgUrl, environment: &LibpqEnvironment) -> Result<Self> {
        let url = fill_in(url, environment)?;
        let user = match filled(&url, "user").or(environment.os_user.as_deref()) {
            Some(user) => user.to_owned(),
            None => {
                return Err(Error::missing("the connection names no user")
                    .hint("name one in the connection string or in PGUSER"));
            }
        };
        let mut conninfo = Self {
            targets: targets(&url)?,
            database: filled(&url, "dbname").unwrap_or(&user).to_owned(),
            user,
            parameters: url.filled_parameters(),
            home: environment.home.clone(),
            warnings: Vec::new(),
            learned: Arc::default(),
        };
        conninfo.find_passwords(&url);
        Ok(conninfo)
    }

    /// A password in the string or a variable holds for all servers. A password file may have one
    /// for each.
    fn find_passwords(&mut self, url: &PgUrl) {
        let given = url.secret("password").filter(|password| !password.reveal().is_empty());
        if let Some(password) = given {
            self.targets.iter_mut().for_each(|target| target.password = Some(password.clone()));
            return;
        }
        let usual = || self.home.as_ref().map(|home| home.join(".pgpass"));
        if let Some(file) = filled(url, "passfile").map(PathBuf::from).or_else(usual) {
            let (database, user) = (&self.database, &self.user);
            passfile::fill_in(&file, &mut self.targets, database, user, &mut self.warnings);
        }
    }

    /// The servers to try, in this order. There is at least one.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The database user.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The value of another parameter, such as `sslmode`, if it is set.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.parameters.get(key).map(String::as_str)
    }

    /// The same connection with an application name and with settings of the server in `options`.
    #[must_use]
    pub fn with_settings(&self, name: &str, settings: &[(&str, &str)]) -> Self {
        let mut conninfo = self.with_options(settings);
        conninfo.parameters.insert("application_name", name.to_owned());
        conninfo
    }

    /// The same connection with settings of the server in `options`.
    #[must_use]
    pub fn with_options(&self, settings: &[(&str, &str)]) -> Self {
        let mut conninfo = self.clone();
        let mut options = self.get("options").unwrap_or_default().to_owned();
        for (setting, value) in settings {
            // blanks separate options (§34.1.2)
            let value = value.replace('\\', "\\\\").replace(' ', "\\ ");
            options.push_str(&format!(" -c {setting}={value}"));
        }
        conninfo.parameters.insert("options", options.trim_start().to_owned());
        conninfo
    }

    /// The same connection to another database of the server.
    #[must_use]
    pub fn for_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    /// The same connection through a socket in `directory`, which leads to `target`. The client
    /// sends the password of `target`.
    #[must_use]
    pub fn through(&self, directory: &Path, target: &Target) -> Self {
        let host = directory.to_string_lossy().into_owned();
        let target = Target { host, hostaddr: None, ..target.clone() };
        Self { targets: vec![target], ..self.clone() }
    }

    /// The path of a file in `~/.postgresql`, where libpq looks for certificates.
    pub(crate) fn in_dot_postgresql(&self, name: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(".postgresql").join(name))
    }

    /// The time that one server has to answer. `None` means for ever. The default is 10 s for a
    /// network and 30 s for a socket: a socket answers or refuses at once, unless its server is
    /// paused.
    ///
    /// # Errors
    /// `Conflict` if `connect_timeout` is not a number of seconds.
    pub fn connect_timeout(&self, target: &Target) -> Result<Option<Duration>> {
        let Some(text) = self.get("connect_timeout") else {
            return Ok(Some(Duration::from_secs(default_timeout(target))));
        };
        let seconds: i32 = text.trim().parse().map_err(|_| {
            bad_value("connect_timeout", "a whole number of seconds; 0 waits for ever")
        })?;
        // Zero and less mean for ever; otherwise libpq waits for at least two seconds (§34.1.2).
        let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
        Ok(seconds.map(|seconds| Duration::from_secs(seconds.max(2))))
    }

    /// The same connection with this `connect_timeout`, unless it has one already.
    #[must_use]
    pub fn waiting(&self, seconds: u64) -> Self {
        let mut conninfo = self.clone();
        conninfo.parameters.entry("connect_timeout").or_insert_with(|| seconds.to_string());
        conninfo
    }

    /// Whether all servers to try are on this machine.
    pub fn is_local(&self) -> bool {
        self.targets.iter().all(|target| {
            url::is_local_host(&target.host)
                && target.hostaddr.is_none_or(|address| address.to_canonical().is_loopback())
        })
    }

    /// Problems that do not stop a connection, such as a password file that others can read.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The `PG*` variables with which a program of PostgreSQL makes the same connection. The
    /// program must have no other `PG*` variables. Parameters without a variable (§34.15), such as
    /// `keepalives` or `sslpassword`, are lost.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables: BTreeMap<&'static str, String> = KEYWORDS
            .iter()
            .filter_map(|(key, variable)| Some(((*variable)?, self.parameters.get(key)?.clone())))
            .collect();
        let each = |field: fn(&Target) -> String| {
            self.targets.iter().map(field).collect::<Vec<_>>().join(",")
        };
        variables.insert("PGHOST", each(|target| target.host.clone()));
        variables.insert("PGPORT", each(|target| target.port.to_string()));
        if self.targets.iter().any(|target| target.hostaddr.is_some()) {
            let address = |target: &Target| target.hostaddr.map(|address| address.to_string());
            let addresses = self.targets.iter().map(|target| address(target).unwrap_or_default());
            variables.insert("PGHOSTADDR", addresses.collect::<Vec<_>>().join(","));
        }
        let patience = self.targets.iter().map(default_timeout).max().unwrap_or(0);
        variables.entry("PGCONNECT_TIMEOUT").or_insert_with(|| patience.to_string());
        variables.insert("PGUSER", self.user.clone());
        variables.insert("PGDATABASE", self.database.clone());
        // Only a password file can hold different passwords for several servers, and the program
        // reads that file itself.
        let first = self.targets.first().and_then(|target| target.password.as_ref());
        if let Some(password) = first
            && self.targets.iter().all(|target| target.password.as_ref() == Some(password))
        {
            variables.insert("PGPASSWORD", password.reveal().to_owned());
        }
        variables.into_iter().collect()
    }
}

impl fmt::Debug for Conninfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conninfo({self})")
    }
}

impl fmt::Display for Conninfo {
    /// Shows the servers, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, target) in self.targets.iter().enumerate() {
            write!(f, "{}{target}", if index > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// The default timeout in seconds.
fn default_timeout(target: &Target) -> u64 {
    if target.is_socket() { 30 } else { 10 }
}

/// The parameters that name the server.
const TARGET: [&str; 5] = ["host", "hostaddr", "port", "user", "dbname"];

/// Fills in open parameters. The service overrides the variables. There is one difference from
/// libpq: if the string or its service names a host, the environment adds no address, port, user,
/// database or service to it. They may belong to another server, such as the cluster of the shell
/// in which somebody works.
fn fill_in(url: &PgUrl, environment: &LibpqEnvironment) -> Result<PgUrl> {
    let mut url = url.clone();
    if let Some(service) = filled(&url, "service").map(str::to_owned) {
        url = service::fill_in(url, &service, environment)?;
    }
    let names_host = TARGET[..2].iter().any(|key| filled(&url, key).is_some());
    if names_host {
        url = TARGET.iter().fold(url, |url, key| url.with_default(key, ""));
    }
    if let (false, None, Some(service)) =
        (names_host, url.get("service"), environment.variable("PGSERVICE"))
    {
        url = service::fill_in(url, service, environment)?;
    }
    for (key, variable) in KEYWORDS {
        if let Some(value) = variable.and_then(|variable| environment.variable(variable)) {
            url = url.with_default(key, value);
        }
    }
    if environment.variable("PGREQUIRESSL") == Some("1") {
        url = url.with_default("sslmode", "require");
    }
    Ok(url.without("service"))
}

/// Pairs hosts, addresses and ports (§34.1.1.3).
fn targets(url: &PgUrl) -> Result<Vec<Target>> {
    let hosts = elements(url, "host");
    let addresses = elements(url, "hostaddr");
    let ports = url.ports()?;
    let count = hosts.len().max(addresses.len()).max(1);
    for (what, length) in [("host names", hosts.len()), ("host addresses", addresses.len())] {
        if length > 0 && length != count {
            return Err(Error::conflict(format!("{length} {what} do not match {count} servers")));
        }
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(Error::conflict(format!("{} ports do not match {count} hosts", ports.len())));
    }
    let target = |index: usize| {
        let port = if ports.len() > 1 { ports.get(index) } else { ports.first() };
        let hostaddr = addresses.get(index).filter(|text| !text.is_empty());
        let host = hosts.get(index).filter(|host| !host.is_empty()).or(hostaddr);
        Ok(Target {
            host: host.map_or_else(default_socket_directory, |host| (*host).to_owned()),
            hostaddr: hostaddr.map(|text| parse_address(text)).transpose()?,
            port: port.copied().flatten().unwrap_or(url::DEFAULT_PORT),
            password: None,
        })
    };
    (0..count).map(target).collect()
}

fn parse_address(text: &str) -> Result<IpAddr> {
    text.parse().map_err(|_| bad_value("hostaddr", "an IP address, and the name of a host as host"))
}

/// The error for an invalid value of a parameter. It does not repeat the value, which may be a
/// password in the wrong place.
pub(in crate::postgres) fn bad_value(key: &str, allowed: &str) -> Error {
    Error::conflict(format!("the connection's {key} has an invalid value"))
        .hint(format!("write {allowed}"))
}

/// The elements of a list with commas. There are none if the parameter is open or empty.
fn elements<'a>(url: &'a PgUrl, key: &str) -> Vec<&'a str> {
    filled(url, key).map(|value| value.split(',').map(str::trim).collect()).unwrap_or_default()
}

fn filled<'a>(url: &'a PgUrl, key: &str) -> Option<&'a str> {
    url.get(key).filter(|value| !value.is_empty())
}

/// The default of libpq is fixed when libpq is built: `/tmp`, or the choice of a distribution.
fn default_socket_directory() -> String {
    let usual = ["/run/postgresql", "/var/run/postgresql"];
    let found = usual.into_iter().find(|dir| Path::new(dir).is_dir());
    found.unwrap_or("/tmp").to_owned()
}
