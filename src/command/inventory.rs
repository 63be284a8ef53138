//! `database status --all`: what db-tool keeps on this machine for this user.

use std::path::Path;
use std::time::SystemTime;

use crate::cluster::{Layout, Liveness, Registered, Snapshot, Template, tree_size};
use crate::environment::gc::Collector;
use crate::environment::lease::{Holder, Leases};
use crate::environment::registry::Entry;

/// Something that takes space or runs.
#[derive(Debug, serde::Serialize)]
pub struct Item {
    /// Its kind.
    pub kind: Kind,
    /// Its directory.
    pub path: String,
    /// The project, if it belongs to one.
    pub project: Option<String>,
    /// Its state.
    pub state: State,
    /// Its size in bytes.
    pub bytes: u64,
    /// The seconds since it was made.
    pub age_seconds: Option<u64>,
    /// The seconds since its last use.
    pub idle_seconds: Option<u64>,
    /// The processes that have a lease on it.
    pub holders: Vec<Holder>,
}

/// The kind of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A development cluster.
    Cluster,
    /// A snapshot of a development cluster.
    Snapshot,
    /// A private cluster.
    PrivateCluster,
    /// A template in the cache.
    Template,
}

/// The state of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its server runs.
    Running,
    /// No server runs.
    Stopped,
    /// Its server was killed.
    Killed,
    /// It belongs to no living command.
    Orphaned,
    /// Its working directory was moved or deleted.
    Gone,
    /// Its place cannot be reached now, for example because it is not mounted.
    Unreachable,
    /// It is kept for later use.
    Kept,
}

impl Kind {
    /// The kind as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Snapshot => "snapshot",
            Self::PrivateCluster => "private cluster",
            Self::Template => "template",
        }
    }
}

impl State {
    /// The state as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Killed => "killed",
            Self::Orphaned => "orphaned",
            Self::Gone => "gone",
            Self::Unreachable => "unreachable",
            Self::Kept => "kept",
        }
    }
}

/// Lists everything, clusters first.
pub fn run(places: &Collector) -> Vec<Item> {
    let mut items: Vec<Item> = places.clusters.entries().iter().flat_map(of_entry).collect();
    items.extend(Registered::all(&places.private).iter().map(of_private));
    let templates = places.templates.iter().flat_map(|cache| Template::all(cache));
    items.extend(templates.map(of_template));
    items
}

fn of_entry(entry: &Entry) -> Vec<Item> {
    let idle_seconds = entry.used.and_then(seconds);
    let Some(layout) = entry.layout() else {
        let state = if entry.is_gone() { State::Gone } else { State::Unreachable };
        let project = project_of(entry);
        return vec![Item {
            idle_seconds,
            project,
            ..item(Kind::Cluster, &entry.directory, state)
        }];
    };
    let mut items = Vec::new();
    if layout.data().is_dir() {
        items.push(Item {
            project: project_of(entry),
            idle_seconds,
            age_seconds: age(&layout.data().join("PG_VERSION")),
            bytes: tree_size(&layout.data()),
            holders: Leases::of(&layout).holders(),
            ..item(Kind::Cluster, &entry.directory, state_of(&layout))
        });
    }
    for snapshot in Snapshot::all(&layout).unwrap_or_default() {
        let saved = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(snapshot.saved());
        items.push(Item {
            project: project_of(entry),
            age_seconds: seconds(saved),
            bytes: snapshot.size().unwrap_or(0),
            ..item(Kind::Snapshot, &layout.snapshots().join(snapshot.name()), State::Kept)
        });
    }
    items
}

fn project_of(entry: &Entry) -> Option<String> {
    entry.project.as_ref().map(|project| project.display().to_string())
}

fn state_of(layout: &Layout) -> State {
    match Liveness::of(&layout.data()) {
        Ok(Liveness::Running(_)) => State::Running,
        Ok(Liveness::Stopped) => State::Stopped,
        Ok(Liveness::Stale) | Err(_) => State::Killed,
    }
}

fn of_private(private: &Registered) -> Item {
    let state = if private.is_used { State::Running } else { State::Orphaned };
    Item {
        age_seconds: age(&private.directory),
        bytes: tree_size(&private.directory),
        ..item(Kind::PrivateCluster, &private.directory, state)
    }
}

fn of_template(template: Template) -> Item {
    let description = template.description();
    let made = description.as_ref().and_then(|found| seconds(found.made()));
    let project = description.and_then(|found| found.project);
    Item {
        bytes: template.bytes,
        age_seconds: made.or_else(|| age(&template.path)),
        project: project.map(|project| project.display().to_string()),
        idle_seconds: seconds(template.used),
        ..item(Kind::Template, &template.path, State::Kept)
    }
}

fn item(kind: Kind, path: &Path, state: State) -> Item {
    Item {
        kind,
        path: path.display().to_string(),
        project: None,
        state,
        bytes: 0,
        age_seconds: None,
        idle_seconds: None,
        holders: Vec::new(),
    }
}

fn age(path: &Path) -> Option<u64> {
    let facts = path.symlink_metadata().ok()?;
    facts.created().or_else(|_| facts.modified()).ok().and_then(seconds)
}

/// The seconds since a time. `None` if the clock was set back.
fn seconds(since: SystemTime) -> Option<u64> {
    since.elapsed().ok().map(|time| time.as_secs())
}
