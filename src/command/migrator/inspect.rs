//! `migrator list`, `info`, `history`, `validate`: read and change nothing.

use serde::Serialize;

use crate::migration::directory::{Directory, Migration};
use crate::migration::history::{self, Event, History, Record, State};
use crate::migration::keep::usual_file;
use crate::migration::kept::{self, Kept};
use crate::migration::name::Name;
use crate::migration::plan::{self, Count, Goal};
use crate::migration::project::RunOptions;
use crate::migration::source::FileMatch;
use crate::postgres::connection::conninfo::Conninfo;
use crate::sys::error::{Error, Result};

/// A migration in the migration directory.
#[derive(Debug, Serialize)]
pub struct Listed {
    pub version: i64,
    /// Its full name, version and description.
    pub name: String,
    /// The description in its name.
    pub description: String,
    /// The path of the up.
    pub up: Option<String>,
    /// The path of the down.
    pub down: Option<String>,
}

impl Listed {
    /// The names of the missing files, such as `down.sql`.
    pub fn missing(&self) -> Vec<String> {
        let name = Name { version: self.version, full: self.name.clone() };
        let files = [(&self.up, "up"), (&self.down, "down")];
        let missing = files.iter().filter(|(file, _)| file.is_none());
        missing.map(|(_, direction)| usual_file(&name, direction)).collect()
    }
}

/// Lists the migrations in the migration directory.
pub fn list(project: &RunOptions) -> Result<Vec<Listed>> {
    let directory = Directory::read(&project.directory)?;
    for warning in &directory.warnings {
        tracing::warn!("{warning}");
    }
    Ok(directory.migrations.iter().map(listed).collect())
}

fn listed(migration: &Migration) -> Listed {
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|p| p.display().to_string());
    Listed {
        version: migration.name.version,
        name: migration.name.full.clone(),
        description: migration.name.description(),
        up: path(&migration.up),
        down: path(&migration.down),
    }
}

#[derive(Debug, Serialize)]
pub struct Info {
    pub version: i64,
    /// Its full name, version and description.
    pub name: String,
    /// The description in its name.
    pub description: String,
    /// `Pending`, `Running`, `Migrated`, `Error` or `Undone`.
    pub state: &'static str,
    /// The version that was applied directly before it.
    pub previous: Option<i64>,
    /// The start of its last run, in UTC.
    pub started: Option<String>,
    /// The end of its last run, in UTC.
    pub completed: Option<String>,
    /// The duration of its last run.
    pub milliseconds: Option<f64>,
    /// The user who ran it last.
    pub by: Option<String>,
    /// The error of its last run.
    pub error: Option<String>,
    /// The migration has a file in the migration directory.
    pub on_disk: bool,
    /// A repair accepted that its files are missing.
    pub deleted: bool,
}

/// Lists all migrations of the directory and of the history, ordered by version.
pub fn info(project: &RunOptions, conninfo: &Conninfo) -> Result<Vec<Info>> {
    let directory = project.read_directory()?;
    let history = project.history(&mut project.connect(conninfo)?)?;
    let gone = history.records.iter().filter(|r| directory.find(r.name.version).is_none());
    let mut all: Vec<Info> = gone.map(|record| known(record, false)).collect();
    all.extend(directory.migrations.iter().map(|migration| {
        match history.find(migration.name.version) {
            Some(record) => known(record, true),
            None => pending(migration),
        }
    }));
    all.sort_by_key(|info| info.version);
    Ok(all)
}

fn known(record: &Record, on_disk: bool) -> Info {
    Info {
        version: record.name.version,
        name: record.name.full.clone(),
        description: record.name.description(),
        state: record.state.as_str(),
        previous: record.previous,
        started: Some(record.started.clone()),
        completed: record.completed.clone(),
        milliseconds: record.milliseconds,
        by: Some(record.actor.clone()),
        error: record.error.clone(),
        on_disk,
        deleted: record.deleted,
    }
}

fn pending(migration: &Migration) -> Info {
    Info {
        version: migration.name.version,
        name: migration.name.full.clone(),
        description: migration.name.description(),
        state: State::Pending.as_str(),
        previous: None,
        started: None,
        completed: None,
        milliseconds: None,
        by: None,
        error: None,
        on_disk: true,
        deleted: false,
    }
}

/// Lists the events of the history, oldest first.
pub fn history(project: &RunOptions, conninfo: &Conninfo) -> Result<Vec<Event>> {
    let mut session = project.connect(conninfo)?;
    project.history(&mut session)?;
    history::events(&mut session, &project.set)
}

/// A problem of the history or of the files.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// The migration's name.
    pub name: String,
    /// The problem, as a sentence.
    pub problem: String,
    /// The problem does not stop a migration.
    pub warning: bool,
}

/// The result of `validate`.
#[derive(Debug)]
pub struct Validated {
    /// The number of applied migrations.
    pub applied: usize,
    /// The number of pending migrations.
    pub pending: usize,
    /// The problems, ordered by version.
    pub findings: Vec<Finding>,
    /// The error if the lists of names do not fit together.
    pub mismatch: Option<Error>,
}

/// Checks names, checksums and the chain of predecessors. Applies nothing.
pub fn validate(project: &RunOptions, conninfo: &Conninfo) -> Result<Validated> {
    let directory = project.read_directory()?;
    let mut session = project.connect(conninfo)?;
    let history = project.history(&mut session)?;
    let kept = kept::read(&mut session, &project.set)?.unwrap_or_default();
    let applied = history.applied();
    let names = directory.names();
    let goal = Goal::Up(Count::All);
    let plan = plan::plan(&names, &applied, goal, project.out_of_order);
    let pending =
        names.iter().filter(|name| !applied.iter().any(|a| a.name.version == name.version)).count();
    let mut findings = checksums(project, &directory, &history)?;
    findings.extend(downs(project, &directory, &history, &kept)?);
    findings.extend(chain(&history));
    findings.extend(states(&history));
    Ok(Validated {
        applied: applied.len(),
        pending,
        findings,
        mismatch: plan.err().map(Error::from),
    })
}

fn checksums(
    project: &RunOptions,
    directory: &Directory,
    history: &History,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for record in history.records.iter().filter(|record| record.is_applied()) {
        let (problem, warning) = match project.compare(directory, record)? {
            FileMatch::Exactly => continue,
            FileMatch::ButComments(file) => {
                (format!("{} was changed in comments or line ends only", file.display()), true)
            }
            FileMatch::Changed(file) => {
                (format!("{} was changed after it was applied", file.display()), false)
            }
        };
        findings.push(Finding { name: record.name.full.clone(), problem, warning });
    }
    Ok(findings)
}

/// Lists the downs of applied migrations that have changed since.
fn downs(
    project: &RunOptions,
    directory: &Directory,
    history: &History,
    kept: &[Kept],
) -> Result<Vec<Finding>> {
    let changed = project.changed_downs(directory, history, kept)?;
    let each = changed.into_iter().map(|(name, file)| Finding {
        name: name.full,
        problem: format!(
            "{} was changed after the up was applied; `migrate down` runs it as it is now",
            file.display()
        ),
        warning: true,
    });
    Ok(each.collect())
}

/// Checks that each migration was applied on top of its predecessor.
fn chain(history: &History) -> Vec<Finding> {
    let mut before = None;
    let mut findings = Vec::new();
    for record in history.records.iter().filter(|record| record.is_applied()) {
        if record.previous != before {
            let word =
                |version: Option<i64>| version.map_or("nothing".to_owned(), |v| v.to_string());
            findings.push(Finding {
                name: record.name.full.clone(),
                problem: format!(
                    "it was applied on top of {}, but {} stands before it now",
                    word(record.previous),
                    word(before)
                ),
                warning: false,
            });
        }
        before = Some(record.name.version);
    }
    findings
}

fn states(history: &History) -> Vec<Finding> {
    let odd = history.records.iter().filter_map(|record| {
        let problem = match record.state {
            State::Running => "it is Running; if its migrator has died, run `migrator abort`",
            State::Error => "its last run failed",
            _ => return None,
        };
        Some(Finding { name: record.name.full.clone(), problem: problem.to_owned(), warning: true })
    });
    odd.collect()
}
