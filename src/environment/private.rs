//! A private cluster for a proof or a comparison. It has the project's role and database and, on
//! request, the bundle. Nothing of it stays after it is removed or dropped.

mod copy;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::place::Places;
use crate::backup::{Backup, FinalConf, Prepared, Requirements, restore_into};
use crate::bundle::{self, Kind};
use crate::cluster::run::postmaster::Shutdown;
use crate::cluster::{
    self, Cluster, ClusterSettings, ClusterSpec, Description, Details, Found, Lock, Preparation,
    Reached, Running, State, Throwaway,
};
use crate::environment::foundation::Foundation;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::locale::Locale;
use crate::postgres::sql::quote::quote_ident;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Result};
use crate::sys::process::{Patience, wait_for};
use crate::sys::shell;
use crate::sys::signal;
use crate::sys::steps::Steps;

/// The longest time that a server takes to read its configuration again.
const RELOAD_LIMIT: Duration = Duration::from_secs(10);

/// The settings of a private cluster, and its place.
#[derive(Debug, Clone)]
pub struct PrivateClusterSpec {
    /// The settings of the cluster, which do not depend on its place.
    pub settings: ClusterSettings,
    /// The places from which the cluster gets its own.
    pub places: Places,
    /// The registry in which later commands find orphans.
    pub registry: PathBuf,
    /// The role that the project connects as.
    pub role: String,
    /// The start-up options of the project's sessions.
    pub options: Option<String>,
    /// The bundle to apply.
    pub bundle: Option<Kind>,
    /// Whether the cluster stays. It is then made so that `database cleanup` accepts it.
    pub keep: bool,
}

/// A private cluster that only the user will remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The working directory of the cluster.
    pub directory: PathBuf,
    /// The URL of its database.
    pub url: String,
}

impl Kept {
    /// The command that opens psql in it.
    pub fn way_in(&self) -> String {
        format!("database --url {} psql", shell::quote(&self.url))
    }

    /// The command that removes the cluster. It does not use the project's connection, which leads
    /// to another cluster.
    pub fn removal(&self) -> String {
        let directory = self.directory.to_string_lossy();
        format!(
            "DB_URL= PGURL= PG_LOG_PATH= PG_WORKING_DIR={} database cleanup",
            shell::quote(&directory)
        )
    }

    /// Adds hints to the error: how to open the kept cluster, and how to remove it.
    pub fn hinted(&self, error: Error) -> Error {
        error
            .hint(format!("the cluster is kept: {}", self.way_in()))
            .hint(format!("to remove it: {}", self.removal()))
    }
}

/// A backup in a private cluster.
pub struct Restored {
    /// The cluster, with its jobs and its replication switched off.
    pub cluster: PrivateCluster,
    /// The configuration that switches them on at the next start.
    pub conf: FinalConf,
    /// The changes that the restore made, a sentence each.
    pub changes: Vec<String>,
    /// Problems that the user has to solve, a sentence each.
    pub warnings: Vec<String>,
}

/// A running private cluster.
pub struct PrivateCluster {
    running: Running,
    role: String,
    options: Option<String>,
    database: String,
    bundle: Option<Kind>,
    keep: bool,
    // after `running`, so that a drop takes the directory last
    place: Throwaway,
}

impl PrivateClusterSpec {
    /// Makes the cluster and starts it. A cluster that does not start leaves nothing.
    pub fn start(&self, toolchain: &Toolchain) -> Result<PrivateCluster> {
        self.start_with(toolchain, &[]).map(|(cluster, _)| cluster)
    }

    /// Makes the cluster and starts it. If the cache holds one of the `states`, through which the
    /// caller will pass in this order, the cluster begins with the most advanced one.
    pub fn start_with(
        &self,
        toolchain: &Toolchain,
        states: &[State],
    ) -> Result<(PrivateCluster, Option<Reached>)> {
        let (place, spec) = self.claim(0)?;
        match self.create(&spec, toolchain, states) {
            Ok((running, reached)) => {
                let (role, database) = (self.role.clone(), self.settings.database.clone());
                Ok((self.cluster(place, running, role, database), reached))
            }
            Err(error) => Err(removed(place, error)),
        }
    }

    /// Takes over a running cluster of this kind. The caller has inherited the lock of `entry`.
    pub fn take_over(
        &self,
        directory: &Path,
        entry: &Path,
        toolchain: &Toolchain,
    ) -> Result<PrivateCluster> {
        let place = Throwaway::take_over(directory, entry)?.seen_by(self.places.witness());
        let spec = ClusterSpec { layout: place.layout().clone(), settings: self.settings.clone() };
        let Found::Running(running) = cluster::find(spec, toolchain.clone())? else {
            return Err(Error::failed("the server of the private cluster has ended"));
        };
        let (role, database) = (self.role.clone(), self.settings.database.clone());
        Ok(self.cluster(place, running, role, database))
    }

    /// Finds a state in the cache.
    pub fn find_state(&self, state: &State, toolchain: &Toolchain) -> Result<Option<Description>> {
        state.find(&self.settings, toolchain)
    }

    /// What the cluster is like before it gets content.
    pub fn foundation<'a>(&'a self, toolchain: &'a Toolchain) -> Foundation<'a> {
        Foundation {
            toolchain,
            settings: &self.settings,
            role: &self.role,
            databases: std::slice::from_ref(&self.settings.database),
            bundle: self.bundle,
            options: self.options.as_deref(),
            key_file: None,
        }
    }

    /// Makes a cluster from a backup.
    pub fn restore(
        &self,
        backup: &Backup,
        toolchain: &Toolchain,
        required: &Requirements<'_>,
        steps: &mut Steps,
    ) -> Result<Restored> {
        let (place, spec) = self.claim(backup.unpacked_size()?)?;
        match restore_into(backup, &spec, toolchain, required, steps) {
            Ok(Prepared { running, changes, warnings, conf }) => {
                let role = running.spec().settings.superuser.clone();
                let database = required.database.unwrap_or(&self.settings.database).to_owned();
                let cluster = self.cluster(place, running, role, database);
                Ok(Restored { cluster, conf, changes, warnings })
            }
            Err(error) => Err(removed(place, error)),
        }
    }

    /// Claims a place for a cluster that begins with `content` bytes.
    fn claim(&self, content: u64) -> Result<(Throwaway, ClusterSpec)> {
        let user = self.settings.server_user.as_ref();
        let parent = self.places.choose(self.keep, content, user)?.parent;
        let place = Throwaway::claim(&parent, &self.registry, user)?;
        let place = place.seen_by(self.places.witness());
        if self.keep {
            // a kept one is an ordinary cluster in an unusual place: `cleanup` has to know it
            cluster::prepare(place.layout(), user)?;
        }
        let spec = ClusterSpec { layout: place.layout().clone(), settings: self.settings.clone() };
        Ok((place, spec))
    }

    fn cluster(
        &self,
        place: Throwaway,
        running: Running,
        role: String,
        database: String,
    ) -> PrivateCluster {
        let (options, bundle, keep) = (self.options.clone(), self.bundle, self.keep);
        PrivateCluster { running, role, options, database, bundle, keep, place }
    }

    fn create(
        &self,
        spec: &ClusterSpec,
        toolchain: &Toolchain,
        states: &[State],
    ) -> Result<(Running, Option<Reached>)> {
        let bundle = self.bundle.map(bundle::digest).unwrap_or_default();
        // another release may make role and database in another way
        let key =
            [env!("CARGO_PKG_VERSION"), &self.role, &self.settings.database, &bundle].join("\0");
        let prepare = |running: &Running| self.prepare(running);
        let preparation = Preparation { key, prepare: &prepare, states };
        Cluster::create_throwaway(spec, toolchain, &preparation)
    }

    fn prepare(&self, running: &Running) -> Result<()> {
        let database = &self.settings.database;
        running.ensure(&self.role, &[database])?;
        if let Some(kind) = self.bundle {
            // equal for all projects, whatever their options
            let conninfo = running.conninfo(&self.role, database, None)?;
            bundle::apply(&mut Session::connect(&conninfo)?, kind)?;
        }
        Ok(())
    }
}

/// The first error wins. A failure of the clean-up becomes a detail of that error.
fn removed(place: Throwaway, error: Error) -> Error {
    match place.remove() {
        Ok(()) => error,
        Err(also) => error.detail(format!("and the private cluster stays: {also}")),
    }
}

impl PrivateCluster {
    /// The server.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Whether the cluster stays after its use.
    pub fn stays(&self) -> bool {
        self.keep
    }

    /// The connection to the project's database in the cluster.
    pub fn conninfo(&self) -> Result<Conninfo> {
        self.conninfo_as(&self.role)
    }

    /// The same database for another role.
    pub fn conninfo_as(&self, role: &str) -> Result<Conninfo> {
        self.connection(role, &self.database)
    }

    /// A session of the superuser in the project's database.
    pub fn superuser(&self) -> Result<Session> {
        self.running.session(&self.database)
    }

    /// The URL of the project's role for a database of the cluster.
    pub fn url(&self, database: &str) -> String {
        self.running.url(&self.role, database).to_url()
    }

    fn connection(&self, role: &str, database: &str) -> Result<Conninfo> {
        self.running.conninfo(role, database, self.options.as_deref())
    }

    /// Makes the database anew, with this encoding and locale, and with the same bundle.
    pub fn recreate(&self, locale: &Locale) -> Result<()> {
        let name = quote_ident(&self.database);
        let mut session = self.running.session("postgres")?;
        session.batch(&format!("DROP DATABASE {name}"))?;
        session.batch(&locale.create(&name, &quote_ident(&self.role)))?;
        match self.bundle {
            Some(kind) => bundle::apply(&mut Session::connect(&self.conninfo()?)?, kind),
            None => Ok(()),
        }
    }

    /// Copies the cluster into the cache. All sessions end.
    pub fn save_state(&mut self, state: &State, details: &Details) -> Result<()> {
        self.running.save_state(state, details)
    }

    /// The directory of the cluster.
    pub fn directory(&self) -> &Path {
        self.place.layout().working_directory()
    }

    /// Its locked entry in the registry, for a child that is to inherit it.
    pub fn entry(&self) -> Option<&Lock> {
        self.place.entry()
    }

    /// Leaves the cluster as it is and running to a child that has inherited the lock of its entry.
    pub fn leave_to_child(self) {
        self.place.leave_to_child();
    }

    /// Removes the cluster after success. Its data becomes a state in the cache.
    pub fn retire(self, state: &State, details: &Details) -> Result<()> {
        let Self { running, place, .. } = self;
        running.stop(Shutdown::Fast)?.become_state(state, details)?;
        place.remove_later()
    }

    /// Saves the state of the cluster; see [`Running::save`].
    pub fn save(&mut self) -> Result<()> {
        self.running.save()
    }

    /// Goes back to the saved state.
    pub fn go_back(&mut self) -> Result<()> {
        self.running.go_back()
    }

    /// Turns event triggers on again. The preparation of a backup turned them off (PostgreSQL 17).
    pub fn wake_event_triggers(&self, toolchain: &Toolchain) -> Result<()> {
        if toolchain.version()?.major < 17 {
            return Ok(());
        }
        let mut session = self.running.session("postgres")?;
        session.batch("ALTER SYSTEM SET event_triggers = on")?;
        session.batch("SELECT pg_reload_conf()")?;
        let awake = wait_for(RELOAD_LIMIT, Patience::Interruptible, || {
            let row = session.query_one("SHOW event_triggers", &[])?;
            Ok((column::<&str>(&row, "event_triggers")? == "on").then_some(()))
        })?;
        awake.ok_or_else(|| Error::failed("the server does not read its configuration again"))
    }

    /// Does `work` in the cluster, or in a cluster that `work` puts in its place, and then removes
    /// it. An error comes with the end of the server's log.
    pub fn use_up<T>(mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        match work(&mut self) {
            Ok(value) => self.remove().map(|()| value),
            Err(error) => {
                let error = self.running.with_log(error);
                Err(self.failed(error))
            }
        }
    }

    /// Ends the use after success: leaves the cluster running if the spec says so, else removes it.
    pub fn finish(self) -> Result<Option<Kept>> {
        match self.keep {
            true => self.keep().map(Some),
            false => self.remove().map(|()| None),
        }
    }

    /// Ends the use after `error`. A kept cluster helps to find the cause; after a signal, nobody
    /// looks for one.
    pub fn failed(self, error: Error) -> Error {
        if !self.keep || signal::caught().is_some() {
            return removed(self.place, error);
        }
        match self.keep() {
            Ok(kept) => kept.hinted(error),
            Err(also) => error.detail(format!("and the private cluster is not kept: {also}")),
        }
    }

    fn keep(self) -> Result<Kept> {
        let url = self.url(&self.database);
        Ok(Kept { directory: self.place.keep()?, url })
    }

    /// Stops the cluster. A thread removes it, for which the program waits after its report.
    pub fn remove(self) -> Result<()> {
        self.place.remove_later()
    }
}
