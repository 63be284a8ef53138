//! A cluster made by other means takes the place of the development cluster.
//!
//! It is prepared in a staging directory beside the data directory and tried out there with a server
//! of its own, while the old cluster goes on undisturbed. Only when it is proven do the two change
//! places by rename. The old one stands beside, under another name, until the new one runs in its
//! place; when that fails they change back, and a server that ran before runs again.

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
use super::{Cluster, ClusterSpec, Layout, Lifetime, Lock, Running, not_ours};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Context, Error, IoContext, Result};
use crate::sys::process::Patience;
use crate::sys::signal;

/// A place for a cluster that is to take the development cluster's.
#[derive(Debug)]
pub struct Replacement {
    spec: ClusterSpec,
    layout: Layout,
    directory: TempDir,
    /// Keeps other commands out.
    _lock: Lock,
}

/// A cluster that has taken its place.
#[derive(Debug)]
pub struct Replaced {
    /// Its server.
    pub running: Running,
    /// Where the old cluster is, if it was not made by this tool.
    pub kept: Option<PathBuf>,
}

impl Replacement {
    /// A staging directory beside the data directory that `spec` names; waits for other commands.
    pub fn beside(spec: ClusterSpec) -> Result<Self> {
        check_free(&spec.layout, spec.server_user.as_ref())?;
        let _acting = spec.act()?;
        if is_taken(&spec.layout.data())? {
            return Err(not_ours(&spec.layout));
        }
        access::prepare(&spec.layout, spec.server_user.as_ref())?;
        let lock = spec.lock()?;
        remove_abandoned(&spec.layout)?;
        let place = spec.layout.working_directory();
        let directory = private_tempdir("data.new-", place)?;
        Marker::write(&spec, directory.path())?;
        let layout = Layout::new(directory.path().to_owned(), None, spec.layout.owner());
        Ok(Self { spec, layout, directory, _lock: lock })
    }

    /// The cluster to prepare. It needs no durability before it takes its place.
    pub fn spec(&self) -> ClusterSpec {
        ClusterSpec {
            layout: self.layout.clone(),
            lifetime: Lifetime::Throwaway,
            ..self.spec.clone()
        }
    }

    /// Puts the prepared cluster, which is stopped, into its place and starts it there. When `prove`
    /// fails, the clusters change back as if the new one had not started.
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

    /// Moves the new cluster back into the staging directory and the old one to its place.
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

    /// Lets the old cluster run again if it ran, whatever signal arrived.
    fn start_again(&self, toolchain: &Toolchain, ran: bool, error: Error) -> Error {
        if !ran {
            return error;
        }
        let superuser = Marker::read(&self.spec.layout.data()).map(|marker| marker.superuser);
        let superuser = superuser.unwrap_or_else(|| self.spec.superuser.clone());
        let spec = ClusterSpec { superuser, ..self.spec.clone() };
        let started = Cluster::existing(spec, toolchain.clone()).start_with(Patience::Stubborn);
        match started.map_err(Error::from).context("the old cluster does not start again") {
            Ok(_) => error,
            Err(also) => error.detail(also.message().to_owned()),
        }
    }
}

impl Drop for Replacement {
    /// Also the way of an error: what was being tried out is stopped and removed. What cannot be
    /// removed now, the next command removes.
    fn drop(&mut self) {
        if let Err(error) = remove_directory(&self.layout) {
            tracing::warn!("cannot remove {}: {error}", self.directory.path().display());
        }
    }
}

/// Stops the server of the old cluster; whether one ran.
fn stop_old(data: &Path) -> Result<bool> {
    match Liveness::thorough(data)? {
        Liveness::Running(server) => {
            server.stop(super::Shutdown::Fast, super::STOP_LIMIT).map(|()| true)
        }
        Liveness::Stale => heal(data).map(|()| false),
        Liveness::Stopped => Ok(false),
    }
}
