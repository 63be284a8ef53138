//! The development cluster with its role and database: `postgres-init`, `database init`.

use crate::cluster::{
    self, ClusterSpec, Contents, Existing, Lock, Outcome, Provisioned, Running, provision,
};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::url::PgUrl;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Result};

/// What is to be provided.
#[derive(Debug)]
pub struct Development {
    /// The cluster.
    pub spec: ClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// What becomes of a cluster that is there.
    pub existing: Existing,
    /// Where the project connects, when it says so (`--url`, `DB_URL`).
    pub url: Option<(PgUrl, Conninfo)>,
    /// Whether a URL that points elsewhere is an error: for a verb that goes on to use it, it is.
    pub url_must_match: bool,
    /// The start-up options of the project's sessions.
    pub options: Option<String>,
}

/// A cluster that is ready to be used.
#[derive(Debug)]
pub struct Ready {
    /// The server.
    pub running: Running,
    /// How it came to run.
    pub outcome: Outcome,
    /// The role to connect as.
    pub user: String,
    /// The database to connect to.
    pub database: String,
    /// The computed URL.
    pub url: PgUrl,
    /// The project's URL, when it means this cluster by a path that has no socket.
    pub corrected: Option<PgUrl>,
    options: Option<String>,
    /// Other commands wait until this is gone.
    _lock: Option<Lock>,
}

impl Development {
    /// Provides the cluster, its role and its databases.
    pub fn provide(self) -> Result<Ready> {
        let means = self.url.as_ref().filter(|(_, conninfo)| self.is_meant_by(conninfo)).cloned();
        if let (Some((url, _)), None) = (&self.url, &means) {
            self.points_elsewhere(url)?;
        }
        let database = self.spec.database.clone();
        let role = means.as_ref().map(|(_, conninfo)| conninfo.user().to_owned());
        let mut databases = vec![database.clone()];
        databases.extend(means.iter().map(|(_, conninfo)| conninfo.database().to_owned()));
        databases.dedup();
        let contents = Contents { role, databases };
        let Provisioned { running, outcome, lock, .. } =
            provision(self.spec, self.toolchain, self.existing, &contents)?;
        let user = contents.role.unwrap_or_else(|| running.spec().superuser.clone());
        let corrected = means.and_then(|(url, conninfo)| correct(&running, url, &conninfo));
        let url = running.url(&user, &database);
        let options = self.options;
        Ok(Ready { running, outcome, user, database, url, corrected, options, _lock: lock })
    }

    fn is_meant_by(&self, conninfo: &Conninfo) -> bool {
        cluster::is_meant_by(&self.spec.layout, self.spec.port, conninfo)
    }

    fn points_elsewhere(&self, url: &PgUrl) -> Result<()> {
        let place = self.spec.layout.working_directory().display();
        let what =
            format!("{url} does not point to the cluster in {place} (port {})", self.spec.port);
        if !self.url_must_match {
            tracing::warn!("{what}; its role and database are not created here");
            return Ok(());
        }
        Err(Error::conflict(what)
            .hint(
                "set DB_URL=postgresql://USER@localhost/DATABASE?host=$PG_WORKING_DIR, or unset it",
            )
            .hint("to work on the other server, use `database hydrate` and `database patch`"))
    }
}

impl Ready {
    /// The connection of the project's role to the project's database.
    pub fn conninfo(&self) -> Result<Conninfo> {
        self.running.conninfo(&self.user, &self.database, self.options.as_deref())
    }
}

/// The project's URL with the socket's real directory, where the URL's own has no socket.
fn correct(running: &Running, url: PgUrl, conninfo: &Conninfo) -> Option<PgUrl> {
    let short = running.spec().layout.sockets(running.port()).short;
    let moved = conninfo.targets().first().is_some_and(|target| target.port != running.port());
    (short || moved).then(|| {
        url.with("host", &running.socket_directory().to_string_lossy())
            .with("port", &running.port().to_string())
    })
}
