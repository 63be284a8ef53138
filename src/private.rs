//! A cluster of one's own for a proof or a comparison: with the project's role and database and, if
//! wanted, the bundle; gone when it is removed or dropped.

use std::path::PathBuf;

use crate::backup::{self, Backup, restore_into};
use crate::bundle;
use crate::cluster::{Cluster, ClusterSpec, Running, Seed, Throwaway};
use crate::error::{Error, Result};
use crate::postgres::conninfo::{Conninfo, LibpqEnvironment};
use crate::postgres::locale::Locale;
use crate::postgres::quote::quote_ident;
use crate::postgres::session::Session;
use crate::postgres::toolchain::Toolchain;
use crate::steps::Steps;

/// What is to be made, and where.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The cluster; its layout is replaced by a private one.
    pub spec: ClusterSpec,
    /// The directory in which the private one is made.
    pub parent: PathBuf,
    /// Where private clusters are registered, so that orphans are found.
    pub registry: PathBuf,
    /// The role that the project connects as.
    pub role: String,
    /// Whether the bundle is applied.
    pub bundle: bool,
}

/// A backup in a private cluster.
pub struct Restored {
    /// The cluster.
    pub cluster: PrivateCluster,
    /// What was changed, a sentence each.
    pub changes: Vec<String>,
    /// What somebody should do something about, a sentence each.
    pub warnings: Vec<String>,
}

/// A running private cluster.
pub struct PrivateCluster {
    running: Running,
    role: String,
    database: String,
    // after `running`, so that a drop takes the directory last
    place: Throwaway,
}

impl Wanted {
    /// Makes and starts it. What does not come to run leaves nothing.
    pub fn start(mut self, toolchain: &Toolchain) -> Result<PrivateCluster> {
        let user = self.spec.server_user.clone();
        let place = Throwaway::claim(&self.parent, &self.registry, user.as_ref())?;
        self.spec.layout = place.layout().clone();
        match self.create(toolchain) {
            Ok(running) => {
                Ok(PrivateCluster { running, role: self.role, database: self.spec.database, place })
            }
            Err(error) => Err(removed(place, error)),
        }
    }

    /// The same from a backup. Returns what had to be changed and what somebody should look at.
    ///
    /// # Errors
    /// `Missing` when the backup has no such database.
    pub fn restore(mut self, backup: &Backup, toolchain: &Toolchain) -> Result<Restored> {
        let user = self.spec.server_user.clone();
        let place = Throwaway::claim(&self.parent, &self.registry, user.as_ref())?;
        self.spec.layout = place.layout().clone();
        let named = backup.database_name();
        let database = named.unwrap_or_else(|| self.spec.database.clone());
        let wanted =
            backup::Wanted { role: Some(&self.role), database: Some(&database), reindex: false };
        match restore_into(backup, &self.spec, toolchain, &wanted, &mut Steps::default()) {
            Ok(prepared) => Ok(Restored {
                changes: prepared.changes,
                warnings: prepared.warnings,
                cluster: PrivateCluster {
                    role: prepared.running.spec().superuser.clone(),
                    running: prepared.running,
                    database,
                    place,
                },
            }),
            Err(error) => Err(removed(place, error)),
        }
    }

    fn create(&self, toolchain: &Toolchain) -> Result<Running> {
        let logs = self.spec.layout.logs();
        std::fs::create_dir_all(logs).map_err(|error| Error::io("create", logs, &error))?;
        let bundle = if self.bundle { bundle::digest() } else { String::new() };
        // another release may make role and database in another way
        let key = [env!("CARGO_PKG_VERSION"), &self.role, &self.spec.database, &bundle].join("\0");
        let plant = |running: &Running| self.plant(running);
        Cluster::create_throwaway(&self.spec, toolchain, &Seed { key, plant: &plant })
    }

    fn plant(&self, running: &Running) -> Result<()> {
        running.ensure(&self.role, &[&self.spec.database])?;
        if self.bundle {
            let conninfo = conninfo(running, &self.role, &self.spec.database)?;
            bundle::apply(&mut Session::connect(&conninfo)?)?;
        }
        Ok(())
    }
}

fn conninfo(running: &Running, role: &str, database: &str) -> Result<Conninfo> {
    Conninfo::resolve(&running.url(role, database), &LibpqEnvironment::default())
}

/// The first error wins; that the clean-up failed too is a detail.
fn removed(place: Throwaway, error: Error) -> Error {
    match place.remove() {
        Ok(()) => error,
        Err(also) => error.detail(format!("and the private cluster stays: {also}")),
    }
}

impl PrivateCluster {
    /// The project's database in it.
    pub fn conninfo(&self) -> Result<Conninfo> {
        conninfo(&self.running, &self.role, &self.database)
    }

    /// The same database for another role.
    pub fn conninfo_as(&self, role: &str) -> Result<Conninfo> {
        conninfo(&self.running, role, &self.database)
    }

    /// Makes the database anew, with this encoding and locale, and with the bundle.
    pub fn recreate(&self, locale: &Locale) -> Result<()> {
        let name = quote_ident(&self.database);
        let mut session = self.running.session("postgres")?;
        session.batch(&format!("DROP DATABASE {name}"))?;
        session.batch(&locale.create(&name, &quote_ident(&self.role)))?;
        bundle::apply(&mut Session::connect(&self.conninfo()?)?)
    }

    /// Does `work` in it, then removes it. An error comes with the end of the server's log.
    pub fn use_up<T>(self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        match work(&self) {
            Ok(value) => self.place.remove().map(|()| value),
            Err(error) => {
                let error = self.running.with_log(error);
                Err(removed(self.place, error))
            }
        }
    }

    /// Removes it.
    pub fn remove(self) -> Result<()> {
        self.place.remove()
    }
}
