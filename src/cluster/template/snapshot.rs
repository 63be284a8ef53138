//! Snapshots: named copies of the cluster's data directory, in `snapshot/` of the working
//! directory.
//!
//! ```text
//! snapshot/
//! ├── NAME/
//! │   ├── snapshot.json   the time; only a directory with this file is a snapshot
//! │   └── data/           a copy of the data directory, made while no server ran
//! ├── before-deploy/      the cluster that the last `deploy` replaced (see `replaced.rs`)
//! └── .db-tool-new-*/     a snapshot that is being saved or removed
//! ```
//!
//! A snapshot is copied beside its place and renamed when it is complete. So a name always stands
//! for a complete state, the old or the new one. The next command removes the files of a killed
//! one. Snapshots stay when the cluster is made anew or removed.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::copy;
use super::copy::{CopyFailure, Reader};
use super::manifest::Manifest;
use super::tablespace::require_inside;
use crate::cluster::build::is_ours;
use crate::cluster::files::{
    act_for, exchange, private_tempdir, read_small, remove_tree, replace_file, sync_file_system,
};
use crate::cluster::run::access::make_closed;
use crate::cluster::version::check_major;
use crate::cluster::{ClusterSpec, Layout, Lock, space, superuser_of};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, IoContext, Result};

/// The name of the snapshot that only `deploy` saves: the cluster that it replaced.
pub const BEFORE_DEPLOY: &str = "before-deploy";
/// The name of the description file.
const DESCRIPTION: &str = "snapshot.json";
/// The prefix of directories that are not snapshots yet, or not any more.
const UNNAMED: &str = ".db-tool-new-";
/// The longest file name that file systems allow.
const NAME_LIMIT: usize = 255;

/// The content of a description file.
#[derive(Debug, Serialize, Deserialize)]
struct Description {
    /// The version of db-tool that saved the snapshot.
    tool: String,
    /// The time when it was saved, in seconds since the epoch.
    saved: u64,
    /// Whether it is the cluster that `deploy` replaced.
    #[serde(default)]
    before_deploy: bool,
}

/// A named state of a cluster.
#[derive(Debug)]
pub struct Snapshot {
    directory: PathBuf,
    name: String,
    saved: u64,
    before_deploy: bool,
}

/// A snapshot that is being saved. Unless it is published, nothing of it stays.
#[derive(Debug)]
pub struct SnapshotBuilder {
    spec: ClusterSpec,
    place: PathBuf,
    replace: bool,
    directory: TempDir,
    /// Keeps other commands out.
    _lock: Lock,
}

impl Snapshot {
    /// The snapshot with this name. The error is `Missing` (exit 3) if there is none.
    pub fn open(layout: &Layout, name: &str) -> Result<Self> {
        let _acting = act_for(layout)?;
        let place = place(layout, name)?;
        if std::fs::symlink_metadata(&place).is_err() {
            return Err(Error::missing(format!(
                "there is no snapshot {name} in {}",
                layout.working_directory().display()
            ))
            .hint("`database snapshot list` shows the snapshots"));
        }
        Self::at(&place).ok_or_else(|| not_a_snapshot(&place))
    }

    /// All snapshots, the oldest first.
    pub fn all(layout: &Layout) -> Result<Vec<Self>> {
        let _acting = act_for(layout)?;
        let directory = layout.snapshots();
        if !is_real_directory(&directory) {
            return Ok(Vec::new());
        }
        let entries = std::fs::read_dir(&directory).on("read", &directory)?.flatten();
        let mut all: Vec<_> = entries.filter_map(|entry| Self::at(&entry.path())).collect();
        all.sort_by(|one, other| (one.saved, &one.name).cmp(&(other.saved, &other.name)));
        Ok(all)
    }

    /// The snapshot in the directory `place`. `None` for other directories, and for links.
    pub(super) fn at(place: &Path) -> Option<Self> {
        let name = place.file_name()?.to_str()?;
        let description = place.join(DESCRIPTION);
        if check_name(name).is_err() || !is_real_directory(place) || description.is_symlink() {
            return None;
        }
        let Description { saved, before_deploy, .. } =
            serde_json::from_slice(&read_small(&description).ok()?).ok()?;
        Some(Self { directory: place.to_owned(), name: name.to_owned(), saved, before_deploy })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time when it was saved, in seconds since the epoch.
    pub fn saved(&self) -> u64 {
        self.saved
    }

    /// Whether it is the cluster that `deploy` replaced.
    pub(super) fn is_of_deploy(&self) -> bool {
        self.before_deploy
    }

    /// The size of its files in bytes. It may share blocks with the cluster.
    pub fn size(&self) -> Result<u64> {
        Ok(Manifest::list(&self.data())?.files.iter().map(|file| file.size).sum())
    }

    /// The major version of PostgreSQL.
    pub fn version(&self) -> Result<String> {
        let path = self.data().join("PG_VERSION");
        Ok(crate::sys::process::read_text(&path).on("read", &path)?.trim().to_owned())
    }

    /// The bootstrap superuser of its cluster.
    pub fn superuser(&self) -> Result<String> {
        superuser_of(&self.data()).ok_or_else(|| not_a_snapshot(&self.directory))
    }

    /// Refuses a snapshot that the server of `toolchain` cannot run.
    pub fn check(&self, spec: &ClusterSpec, toolchain: &Toolchain) -> Result<()> {
        let _acting = spec.act()?;
        spec.settings.require_libraries(toolchain)?;
        check_major(&self.data(), toolchain)
    }

    /// Copies the snapshot to the data directory of `spec`, which must not exist.
    pub fn clone_to(&self, spec: &ClusterSpec) -> Result<()> {
        let _acting = spec.act()?;
        clone(&self.data(), &spec.layout.data())
    }

    /// Removes the snapshot. Renames it first, so that no interruption leaves half a snapshot under
    /// its name.
    pub fn remove(self, spec: &ClusterSpec) -> Result<()> {
        let _acting = spec.act()?;
        let _lock = spec.lock()?;
        let directory = spec.layout.snapshots();
        let aside = private_tempdir(UNNAMED, &directory)?;
        std::fs::rename(&self.directory, aside.path()).on("remove", &self.directory)?;
        remove_tree(aside.path())?;
        tidy(&spec.layout)
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }
}

impl SnapshotBuilder {
    /// Prepares a snapshot of the cluster that `spec` describes. Waits for other commands. If the
    /// name is in use, the error is `Conflict` (exit 2), unless `replace` is true.
    pub fn begin(spec: ClusterSpec, name: &str, replace: bool) -> Result<Self> {
        let _acting = spec.act()?;
        if name == BEFORE_DEPLOY {
            return Err(Error::conflict(format!("the name {name} is taken"))
                .hint("`database deploy` keeps the cluster that it replaces under this name"));
        }
        let place = place(&spec.layout, name)?;
        let data = spec.layout.data();
        if !is_ours(&data) {
            return Err(Error::conflict(format!(
                "no cluster of this tool in {}",
                spec.layout.working_directory().display()
            ))
            .hint("make one with `database init`, or check PG_WORKING_DIR"));
        }
        let lock = spec.lock()?;
        require_inside(&data)?;
        check_free(&place, replace)?;
        let directory = spec.layout.snapshots();
        make_closed(&directory).on("create", &directory)?;
        remove_abandoned(&spec.layout)?;
        let directory = private_tempdir(UNNAMED, &directory)?;
        Ok(Self { spec, place, replace, directory, _lock: lock })
    }

    /// Copies the data directory. No server may run in it.
    pub fn fill(&self) -> Result<()> {
        let _acting = self.spec.act()?;
        clone(&self.spec.layout.data(), &self.directory.path().join("data"))
    }

    /// Gives the snapshot its name. Dropping the builder then removes the snapshot that it replaced.
    pub fn publish(self) -> Result<()> {
        let _acting = self.spec.act()?;
        let draft = self.directory.path();
        describe(draft, false)?;
        sync_file_system(draft)?;
        check_free(&self.place, self.replace)?;
        if is_real_directory(&self.place) {
            return exchange(draft, &self.place);
        }
        std::fs::rename(draft, &self.place).on("write", &self.place)
    }
}

impl Drop for SnapshotBuilder {
    /// Removes an unfinished snapshot, or the one that was replaced.
    fn drop(&mut self) {
        if let Ok(_acting) = self.spec.act() {
            let _ = remove_tree(self.directory.path());
        }
    }
}

/// Writes the description of a snapshot that is saved now.
pub(super) fn describe(directory: &Path, before_deploy: bool) -> Result<()> {
    let saved = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let tool = env!("CARGO_PKG_VERSION").to_owned();
    let text = serde_json::to_string(&Description { tool, saved, before_deploy })
        .map_err(|e| Error::unexpected(format!("cannot write the description: {e}")))?;
    replace_file(&directory.join(DESCRIPTION), &format!("{text}\n"))
}

/// Removes the files of killed commands, and the directory if it is then empty.
pub(in crate::cluster) fn tidy(layout: &Layout) -> Result<()> {
    let directory = layout.snapshots();
    if is_real_directory(&directory) {
        remove_abandoned(layout)?;
        let _ = std::fs::remove_dir(&directory);
    }
    Ok(())
}

/// The directories of snapshots that killed commands were saving or removing. The caller holds the
/// lock.
pub(in crate::cluster) fn unnamed(layout: &Layout) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(layout.snapshots()).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNNAMED));
    named.map(|entry| entry.path()).filter(|path| is_real_directory(path)).collect()
}

fn remove_abandoned(layout: &Layout) -> Result<()> {
    unnamed(layout).iter().try_for_each(|path| remove_tree(path))
}

pub(in crate::cluster) fn clone(from: &Path, to: &Path) -> Result<()> {
    let manifest = Manifest::list(from)?;
    let bytes = manifest.files.iter().map(|file| file.size).sum();
    space::require_for_copy(to.parent().unwrap_or(to), bytes, "a copy of the cluster")?;
    copy::copy(from, to, &manifest, Reader::Same.into()).map_err(|flaw| match flaw {
        CopyFailure::Failed(error) => error,
        CopyFailure::Damaged(path) => Error::failed(format!(
            "cannot copy {}: it cannot be read, or changes meanwhile",
            path.display()
        )),
    })
}

/// The path of the snapshot with this name. The parent must not be a link, which could lead to
/// files of others.
pub(super) fn place(layout: &Layout, name: &str) -> Result<PathBuf> {
    check_name(name)?;
    let directory = layout.snapshots();
    if std::fs::symlink_metadata(&directory).is_ok_and(|facts| !facts.is_dir()) {
        return Err(Error::conflict(format!(
            "{} is not a directory, so it cannot hold snapshots",
            directory.display()
        ))
        .hint("move it away"));
    }
    Ok(directory.join(name))
}

/// Refuses a name that is not one component of a path, or that looks like an option or a hidden
/// file.
fn check_name(name: &str) -> Result<()> {
    let problem = if name.is_empty() {
        "is empty"
    } else if name.starts_with(['.', '-']) {
        "begins with a dot or a dash"
    } else if name.contains(|c: char| c == '/' || c.is_control()) {
        "has a slash or a control character"
    } else if name.len() > NAME_LIMIT {
        "is too long"
    } else {
        return Ok(());
    };
    Err(Error::conflict(format!("the name \"{}\" {problem}", name.escape_debug()))
        .hint("it becomes the name of a directory: try letters, digits, - and _"))
}

fn check_free(place: &Path, replace: bool) -> Result<()> {
    match Snapshot::at(place) {
        None if std::fs::symlink_metadata(place).is_ok() => Err(not_a_snapshot(place)),
        Some(snapshot) if !replace => {
            Err(Error::conflict(format!("there is a snapshot {} already", snapshot.name))
                .hint("choose another name, or replace it with --replace"))
        }
        _ => Ok(()),
    }
}

fn not_a_snapshot(place: &Path) -> Error {
    Error::conflict(format!("{} is not a snapshot", place.display()))
        .hint("it is left alone; move it away, or choose another name")
}

pub(super) fn is_real_directory(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|facts| facts.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(place: &tempfile::TempDir) -> Layout {
        Layout::new(place.path().to_owned(), None, 0)
    }

    fn make(layout: &Layout, name: &str, description: &str) -> PathBuf {
        let directory = layout.snapshots().join(name);
        std::fs::create_dir_all(directory.join("data")).expect("made");
        std::fs::write(directory.join(DESCRIPTION), description).expect("written");
        directory
    }

    #[test]
    fn a_name_is_one_plain_component() {
        for good in ["a", "before-migration", "2025.01", "mit Leerzeichen", "später"] {
            assert!(check_name(good).is_ok(), "{good:?}");
        }
        for bad in ["", ".", "..", ".a", "-a", "a/b", "/a", "a\nb", "\u{1b}[1m", &"x".repeat(256)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_described_directories_are_snapshots_the_oldest_first() {
        let place = tempfile::tempdir().expect("temporary directory");
        let layout = layout(&place);
        assert!(Snapshot::all(&layout).expect("nothing yet").is_empty());
        make(&layout, "young", r#"{"tool":"1","saved":20}"#);
        let old = make(&layout, "old", r#"{"tool":"1","saved":10}"#);
        make(&layout, "torn", r#"{"tool":"1","#);
        make(&layout, ".db-tool-new-x", r#"{"tool":"1","saved":1}"#);
        std::os::unix::fs::symlink(&old, layout.snapshots().join("link")).expect("linked");
        let all = Snapshot::all(&layout).expect("readable");
        assert_eq!(all.iter().map(Snapshot::name).collect::<Vec<_>>(), ["old", "young"]);
        for other in ["torn", "link"] {
            assert!(Snapshot::open(&layout, other).is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_abandoned_goes_and_the_rest_stays() {
        let place = tempfile::tempdir().expect("temporary directory");
        let layout = layout(&place);
        let abandoned = make(&layout, ".db-tool-new-x", "");
        let kept = make(&layout, "kept", r#"{"tool":"1","saved":10}"#);
        tidy(&layout).expect("tidied");
        assert!(!abandoned.exists() && kept.exists());
        remove_tree(&kept).expect("removed");
        tidy(&layout).expect("tidied");
        assert!(!layout.snapshots().exists(), "empty");
    }

    #[test]
    fn snapshots_are_not_looked_for_behind_a_link() {
        let place = tempfile::tempdir().expect("temporary directory");
        let elsewhere = tempfile::tempdir().expect("temporary directory");
        make(&layout(&elsewhere), "theirs", r#"{"tool":"1","saved":10}"#);
        let layout = layout(&place);
        let theirs = elsewhere.path().join("snapshot");
        std::os::unix::fs::symlink(theirs, layout.snapshots()).expect("linked");
        assert!(Snapshot::open(&layout, "theirs").is_err());
        assert!(Snapshot::all(&layout).expect("none").is_empty());
        tidy(&layout).expect("nothing to do");
    }
}
