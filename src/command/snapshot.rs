//! `database snapshot`: named copies of the development cluster.
//!
//! A data directory can only be copied while no server runs, so `save` stops the server for a
//! moment and starts it again. `restore` first copies the snapshot to a place beside the cluster.
//! Only then does the copy take the cluster's place.

use crate::cluster::tcp::Password;
use crate::cluster::{
    ClusterSpec, Found, Liveness, Replacement, Running, Snapshot, SnapshotBuilder, find,
};
use crate::postgres::toolchain::Toolchain;
use crate::secret::{KeySource, tell_unreadable};
use crate::sys::error::{Context, Error, Result};
use crate::sys::steps::Steps;

/// The cluster that a snapshot verb works on.
#[derive(Debug)]
pub struct Target {
    /// The development cluster.
    pub spec: ClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// Disconnect other sessions instead of refusing (`PG_FORCE`).
    pub force: bool,
}

/// A snapshot in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    /// The time of the snapshot, in seconds since the epoch.
    pub saved: u64,
    /// The size of its files in bytes.
    pub bytes: u64,
    /// The major version of PostgreSQL.
    pub version: String,
}

/// The result of a restored snapshot.
#[derive(Debug)]
pub struct Restored {
    /// The URL of a role that can log in.
    pub url: String,
    /// Warnings, one sentence each; each needs an action of the user.
    pub warnings: Vec<String>,
    /// The time of the snapshot, in seconds since the epoch.
    pub saved: u64,
    /// The steps, with their times.
    pub steps: Steps,
}

/// Saves the cluster as it is now. Restarts the server if it ran before.
pub fn save(target: Target, name: &str, replace: bool) -> Result<Steps> {
    let mut steps = Steps::default();
    let builder = SnapshotBuilder::begin(target.spec.clone(), name, replace)?;
    let found = target.look()?;
    let paused = steps.run("stop", || found.pause())?;
    let data = target.spec.layout.data();
    let damaged = || Error::failed(format!("{} is damaged: it has no PG_VERSION", data.display()));
    let paused = paused.ok_or_else(damaged)?;
    let copied = steps.run("copy", || builder.fill());
    let resumed = steps.insist("start", || paused.resume());
    match (copied, resumed) {
        (Err(error), Err(also)) => Err(error.detail(also.message().to_owned())),
        (copied, resumed) => copied.and(resumed),
    }?;
    steps.run("keep", || builder.publish())?;
    Ok(steps)
}

/// Replaces the cluster by a snapshot. The cluster stays unchanged until the last step. `role` is
/// the role that the project connects as, with the start-up options `options`.
pub fn restore(
    mut target: Target,
    name: &str,
    (role, options): (Option<&str>, Option<&str>),
    keys: &KeySource,
) -> Result<Restored> {
    let mut steps = Steps::default();
    let snapshot = Snapshot::open(&target.spec.layout, name)?;
    snapshot.check(&target.spec, &target.toolchain)?;
    target.spec.settings.superuser = {
        let _acting = target.spec.act()?;
        snapshot.superuser()?
    };
    let replacement = Replacement::beside(target.spec.clone())?;
    target.look()?;
    let context = || format!("cannot restore the snapshot {name}");
    steps.run("copy", || snapshot.clone_to(&replacement.spec())).context(context())?;
    let reopen = |running: &Running| running.give_password(role, Password::Keep);
    let swapped = steps.run("swap", || replacement.take_place(&target.toolchain, reopen));
    let replaced = swapped.context(context())?;
    if let Some(kept) = replaced.kept {
        tracing::warn!("the old cluster was not made by db-tool: it is in {}", kept.display());
    }
    let mut warnings = Vec::new();
    let url = url(&replaced.running, role, options, &mut warnings);
    tell_unreadable(&replaced.running, keys, &mut warnings);
    Ok(Restored { url, warnings, saved: snapshot.saved(), steps })
}

/// The URL of `role`, or of the superuser if `role` cannot log in to the restored cluster.
fn url(
    running: &Running,
    role: Option<&str>,
    options: Option<&str>,
    warnings: &mut Vec<String>,
) -> String {
    let settings = &running.spec().settings;
    let (superuser, database) = (&settings.superuser, &settings.database);
    let project = role.map(|role| (role, options));
    for (user, options) in project.into_iter().chain([(&**superuser, None)]) {
        match running.prove_login(user, database, options) {
            Ok(()) => return running.url_with_options(user, database, options).to_url(),
            Err(error) => warnings.push(error.message().to_owned()),
        }
    }
    running.url(superuser, "postgres").to_url()
}

/// Lists the snapshots of the cluster that `spec` describes, the oldest first.
pub fn list(spec: &ClusterSpec) -> Result<Vec<Listed>> {
    let _acting = spec.act()?;
    let listed = |snapshot: &Snapshot| {
        Ok(Listed {
            name: snapshot.name().to_owned(),
            saved: snapshot.saved(),
            bytes: snapshot.size()?,
            version: snapshot.version()?,
        })
    };
    Snapshot::all(&spec.layout)?.iter().map(listed).collect()
}

/// Removes a snapshot.
pub fn remove(spec: &ClusterSpec, name: &str) -> Result<()> {
    Snapshot::open(&spec.layout, name)?.remove(spec)
}

impl Target {
    /// Finds the cluster. Exits with 2 if other sessions are connected and `force` is not set.
    fn look(&self) -> Result<Found> {
        // a killed command may have left the server starting or stopping
        Liveness::settled(&self.spec.layout.data())?;
        let found = find(self.spec.clone(), self.toolchain.clone())?;
        let Found::Running(running) = &found else { return Ok(found) };
        let sessions = match running.other_sessions() {
            // with `force`, the number of sessions does not matter
            Err(_) if self.force => 0,
            sessions => sessions.hint("PG_FORCE=1 stops it without asking who works in it")?,
        };
        let what = match sessions {
            0 => return Ok(found),
            1 => "1 other session works in this cluster".to_owned(),
            more => format!("{more} other sessions work in this cluster"),
        };
        if !self.force {
            return Err(Error::conflict(format!("{what}, and its server has to stop"))
                .hint("end what works there, or disconnect it with PG_FORCE=1"));
        }
        tracing::warn!("{what}: disconnected");
        Ok(found)
    }
}
