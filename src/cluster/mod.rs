//! PostgreSQL clusters.
//!
//! A cluster is one of three values. `ClusterSpec` describes it; making one touches no files.
//! `Cluster` is an initialised data directory. `Running` accepts connections, and stopping consumes
//! it.
//!
//! `provision` provides the development cluster in `PG_WORKING_DIR`; its rules say when an existing
//! cluster is kept, attached to or replaced. `throwaway` provides private clusters, and `seed` the
//! state with which they begin. `snapshot` saves states of the development cluster. `build` makes
//! data directories, from a `template` if it can, and `start` starts their servers. `tcp` lets them
//! listen, if the user asks for it.
//!
//! This module provisions vanilla PostgreSQL: it knows neither the hectic bundle nor projects.

mod build;
mod cleanup;
pub mod conf;
mod files;
pub mod layout;
mod leftover;
mod orphan;
mod provision;
mod recovery;
mod replacement;
pub mod run;
pub mod space;
mod spec;
mod takeover;
pub mod tcp;
pub mod template;
mod throwaway;
mod version;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use cleanup::{Cleaned, clean_up};
pub use files::{
    exchange, is_private, make_private, private_directory, private_tempdir, remove_tree,
    replace_file, tree_size,
};
pub use layout::Layout;
pub use leftover::{Leftover, LeftoverKind, leftovers, remove_leftover};
pub use orphan::{orphaned_sockets, remove_orphaned_sockets};
pub use provision::{
    Contents, Existing, Outcome, Provisioned, is_template, provision, template_database,
};
pub use replacement::{Replaced, Replacement};
pub use run::access::{check_access, check_reach, check_working_directory, prepare, server_user};
pub use run::lock::Lock;
pub use run::postmaster::Liveness;
pub use spec::{ClusterSettings, ClusterSpec, Lifetime, Preload};
pub use template::description::{Description, Details};
pub use template::preparation::Preparation;
pub use template::saving::wait_for_savers;
pub use template::snapshot::{Snapshot, SnapshotBuilder};
pub use template::spare::{Spares, Wish, wishes};
pub use template::state::{Reached, State};
pub use template::stock::make as make_spare;
pub use template::tablespace::TABLESPACES;
pub use template::transfer;
pub use template::trim::{LOG_LIMIT, Template, Usage, cache_usage, log_usage};
pub use throwaway::{Registered, Throwaway, Traces, Witness};

use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment};
use crate::postgres::connection::session::{Session, is_not_ready};
use crate::postgres::connection::url::PgUrl;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Result};
use crate::sys::process::{Patience, wait_for};
use layout::socket_in;
use run::postmaster::{PidFile, Postmaster, Shutdown, end_deleted};

/// The longest time for a fast shutdown; after it the server is stopped immediately. With `fsync`
/// on, the checkpoint after a large hydration takes seconds.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// The seconds that a command which changes nothing waits for the server's answer.
pub const ANSWER_LIMIT: u64 = 5;

/// The longest wait for a server that recovers from a crash.
const RECOVERY_LIMIT: Duration = Duration::from_secs(60);

/// An initialised data directory.
#[derive(Debug)]
pub struct Cluster {
    spec: ClusterSpec,
    toolchain: Toolchain,
    /// Records this cluster as a template in the background. Dropping it waits for the end of the
    /// recording.
    _recording: Option<crate::cluster::template::cache::Recording>,
}

/// A cluster that accepts connections.
#[derive(Debug)]
pub struct Running {
    cluster: Cluster,
    postmaster: Postmaster,
}

impl Cluster {
    /// The description of the cluster.
    pub fn spec(&self) -> &ClusterSpec {
        &self.spec
    }

    /// Attaches to the running server of this cluster, if there is one. Waits for a server that is
    /// starting or stopping.
    fn attach(self) -> Result<std::result::Result<Running, Self>> {
        match Liveness::settled(&self.spec.layout.data())? {
            Liveness::Running(postmaster) => Ok(Ok(Running { cluster: self, postmaster })),
            _ => Ok(Err(self)),
        }
    }
}

impl Running {
    /// The description of the cluster.
    pub fn spec(&self) -> &ClusterSpec {
        &self.cluster.spec
    }

    /// The directory of the preferred socket, as the server states it. After a change of settings,
    /// a new server would perhaps use another one.
    pub fn socket_directory(&self) -> PathBuf {
        let planned = || self.spec().layout.sockets(self.port()).directories.swap_remove(0);
        self.postmaster.file.socket_directory.clone().unwrap_or_else(planned)
    }

    /// The postmaster's process id.
    pub fn pid(&self) -> u32 {
        self.postmaster.file.pid
    }

    /// The port in use.
    pub fn port(&self) -> u16 {
        self.postmaster.file.port.unwrap_or(self.spec().settings.port)
    }

    /// The time when the server was started, in seconds since the epoch.
    pub fn started(&self) -> u64 {
        self.postmaster.file.started
    }

    /// The URL with which `user` connects to `database`.
    pub fn url(&self, user: &str, database: &str) -> PgUrl {
        PgUrl::for_socket(&self.socket_directory(), self.port(), user, database)
    }

    /// The connection parameters with which `user` connects to `database`. `options` are start-up
    /// options of the session.
    pub fn conninfo(&self, user: &str, database: &str, options: Option<&str>) -> Result<Conninfo> {
        let url = self.url_with_options(user, database, options);
        Conninfo::resolve(&url, &LibpqEnvironment::default())
    }

    /// The URL of [`Self::conninfo`].
    pub fn url_with_options(&self, user: &str, database: &str, options: Option<&str>) -> PgUrl {
        let url = self.url(user, database);
        options.into_iter().fold(url, |url, options| url.with("options", options))
    }

    /// Opens a session of the bootstrap superuser. Its application name lets `other_sessions` leave
    /// it out: the server may still be closing the session of an earlier command.
    ///
    /// Waits for a server that recovers from the crash of one of its processes. The file of the
    /// postmaster says nothing about such a recovery.
    pub fn session(&self, database: &str) -> Result<Session> {
        let url = self.url(&self.spec().settings.superuser, database);
        let url = url.with("application_name", "db-tool cluster");
        let conninfo = Conninfo::resolve(&url, &LibpqEnvironment::default())?;
        let session = self.connect_when_ready(&conninfo, RECOVERY_LIMIT);
        session.map_err(|error| self.without_socket().unwrap_or(error))
    }

    /// The error for a server whose socket somebody has removed.
    fn without_socket(&self) -> Option<Error> {
        let socket = socket_in(&self.socket_directory(), self.port());
        let is_ready = PidFile::read(&self.spec().layout.data()).is_some_and(|file| file.ready);
        if socket.exists() || !is_ready || !self.postmaster.is_alive() {
            return None;
        }
        let (pid, socket) = (self.pid(), socket.display());
        let what = format!("the server (pid {pid}) runs, but its socket {socket} is gone");
        let error = Error::failed(what);
        Some(
            error.hint("`postgres-cleanup` stops the server; the next start makes the socket anew"),
        )
    }

    /// Fails if the server does not answer within [`ANSWER_LIMIT`]. For commands that change
    /// nothing.
    pub fn require_answer(&self) -> Result<()> {
        let url = self.url(&self.spec().settings.superuser, "postgres");
        let url = url.with("application_name", "db-tool cluster");
        let conninfo = Conninfo::resolve(&url, &LibpqEnvironment::default())?;
        let limit = Duration::from_secs(ANSWER_LIMIT);
        self.connect_when_ready(&conninfo.waiting(ANSWER_LIMIT), limit).map(drop).map_err(|error| {
            if let Some(error) = self.without_socket() {
                return error;
            }
            let error = error.context(format!("the server (pid {}) runs, but", self.pid()));
            error.hint("`kill -CONT` lets a stopped process go on; `postgres-cleanup` ends it")
        })
    }

    /// Connects, and waits meanwhile for a server that starts or recovers from a crash, at most for
    /// `limit`.
    fn connect_when_ready(&self, conninfo: &Conninfo, limit: Duration) -> Result<Session> {
        let data = self.spec().layout.data();
        // it has no socket yet
        let is_starting = || PidFile::read(&data).is_some_and(|file| !file.ready && !file.stopping);
        let connect = || match Session::connect(conninfo) {
            Err(error) if is_not_ready(&error) || is_starting() => Ok(None),
            other => other.map(Some),
        };
        let session = wait_for(limit, Patience::Interruptible, connect)?;
        session.map_or_else(|| Session::connect(conninfo), Ok)
    }

    /// Whether the server has ended. Waits for one that is stopping, at most for [`ANSWER_LIMIT`].
    pub fn has_ended(&self) -> Result<bool> {
        let data = self.spec().layout.data();
        let limit = Duration::from_secs(ANSWER_LIMIT);
        // at its end, it removes the file before it is gone itself
        let is_stopping = || PidFile::read(&data).is_none_or(|file| file.stopping);
        let ended = wait_for(limit, Patience::Interruptible, || {
            Ok(match self.postmaster.is_alive() {
                false => Some(true),
                true if is_stopping() => None,
                true => Some(false),
            })
        })?;
        Ok(ended.unwrap_or(false))
    }

    /// Stops the server.
    pub fn stop(self, shutdown: Shutdown) -> Result<Cluster> {
        let _acting = self.spec().act()?;
        self.postmaster.stop(shutdown, STOP_LIMIT)?;
        Ok(self.cluster)
    }
}

/// The bootstrap superuser of a cluster that db-tool made.
pub fn superuser_of(data: &Path) -> Option<String> {
    build::Marker::read(data).map(|marker| marker.superuser)
}

/// The state of a development cluster, for commands that change nothing.
#[derive(Debug)]
pub enum Found {
    /// No cluster.
    Nothing,
    /// A cluster without a server.
    Stopped(Cluster),
    /// A cluster whose server was killed.
    Stale(Cluster),
    /// A cluster with a running server.
    Running(Running),
}

impl Found {
    fn spec(&self) -> Option<&ClusterSpec> {
        match self {
            Self::Nothing => None,
            Self::Stopped(cluster) | Self::Stale(cluster) => Some(&cluster.spec),
            Self::Running(running) => Some(running.spec()),
        }
    }
}

/// Looks for a cluster in the place that `spec` names.
pub fn find(mut spec: ClusterSpec, toolchain: Toolchain) -> Result<Found> {
    let _acting = spec.act()?;
    let data = spec.layout.data();
    if !data.join("PG_VERSION").is_file() {
        return Ok(Found::Nothing);
    }
    if let Some(marker) = build::Marker::read(&data) {
        spec.settings.superuser = marker.superuser;
    }
    let cluster = Cluster::existing(spec, toolchain);
    Ok(match Liveness::thorough(&data)? {
        Liveness::Stopped => Found::Stopped(cluster),
        Liveness::Stale => Found::Stale(cluster),
        Liveness::Running(postmaster) => Found::Running(Running { cluster, postmaster }),
    })
}

/// Stops the server in `layout`: fast, and after a while immediately. Returns false if no server
/// runs; a stale `postmaster.pid` is then removed. If a signal ends the wait, the server still
/// stops.
pub fn stop(layout: &Layout, patience: Patience) -> Result<bool> {
    let _acting = files::act_for(layout)?;
    let data = layout.data();
    match Liveness::thorough(&data)? {
        Liveness::Stopped if data.exists() => Ok(false),
        Liveness::Stopped => end_deleted(&data),
        Liveness::Stale => crate::cluster::run::postmaster::heal(&data).map(|()| false),
        Liveness::Running(postmaster) => {
            postmaster.stop_with(Shutdown::Fast, STOP_LIMIT, patience).map(|()| true)
        }
    }
}

/// Whether a connection leads to the cluster in `layout`: its host is one of the cluster's socket
/// directories and its port is `port`. The socket need not exist.
pub fn is_meant_by(layout: &Layout, port: u16, conninfo: &Conninfo) -> bool {
    let [target] = conninfo.targets() else { return false };
    let own =
        [layout.working_directory().to_owned(), layout.sock(), layout.short_socket_directory()];
    let host = Path::new(&target.host);
    let same = |directory: &PathBuf| {
        directory == host
            || std::fs::canonicalize(host).is_ok_and(|host| {
                std::fs::canonicalize(directory).is_ok_and(|directory| directory == host)
            })
    };
    target.is_socket() && target.port == port && own.iter().any(same)
}

fn not_ours(layout: &Layout) -> Error {
    Error::conflict(format!("{} is not a PostgreSQL data directory", layout.data().display()))
        .hint("it is left alone; move it away, or set PG_WORKING_DIR to another directory")
}
