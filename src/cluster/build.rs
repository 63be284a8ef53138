//! Makes data directories. A data directory is built beside its place and renamed when it is
//! complete.
//!
//! The build directory `data.new-*` gets the marker first. If the command is interrupted, the next
//! command therefore knows that the directory is db-tool's and removes it. If there is a cluster
//! already, db-tool exchanges the old and the new one in one step, and then removes the old one
//! with the build directory. If db-tool did not make the old cluster, or it does not start, it
//! stays beside the new one under another name.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::conf::HBA;
use super::files::{
    exchange, private_tempdir, read_small, remove_tree, replace_file, sync_file_system, unfinished,
};
use super::layout::MARKER;
use super::run::postmaster::Liveness;
use super::run::start::StartFailure;
use super::space;
use super::takeover::remove_directory_of_root;
use super::template::cache::{Obtained, Recording, Template};
use super::template::copy::{CopyFailure, Holes};
use super::throwaway::remove_directory;
use super::{Cluster, ClusterSpec, Layout, Lifetime, Running};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, IoContext, Kind, Result};
use crate::sys::later;

/// The content of a marker file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Marker {
    /// The version of db-tool that made the cluster.
    pub tool: String,
    /// The name of the bootstrap superuser.
    pub superuser: String,
}

/// The fate of the old cluster when a new one takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Old {
    /// Remove it.
    Remove,
    /// Move it to `data.<reason>-<time>`.
    Keep(&'static str),
}

impl Marker {
    /// Reads the marker in `directory`. `None` if db-tool did not make the directory.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        serde_json::from_slice(&read_small(&directory.join(MARKER)).ok()?).ok()
    }

    pub(super) fn write(spec: &ClusterSpec, directory: &Path) -> Result<()> {
        let marker = Self {
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            superuser: spec.settings.superuser.clone(),
        };
        let text = serde_json::to_string(&marker)
            .map_err(|e| Error::unexpected(format!("cannot write the marker: {e}")))?;
        replace_file(&directory.join(MARKER), &format!("{text}\n"))
    }
}

impl Cluster {
    /// A handle for a cluster that exists.
    pub(super) fn existing(spec: ClusterSpec, toolchain: Toolchain) -> Self {
        Self { spec, toolchain, _recording: None }
    }

    /// Makes a cluster in the place that `spec` names. The caller holds the lock and has stopped
    /// the server there. If the old cluster was kept, the second value is its new path.
    pub(super) fn create(
        spec: ClusterSpec,
        toolchain: Toolchain,
        old: Old,
    ) -> Result<(Self, Option<PathBuf>)> {
        Self::create_from(spec, toolchain, old, None)
    }

    /// Makes a cluster as [`Self::create`] does. If `template` is given, the new cluster is a clone
    /// of it.
    pub(super) fn create_from(
        spec: ClusterSpec,
        toolchain: Toolchain,
        old: Old,
        template: Option<&Template>,
    ) -> Result<(Self, Option<PathBuf>)> {
        // check for a reason why the start would fail before anything is replaced
        spec.settings.require_libraries(&toolchain)?;
        remove_abandoned(&spec.layout)?;
        let (staging, recording) = stage(&spec, &toolchain, template)?;
        let kept = put_in_place(&spec, &staging.path().join("data"), old)?;
        remove_staging(staging)?;
        Ok((Self { spec, toolchain, _recording: recording }, kept))
    }
}

/// Removes the build directory. If the old cluster lies in it now, nobody waits for the end.
fn remove_staging(staging: TempDir) -> Result<()> {
    if staging.path().join("data").symlink_metadata().is_err() {
        return remove_tree(staging.path());
    }
    remove_later(staging.keep());
    Ok(())
}

/// Removes a directory that has our mark, so that the next command removes it if this one is killed.
fn remove_later(directory: PathBuf) {
    later::begin(format!("remove {}", directory.display()), move || remove_tree(&directory));
}

impl Cluster {
    /// Makes a cluster and starts it. If it does not start because its data is damaged, the
    /// template may be damaged too. Then db-tool compares the template with its digests, and
    /// replaces a damaged one.
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

/// Removes the template if it has changed since it was made. Returns whether there was such a
/// template.
fn discard_damaged_template(spec: &ClusterSpec, toolchain: &Toolchain) -> Result<bool> {
    let Some(cache) = &spec.settings.template_cache else { return Ok(false) };
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
    space::require(place, space::NEW_CLUSTER, "a new cluster")?;
    let staging = private_tempdir("data.new-", place)?;
    Marker::write(spec, staging.path())?;
    let data = staging.path().join("data");
    let recording = match template {
        Some(template) => {
            template.clone_to(&data, holes_in(spec), spec.settings.spares).map(|()| None)?
        }
        None => populate(spec, toolchain, &data)?,
    };
    Marker::write(spec, &data)?;
    replace_file(&data.join("postgresql.conf"), &spec.own_settings()?)?;
    replace_file(&data.join("pg_hba.conf"), HBA)?;
    if spec.settings.lifetime == Lifetime::Kept {
        sync_file_system(&data)?;
    }
    Ok((staging, recording))
}

/// A kept cluster must not find the disk full while its server writes into a file that it has.
fn holes_in(spec: &ClusterSpec) -> Holes {
    match spec.settings.lifetime {
        Lifetime::Kept => Holes::Fill,
        Lifetime::Throwaway => Holes::Keep,
    }
}

/// Fills `data` with a clone of the template. Without a template it runs `initdb`, and records the
/// result as the template.
fn populate(spec: &ClusterSpec, toolchain: &Toolchain, data: &Path) -> Result<Option<Recording>> {
    let recipe = spec.recipe(toolchain);
    let Some(cache) = &spec.settings.template_cache else {
        return recipe.initialise(data).map(|()| None);
    };
    match Template::obtain(cache, &recipe) {
        Ok(Obtained::Ready(template)) => {
            match template.clone_to(data, holes_in(spec), spec.settings.spares) {
                Ok(()) => Ok(None),
                Err(CopyFailure::Failed(error)) => Err(error),
                Err(CopyFailure::Damaged(path)) => {
                    tracing::info!("rebuilding the template: {} is damaged", path.display());
                    remove_tree(data)?;
                    template.discard()?;
                    populate(spec, toolchain, data)
                }
            }
        }
        Ok(Obtained::Missing(vacancy)) => {
            tracing::debug!("initialising a cluster as the template for later ones");
            recipe.initialise(data)?;
            let version = toolchain.version()?.text.clone();
            let recording = vacancy.record(data, version, recipe.user, spec.settings.spares);
            Ok(recording.inspect_err(|error| tracing::warn!("no template was made: {error}")).ok())
        }
        Err(error) if error.kind() == Kind::Failed => {
            tracing::warn!("no template ({error}): running initdb, which takes longer");
            recipe.initialise(data).map(|()| None)
        }
        Err(error) => Err(error),
    }
}

/// Moves `new` to the place of the data directory, and the old data directory away.
///
/// If the old cluster is to be kept, `new` first gets the later name of the old one, and then the
/// two are exchanged. So the old cluster never lies in a build directory, which the next command
/// would remove after an interruption.
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

/// Removes a data directory of ours. It is renamed first: after an interruption there is either a
/// complete cluster or an abandoned directory, which the next command removes, but never half a
/// cluster.
pub(super) fn discard(layout: &Layout, data: &Path) -> Result<()> {
    remove_tree(&move_out(layout, data)?)
}

/// The same, but nobody waits for the end of the removal.
pub(super) fn discard_later(layout: &Layout, data: &Path) -> Result<()> {
    move_out(layout, data).map(remove_later)
}

/// Moves a data directory of ours into a build directory, which nobody uses. Returns its path.
fn move_out(layout: &Layout, data: &Path) -> Result<PathBuf> {
    let staging = layout.beside_data("new", &timestamp());
    std::fs::create_dir(&staging).on("create", &staging)?;
    let copy = staging.join(MARKER);
    let marker = read_small(&data.join(MARKER)).on("read", data)?;
    std::fs::write(&copy, marker).on("write", &copy)?;
    std::fs::rename(data, staging.join("data")).on("move away", data)?;
    Ok(staging)
}

/// Removes the directories that interrupted commands have left: build directories, with the
/// servers that ran in them for a trial, and old clusters of ours that were about to be removed.
pub(super) fn remove_abandoned(layout: &Layout) -> Result<()> {
    let place = layout.working_directory();
    for entry in std::fs::read_dir(place).on("read", place)?.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let begins = |prefix| name.to_string_lossy().starts_with(prefix);
        // db-tool keeps a cluster for good only if it did not make it
        let replaced = begins("data.kept-") && Marker::read(&path).is_some();
        if replaced && Liveness::thorough(&path)? == Liveness::Stopped {
            discard(layout, &path)?;
        }
        let ours = begins("data.new-");
        if ours && Marker::read(&path).is_some() {
            let removed = remove_directory(&Layout::new(path.clone(), None, layout.owner()));
            if removed.is_err() && layout.owner() != 0 {
                remove_directory_of_root(layout, &name)?;
            }
            if path.symlink_metadata().is_ok() {
                removed?;
            }
        } else if ours {
            remove_unmarked(&path);
        }
    }
    Ok(())
}

/// Removes a build directory whose command was killed before it had written the whole marker. A
/// directory with other content belongs to others.
fn remove_unmarked(directory: &Path) {
    let unfinished = unfinished(Path::new(MARKER));
    let is_of_marker = |name: &OsStr| {
        name == MARKER || name.as_encoded_bytes().starts_with(unfinished.as_encoded_bytes())
    };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let mut names = paths.iter().map(|path| path.file_name().unwrap_or_default());
    if names.all(is_of_marker) {
        // only a file goes here, and only an empty directory after it
        paths.iter().for_each(|path| drop(std::fs::remove_file(path)));
        let _ = std::fs::remove_dir(directory);
    }
}

/// Milliseconds since the epoch, as a part of names. One directory never sees the same number
/// twice: commands replace clusters under a lock and take longer than a millisecond.
pub(super) fn timestamp() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis()).to_string()
}

/// Whether db-tool made the cluster.
pub(in crate::cluster) fn is_ours(data: &Path) -> bool {
    Marker::read(data).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_whose_marker_was_never_whole_goes_and_that_of_others_stays() {
        let place = tempfile::tempdir().expect("temporary directory");
        let layout =
            Layout::new(place.path().to_owned(), None, crate::sys::process::OsUser::current().uid);
        let make = |name: &str, files: &[&str]| {
            let directory = place.path().join(name);
            std::fs::create_dir(&directory).expect("made");
            for file in files {
                std::fs::write(directory.join(file), "").expect("written");
            }
            directory
        };
        let ours = [
            make("data.new-1", &[]),
            make("data.new-2", &[MARKER]),
            make("data.new-3", &[".db-tool.json.aB3"]),
        ];
        let others = [make("data.new-4", &["x"]), make("data.new-5", &[MARKER, "x"])];
        remove_abandoned(&layout).expect("done");
        assert!(ours.iter().all(|directory| !directory.exists()), "{ours:?}");
        assert!(others[0].join("x").exists() && others[1].join(MARKER).exists());
    }
}
