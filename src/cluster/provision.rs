//! Provides the development cluster, and decides about a cluster that is already there.
//!
//! The rules, in this order:
//!
//! - A directory that is no PostgreSQL data directory is refused.
//! - With `Existing::Keep`, db-tool attaches to the cluster or starts it. It refuses a cluster of
//!   another major version. It replaces the cluster only if the cluster cannot start because its
//!   data is damaged, and keeps the damaged one beside it.
//! - With `Existing::ReplaceIfIdle`, db-tool makes the cluster anew, but attaches to it if it runs
//!   and others have sessions. With `Existing::Replace`, it makes the cluster anew in any case.
//! - A cluster that db-tool did not make is never removed, only moved aside.

use std::path::Path;

use super::build::{Marker, Old};
use super::recovery::recover;
use super::run::postmaster::{Liveness, Shutdown};
use super::run::start::StartFailure;
use super::run::{access, postmaster};
use super::takeover::{check_free, is_empty};
use super::tcp::{Password, certificate};
use super::template::preparation::Begun;
use super::version::check_major;
use super::{Cluster, ClusterSpec, Lock, Preparation, Reached, Running, State, not_ours};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Context, Error, Result};

/// The choice between an existing cluster and a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Keep the cluster: attach to it or start it.
    Keep,
    /// Make the cluster anew (`--fresh`, `PG_FRESH`). If others have sessions in it, attach to it
    /// instead, so that a second shell does not destroy the work of the first.
    ReplaceIfIdle,
    /// Make the cluster anew even if others have sessions in it (also `PG_FORCE`).
    Replace,
}

/// The result of providing a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There was no cluster; there is one now.
    Created,
    /// The old cluster was replaced.
    Recreated,
    /// A stopped cluster was started.
    Started,
    /// A running cluster was found.
    Attached,
}

/// A development cluster that accepts connections.
#[derive(Debug)]
pub struct Provisioned {
    /// The cluster.
    pub running: Running,
    /// The action that provided the cluster.
    pub outcome: Outcome,
    /// Whether db-tool made the cluster.
    pub ours: bool,
    /// The cached state with which a new cluster began.
    pub reached: Option<Reached>,
    /// The lock that keeps other commands out as long as it lives.
    pub lock: Option<Lock>,
}

/// The longest name of an object in bytes: `NAMEDATALEN` without the final NUL.
const NAME_LIMIT: usize = 63;

/// The role and the databases that a development cluster needs.
#[derive(Debug)]
pub struct Contents {
    /// The role. `None` stands for the bootstrap superuser.
    pub role: Option<String>,
    /// The databases. The role owns them.
    pub databases: Vec<String>,
    /// The states that the caller will pass through in a new cluster, in this order.
    pub states: Vec<State>,
}

impl Contents {
    /// Refuses names that PostgreSQL would cut off, and roles that begin with `pg_`, which
    /// PostgreSQL reserves.
    pub(super) fn check_names(&self) -> Result<()> {
        for name in self.role.iter().chain(&self.databases) {
            if name.len() > NAME_LIMIT {
                return Err(Error::conflict(format!(
                    "the name {name} has {} bytes; PostgreSQL takes {NAME_LIMIT}",
                    name.len()
                ))
                .hint("choose a shorter role or database name in DB_URL or PG_DATABASE"));
            }
        }
        if let Some(name) = self.databases.iter().find(|name| is_template(name)) {
            return Err(template_database(name));
        }
        match &self.role {
            Some(role) if role.starts_with("pg_") => {
                Err(Error::conflict(format!("the role {role} cannot be created: pg_ is reserved"))
                    .hint("choose another role in DB_URL"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn ensure(&self, running: &Running) -> Result<()> {
        let databases: Vec<_> = self.databases.iter().map(String::as_str).collect();
        running.ensure(self.role.as_ref().unwrap_or(&running.spec().settings.superuser), &databases)
    }

    /// A text that is different for different contents; it finds the snapshot to begin with.
    pub(super) fn key(&self, spec: &ClusterSpec) -> String {
        let role = self.role.as_ref().unwrap_or(&spec.settings.superuser);
        std::iter::once(role)
            .chain(&self.databases)
            .fold("contents".into(), |key, name| format!("{key}\0{name}"))
    }
}

/// Whether `CREATE DATABASE` copies a database of this name.
pub fn is_template(database: &str) -> bool {
    matches!(database, "template0" | "template1")
}

/// The error for a project whose database is a template.
pub fn template_database(name: &str) -> Error {
    Error::conflict(format!("the database {name} is a template: new databases are copies of it"))
        .hint("choose another name in PG_DATABASE or DB_URL")
}

/// Provides the cluster that `spec` describes, with its contents. The result holds the lock of the
/// working directory, so that the caller has the cluster to itself.
pub fn provision(
    mut spec: ClusterSpec,
    toolchain: Toolchain,
    existing: Existing,
    contents: &Contents,
) -> Result<Provisioned> {
    check_free(&spec.layout, spec.settings.server_user.as_ref())?;
    let _acting = spec.act()?;
    if is_taken(&spec.layout.data())? {
        return Err(not_ours(&spec.layout)); // before anything is written beside it
    }
    // check for later errors before anything is stopped or replaced
    if let Some(user) = &spec.settings.server_user {
        access::check_reach(toolchain.bindir(), user)?;
    }
    spec.settings.require_libraries(&toolchain)?;
    contents.check_names()?;
    spec.settle_address()?;
    access::prepare(&spec.layout, spec.settings.server_user.as_ref())?;
    let lock = spec.lock()?;
    remove_leftovers_of_killed_commands(&spec);
    let provide = || -> Result<Provisioned> {
        let provisioned = decide(spec.clone(), toolchain.clone(), existing, contents)?;
        if provisioned.ours && matches!(provisioned.outcome, Outcome::Started | Outcome::Attached) {
            contents.ensure(&provisioned.running)?;
        }
        if provisioned.ours {
            let password = match provisioned.outcome {
                Outcome::Started | Outcome::Attached => Password::Keep,
                Outcome::Created | Outcome::Recreated => Password::Renew,
            };
            provisioned.running.give_password(contents.role.as_deref(), password)?;
        }
        Ok(provisioned)
    };
    let data = spec.layout.data();
    let is_ready = || -> Result<bool> {
        let found = Liveness::of(&data)?;
        Ok(matches!(found, Liveness::Running(server) if server.file.ready))
    };
    let ran = is_ready()?;
    let mut provisioned = match provide() {
        // a command that was killed had told the server to stop just before
        Err(_) if ran && existing != Existing::Replace && !is_ready()? => provide()?,
        provided => provided?,
    };
    if !provisioned.ours {
        tracing::warn!(
            "this cluster was not made by db-tool: no role and no database are created in it"
        );
    }
    provisioned.lock = Some(lock);
    Ok(provisioned)
}

/// Runs under the lock, so no other command works here. If a removal fails, the next command tries
/// again.
fn remove_leftovers_of_killed_commands(spec: &ClusterSpec) {
    if let Err(error) = recover(&spec.layout) {
        tracing::warn!("cannot remove the files of a killed command: {error}");
    }
}

fn decide(
    spec: ClusterSpec,
    toolchain: Toolchain,
    existing: Existing,
    contents: &Contents,
) -> Result<Provisioned> {
    let data = spec.layout.data();
    match look(&data)? {
        Found::Nothing => {
            // others may know the keys that came with a clone of the project
            certificate::remove(&spec.layout)?;
            create(&spec, &toolchain, Old::Remove, Outcome::Created, contents)
        }
        Found::Foreign => Err(not_ours(&spec.layout)),
        Found::Cluster { marker } => {
            let mut spec = spec;
            let ours = marker.is_some();
            if existing == Existing::Keep {
                check_major(&data, &toolchain)
                    .hint("or make it anew with --fresh, which loses its data")?;
            }
            // a kept cluster has the superuser that its maker chose, not the one of this caller
            let superuser = marker.map_or_else(|| spec.settings.superuser.clone(), |m| m.superuser);
            let new_superuser = std::mem::replace(&mut spec.settings.superuser, superuser);
            let provision = Provision { spec, toolchain, new_superuser, ours, contents };
            match existing {
                Existing::Keep => provision.keep(),
                Existing::ReplaceIfIdle => provision.replace_if_idle(),
                Existing::Replace => provision.replace(),
            }
        }
    }
}

/// The state of the data directory's place.
pub(super) enum Found {
    Nothing,
    Foreign,
    Cluster { marker: Option<Marker> },
}

/// Whether other files occupy the place of the data directory. An empty directory does not count:
/// root may own it and hand it over later.
pub(super) fn is_taken(data: &Path) -> Result<bool> {
    Ok(matches!(look(data)?, Found::Foreign) && !is_empty(data).unwrap_or(false))
}

/// Looks at the place of the data directory. Removes an empty directory there.
pub(super) fn look(data: &Path) -> Result<Found> {
    let Ok(facts) = std::fs::symlink_metadata(data) else { return Ok(Found::Nothing) };
    if !facts.is_dir() {
        return Ok(Found::Foreign);
    }
    if data.join("PG_VERSION").is_file() {
        return Ok(Found::Cluster { marker: Marker::read(data) });
    }
    match Marker::read(data) {
        Some(marker) => Ok(Found::Cluster { marker: Some(marker) }),
        // remove_dir succeeds only for an empty directory
        None if std::fs::remove_dir(data).is_ok() => Ok(Found::Nothing),
        None => Ok(Found::Foreign),
    }
}

/// An existing cluster, and the values that decide what happens to it.
struct Provision<'a> {
    spec: ClusterSpec,
    toolchain: Toolchain,
    /// The superuser that a new cluster gets.
    new_superuser: String,
    ours: bool,
    contents: &'a Contents,
}

impl Provision<'_> {
    fn keep(self) -> Result<Provisioned> {
        let ours = self.ours;
        let (retry, toolchain) = (self.spec.clone(), self.toolchain.clone());
        let cluster = match Cluster::existing(self.spec, self.toolchain).attach()? {
            Ok(running) => {
                let (running, restarted) =
                    if ours { running.listening()? } else { (running, false) };
                let outcome = if restarted { Outcome::Started } else { Outcome::Attached };
                return Ok(Provisioned { running, outcome, ours, reached: None, lock: None });
            }
            Err(cluster) => cluster,
        };
        if Liveness::thorough(&cluster.spec().layout.data())? == Liveness::Stale {
            postmaster::heal(&cluster.spec().layout.data())?;
        }
        match cluster.start() {
            Ok(running) => {
                let outcome = Outcome::Started;
                Ok(Provisioned { running, outcome, ours, reached: None, lock: None })
            }
            Err(StartFailure::Other(error)) => Err(error),
            Err(StartFailure::Data(error)) => {
                tracing::warn!("the kept cluster is damaged: {error}");
                let spec = retry.with_superuser(self.new_superuser);
                create(&spec, &toolchain, Old::Keep("broken"), Outcome::Recreated, self.contents)
            }
        }
    }

    fn replace_if_idle(self) -> Result<Provisioned> {
        let (ours, spec, toolchain) = (self.ours, self.spec.clone(), self.toolchain.clone());
        let Ok(running) = Cluster::existing(spec, toolchain).attach()? else {
            return self.replace();
        };
        match running.other_sessions()? {
            0 => self.replace(),
            sessions => {
                tracing::warn!(
                    "{sessions} other session{} in this cluster: attached to it instead of making \
                     it anew (PG_FORCE=1 insists)",
                    if sessions == 1 { " works" } else { "s work" }
                );
                let outcome = Outcome::Attached;
                Ok(Provisioned { running, outcome, ours, reached: None, lock: None })
            }
        }
    }

    fn replace(self) -> Result<Provisioned> {
        let data = self.spec.layout.data();
        match Liveness::thorough(&data)? {
            Liveness::Running(server) => stop_for_removal(&server, self.ours)?,
            Liveness::Stale => postmaster::heal(&data)?,
            Liveness::Stopped => {}
        }
        let old = if self.ours { Old::Remove } else { Old::Keep("kept") };
        let spec = self.spec.with_superuser(self.new_superuser);
        create(&spec, &self.toolchain, old, Outcome::Recreated, self.contents)
    }
}

/// Stops a server. If its cluster is about to be removed, the server need not write a checkpoint.
fn stop_for_removal(server: &postmaster::Postmaster, removed: bool) -> Result<()> {
    let shutdown = if removed { Shutdown::Immediate } else { Shutdown::Fast };
    server.stop(shutdown, super::STOP_LIMIT)
}

fn create(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    old: Old,
    outcome: Outcome,
    contents: &Contents,
) -> Result<Provisioned> {
    let prepare = |running: &Running| contents.ensure(running);
    let preparation =
        Preparation { key: contents.key(spec), prepare: &prepare, states: &contents.states };
    let Begun { running, kept, reached } = Cluster::begin(spec, toolchain, old, &preparation)?;
    if let Some(kept) = kept {
        tracing::warn!("the old cluster was moved to {}; a fresh one was made", kept.display());
    }
    Ok(Provisioned { running, outcome, ours: true, reached, lock: None })
}
