//! The paths of all files in a working directory.
//!
//! ```text
//! PG_WORKING_DIR/
//! ├── .gitignore          `*`: keeps the cluster out of the repository
//! ├── .db-tool.lock       held by the command that changes the cluster
//! ├── .server.lock        held by the server's processes, in any container
//! ├── .s.PGSQL.<port>     a socket, so that `host=$PG_WORKING_DIR` works
//! ├── .lease/             the leases of the processes that use the server
//! ├── .clone/             hints about clones of the database, and their locks
//! ├── data/               the data directory
//! │   ├── db-tool.json    the marker of a cluster that db-tool made
//! │   └── tablespace/     the tablespaces of a restored cluster
//! ├── hectic.key          the key of the database's secrets
//! ├── passfile            the password for connections over TCP (PGPASSFILE)
//! ├── port                the port that PG_PORT=0 has chosen
//! ├── data.new-*/         a data directory that a command builds
//! ├── data.broken-<time>/ a data directory that could not start; never removed
//! ├── data.kept-<time>/   a data directory that db-tool did not make; never removed
//! ├── log/                server logs, unless PG_LOG_PATH says elsewhere
//! ├── snapshot/NAME/      a snapshot; stays when the cluster is removed
//! ├── sock/               the preferred socket
//! └── tls/                certificates and keys of the server, if it uses TLS
//! ```
//!
//! The path of a socket must fit into `sockaddr_un`, and libpq reads a host with a comma as a list
//! of hosts. If the working directory is too long or has a comma, the server makes no sockets in
//! it. Instead it makes one socket in a short private directory. The name of this directory is a
//! digest of the working directory, so that every command finds it.

use std::path::{Path, PathBuf};

use crate::sys::digest::sha256;

/// The longest path of a socket: `sizeof(sockaddr_un.sun_path)` without the final NUL.
pub const SOCKET_PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The parent of short socket directories. It is fixed, because two shells with different `TMPDIR`
/// must find the same directory.
pub(in crate::cluster) const SHORT_PARENT: &str = "/tmp";

/// The name of the marker inside a data directory.
pub const MARKER: &str = "db-tool.json";

/// The file that marks the directory of a private cluster.
pub const CHECK_MARK: &str = ".db-tool-check";

/// The paths of one cluster. `Layout::new` reads and writes no files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    working_directory: PathBuf,
    log_directory: PathBuf,
    owner: u32,
}

/// The directories of a cluster's sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sockets {
    /// The directories, the preferred one first.
    pub directories: Vec<PathBuf>,
    /// Whether a short directory stands in for the working directory, which is too long or has a
    /// comma.
    pub short: bool,
}

impl Layout {
    /// The layout of an absolute `working_directory`. `log_directory` defaults to `log` in it.
    /// `owner` is the user id that the server runs as.
    pub fn new(working_directory: PathBuf, log_directory: Option<PathBuf>, owner: u32) -> Self {
        let log_directory = log_directory.unwrap_or_else(|| working_directory.join("log"));
        Self { working_directory, log_directory, owner }
    }

    /// The working directory, `PG_WORKING_DIR`.
    pub fn working_directory(&self) -> &Path {
        &self.working_directory
    }

    /// The user id that the server runs as.
    pub fn owner(&self) -> u32 {
        self.owner
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.working_directory.join("data")
    }

    /// A sibling of the data directory: `data.<what>-<tag>`.
    pub fn beside_data(&self, what: &str, tag: &str) -> PathBuf {
        self.working_directory.join(format!("data.{what}-{tag}"))
    }

    /// The server's key file. The room `secret` makes it.
    pub fn key(&self) -> PathBuf {
        self.working_directory.join("hectic.key")
    }

    /// The file with the password for connections over TCP.
    pub fn passfile(&self) -> PathBuf {
        self.working_directory.join("passfile")
    }

    /// The directory of certificates and keys.
    pub fn tls(&self) -> PathBuf {
        self.working_directory.join("tls")
    }

    /// The server's certificate and its key.
    pub(in crate::cluster) fn server_certificate(&self) -> [PathBuf; 2] {
        ["server.crt", "server.key"].map(|name| self.tls().join(name))
    }

    /// The certificate and the key of the authority that signs the server's certificate.
    pub(in crate::cluster) fn authority(&self) -> [PathBuf; 2] {
        ["ca.crt", "ca.key"].map(|name| self.tls().join(name))
    }

    /// The directory of the snapshots.
    pub fn snapshots(&self) -> PathBuf {
        self.working_directory.join("snapshot")
    }

    /// The directory of the server's logs.
    pub fn logs(&self) -> &Path {
        &self.log_directory
    }

    /// The file for the server's output outside the logging collector.
    pub fn server_log(&self) -> PathBuf {
        self.log_directory.join("server.log")
    }

    /// The lock file of commands that change the cluster.
    pub fn lock(&self) -> PathBuf {
        self.working_directory.join(".db-tool.lock")
    }

    /// The directory with a file for each lease.
    pub fn leases(&self) -> PathBuf {
        self.working_directory.join(".lease")
    }

    /// The directory with a file for each clone of the database.
    pub fn clones(&self) -> PathBuf {
        self.working_directory.join(".clone")
    }

    /// The file that keeps the cluster out of the project's repository.
    pub fn gitignore(&self) -> PathBuf {
        self.working_directory.join(".gitignore")
    }

    /// The socket directories for `port`.
    pub fn sockets(&self, port: u16) -> Sockets {
        let own = [self.working_directory.join("sock"), self.working_directory.clone()];
        let fits =
            |directory: &PathBuf| socket_in(directory, port).as_os_str().len() <= SOCKET_PATH_LIMIT;
        if own.iter().all(fits) && !self.has_comma() {
            return Sockets { directories: own.to_vec(), short: false };
        }
        Sockets { directories: vec![self.short_socket_directory()], short: true }
    }

    /// Whether libpq would read the working directory as a list of hosts.
    pub fn has_comma(&self) -> bool {
        self.working_directory.as_os_str().as_encoded_bytes().contains(&b',')
    }

    /// `sock/`, even if the cluster does not use it.
    pub fn sock(&self) -> PathBuf {
        self.working_directory.join("sock")
    }

    /// The socket directory that stands in for a working directory that is too long or has a comma.
    pub fn short_socket_directory(&self) -> PathBuf {
        let tag = &sha256(self.working_directory.as_os_str().as_encoded_bytes())[..12];
        Path::new(SHORT_PARENT).join(format!("db-tool-{}-{tag}", self.owner))
    }
}

/// The lock file that the server of the data directory `data` holds.
pub fn server_lock_of(data: &Path) -> PathBuf {
    data.with_file_name(".server.lock")
}

/// The file with the port that db-tool has chosen.
pub(in crate::cluster) fn port_file_in(working_directory: &Path) -> PathBuf {
    working_directory.join("port")
}

/// The socket that a server listening on `port` makes in `directory`.
pub fn socket_in(directory: &Path, port: u16) -> PathBuf {
    directory.join(format!(".s.PGSQL.{port}"))
}

/// The content of the file that keeps a cluster out of the project's repository.
pub(in crate::cluster) const GITIGNORE: &str = "*\n";

pub(in crate::cluster) fn lock_of(directory: &Path) -> PathBuf {
    directory.with_extension("lock")
}

/// The new name of a large `server.log`.
pub(in crate::cluster) const OLD_SERVER_LOG: &str = "postgresql-server.log";

/// Whether db-tool or its server wrote this log. Only the name tells: a log directory may hold
/// other files, such as the logs of other servers, or may be the working directory itself.
pub(in crate::cluster) fn is_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let collected = ["log", "csv", "json"];
    matches!(&*name, "server.log" | "hydrate.log" | "patch.log" | OLD_SERVER_LOG)
        || path.file_stem().unwrap_or_default().to_str().is_some_and(is_collected)
            && path.extension().is_some_and(|found| collected.iter().any(|known| found == *known))
}

/// Whether the server's logging collector gives such names (`log_filename`).
fn is_collected(name: &str) -> bool {
    let shape: String = name.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "postgresql-0000-00-00_000000"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(length: usize) -> Layout {
        let mut path = "/w".repeat(length / 2);
        path.push_str(&"x".repeat(length - path.len()));
        Layout::new(path.into(), None, 1000)
    }

    #[test]
    fn both_sockets_are_used_while_the_longer_fits() {
        // "/sock" and "/.s.PGSQL.5432" take 19 bytes
        let longest = layout(SOCKET_PATH_LIMIT - 19);
        assert!(!longest.sockets(5432).short);
        assert_eq!(longest.sockets(5432).directories.len(), 2);
        assert!(longest.sockets(54321).short);
        assert!(layout(SOCKET_PATH_LIMIT - 18).sockets(5432).short);
    }

    #[test]
    fn short_directories_are_stable_and_distinct() {
        let one = layout(120).sockets(5432);
        assert_eq!(one, layout(120).sockets(5432));
        assert_ne!(one, layout(121).sockets(5432));
        let path = socket_in(&one.directories[0], 65535);
        assert!(path.as_os_str().len() < 60, "{}", path.display());
    }

    #[test]
    fn a_comma_would_be_a_list_of_hosts() {
        assert!(Layout::new("/a, b".into(), None, 0).sockets(5432).short);
    }

    #[test]
    fn length_is_counted_in_bytes() {
        let layout = Layout::new(format!("/{}", "ü".repeat(50)).into(), None, 0);
        assert!(layout.sockets(5432).short);
    }
}
