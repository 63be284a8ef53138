//! Making a data directory: beside its place, renamed in when it is whole.
//!
//! The staging directory `data.new-*` carries the marker from its first moment, so that what an
//! interrupted command leaves is known to be ours and is removed by the next. Where there is a
//! cluster already, the two change places in one step: the old one is then removed with the staging
//! directory or, when it is not ours or does not start, stands under another name beside the new.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::conf::HBA;
use super::files::{
    exchange, private_tempdir, read_small, remove_tree, replace_file, sync_file_system,
};
use super::layout::MARKER;
use super::run::postmaster::Liveness;
use super::run::start::StartFailure;
use super::takeover::remove_roots;
use super::template::cache::{Obtained, Recording, Template};
use super::template::copy::Flaw;
use super::throwaway::remove_directory;
use super::{Cluster, ClusterSpec, Layout, Lifetime, Running};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, IoContext, Kind, Result};

/// What stands in a marker.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Marker {
    /// The version of this tool that made the cluster.
    pub tool: String,
    /// The bootstrap superuser's role name.
    pub superuser: String,
}

/// What becomes of the cluster whose place a new one takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Old {
    /// It is removed.
    Remove,
    /// It is moved to `data.<why>-<time>`.
    Keep(&'static str),
}

impl Marker {
    /// The marker in `directory`; `None` when the directory is not ours.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        serde_json::from_slice(&read_small(&directory.join(MARKER)).ok()?).ok()
    }

    pub(super) fn write(spec: &ClusterSpec, directory: &Path) -> Result<()> {
        let marker =
            Self { tool: env!("CARGO_PKG_VERSION").to_owned(), superuser: spec.superuser.clone() };
        let text = serde_json::to_string(&marker)
            .map_err(|e| Error::unexpected(format!("cannot write the marker: {e}")))?;
        replace_file(&directory.join(MARKER), &format!("{text}\n"))
    }
}

impl Cluster {
    /// A cluster that exists.
    pub(super) fn existing(spec: ClusterSpec, toolchain: Toolchain) -> Self {
        Self { spec, toolchain, _recording: None }
    }

    /// Makes a cluster in the place that `spec` names. The caller holds the lock and has stopped
    /// whatever ran there. Also tells where the old cluster went, when it was kept.
    pub(super) fn create(
        spec: ClusterSpec,
        toolchain: Toolchain,
        old: Old,
    ) -> Result<(Self, Option<PathBuf>)> {
        Self::create_from(spec, toolchain, old, None)
    }

    /// The same, as a clone of `template` when one is given.
    pub(super) fn create_from(
        spec: ClusterSpec,
        toolchain: Toolchain,
        old: Old,
        template: Option<&Template>,
    ) -> Result<(Self, Option<PathBuf>)> {
        // what would make the start fail is better found before anything is replaced
        spec.require_libraries(&toolchain)?;
        remove_abandoned(&spec.layout)?;
        let (staging, recording) = stage(&spec, &toolchain, template)?;
        let kept = put_in_place(&spec, &staging.path().join("data"), old)?;
        remove_tree(staging.path())?;
        Ok((Self { spec, toolchain, _recording: recording }, kept))
    }
}

impl Cluster {
    /// Makes a cluster and starts it. One that does not start because its data is damaged raises a
    /// suspicion against the template, which is then compared with its digests.
    pub(super) fn replace_and_start(
        spec: &ClusterSpec,
        toolchain: &Toolchain,
        old: Old,
    ) -> Result<(Running, Option<PathBuf>)> {
        let (cluster, kept) = Self::create(spec.clone(), toolchain.clone(), old)?;
        match cluster.start() {
            Err(StartFailure::Data(error)) if discard_damaged_template(spec, toolchain)? => {
                tracing::info!("the template was damaged ({error}); making the cluster anew");
                let (cluster, _) = Self::create(spec.clone(), toolchain.clone(), Old::Remove)?;
                Ok((cluster.start()?, kept))
            }
            started => Ok((started?, kept)),
        }
    }
}

/// Whether there was a template that is not what it was.
fn discard_damaged_template(spec: &ClusterSpec, toolchain: &Toolchain) -> Result<bool> {
    let Some(cache) = &spec.template_cache else { return Ok(false) };
    match Template::find(cache, &spec.recipe(toolchain), None)? {
        Some(template) if !template.is_intact() => template.discard().map(|()| true),
        _ => Ok(false),
    }
}

fn stage(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    template: Option<&Template>,
) -> Result<(TempDir, Option<Recording>)> {
    let place = spec.layout.working_directory();
    let staging = private_tempdir("data.new-", place)?;
    Marker::write(spec, staging.path())?;
    let data = staging.path().join("data");
    let recording = match template {
        Some(template) => template.clone_to(&data).map(|()| None)?,
        None => populate(spec, toolchain, &data)?,
    };
    Marker::write(spec, &data)?;
    replace_file(&data.join("postgresql.conf"), &spec.own_settings()?)?;
    replace_file(&data.join("pg_hba.conf"), HBA)?;
    if spec.lifetime == Lifetime::Kept {
        sync_file_system(&data)?;
    }
    Ok((staging, recording))
}

/// Fills `data`: by cloning the template, else by `initdb`, the result of which becomes the template.
fn populate(spec: &ClusterSpec, toolchain: &Toolchain, data: &Path) -> Result<Option<Recording>> {
    let recipe = spec.recipe(toolchain);
    let Some(cache) = &spec.template_cache else { return recipe.initialise(data).map(|()| None) };
    match Template::obtain(cache, &recipe) {
        Ok(Obtained::Ready(template)) => match template.clone_to(data) {
            Ok(()) => Ok(None),
            Err(Flaw::Failed(error)) => Err(error),
            Err(Flaw::Damaged(path)) => {
                tracing::info!("rebuilding the template: {} is damaged", path.display());
                remove_tree(data)?;
                template.discard()?;
                populate(spec, toolchain, data)
            }
        },
        Ok(Obtained::Missing(vacancy)) => {
            tracing::debug!("initialising a cluster as the template for later ones");
            recipe.initialise(data)?;
            let recording = vacancy.record(data, toolchain.version()?.text.clone(), recipe.user);
            Ok(recording.inspect_err(|error| tracing::warn!("no template was made: {error}")).ok())
        }
        Err(error) if error.kind() == Kind::Failed => {
            tracing::warn!("no template ({error}): running initdb, which takes longer");
            recipe.initialise(data).map(|()| None)
        }
        Err(error) => Err(error),
    }
}

/// Moves `new` to the data directory's place and the old one out of it.
///
/// A cluster to be kept changes places with a `new` that already has the name it is to get, so that
/// no interruption finds it in a staging directory, which the next command removes.
pub(super) fn put_in_place(spec: &ClusterSpec, new: &Path, old: Old) -> Result<Option<PathBuf>> {
    let data = spec.layout.data();
    if std::fs::symlink_metadata(&data).is_err() {
        std::fs::rename(new, &data).on("rename the new cluster to", &data)?;
        return Ok(None);
    }
    let Old::Keep(why) = old else { return exchange(new, &data).map(|()| None) };
    let kept = spec.layout.beside_data(why, &timestamp());
    std::fs::rename(new, &kept).on("rename the new cluster to", &kept)?;
    exchange(&kept, &data).map(|()| Some(kept))
}

/// Removes a data directory of ours. It is renamed first: an interruption leaves a whole cluster or an
/// abandoned directory, which the next command removes, never half a cluster.
pub(super) fn discard(layout: &Layout, data: &Path) -> Result<()> {
    let staging = layout.beside_data("new", &timestamp());
    std::fs::create_dir(&staging).on("create", &staging)?;
    let copy = staging.join(MARKER);
    let marker = read_small(&data.join(MARKER)).on("read", data)?;
    std::fs::write(&copy, marker).on("write", &copy)?;
    std::fs::rename(data, staging.join("data")).on("move away", data)?;
    remove_tree(&staging)
}

/// Removes what interrupted commands of ours have left: staging directories, with the server of one
/// that was being tried out, and clusters of ours that one was about to remove.
pub(super) fn remove_abandoned(layout: &Layout) -> Result<()> {
    let place = layout.working_directory();
    for entry in std::fs::read_dir(place).on("read", place)?.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let begins = |prefix| name.to_string_lossy().starts_with(prefix);
        // a cluster that is kept for good was not made by this tool
        let replaced = begins("data.kept-") && Marker::read(&path).is_some();
        if replaced && Liveness::thorough(&path)? == Liveness::Stopped {
            discard(layout, &path)?;
        }
        let ours = begins("data.new-");
        if ours && Marker::read(&path).is_some() {
            let removed = remove_directory(&Layout::new(path.clone(), None, layout.owner()));
            if removed.is_err() && layout.owner() != 0 {
                remove_roots(layout, &name)?;
            }
            if path.symlink_metadata().is_ok() {
                removed?;
            }
        } else if ours {
            // killed before the marker was written; what is not empty is somebody else's
            let _ = std::fs::remove_dir(entry.path());
        }
    }
    Ok(())
}

/// Milliseconds since the epoch, for names; never twice the same in one directory, as clusters are
/// replaced under a lock and take longer than that.
pub(super) fn timestamp() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis()).to_string()
}

/// Whether this tool made the cluster.
pub(in crate::cluster) fn is_ours(data: &Path) -> bool {
    Marker::read(data).is_some()
}
