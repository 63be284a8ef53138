//! A PostgreSQL cluster as three values: described, initialised, running.
//!
//! `ClusterSpec` says what is wanted and touches nothing. `Cluster` is a data directory that exists
//! and is ours. `Running` accepts connections, and is consumed when it is stopped. The verbs choose
//! between `provision` (the development cluster in `PG_WORKING_DIR`, with its rules on what may be
//! kept, attached to or replaced) and `throwaway` (a check's private cluster, with the `seed` that it
//! begins with). A `snapshot` is a state of the first that one can come back to. `build` makes a data directory, from a `template` where it can; `start` runs it.
//!
//! This module provisions vanilla PostgreSQL: nothing of the hectic bundle or a project is known here.

mod build;
mod cleanup;
pub mod conf;
mod files;
pub mod layout;
mod provision;
mod replacement;
pub mod run;
mod spec;
mod takeover;
pub mod template;
mod throwaway;
mod version;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use cleanup::{Cleaned, clean_up};
pub use files::{
    exchange, make_private, private_directory, private_tempdir, remove_tree, replace_file,
};
pub use layout::Layout;
pub use provision::{
    Contents, Existing, Outcome, Provisioned, is_template, provision, template_database,
};
pub use replacement::{Replaced, Replacement};
pub use run::access::{check_access, check_reach, check_working_directory, prepare, server_user};
pub use run::lock::Lock;
pub use run::postmaster::Liveness;
pub use spec::{ClusterSpec, Lifetime, Preload};
pub use template::seed::Seed;
pub use template::snapshot::{Draft, Snapshot};
pub use template::tablespace::TABLESPACES;
pub use template::trim::{CACHE_LIMIT, LOG_BYTES_LIMIT, LOG_LIMIT, Usage, cache_usage, log_usage};
pub use throwaway::Throwaway;

use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment};
use crate::postgres::connection::session::Session;
use crate::postgres::connection::url::PgUrl;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Result};
use crate::sys::process::Patience;
use run::postmaster::{Postmaster, Shutdown};

/// How long a fast shutdown may take before it becomes an immediate one: with `fsync` on, the
/// checkpoint after a large hydrate takes seconds.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// How many seconds a verb that only looks waits for the server's answer.
pub const ANSWER_LIMIT: u64 = 5;

/// A data directory that is initialised.
#[derive(Debug)]
pub struct Cluster {
    spec: ClusterSpec,
    toolchain: Toolchain,
    /// The template that is being made of it; waited for when this goes.
    _recording: Option<crate::cluster::template::cache::Recording>,
}

/// A cluster that accepts connections.
#[derive(Debug)]
pub struct Running {
    cluster: Cluster,
    postmaster: Postmaster,
}

impl Cluster {
    /// What it was made from.
    pub fn spec(&self) -> &ClusterSpec {
        &self.spec
    }

    /// The running server of this cluster, if there is one; waits for one that is starting or stopping.
    fn attach(self) -> Result<std::result::Result<Running, Self>> {
        match Liveness::settled(&self.spec.layout.data())? {
            Liveness::Running(postmaster) => Ok(Ok(Running { cluster: self, postmaster })),
            _ => Ok(Err(self)),
        }
    }
}

impl Running {
    /// What it was made from.
    pub fn spec(&self) -> &ClusterSpec {
        &self.cluster.spec
    }

    /// The directory of the preferred socket: where the server says it is, which after a change of
    /// settings may differ from where a new one would put it.
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
        self.postmaster.file.port.unwrap_or(self.spec().port)
    }

    /// When the server was started, seconds since the epoch.
    pub fn started(&self) -> u64 {
        self.postmaster.file.started
    }

    /// The URL of `database` for `user`.
    pub fn url(&self, user: &str, database: &str) -> PgUrl {
        PgUrl::for_socket(&self.socket_directory(), self.port(), user, database)
    }

    /// The connection of `user` to `database`, with these start-up options.
    pub fn conninfo(&self, user: &str, database: &str, options: Option<&str>) -> Result<Conninfo> {
        let url = self.url(user, database).with("options", options.unwrap_or_default());
        Conninfo::resolve(&url, &LibpqEnvironment::default())
    }

    /// A session of the bootstrap superuser, under a name by which `other_sessions` knows it: the
    /// server may still be closing the one of the command before.
    pub fn session(&self, database: &str) -> Result<Session> {
        let url = self.url(&self.spec().superuser, database);
        let url = url.with("application_name", "db-tool cluster");
        Session::connect(&Conninfo::resolve(&url, &LibpqEnvironment::default())?)
    }

    /// Fails when the server does not answer soon, for verbs that only look.
    pub fn require_answer(&self) -> Result<()> {
        let url = self.url(&self.spec().superuser, "postgres");
        let url = url.with("application_name", "db-tool cluster");
        let conninfo = Conninfo::resolve(&url, &LibpqEnvironment::default())?;
        Session::connect(&conninfo.waiting(ANSWER_LIMIT)).map(drop).map_err(|error| {
            let error = error.context(format!("the server (pid {}) runs, but", self.pid()));
            error.hint("`kill -CONT` lets a stopped process go on; `postgres-cleanup` ends it")
        })
    }

    /// Stops the server.
    pub fn stop(self, how: Shutdown) -> Result<Cluster> {
        let _acting = self.spec().act()?;
        self.postmaster.stop(how, STOP_LIMIT)?;
        Ok(self.cluster)
    }
}

/// The bootstrap superuser of a cluster that this tool made.
pub fn superuser_of(data: &Path) -> Option<String> {
    build::Marker::read(data).map(|marker| marker.superuser)
}

/// What there is of a development cluster, for verbs that only look.
#[derive(Debug)]
pub enum Found {
    /// No cluster.
    Nothing,
    /// A cluster without a server.
    Stopped(Cluster),
    /// A cluster whose server was killed.
    Stale(Cluster),
    /// A running server.
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

/// Looks at the cluster in the place that `spec` names.
pub fn find(mut spec: ClusterSpec, toolchain: Toolchain) -> Result<Found> {
    let _acting = spec.act()?;
    let data = spec.layout.data();
    if !data.join("PG_VERSION").is_file() {
        return Ok(Found::Nothing);
    }
    if let Some(marker) = build::Marker::read(&data) {
        spec.superuser = marker.superuser;
    }
    let cluster = Cluster::existing(spec, toolchain);
    Ok(match Liveness::thorough(&data)? {
        Liveness::Stopped => Found::Stopped(cluster),
        Liveness::Stale => Found::Stale(cluster),
        Liveness::Running(postmaster) => Found::Running(Running { cluster, postmaster }),
    })
}

/// Stops whatever runs in `layout`: fast, then immediately. Nothing to stop is fine; a stale file is
/// healed. A server that was told to stop does so too when the wait is interrupted.
pub fn stop(layout: &Layout, patience: Patience) -> Result<bool> {
    let _acting = files::act_for(layout)?;
    let data = layout.data();
    match Liveness::thorough(&data)? {
        Liveness::Stopped => Ok(false),
        Liveness::Stale => crate::cluster::run::postmaster::heal(&data).map(|()| false),
        Liveness::Running(postmaster) => {
            postmaster.stop_with(Shutdown::Fast, STOP_LIMIT, patience).map(|()| true)
        }
    }
}

/// Whether a connection means the cluster in `layout`: by the path of either socket directory,
/// whether or not the socket really is there, and the port.
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
