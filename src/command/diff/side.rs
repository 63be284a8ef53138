//! The two sides of a comparison.

use std::sync::mpsc::{Receiver, Sender};

use super::cached::{self, Cached};
use crate::backup::{Backup, Requirements};
use crate::bundle::{self, Installed, Status, VERSION};
use crate::cluster::{Details, State};
use crate::command::content::{Content, Progress};
use crate::compare::facts;
use crate::compare::facts::Facts;
use crate::compare::origin::{Touch, collect};
use crate::environment::private;
use crate::environment::private::{Kept, PrivateCluster};
use crate::migration::history::{History, Record};
use crate::migration::migrate::{Migrate, Request};
use crate::migration::name::Name;
use crate::migration::plan::Count;
use crate::migration::project::RunOptions;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::locale::Locale;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Kind, Result};
use crate::sys::steps::Steps;

/// The database to compare with the sources.
#[derive(Debug, Clone)]
pub enum Against {
    /// A new database with the bundle and all migrations.
    Migrations,
    /// An existing database, which is only read.
    Database(Conninfo),
    /// A restored backup, with the migrations that it lacks.
    Backup(Backup),
}

/// The settings and sources from which both sides are made.
#[derive(Debug)]
pub struct SideSpec {
    /// The options of the private clusters.
    pub private: private::PrivateClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// The sources, and the secrets that they may need.
    pub content: Content,
    /// The migrations.
    pub migrations: RunOptions,
    /// If a migration fails, compare the backup as it is at that point.
    pub ignore_failure: bool,
}

/// A database that is compared.
pub enum Side {
    /// A database that db-tool made in a private cluster.
    Private {
        cluster: Box<PrivateCluster>,
        /// The connection to its database.
        conninfo: Box<Conninfo>,
        /// The side's name in messages.
        name: &'static str,
        /// The objects that each statement touched.
        touched: Vec<Touch>,
        /// The number of migrations that the backup lacked.
        behind: Option<usize>,
        /// The state that goes to the cache in the end.
        save: Option<(State, Details)>,
    },
    /// An existing database of the user.
    Theirs(Box<Conninfo>),
}

impl Side {
    /// Opens a session and begins the transaction that reads the database. In an existing database,
    /// it locks the tables, so that nobody can change them meanwhile.
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

    /// Opens the database and reads its schema. Locks protect only tables: if somebody drops a view
    /// of an existing database meanwhile, the server reports an internal error, and the tool reads
    /// everything again. Only a draft needs the `dependencies`.
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

    /// The side's name in messages.
    pub fn name(&self) -> &str {
        match self {
            Self::Private { name, .. } => name,
            Self::Theirs(_) => "database",
        }
    }

    /// Opens another session, outside the transaction that reads the database.
    pub fn beside(&self) -> Result<Session> {
        match self {
            Self::Private { conninfo, .. } | Self::Theirs(conninfo) => Session::connect(conninfo),
        }
    }

    /// The number of migrations that the backup lacked.
    pub fn behind(&self) -> Option<usize> {
        match self {
            Self::Private { behind, .. } => *behind,
            Self::Theirs(_) => None,
        }
    }

    /// The objects that each statement touched, if they were recorded.
    pub fn touched(&self) -> &[Touch] {
        match self {
            Self::Private { touched, .. } => touched,
            Self::Theirs(_) => &[],
        }
    }

    /// Forgets the state for the cache. Somebody is about to work in the cluster.
    pub fn spoil(&mut self) {
        if let Self::Private { save, .. } = self {
            *save = None;
        }
    }

    /// Removes the private cluster, or leaves it running if it is to be kept.
    pub fn finish(self) -> Result<Option<Kept>> {
        match self {
            Self::Private { cluster, save: Some((state, details)), .. } => {
                cluster.retire(&state, &details).map(|()| None)
            }
            Self::Private { cluster, .. } => cluster.finish(),
            Self::Theirs(_) => Ok(None),
        }
    }
}

impl SideSpec {
    /// Makes side B: hydrates the sources in a database with the locale that side A sends. Side A
    /// sends `None` if any locale will do. If side A fails, it sends nothing and closes the
    /// channel.
    pub fn side_b(&self, locale: &Receiver<Option<Locale>>) -> Result<Side> {
        let Ok(wanted) = locale.recv() else {
            return Err(Error::failed("the other side could not be prepared"));
        };
        let content = &self.content;
        let states =
            || cached::of_sources(content, &self.private, &self.toolchain, wanted.as_ref());
        let prepare = |cluster: &PrivateCluster, conninfo: &Conninfo| match &wanted {
            Some(wanted) if *wanted != Locale::of(&mut Session::connect(conninfo)?)? => {
                cluster.recreate(wanted)
            }
            _ => Ok(()),
        };
        self.private_side("sources", &states, prepare, |conninfo| {
            let (from, steps) = (Progress::Prepared, &mut Steps::default());
            content.apply(&self.toolchain, conninfo, from, &mut |_| Ok(()), steps)
        })
    }

    /// Makes a side in a private cluster, beginning with the most advanced of its `states`, or else
    /// with `prepare`. The collector records what `work` does; `work` adds what the state lacks.
    fn private_side(
        &self,
        name: &'static str,
        states: &dyn Fn() -> Vec<State>,
        prepare: impl FnOnce(&PrivateCluster, &Conninfo) -> Result<()>,
        work: impl FnOnce(&Conninfo) -> Result<()>,
    ) -> Result<Side> {
        let begin = states();
        let (cluster, reached) = self.private.start_with(&self.toolchain, &begin)?;
        let cached = Cached { states: begin, reached };
        self.fill(cluster, name, |cluster, conninfo| {
            let mut touched = cached.touched();
            if cached.reached.is_none() {
                prepare(cluster, conninfo)?;
            }
            if !cached.is_complete() {
                touched.extend(collect(&mut cluster.superuser()?, || work(conninfo))?);
            }
            let save = match self.private.keep {
                true => None,
                false => cached.to_save(&self.content, conninfo, &touched, states)?,
            };
            Ok(Filled { touched, behind: None, save })
        })
    }

    /// Makes side A. Sends its locale as soon as it is known.
    pub fn side_a(&self, against: &Against, locale: Sender<Option<Locale>>) -> Result<Side> {
        match against {
            Against::Database(conninfo) => {
                // sending fails if side B has failed, and then its error is reported
                let _ = locale.send(Some(Locale::of(&mut Session::connect(conninfo)?)?));
                Ok(Side::Theirs(Box::new(conninfo.clone())))
            }
            Against::Migrations => {
                let _ = locale.send(None);
                let states = || {
                    let (private, toolchain) = (&self.private, &self.toolchain);
                    cached::of_migrations(&self.content, &self.migrations, private, toolchain)
                };
                let prepare = |_: &PrivateCluster, _: &Conninfo| Ok(());
                self.private_side("migrations", &states, prepare, |conninfo| self.migrate(conninfo))
            }
            Against::Backup(backup) => self.restored(backup, &locale),
        }
    }

    fn restored(&self, backup: &Backup, locale: &Sender<Option<Locale>>) -> Result<Side> {
        let named = backup.database_name();
        let required = Requirements {
            role: Some(&self.private.role),
            options: self.private.options.as_deref(),
            database: Some(named.as_deref().unwrap_or(&self.private.settings.database)),
            reindex: false,
        };
        let steps = &mut Steps::default();
        let restored = self.private.restore(backup, &self.toolchain, &required, steps)?;
        for change in &restored.changes {
            tracing::debug!("backup: {change}");
        }
        for warning in &restored.warnings {
            tracing::warn!("backup: {warning}");
        }
        self.fill(restored.cluster, "backup and migrations", |cluster, conninfo| {
            cluster.wake_event_triggers(&self.toolchain)?;
            let mut session = Session::connect(conninfo)?;
            let _ = locale.send(Some(Locale::of(&mut session)?));
            if let Installed { status: Status::Older(version), kind: Some(kind) } =
                bundle::status(&mut session)?
            {
                // the upgrade seals secrets that an older bundle stored as plain text
                self.content.secrets.keys.provide(&mut session)?;
                bundle::upgrade(&mut session, kind)?;
                tracing::info!(
                    "the backup has bundle {version}; its copy was upgraded to {VERSION}"
                );
            }
            // the database's owner must own the objects that migrations make, as in production
            let conninfo = cluster.conninfo_as(&owner(&mut session)?)?;
            let behind = self.behind(&mut session)?;
            let migrate = || match self.migrate(&conninfo) {
                Err(error) if error.kind() == Kind::Migration && self.ignore_failure => {
                    tracing::warn!("{error}; compared as it is");
                    Ok(())
                }
                done => done,
            };
            Ok(Filled { touched: collect(&mut session, migrate)?, behind, save: None })
        })
    }

    /// The number of migrations that the database lacks.
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
            Ok((Filled { touched, behind, save }, conninfo)) => Ok(Side::Private {
                cluster: Box::new(cluster),
                conninfo: Box::new(conninfo),
                name,
                touched,
                behind,
                save,
            }),
            Err(error) => Err(cluster.failed(as_migration(error))),
        }
    }

    fn migrate(&self, conninfo: &Conninfo) -> Result<()> {
        if !self.migrations.directory.is_dir() {
            tracing::debug!("no migrations in {}", self.migrations.directory.display());
            return Ok(());
        }
        let is_off = self.migrations.bundle.is_none();
        if is_off && self.migrations.read_directory()?.migrations.is_empty() {
            return Ok(());
        }
        let toolchain = || Ok(self.toolchain.clone());
        let migrate =
            Migrate { project: &self.migrations, conninfo, toolchain: &toolchain, dry_run: false };
        migrate.run(&Request::Up(Count::All), &mut |_| ()).map(drop)
    }
}

/// Facts about a cluster that only filling it shows.
struct Filled {
    touched: Vec<Touch>,
    behind: Option<usize>,
    save: Option<(State, Details)>,
}

/// The number of times that others may change tables between lock and snapshot. After that, the
/// comparison goes on with the tables as they are.
const ATTEMPTS: usize = 20;

/// Opens the transaction with locks on all tables. The locks come before the snapshot.
fn locked(mut session: Session) -> Result<Session> {
    for attempt in 1.. {
        let lock = lock(&mut session)?;
        facts::begin(&mut session)?;
        match session.batch(lock.as_deref().unwrap_or_default()) {
            // somebody may have created tables before this session took its snapshot, and those are
            // not locked
            Ok(()) if attempt >= ATTEMPTS || self::lock(&mut session)? == lock => break,
            Ok(()) => {}
            // somebody dropped one of the tables meanwhile
            Err(_) if matches!(session.sqlstate(), Some("42P01" | "3F000")) => {}
            Err(error) => return Err(error),
        }
        facts::end(&mut session)?;
    }
    Ok(session)
}

/// Builds the statement that locks all tables.
fn lock(session: &mut Session) -> Result<Option<String>> {
    let query = sql!("diff/lock-tables");
    column(&session.query_one(query, &[])?, "lock")
}

/// In a comparison, SQL of the project that fails has the exit code of a migration. The server's log
/// adds nothing to such an error.
fn as_migration(error: Error) -> Error {
    match error.kind() {
        Kind::Sql => error.with_kind(Kind::Migration),
        _ => error,
    }
}

/// The owner of the database.
pub fn owner(session: &mut Session) -> Result<String> {
    let query = sql!("diff/database-owner");
    column(&session.query_one(query, &[])?, "owner")
}
