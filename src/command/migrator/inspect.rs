//! `migrator list`, `info`, `history`, `validate`: looks and changes nothing.

use serde::Serialize;

use crate::migration::directory::{Directory, Migration};
use crate::migration::history::{self, Event, History, Record, State};
use crate::migration::plan::{self, Count, Goal};
use crate::migration::project::{Project, Same};
use crate::postgres::connection::conninfo::Conninfo;
use crate::sys::error::{Error, Result};

/// A migration on disk, and what it lacks.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// Its version.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// The file that moves forward.
    pub up: Option<String>,
    /// The file that moves back.
    pub down: Option<String>,
}

impl Listed {
    /// The directions without a file.
    pub fn lacks(&self) -> String {
        let missing = [(&self.up, "up"), (&self.down, "down")];
        let missing = missing.iter().filter(|(file, _)| file.is_none()).map(|(_, name)| *name);
        missing.collect::<Vec<_>>().join(", ")
    }
}

/// The migrations on disk.
pub fn list(project: &Project) -> Result<Vec<Listed>> {
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

/// A migration with its state.
#[derive(Debug, Serialize)]
pub struct Info {
    /// Its version.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// `Pending`, `Running`, `Migrated`, `Error` or `Undone`.
    pub state: &'static str,
    /// The version that was applied before it.
    pub previous: Option<i64>,
    /// When it last began, UTC.
    pub started: Option<String>,
    /// When that ended.
    pub completed: Option<String>,
    /// How long it took.
    pub milliseconds: Option<f64>,
    /// Who ran it.
    pub by: Option<String>,
    /// Why it last failed.
    pub error: Option<String>,
    /// Whether there is a file.
    pub on_disk: bool,
    /// A repair has excused its missing files.
    pub deleted: bool,
}

/// Everything that is on disk or in the history, in the order of versions.
pub fn info(project: &Project, conninfo: &Conninfo) -> Result<Vec<Info>> {
    let directory = project.read_directory()?;
    let history = History::read(&mut project.connect(conninfo)?, &project.set)?;
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

/// The log, oldest first.
pub fn history(project: &Project, conninfo: &Conninfo) -> Result<Vec<Event>> {
    history::events(&mut project.connect(conninfo)?, &project.set)
}

/// What is wrong with the history or the files.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// The migration.
    pub name: String,
    /// What it is.
    pub problem: String,
    /// A warning stops nobody.
    pub warning: bool,
}

/// What a validation found.
#[derive(Debug)]
pub struct Validated {
    /// How many migrations are applied.
    pub applied: usize,
    /// How many wait.
    pub pending: usize,
    /// In the order of versions.
    pub findings: Vec<Finding>,
    /// The difference between the lists of names, which says more than findings can.
    pub mismatch: Option<Error>,
}

/// Checks names, checksums and the chain of predecessors; applies nothing.
pub fn validate(project: &Project, conninfo: &Conninfo) -> Result<Validated> {
    let directory = project.read_directory()?;
    let history = History::read(&mut project.connect(conninfo)?, &project.set)?;
    let applied = history.applied();
    let names = directory.names();
    let goal = Goal::Up(Count::All);
    let plan = plan::plan(&names, &applied, goal, project.out_of_order);
    let pending =
        names.iter().filter(|name| !applied.iter().any(|a| a.name.version == name.version)).count();
    let mut findings = checksums(project, &directory, &history)?;
    findings.extend(chain(&history));
    findings.extend(states(&history));
    Ok(Validated {
        applied: applied.len(),
        pending,
        findings,
        mismatch: plan.err().map(Error::from),
    })
}

fn checksums(project: &Project, directory: &Directory, history: &History) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for record in history.records.iter().filter(|record| record.is_applied()) {
        let (problem, warning) = match project.compare(directory, record)? {
            Same::Exactly => continue,
            Same::ButComments(file) => {
                (format!("{} was changed in comments or line ends only", file.display()), true)
            }
            Same::Changed(file) => {
                (format!("{} was changed after it was applied", file.display()), false)
            }
        };
        findings.push(Finding { name: record.name.full.clone(), problem, warning });
    }
    Ok(findings)
}

/// Each migration was applied on top of the one before it.
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
            State::Running => "it is Running, or its migrator has died: `migrator abort`",
            State::Error => "its last run failed",
            _ => return None,
        };
        Some(Finding { name: record.name.full.clone(), problem: problem.to_owned(), warning: true })
    });
    odd.collect()
}
