//! Replaces the development cluster by a cluster that was made in another way, such as a restored
//! backup.
//!
//! The new cluster is prepared in a build directory beside the data directory. A server of its
//! own tries it out there, while the old cluster goes on undisturbed. Only after that are the two
//! exchanged by renaming. The old cluster stays under another name until the new one runs in its
//! place. If it does not, the two are exchanged again, and the old server is started if it ran
//! before.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::build::is_ours;
use super::build::{Marker, Old, discard, put_in_place, remove_abandoned};
use super::files::{exchange, private_tempdir, sync_file_system};
use super::provision::is_taken;
use super::run::access;
use super::run::postmaster::{Liveness, heal};
use super::takeover::check_free;
use super::template::tablespace::relink;
use super::throwaway::remove_directory;
use super::{Cluster, ClusterSettings, ClusterSpec, Layout, Lifetime, Lock, Running, not_ours};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Context, Error, IoContext, Result};
use crate::sys::process::Patience;
use crate::sys::signal;

/// A build directory with a cluster that will replace the development cluster.
#[derive(Debug)]
pub struct Replacement {
    spec: ClusterSpec,
    layout: Layout,
    directory: TempDir,
    /// Keeps other commands out.
    _lock: Lock,
}

/// The result of a replacement.
#[derive(Debug)]
pub struct Replaced {
    /// The server of the new cluster.
    pub running: Running,
    /// The path of the old cluster, if db-tool did not make it.
    pub kept: Option<PathBuf>,
}

impl Replacement {
    /// Makes a build directory beside the data directory that `spec` names. Waits for other
    /// commands.
    pub fn beside(spec: ClusterSpec) -> Result<Self> {
        check_free(&spec.layout, spec.settings.server_user.as_ref())?;
        let _acting = spec.act()?;
        if is_taken(&spec.layout.data())? {
            return Err(not_ours(&spec.layout));
        }
        access::prepare(&spec.layout, spec.settings.server_user.as_ref())?;
        let lock = spec.lock()?;
        remove_abandoned(&spec.layout)?;
        let place = spec.layout.working_directory();
        let directory = private_tempdir("data.new-", place)?;
        Marker::write(&spec, directory.path())?;
        let layout = Layout::new(directory.path().to_owned(), None, spec.layout.owner());
        Ok(Self { spec, layout, directory, _lock: lock })
    }

    /// The cluster to prepare. It need not be durable before the replacement.
    pub fn spec(&self) -> ClusterSpec {
        let settings =
            ClusterSettings { lifetime: Lifetime::Throwaway, ..self.spec.settings.clone() };
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
        let old_is_ours = is_ours(&data);
        let old_ran = stop_old(&data)?;
        let moved = put_in_place(&self.spec, &self.layout.data(), Old::Keep("kept"));
        let kept = match moved {
            Ok(kept) => kept,
            Err(error) => return Err(self.start_again(toolchain, old_ran, error)),
        };
        match self.start(toolchain, kept.as_deref(), prove) {
            Ok(running) if old_is_ours => {
                let removed =
                    kept.as_deref().map_or(Ok(()), |kept| discard(&self.spec.layout, kept));
                if let Err(error) = removed {
                    tracing::warn!("the old cluster stays: {error}");
                }
                Ok(Replaced { running, kept: None })
            }
            Ok(running) => Ok(Replaced { running, kept }),
            Err(error) => match self.change_back(kept.as_deref()) {
                Ok(()) => Err(self.start_again(toolchain, old_ran, error)),
                Err(also) => Err(error.detail(format!("and the old cluster is away: {also}"))),
            },
        }
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
        let running = started.context("the restored cluster does not start in its place")?;
        prove(&running).context("the restored cluster does not work in its place")?;
        Ok(running)
    }

    /// Moves the new cluster back into the build directory and the old one to its place.
    fn change_back(&self, kept: Option<&Path>) -> Result<()> {
        let data = self.spec.layout.data();
        super::stop(&self.spec.layout, Patience::Stubborn)?;
        if let Some(kept) = kept {
            exchange(kept, &data)?;
            relink(&data)?;
            return discard(&self.spec.layout, kept);
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
