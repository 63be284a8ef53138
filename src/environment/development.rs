//! Provides the development cluster with its role and database, for `postgres-init` and `database
//! init`.

mod keepers;

use std::path::PathBuf;

pub use keepers::Keepers;

use crate::bundle::Kind;
use crate::cluster::run::postmaster::Shutdown;
use crate::cluster::tcp::{Password, TcpAddress};
use crate::cluster::{
    self, ClusterSpec, Contents, Details, Existing, Found, Liveness, Lock, Outcome, Provisioned,
    Reached, Replaced, Replacement, Running, State, provision,
};
use crate::environment::clone;
use crate::environment::foundation::Foundation;
use crate::environment::idle;
use crate::environment::registry::Registry;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::url::PgUrl;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Result};
use crate::sys::steps::Steps;

/// A request for the development cluster.
#[derive(Debug, Clone)]
pub struct Development {
    /// The cluster.
    pub spec: ClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// The choice between an existing cluster and a new one.
    pub existing: Existing,
    /// The project's connection, if it is set (`--url`, `DB_URL`).
    pub url: Option<(PgUrl, Conninfo)>,
    /// Whether a URL of another server is an error. It is one for a command that then uses the URL.
    pub url_must_match: bool,
    /// The start-up options of the project's sessions.
    pub options: Option<String>,
    /// The keepers of the server.
    pub keepers: Keepers,
    /// The registry of development clusters.
    pub registry: Registry,
    /// The project, if there is one.
    pub project: Option<PathBuf>,
    /// The states that the caller will pass through in a new cluster, in this order.
    pub states: Vec<State>,
}

/// The fate of a cluster that was replaced.
#[derive(Debug)]
pub struct Swap {
    /// Its path, if it is not a snapshot.
    pub kept: Option<PathBuf>,
    /// Whether it is the snapshot `before-deploy` now.
    pub saved: bool,
    /// The number of sessions of others that ended with its server.
    pub ended: u64,
    /// The number of clones in it.
    pub clones: usize,
}

/// A cluster that is ready for use.
#[derive(Debug)]
pub struct Ready {
    /// The server.
    pub running: Running,
    /// The action that provided the cluster.
    pub outcome: Outcome,
    /// The role of the project.
    pub user: String,
    /// The database of the project.
    pub database: String,
    /// The URL of the cluster.
    pub url: PgUrl,
    /// The way to the server over TCP, if it listens.
    pub tcp: Option<TcpAddress>,
    /// A corrected URL, if the project's URL leads to this cluster by a path without a socket.
    pub corrected: Option<PgUrl>,
    /// The cached state with which a new cluster began.
    pub reached: Option<Reached>,
    options: Option<String>,
    /// The lock for which other commands wait.
    _lock: Option<Lock>,
}

impl Development {
    /// Provides the cluster, its role and its databases.
    pub fn provide(self) -> Result<Ready> {
        let needs = self.needs()?;
        let (keepers, ran) = (self.keepers.clone(), self.runs());
        let (registry, project) = (self.registry.clone(), self.project.clone());
        let provisioned = provision(self.spec, self.toolchain, self.existing, &needs.contents)?;
        let is_old = ran || provisioned.outcome == Outcome::Attached;
        keepers.attend(&provisioned.running, is_old)?;
        registry.note(&provisioned.running.spec().layout, project.as_deref());
        needs.ready(provisioned, self.options)
    }

    /// The running server of the cluster. Starts a server that `idle_stop` has stopped.
    ///
    /// # Errors
    /// `Conflict` if no server runs.
    pub fn running(&self) -> Result<Running> {
        let layout = &self.spec.layout;
        let place = layout.working_directory().display();
        let error = match cluster::find(self.spec.clone(), self.toolchain.clone())? {
            Found::Running(running) => return Ok(running),
            Found::Nothing => Error::conflict(format!("there is no cluster in {place}"))
                .hint("`database deploy` makes one"),
            _ if idle::is_asleep(layout) => return Ok(self.clone().provide()?.running),
            _ => Error::conflict(format!("the cluster in {place} does not run"))
                .hint("`database init` starts it"),
        };
        Err(error)
    }

    /// Whether there is a cluster, by any maker.
    pub fn exists(&self) -> Result<bool> {
        let found = cluster::find(self.spec.clone(), self.toolchain.clone())?;
        Ok(!matches!(found, Found::Nothing))
    }

    /// The number of clones in the cluster. An error does not count: the cluster is replaced anyway.
    fn clones(&self) -> usize {
        match cluster::find(self.spec.clone(), self.toolchain.clone()) {
            Ok(Found::Running(running)) => clone::count(&running).unwrap_or(0),
            _ => 0,
        }
    }

    /// Whether a server of the cluster runs.
    fn runs(&self) -> bool {
        matches!(Liveness::of(&self.spec.layout.data()), Ok(Liveness::Running(_)))
    }

    /// Makes a new cluster beside the existing one, lets `fill` fill it, and exchanges the two. The
    /// old cluster becomes the snapshot `before-deploy`. Until the exchange it runs undisturbed; an
    /// error or an interruption leaves it as it is. A state that `fill` returns goes to the cache.
    pub fn replace(
        self,
        steps: &mut Steps,
        fill: impl FnOnce(&mut Filling, &mut Steps) -> Result<Option<(State, Details)>>,
    ) -> Result<(Ready, Swap)> {
        let needs = self.needs()?;
        let ran = self.runs();
        let clones = self.clones();
        let mut replacement = Replacement::beside(self.spec.clone())?.saving_old()?;
        let build = || replacement.build(&self.toolchain, &needs.contents);
        let (running, reached) = steps.run("start", build)?;
        let user = needs.user(&running);
        let conninfo = running.conninfo(&user, &needs.database, self.options.as_deref())?;
        let mut filling = Filling { running, conninfo, reached };
        let filled = fill(&mut filling, steps);
        let filled = filled.map_err(|error| filling.running.with_log(error))?;
        let reached = filling.reached;
        let Replaced { running, kept, saved, ended } = steps.run("swap", || {
            let cluster = filling.running.stop(Shutdown::Fast)?;
            if let Some((state, details)) = &filled {
                cluster.save_state(state, details)?;
            }
            replacement.take_place(&self.toolchain, |running| {
                running.give_password(Some(&user), Password::Keep)?;
                running.prove_login(&user, &needs.database, self.options.as_deref())
            })
        })?;
        self.keepers.attend(&running, ran)?;
        self.registry.note(&running.spec().layout, self.project.as_deref());
        let outcome = Outcome::Recreated;
        let provisioned = Provisioned { running, outcome, ours: true, reached, lock: None };
        let ready = needs.ready(provisioned, self.options)?;
        Ok((ready, Swap { kept, saved, ended, clones }))
    }

    /// Starts keepers for a server that this command has started once more.
    pub fn attend_again(&self, running: &Running) -> Result<()> {
        self.keepers.attend(running, true)
    }

    /// The role, the databases and the key file of the cluster before it gets content.
    pub fn plan(&self) -> Result<Plan> {
        let Needs { contents, .. } = self.needs()?;
        let role = contents.role.unwrap_or_else(|| self.spec.settings.superuser.clone());
        Ok(Plan { role, databases: contents.databases, key_file: self.spec.layout.key() })
    }

    /// What the cluster is like before it gets content, with this bundle.
    pub fn foundation<'a>(&'a self, plan: &'a Plan, bundle: Option<Kind>) -> Foundation<'a> {
        Foundation {
            toolchain: &self.toolchain,
            settings: &self.spec.settings,
            role: &plan.role,
            databases: &plan.databases,
            bundle,
            options: self.options.as_deref(),
            key_file: Some(plan.key_file.clone()),
        }
    }

    /// Finds out which role and databases the cluster needs.
    fn needs(&self) -> Result<Needs> {
        let means = self.url.as_ref().filter(|(_, conninfo)| self.is_meant_by(conninfo)).cloned();
        if let (Some((url, _)), None) = (&self.url, &means) {
            self.points_elsewhere(url)?;
        }
        let database = self.spec.settings.database.clone();
        let role = means.as_ref().map(|(_, conninfo)| conninfo.user().to_owned());
        let mut databases = vec![database.clone()];
        databases.extend(means.iter().map(|(_, conninfo)| conninfo.database().to_owned()));
        databases.dedup();
        let contents = Contents { role, databases, states: self.states.clone() };
        Ok(Needs { contents, database, url: means })
    }

    fn is_meant_by(&self, conninfo: &Conninfo) -> bool {
        cluster::is_meant_by(&self.spec.layout, self.spec.settings.port, conninfo)
    }

    fn points_elsewhere(&self, url: &PgUrl) -> Result<()> {
        let place = self.spec.layout.working_directory().display();
        let what = format!(
            "{url} does not point to the cluster in {place} (port {})",
            self.spec.settings.port
        );
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

/// A new cluster that a caller fills.
pub struct Filling {
    /// The server.
    pub running: Running,
    /// The connection of the project's role to the project's database.
    pub conninfo: Conninfo,
    /// The cached state with which the cluster began.
    pub reached: Option<Reached>,
}

/// What a new cluster will have before it gets content.
#[derive(Debug)]
pub struct Plan {
    role: String,
    databases: Vec<String>,
    key_file: PathBuf,
}

impl Plan {
    /// The role that the project connects as.
    pub fn role(&self) -> &str {
        &self.role
    }
}

/// The role and the databases that a project needs in its cluster.
struct Needs {
    contents: Contents,
    database: String,
    /// The project's connection, if it leads to this cluster.
    url: Option<(PgUrl, Conninfo)>,
}

impl Needs {
    fn user(&self, running: &Running) -> String {
        let superuser = || running.spec().settings.superuser.clone();
        self.contents.role.clone().unwrap_or_else(superuser)
    }

    fn ready(self, provisioned: Provisioned, options: Option<String>) -> Result<Ready> {
        let Provisioned { running, outcome, reached, lock, .. } = provisioned;
        let user = self.user(&running);
        let corrected = self.url.and_then(|(url, conninfo)| correct(&running, url, &conninfo));
        let (database, url) = (self.database.clone(), running.url(&user, &self.database));
        let tcp = running.wanted_tcp_address()?;
        Ok(Ready {
            running,
            outcome,
            user,
            database,
            url,
            tcp,
            corrected,
            reached,
            options,
            _lock: lock,
        })
    }
}

impl Ready {
    /// The connection of the project's role to the project's database.
    pub fn conninfo(&self) -> Result<Conninfo> {
        self.running.conninfo(&self.user, &self.database, self.options.as_deref())
    }
}

/// The project's URL with the real directory of the socket. `None` if the project's own directory
/// has a socket.
fn correct(running: &Running, url: PgUrl, conninfo: &Conninfo) -> Option<PgUrl> {
    let short = running.spec().layout.sockets(running.port()).short;
    let moved = conninfo.targets().first().is_some_and(|target| target.port != running.port());
    (short || moved).then(|| {
        url.with("host", &running.socket_directory().to_string_lossy())
            .with("port", &running.port().to_string())
    })
}
