//! Replaces the development cluster by another one: a restored backup, a snapshot, or the result of
//! `deploy`.
//!
//! A command prepares the new cluster in a build directory beside the data directory. A server of
//! its own tries it out there, while the old cluster runs undisturbed. Only after that does db-tool
//! exchange the two by renaming. The old cluster stays under another name until the new one runs in
//! its place. If the new one does not run, db-tool exchanges the two again, and starts the old
//! server if it ran before.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::build::is_ours;
use super::build::{Marker, Old, discard_later, put_in_place};
use super::files::{exchange, private_tempdir, read_small, replace_file, sync_file_system};
use super::provision::{Contents, is_taken};
use super::recovery::recover;
use super::run::access;
use super::run::postmaster::{Liveness, heal};
use super::takeover::check_free;
use super::template::replaced;
use super::template::snapshot::BEFORE_DEPLOY;
use super::template::tablespace::relink;
use super::throwaway::remove_directory;
use super::{
    Cluster, ClusterSettings, ClusterSpec, Found, Layout, Lifetime, Lock, Preparation, Reached,
    Running, find, not_ours,
};
use crate::postgres::toolchain::Toolchain;
use crate::sys::digest::sha256;
use crate::sys::error::{Context, Error, IoContext, Result};
use crate::sys::process::Patience;
use crate::sys::signal;

/// A build directory with a cluster that will replace the development cluster.
#[derive(Debug)]
pub struct Replacement {
    spec: ClusterSpec,
    layout: Layout,
    directory: TempDir,
    /// Whether the old cluster becomes the snapshot `before-deploy`.
    saves_old: bool,
    /// The digest of the key file with which the new cluster began.
    key: Option<String>,
    /// Keeps other commands out.
    _lock: Lock,
}

/// The result of a replacement.
#[derive(Debug)]
pub struct Replaced {
    /// The server of the new cluster.
    pub running: Running,
    /// The path of the old cluster, if db-tool neither removed it nor made a snapshot of it.
    pub kept: Option<PathBuf>,
    /// Whether the old cluster is the snapshot `before-deploy` now.
    pub saved: bool,
    /// The number of sessions of others that ended with the old server.
    pub ended: u64,
}

impl Replacement {
    /// Makes a build directory beside the data directory that `spec` names. Waits for other
    /// commands.
    pub fn beside(mut spec: ClusterSpec) -> Result<Self> {
        check_free(&spec.layout, spec.settings.server_user.as_ref())?;
        let _acting = spec.act()?;
        if is_taken(&spec.layout.data())? {
            return Err(not_ours(&spec.layout));
        }
        spec.settle_address()?;
        access::prepare(&spec.layout, spec.settings.server_user.as_ref())?;
        let lock = spec.lock()?;
        recover(&spec.layout)?;
        let place = spec.layout.working_directory();
        let directory = private_tempdir("data.new-", place)?;
        Marker::write(&spec, directory.path())?;
        let layout = Layout::new(directory.path().to_owned(), None, spec.layout.owner());
        Ok(Self { spec, layout, directory, saves_old: false, key: None, _lock: lock })
    }

    /// Makes a new cluster with its role and databases in the build directory and starts it. The
    /// second value is the cached state with which the cluster began.
    pub fn build(
        &mut self,
        toolchain: &Toolchain,
        contents: &Contents,
    ) -> Result<(Running, Option<Reached>)> {
        contents.check_names()?;
        if let Some(user) = &self.spec.settings.server_user {
            access::check_reach(toolchain.bindir(), user)?;
        }
        self.take_key_along()?;
        let spec = self.spec();
        let prepare = |running: &Running| contents.ensure(running);
        let (key, states) = (contents.key(&spec), &contents.states);
        let preparation = Preparation { key, prepare: &prepare, states };
        Cluster::create_throwaway(&spec, toolchain, &preparation)
    }

    /// Copies the key file beside the new data directory, where its server looks for it.
    fn take_key_along(&mut self) -> Result<()> {
        let _acting = self.spec.act()?;
        let Some(key) = key_file(&self.spec.layout)? else { return Ok(()) };
        self.key = Some(sha256(&key));
        replace_file(&self.layout.key(), &String::from_utf8_lossy(&key))
    }

    /// Moves a key file that the new cluster has made, or added keys to, into the working directory.
    /// A build only adds keys, so the old cluster can read its secrets with it, too.
    ///
    /// # Errors
    /// `Conflict` if the key file has changed since the build began: a rotation may have dropped the
    /// key that seals the secrets of the new cluster.
    fn bring_key_back(&self) -> Result<()> {
        if !self.saves_old {
            return Ok(());
        }
        let place = self.spec.layout.key();
        if key_file(&self.spec.layout)?.map(sha256) != self.key {
            return Err(Error::conflict(format!("{} was changed meanwhile", place.display()))
                .hint("deploy once more"));
        }
        match key_file(&self.layout)? {
            Some(key) if Some(sha256(&key)) != self.key => {
                replace_file(&place, &String::from_utf8_lossy(&key))
            }
            _ => Ok(()),
        }
    }

    /// Lets the old cluster become the snapshot `before-deploy`.
    ///
    /// # Errors
    /// `Conflict` (exit 2) if somebody else has saved a snapshot of this name.
    pub fn saving_old(mut self) -> Result<Self> {
        let _acting = self.spec.act()?;
        replaced::check_name_is_free(&self.spec.layout)?;
        self.saves_old = true;
        Ok(self)
    }

    /// The cluster to prepare. It need not be durable before the replacement.
    pub fn spec(&self) -> ClusterSpec {
        let settings = ClusterSettings {
            lifetime: Lifetime::Throwaway,
            tcp: None,
            ..self.spec.settings.clone()
        };
        ClusterSpec { layout: self.layout.clone(), settings }
    }

    /// Moves the prepared cluster, which is stopped, into the place of the development cluster and
    /// starts it. If the start or `prove` fails, the old cluster gets its place back.
    pub fn take_place(
        self,
        toolchain: &Toolchain,
        prove: impl FnOnce(&Running) -> Result<()>,
    ) -> Result<Replaced> {
        let _acting = self.spec.act()?;
        let data = self.spec.layout.data();
        Marker::write(&self.spec, &self.layout.data())?;
        sync_file_system(&self.layout.data())?;
        signal::check()?;
        self.bring_key_back()?;
        let old_is_ours = is_ours(&data);
        let ended = self.sessions_of_old(toolchain);
        let old_ran = stop_old(&data)?;
        let aside = if self.saves_old && old_is_ours { BEFORE_DEPLOY } else { "kept" };
        let moved = put_in_place(&self.spec, &self.layout.data(), Old::Keep(aside));
        let kept = match moved {
            Ok(kept) => kept,
            Err(error) => return Err(self.start_again(toolchain, old_ran, error)),
        };
        match self.start(toolchain, kept.as_deref(), prove) {
            Ok(running) => {
                let (kept, saved) = match kept {
                    Some(kept) if old_is_ours => self.put_away(kept),
                    kept => (kept, false),
                };
                Ok(Replaced { running, kept, saved, ended })
            }
            Err(error) => match self.change_back(kept.as_deref()) {
                Ok(()) => Err(self.start_again(toolchain, old_ran, error)),
                Err(also) => Err(error.detail(format!("and the old cluster is away: {also}"))),
            },
        }
    }

    /// Removes an old cluster of ours, or makes a snapshot of it. Returns its path if it stays where
    /// it is, and whether there is a snapshot.
    fn put_away(&self, kept: PathBuf) -> (Option<PathBuf>, bool) {
        let layout = &self.spec.layout;
        let done = match self.saves_old {
            true => replaced::adopt(layout, &kept),
            false => discard_later(layout, &kept).map(|()| false),
        };
        match done {
            Ok(saved) => ((self.saves_old && !saved).then_some(kept), saved),
            Err(error) => {
                tracing::warn!("the old cluster stays in {}: {error}", kept.display());
                (None, false)
            }
        }
    }

    /// The number of sessions that end with the old server. A server that does not answer has to go
    /// in any case.
    fn sessions_of_old(&self, toolchain: &Toolchain) -> u64 {
        if !self.saves_old {
            return 0;
        }
        let Ok(Found::Running(old)) = find(self.spec.clone(), toolchain.clone()) else { return 0 };
        let sessions = old.require_answer().and_then(|()| old.other_sessions());
        sessions.ok().and_then(|sessions| sessions.try_into().ok()).unwrap_or(0)
    }

    fn start(
        &self,
        toolchain: &Toolchain,
        kept: Option<&Path>,
        prove: impl FnOnce(&Running) -> Result<()>,
    ) -> Result<Running> {
        if let Some(kept) = kept {
            relink(kept)?;
        }
        let cluster = Cluster::existing(self.spec.clone(), toolchain.clone());
        let started = cluster.start().map_err(Error::from);
        let running = started.context("the new cluster does not start in its place")?;
        prove(&running).context("the new cluster does not work in its place")?;
        Ok(running)
    }

    /// Moves the new cluster back into the build directory and the old one to its place.
    fn change_back(&self, kept: Option<&Path>) -> Result<()> {
        let data = self.spec.layout.data();
        super::stop(&self.spec.layout, Patience::Stubborn)?;
        if let Some(kept) = kept {
            exchange(kept, &data)?;
            relink(&data)?;
            // dropping the replacement removes it
            return std::fs::rename(kept, self.layout.data()).on("move away", kept);
        }
        std::fs::rename(&data, self.layout.data()).on("move away", &data)
    }

    /// Starts the old cluster again if it ran before, even if a signal has arrived.
    fn start_again(&self, toolchain: &Toolchain, ran: bool, error: Error) -> Error {
        if !ran {
            return error;
        }
        let superuser = Marker::read(&self.spec.layout.data()).map(|marker| marker.superuser);
        let superuser = superuser.unwrap_or_else(|| self.spec.settings.superuser.clone());
        let spec = self.spec.clone().with_superuser(superuser);
        let started = Cluster::existing(spec, toolchain.clone()).start_with(Patience::Stubborn);
        match started.map_err(Error::from).context("the old cluster does not start again") {
            Ok(_) => error,
            Err(also) => error.detail(also.message().to_owned()),
        }
    }
}

impl Drop for Replacement {
    /// Stops the trial server and removes the build directory, also after an error. If that fails,
    /// the next command removes it.
    fn drop(&mut self) {
        if let Err(error) = remove_directory(&self.layout) {
            tracing::warn!("cannot remove {}: {error}", self.directory.path().display());
        }
    }
}

/// The content of a key file, if there is one.
fn key_file(layout: &Layout) -> Result<Option<Vec<u8>>> {
    let path = layout.key();
    match read_small(&path) {
        Ok(key) => Ok(Some(key)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).on("read", &path),
    }
}

/// Stops the server of the old cluster. Returns whether one ran.
fn stop_old(data: &Path) -> Result<bool> {
    match Liveness::thorough(data)? {
        Liveness::Running(server) => {
            server.stop(super::Shutdown::Fast, super::STOP_LIMIT).map(|()| true)
        }
        Liveness::Stale => heal(data).map(|()| false),
        Liveness::Stopped => Ok(false),
    }
}
