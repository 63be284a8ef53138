//! `database snapshot`: named states of the development cluster.
//!
//! A state is copied while no server runs, which takes a moment: the server is stopped for it and
//! started again. Coming back, the copy is made first, beside the cluster, and only then does it
//! take the cluster's place.

use crate::cluster::{ClusterSpec, Draft, Found, Liveness, Running, Snapshot, Staging, find};
use crate::postgres::toolchain::Toolchain;
use crate::secret::{KeySource, tell_unreadable};
use crate::sys::error::{Context, Error, Result};
use crate::sys::steps::Steps;

/// The cluster, and what to do about those who work in it.
#[derive(Debug)]
pub struct Target {
    /// The development cluster.
    pub spec: ClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// Whether other sessions are disconnected (`PG_FORCE`).
    pub force: bool,
}

/// One snapshot, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// When it was saved, in seconds since the epoch.
    pub saved: u64,
    /// The bytes of its files.
    pub bytes: u64,
    /// The major version of PostgreSQL.
    pub version: String,
}

/// A state that is back.
#[derive(Debug)]
pub struct Restored {
    /// The URL of a role that can connect.
    pub url: String,
    /// What somebody should do something about, a sentence each.
    pub warnings: Vec<String>,
    /// When the state was saved, in seconds since the epoch.
    pub saved: u64,
    /// The steps.
    pub steps: Steps,
}

/// Saves the cluster as it is now. Whether a server ran or not, it is so again afterwards.
pub fn save(target: Target, name: &str, replace: bool) -> Result<Steps> {
    let mut steps = Steps::default();
    let draft = Draft::begin(target.spec.clone(), name, replace)?;
    let found = target.look()?;
    let paused = steps.run("stop", || found.pause())?;
    let data = target.spec.layout.data();
    let damaged = || Error::failed(format!("{} is damaged: it has no PG_VERSION", data.display()));
    let paused = paused.ok_or_else(damaged)?;
    let copied = steps.run("copy", || draft.fill());
    let resumed = steps.insist("start", || paused.resume());
    match (copied, resumed) {
        (Err(error), Err(also)) => Err(error.detail(also.message().to_owned())),
        (copied, resumed) => copied.and(resumed),
    }?;
    steps.run("keep", || draft.publish())?;
    Ok(steps)
}

/// Lets a saved state take the cluster's place. Until the last step the cluster is as it was. `role`
/// is whom the project connects as.
pub fn restore(
    mut target: Target,
    name: &str,
    role: Option<&str>,
    keys: &KeySource,
) -> Result<Restored> {
    let mut steps = Steps::default();
    let snapshot = Snapshot::open(&target.spec.layout, name)?;
    snapshot.check(&target.spec, &target.toolchain)?;
    target.spec.superuser = {
        let _acting = target.spec.act()?;
        snapshot.superuser()?
    };
    let staging = Staging::beside(target.spec.clone())?;
    target.look()?;
    let context = || format!("cannot restore the snapshot {name}");
    steps.run("copy", || snapshot.clone_to(&staging.spec())).context(context())?;
    let swapped = steps.run("swap", || staging.take_place(&target.toolchain, |_| Ok(())));
    let replaced = swapped.context(context())?;
    if let Some(kept) = replaced.kept {
        tracing::warn!("the old cluster was not made by db-tool: it is in {}", kept.display());
    }
    let mut warnings = Vec::new();
    let url = url(&replaced.running, role, &mut warnings);
    tell_unreadable(&replaced.running, keys, &mut warnings);
    Ok(Restored { url, warnings, saved: snapshot.saved(), steps })
}

/// The URL of `role`, or of the superuser when the saved state keeps that one out.
fn url(running: &Running, role: Option<&str>, warnings: &mut Vec<String>) -> String {
    let (superuser, database) = (&running.spec().superuser, &running.spec().database);
    for user in role.into_iter().chain([&**superuser]) {
        match running.prove_login(user, database) {
            Ok(()) => return running.url(user, database).to_url(),
            Err(error) => warnings.push(error.message().to_owned()),
        }
    }
    running.url(superuser, "postgres").to_url()
}

/// All snapshots beside the cluster that `spec` describes, the oldest first.
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
    /// Looks at the cluster; exit 2 when others work in it and nobody insists.
    fn look(&self) -> Result<Found> {
        // a command that was killed may have left it starting or stopping
        Liveness::settled(&self.spec.layout.data())?;
        let found = find(self.spec.clone(), self.toolchain.clone())?;
        let Found::Running(running) = &found else { return Ok(found) };
        let sessions = match running.other_sessions() {
            // whoever insists need not be told how many they are
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
