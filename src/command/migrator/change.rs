//! `migrator init`, `baseline`, `abort`, `repair`, `clean`: change the history, never the schema.
//!
//! Each verb works in one session and one transaction. The session holds the migrator's lock, so
//! that the verb cannot run beside a migration.

use std::time::Duration;

use crate::bundle;
use crate::migration::directory::{Directory, Migration};
use crate::migration::history::{History, Record, State};
use crate::migration::keep;
use crate::migration::kept::{self, Kept};
use crate::migration::lock;
use crate::migration::name::Name;
use crate::migration::plan::{self, Goal};
use crate::migration::preflight::check_privileges;
use crate::migration::project::RunOptions;
use crate::migration::runner;
use crate::migration::source::{FileMatch, Source};
use crate::migration::{Direction, TOOL_VERSION};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::connection::session::ToSql;
use crate::sys::error::{Context, Error, Kind, Result};

/// The statements of `clean`.
pub const CLEAN: &str = sql!("migration/clean");

/// Applies the bundle. Running it again, or beside another session that does the same, is safe.
pub fn init(project: &RunOptions, conninfo: &Conninfo) -> Result<()> {
    let kind = project.bundle()?;
    bundle::apply(&mut project.connect(conninfo)?, kind)?;
    durability::flush(conninfo)
}

/// Sets the state of every running migration to `Error`, also of transactional ones. Returns their
/// names.
///
/// # Errors
/// `Conflict` (exit 2) if a session holds the lock, because then the migration still runs.
pub fn abort(project: &RunOptions, conninfo: &Conninfo, dry_run: bool) -> Result<Vec<String>> {
    let session = project.connect(conninfo)?;
    let mut session = lock::take(session, Duration::ZERO)
        .context("nothing is aborted while a migrator is at work")?;
    let history = project.history(&mut session)?;
    let running: Vec<String> = history.running().map(|record| record.name.full.clone()).collect();
    if dry_run || running.is_empty() {
        return Ok(running);
    }
    let message = "aborted after its migrator had ended; no SQL was undone";
    let aborted =
        runner::fail(&mut session, &project.set, &project.actor, None, None, "abort", message)?;
    durability::flush(conninfo)?;
    Ok(aborted)
}

/// A change of one row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Record the file's checksum as the one that was applied.
    Checksum(Migration),
    /// Accept that the files of this migration are missing.
    Deleted(String, i64),
    /// Record the migration as applied without running it.
    Applied(Migration, &'static str),
    /// Record the migration as applied by another tool, with a note that says so.
    Imported(Migration, String),
    /// Record the migration as not applied without running it. It needs no files.
    Reverted(Name),
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Checksum(migration) => {
                write!(f, "{}: record the file as it is now as the applied one", migration.name)
            }
            Self::Deleted(name, _) => write!(f, "{name}: excuse its missing files"),
            Self::Applied(migration, _) => {
                write!(f, "{}: record it as applied, without running it", migration.name)
            }
            Self::Imported(migration, _) => {
                write!(f, "{}: record it as applied by the other tool", migration.name)
            }
            Self::Reverted(name) => {
                write!(f, "{name}: record it as not applied, without running it")
            }
        }
    }
}

/// Changes that wait for the user's consent. The session holds the lock meanwhile.
pub struct Changes<'a> {
    project: &'a RunOptions,
    conninfo: &'a Conninfo,
    session: lock::Locked,
    exists: bool,
    /// The changes, in the order in which they are made.
    pub changes: Vec<Change>,
}

/// Plans to record everything up to `name` as applied.
///
/// # Errors
/// `Conflict` if the history does not fit the directory.
pub fn baseline<'a>(
    project: &'a RunOptions,
    conninfo: &'a Conninfo,
    name: &str,
) -> Result<Changes<'a>> {
    let (directory, mut changes) = begin(project, conninfo)?;
    let history = project.history(&mut changes.session)?;
    refuse_running(&history)?;
    let target = match ["latest", "head", "last"].contains(&name) {
        true => directory.migrations.last().map_or(0, |migration| migration.name.version),
        false => directory.resolve(name)?,
    };
    let goal = Goal::Until(target);
    let steps = plan::plan(&directory.names(), &history.applied(), goal, project.out_of_order)?;
    let migrations = steps.iter().filter_map(|step| directory.find(step.version));
    changes.changes = migrations.map(|m| Change::Applied(m.clone(), "baseline")).collect();
    Ok(changes)
}

/// Plans to record migrations that another tool has applied: their versions, each with a note.
///
/// # Errors
/// `Conflict` if a migration is Running.
pub fn imported<'a>(
    project: &'a RunOptions,
    conninfo: &'a Conninfo,
    applied: Vec<(i64, String)>,
) -> Result<Changes<'a>> {
    let (directory, mut changes) = begin(project, conninfo)?;
    let history = project.history(&mut changes.session)?;
    refuse_running(&history)?;
    for (version, note) in applied {
        let record = history.find(version);
        if let Some(migration) = directory.find(version)
            && record.is_none_or(|record| record.state != State::Migrated)
        {
            changes.changes.push(Change::Imported(migration.clone(), note));
        }
    }
    Ok(changes)
}

/// The migrations that the user names for `repair`.
#[derive(Debug, Default)]
pub struct RepairOptions {
    /// Migrations to record as applied.
    pub applied: Vec<String>,
    /// Migrations to record as not applied.
    pub reverted: Vec<String>,
}

/// Plans a repair: the changes that the user requests, or else one for each difference from the
/// files.
pub fn repair<'a>(
    project: &'a RunOptions,
    conninfo: &'a Conninfo,
    options: &RepairOptions,
) -> Result<Changes<'a>> {
    let (directory, mut changes) = begin(project, conninfo)?;
    let history = project.history(&mut changes.session)?;
    refuse_running(&history)?;
    let find = |name: &String| {
        let version = directory.resolve(name)?;
        directory
            .find(version)
            .cloned()
            .ok_or_else(|| Error::unexpected("a version without a file"))
    };
    for name in &options.reverted {
        let reverted = recorded(&directory, &history, name)?;
        if options.applied.iter().any(|other| reverted.is_called(other)) {
            return Err(Error::conflict(format!("{reverted} cannot be both applied and reverted"))
                .hint("say which of the two it is"));
        }
        if history.find(reverted.version).is_some_and(Record::is_applied) {
            changes.changes.push(Change::Reverted(reverted));
        }
    }
    for name in &options.applied {
        let migration = find(name)?;
        let record = history.find(migration.name.version);
        if record.is_none_or(|record| record.state != State::Migrated) {
            changes.changes.push(Change::Applied(migration, "repair"));
        }
    }
    if options.applied.is_empty() && options.reverted.is_empty() {
        let kept = kept::read(&mut changes.session, &project.set)?.unwrap_or_default();
        changes.changes = differences(project, &directory, &history, &kept)?;
    }
    Ok(changes)
}

/// Finds the migration that the user names among the files and the recorded ones, whose files may
/// be gone or have another name by now.
fn recorded(directory: &Directory, history: &History, text: &str) -> Result<Name> {
    let mut names: Vec<Name> = history.records.iter().map(|record| record.name.clone()).collect();
    names.extend(directory.names().into_iter().filter(|name| history.find(name.version).is_none()));
    names.sort_by_key(|name| name.version);
    let version = match plan::resolve(&names, text) {
        Err(error) if error.kind() == Kind::Missing => directory.resolve(text)?,
        found => found?,
    };
    let name = names.into_iter().find(|name| name.version == version);
    name.ok_or_else(|| Error::unexpected("a version without a name"))
}

fn differences(
    project: &RunOptions,
    directory: &Directory,
    history: &History,
    kept: &[Kept],
) -> Result<Vec<Change>> {
    let downs = project.changed_downs(directory, history, kept)?;
    let mut changes = Vec::new();
    for record in history.records.iter().filter(|record| record.is_applied()) {
        let Some(migration) = directory.find(record.name.version) else {
            if !record.deleted {
                changes.push(Change::Deleted(record.name.full.clone(), record.name.version));
            }
            continue;
        };
        // a different name means a different migration, and only a person can vouch for that
        if migration.name == record.name
            && (downs.iter().any(|(name, _)| *name == record.name)
                || project.compare(directory, record)? != FileMatch::Exactly)
        {
            changes.push(Change::Checksum(migration.clone()));
        }
    }
    Ok(changes)
}

fn refuse_running(history: &History) -> Result<()> {
    match history.running().next() {
        None => Ok(()),
        Some(record) => Err(Error::conflict(format!("migration {} is Running", record.name))
            .hint("if its migrator has died, run `migrator abort` first")),
    }
}

fn begin<'a>(project: &'a RunOptions, conninfo: &'a Conninfo) -> Result<(Directory, Changes<'a>)> {
    let directory = project.read_directory()?;
    let mut session = project.connect(conninfo)?;
    // read the history first: with tables of another release, a check of privileges means nothing
    let exists = project.history(&mut session)?.exists;
    check_privileges(&mut session)?;
    let session = lock::take(session, project.wait)?;
    Ok((directory, Changes { project, conninfo, session, exists, changes: Vec::new() }))
}

impl Changes<'_> {
    /// Makes all changes in one transaction.
    pub fn make(mut self) -> Result<usize> {
        if self.changes.is_empty() {
            return Ok(0);
        }
        if !self.exists {
            bundle::apply(&mut self.session, self.project.bundle()?)?;
        }
        self.session.batch("BEGIN")?;
        for change in self.changes.clone() {
            self.make_one(&change).context(format!("cannot record {change}"))?;
        }
        let relink = sql!("migration/relink");
        self.session.execute(relink, &[&self.project.set])?;
        self.session.batch("COMMIT")?;
        durability::flush(self.conninfo)?;
        Ok(self.changes.len())
    }

    fn make_one(&mut self, change: &Change) -> Result<()> {
        let (set, actor) = (&self.project.set, &self.project.actor);
        match change {
            Change::Checksum(migration) => {
                let query = sql!("migration/repair-checksum");
                let text = MigrationText::of(self.project, migration)?;
                let version = &migration.name.version;
                let note = "the changed file counts as the applied one";
                let (checksum, normalized) = (&text.checksum, &text.normalized_checksum);
                let values: [&(dyn ToSql + Sync); 10] = [
                    set,
                    version,
                    checksum,
                    normalized,
                    actor,
                    &TOOL_VERSION,
                    &note,
                    &text.up,
                    &text.down,
                    &text.files,
                ];
                self.session.execute(query, &values)?;
            }
            Change::Deleted(_, version) => {
                let query = sql!("migration/repair-deleted");
                let note = "its files are gone";
                self.session.execute(query, &[set, version, actor, &TOOL_VERSION, &note])?;
            }
            Change::Applied(migration, action) => {
                self.record(migration, action, "recorded as applied")?;
            }
            Change::Imported(migration, note) => self.record(migration, "baseline", note)?,
            Change::Reverted(name) => {
                let query = sql!("migration/repair-reverted");
                let note = "recorded as not applied";
                let values: [&(dyn ToSql + Sync); 5] =
                    [set, &name.version, actor, &TOOL_VERSION, &note];
                self.session.execute(query, &values)?;
            }
        }
        Ok(())
    }

    fn record(&mut self, migration: &Migration, action: &str, note: &str) -> Result<()> {
        let query = sql!("migration/record");
        let text = MigrationText::of(self.project, migration)?;
        let (set, name) = (&self.project.set, &migration.name);
        let (checksum, normalized) = (&text.checksum, &text.normalized_checksum);
        let values: [&(dyn ToSql + Sync); 12] = [
            set,
            &name.version,
            &name.full,
            &action,
            checksum,
            normalized,
            &self.project.actor,
            &TOOL_VERSION,
            &note,
            &text.up,
            &text.down,
            &text.files,
        ];
        self.session.execute(query, &values).map(drop)
    }
}

/// The texts and checksums of a migration's files, for the history.
struct MigrationText {
    up: String,
    down: Option<String>,
    files: Option<String>,
    checksum: String,
    normalized_checksum: String,
}

impl MigrationText {
    fn of(project: &RunOptions, migration: &Migration) -> Result<Self> {
        let load = |file: &std::path::Path| Source::load(file, &project.base);
        let up = load(migration.file(Direction::Up)?)?;
        let down = migration.down.as_deref().map(load).transpose()?;
        Ok(Self {
            files: keep::files(&project.directory, &migration.name, Some(&up), down.as_ref()),
            checksum: up.checksum(),
            normalized_checksum: up.normalized_checksum()?,
            up: up.entry().text.clone(),
            down: down.map(|down| down.entry().text.clone()),
        })
    }
}

/// Drops the objects of the migrator.
///
/// # Errors
/// `Conflict` while a migrator holds the lock, `Unexpected` for tables of another release.
pub fn clean(project: &RunOptions, conninfo: &Conninfo) -> Result<()> {
    let mut session = lock::take(project.connect(conninfo)?, project.wait)?;
    // fails for tables of another release, which an upgrade of the bundle still needs
    project.history(&mut session)?;
    session.batch(CLEAN).context("cannot drop the history of migrations")?;
    durability::flush(conninfo)
}
