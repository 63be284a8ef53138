//! The two sides of a comparison.

use std::sync::mpsc::{Receiver, Sender};

use crate::backup::Backup;
use crate::bundle::{self, Status, VERSION};
use crate::command::deploy::{self, Content};
use crate::compare::facts;
use crate::compare::facts::Facts;
use crate::compare::origin::{Touch, collect};
use crate::environment::private;
use crate::environment::private::{Kept, PrivateCluster};
use crate::migration::history::{History, Record};
use crate::migration::migrate::{Migrate, Wanted};
use crate::migration::name::Name;
use crate::migration::plan::Count;
use crate::migration::project::Project;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::locale::Locale;
use crate::postgres::toolchain::Toolchain;
use crate::project::source::Source;
use crate::secret::Supply;
use crate::sys::error::{Error, Kind, Result};
use crate::sys::signal;
use crate::sys::steps::Steps;

/// What the sources are compared with.
#[derive(Debug, Clone)]
pub enum Against {
    /// The bundle and all migrations, from nothing.
    Migrations,
    /// A database that is there; it is only read.
    Database(Conninfo),
    /// A backup, with the migrations that it lacks.
    Backup(Backup),
}

/// What both sides are made of.
#[derive(Debug)]
pub struct Ground {
    /// The private clusters.
    pub private: private::Wanted,
    /// The programs.
    pub toolchain: Toolchain,
    /// The sources.
    pub source: Source,
    /// The secrets that sources may need.
    pub secrets: Supply,
    /// The migrations.
    pub migrations: Project,
    /// Whether a backup is compared as far as its migrations went, when one fails.
    pub ignore_failure: bool,
}

/// A database to be read.
pub enum Side {
    /// In a private cluster.
    Private {
        /// The cluster.
        cluster: Box<PrivateCluster>,
        /// Its database.
        conninfo: Box<Conninfo>,
        /// What it is.
        name: &'static str,
        /// Which statement touched what.
        touched: Vec<Touch>,
        /// How many migrations it lacked.
        behind: Option<usize>,
    },
    /// Somebody's.
    Theirs(Box<Conninfo>),
}

impl Side {
    /// A session in the transaction in which the database is read. Somebody's tables are kept from
    /// changing meanwhile.
    pub fn open(&self) -> Result<Session> {
        match self {
            Self::Private { conninfo, .. } => {
                let mut session = Session::connect(conninfo)?;
                facts::begin(&mut session)?;
                Ok(session)
            }
            Self::Theirs(conninfo) => locked(Session::connect(conninfo)?),
        }
    }

    /// Opens it and reads its schema. What is no table is not kept from changing: when somebody's
    /// view goes while it is read, which to the server is an error of its own, all is read anew.
    /// A draft wants the dependencies too.
    pub fn read(&self, dependencies: bool) -> Result<(Session, Facts)> {
        let read = match dependencies {
            true => Facts::read_with_dependencies,
            false => Facts::read_within,
        };
        let is_theirs = matches!(self, Self::Theirs(_));
        let mut attempt = 1;
        loop {
            let mut session = self.open()?;
            match read(&mut session) {
                Ok(facts) => return Ok((session, facts)),
                Err(error) if !is_theirs || session.sqlstate() != Some("XX000") => {
                    return Err(error);
                }
                Err(error) if attempt == ATTEMPTS => {
                    return Err(error.hint("compare while nobody alters the database"));
                }
                Err(_) => attempt += 1,
            }
        }
    }

    /// What it is, in a word.
    pub fn name(&self) -> &str {
        match self {
            Self::Private { name, .. } => name,
            Self::Theirs(_) => "database",
        }
    }

    /// A session beside the one in which it is read.
    pub fn beside(&self) -> Result<Session> {
        match self {
            Self::Private { conninfo, .. } | Self::Theirs(conninfo) => Session::connect(conninfo),
        }
    }

    /// How many migrations a backup lacked.
    pub fn behind(&self) -> Option<usize> {
        match self {
            Self::Private { behind, .. } => *behind,
            Self::Theirs(_) => None,
        }
    }

    /// Which statement touched what, where that was noted.
    pub fn touched(&self) -> &[Touch] {
        match self {
            Self::Private { touched, .. } => touched,
            Self::Theirs(_) => &[],
        }
    }

    /// Removes what is ours, or leaves it running.
    pub fn finish(self, keep: bool) -> Result<Option<Kept>> {
        match self {
            Self::Private { cluster, .. } if keep => cluster.keep().map(Some),
            Self::Private { cluster, .. } => cluster.remove().map(|()| None),
            Self::Theirs(_) => Ok(None),
        }
    }
}

impl Ground {
    /// The sources, hydrated, in a database with the locale that `locale` tells; none means that any
    /// will do, and no word of it that the other side has failed.
    pub fn side_b(&self, locale: &Receiver<Option<Locale>>) -> Result<Side> {
        let cluster = self.private.clone().start(&self.toolchain)?;
        self.fill(cluster, "sources", |cluster, conninfo| {
            let Ok(wanted) = locale.recv() else {
                return Err(Error::failed("the other side could not be prepared"));
            };
            if let Some(wanted) = wanted
                && wanted != Locale::of(&mut Session::connect(conninfo)?)?
            {
                cluster.recreate(&wanted)?;
            }
            let content = Content {
                hook: false,
                secrets: self.secrets.clone(),
                source: Some(self.source.clone()),
                patch: None,
                inherits: Vec::new(),
            };
            let hydrate =
                || deploy::apply(&self.toolchain, conninfo, &content, &mut Steps::default());
            Ok(Filled { touched: collect(&mut cluster.superuser()?, hydrate)?, behind: None })
        })
    }

    /// What they are compared with; tells the locale as soon as it is known.
    pub fn side_a(&self, against: &Against, locale: Sender<Option<Locale>>) -> Result<Side> {
        match against {
            Against::Database(conninfo) => {
                // nobody listens when the other side has failed
                let _ = locale.send(Some(Locale::of(&mut Session::connect(conninfo)?)?));
                Ok(Side::Theirs(Box::new(conninfo.clone())))
            }
            Against::Migrations => {
                let _ = locale.send(None);
                let cluster = self.private.clone().start(&self.toolchain)?;
                self.fill(cluster, "migrations", |cluster, conninfo| {
                    let migrate = || self.migrate(conninfo);
                    Ok(Filled {
                        touched: collect(&mut cluster.superuser()?, migrate)?,
                        behind: None,
                    })
                })
            }
            Against::Backup(backup) => self.restored(backup, &locale),
        }
    }

    fn restored(&self, backup: &Backup, locale: &Sender<Option<Locale>>) -> Result<Side> {
        let restored = self.private.clone().restore(backup, &self.toolchain)?;
        for change in &restored.changes {
            tracing::debug!("backup: {change}");
        }
        for warning in &restored.warnings {
            tracing::warn!("backup: {warning}");
        }
        self.fill(restored.cluster, "backup and migrations", |cluster, conninfo| {
            let mut session = Session::connect(conninfo)?;
            let _ = locale.send(Some(Locale::of(&mut session)?));
            if let Status::Older(version) = bundle::status(&mut session)? {
                // secrets that were plain are sealed
                self.secrets.keys.provide(&mut session)?;
                bundle::upgrade(&mut session)?;
                tracing::info!(
                    "the backup has bundle {version}; its copy was upgraded to {VERSION}"
                );
            }
            // what a migration makes belongs to whom the database belongs, as in production
            let conninfo = cluster.conninfo_as(&owner(&mut session)?)?;
            let behind = self.behind(&mut session)?;
            let migrate = || match self.migrate(&conninfo) {
                Err(error) if error.kind() == Kind::Migration && self.ignore_failure => {
                    tracing::warn!("{error}; compared as it is");
                    Ok(())
                }
                done => done,
            };
            Ok(Filled { touched: collect(&mut session, migrate)?, behind })
        })
    }

    /// How many migrations the database lacks.
    fn behind(&self, session: &mut Session) -> Result<Option<usize>> {
        if !self.migrations.directory.is_dir() {
            return Ok(None);
        }
        let history = History::read(session, &self.migrations.set)?;
        let names = self.migrations.read_directory()?.names();
        let is_applied = |name: &&Name| history.find(name.version).is_some_and(Record::is_applied);
        Ok(Some(names.len() - names.iter().filter(is_applied).count()))
    }

    fn fill(
        &self,
        cluster: PrivateCluster,
        name: &'static str,
        fill: impl FnOnce(&PrivateCluster, &Conninfo) -> Result<Filled>,
    ) -> Result<Side> {
        let filled =
            cluster.conninfo().and_then(|conninfo| Ok((fill(&cluster, &conninfo)?, conninfo)));
        match filled {
            Ok((Filled { touched, behind }, conninfo)) => Ok(Side::Private {
                cluster: Box::new(cluster),
                conninfo: Box::new(conninfo),
                name,
                touched,
                behind,
            }),
            Err(error) => Err(self.failed(cluster, error)),
        }
    }

    /// The error of a side, whose cluster goes unless it is kept.
    fn failed(&self, cluster: PrivateCluster, error: Error) -> Error {
        // what fails here is the project's SQL, of which the server's log says no more
        let error = match error.kind() {
            Kind::Sql => error.with_kind(Kind::Migration),
            _ => error,
        };
        if self.private.keep && signal::caught().is_none() {
            return match cluster.keep() {
                Ok(kept) => kept.hinted(error),
                Err(also) => error.detail(format!("and the private cluster is not kept: {also}")),
            };
        }
        match cluster.remove() {
            Ok(()) => error,
            Err(also) => error.detail(format!("and the private cluster stays: {also}")),
        }
    }

    fn migrate(&self, conninfo: &Conninfo) -> Result<()> {
        if !self.migrations.directory.is_dir() {
            tracing::debug!("no migrations in {}", self.migrations.directory.display());
            return Ok(());
        }
        let toolchain = || Ok(self.toolchain.clone());
        let migrate =
            Migrate { project: &self.migrations, conninfo, toolchain: &toolchain, dry_run: false };
        migrate.run(&Wanted::Up(Count::All), &mut |_| ()).map(drop)
    }
}

/// What filling a cluster taught.
struct Filled {
    touched: Vec<Touch>,
    behind: Option<usize>,
}

/// How often others may get in between before that is put up with.
const ATTEMPTS: usize = 20;

/// Opens the transaction with locks on all tables, which come before its snapshot.
fn locked(mut session: Session) -> Result<Session> {
    for attempt in 1.. {
        let lock = lock(&mut session)?;
        facts::begin(&mut session)?;
        match session.batch(lock.as_deref().unwrap_or_default()) {
            // whether the snapshot, which this takes, shows other tables than those that are locked
            Ok(()) if attempt >= ATTEMPTS || self::lock(&mut session)? == lock => break,
            Ok(()) => {}
            // somebody has dropped one of them meanwhile
            Err(_) if matches!(session.sqlstate(), Some("42P01" | "3F000")) => {}
            Err(error) => return Err(error),
        }
        facts::end(&mut session)?;
    }
    Ok(session)
}

/// The statement that locks all tables.
fn lock(session: &mut Session) -> Result<Option<String>> {
    let query = sql!("diff/lock-tables");
    column(&session.query_one(query, &[])?, "lock")
}

/// Whose the database is.
pub fn owner(session: &mut Session) -> Result<String> {
    let query = sql!("diff/database-owner");
    column(&session.query_one(query, &[])?, "owner")
}
