//! The cluster that the last `deploy` replaced: the snapshot `before-deploy`.
//!
//! There is one generation of it. Its data directory is never copied, only renamed, in three steps,
//! so that an interruption never loses it:
//!
//! 1. The swap leaves it as `data.before-deploy-TIME` beside the new data directory.
//! 2. It moves into a directory `snapshot/.before-deploy-TIME`, which already has the description.
//! 3. That directory takes the name `snapshot/before-deploy`; the older generation is removed.
//!
//! The next command finishes the steps that an interruption has left.

use std::path::Path;

use super::snapshot::{BEFORE_DEPLOY, Snapshot, describe, is_real_directory, place};
use super::tablespace::{relink, require_inside};
use crate::cluster::Layout;
use crate::cluster::build::{is_ours, timestamp};
use crate::cluster::files::{exchange, remove_tree, sync_file_system};
use crate::cluster::run::access::make_closed;
use crate::cluster::run::postmaster::Liveness;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::later;
use crate::sys::process::remove_shared_memory;

/// The prefix of a directory in `snapshot/` that is about to get the name.
const UNNAMED: &str = ".before-deploy-";

/// Refuses a snapshot of this name that `deploy` has not saved: it is about to be replaced.
pub(in crate::cluster) fn check_name_is_free(layout: &Layout) -> Result<()> {
    let place = place(layout, BEFORE_DEPLOY)?;
    let is_of_deploy = Snapshot::at(&place).is_some_and(|snapshot| snapshot.is_of_deploy());
    if is_of_deploy || std::fs::symlink_metadata(&place).is_err() {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "{} was not saved by deploy, which keeps the cluster that it replaces under this name",
        place.display()
    ))
    .hint("rename the directory, or move it away"))
}

/// Makes the snapshot of `data`, a data directory that no server uses. Returns false, and leaves
/// `data` where it is, if parts of the cluster lie outside of it.
pub(in crate::cluster) fn adopt(layout: &Layout, data: &Path) -> Result<bool> {
    if require_inside(data).is_err() {
        return Ok(false);
    }
    // a killed server may have left it, and no server will start here for a long time
    remove_shared_memory(data);
    let snapshots = layout.snapshots();
    make_closed(&snapshots).on("create", &snapshots)?;
    let unnamed = snapshots.join(format!("{UNNAMED}{}", timestamp()));
    make_closed(&unnamed).on("create", &unnamed)?;
    describe(&unnamed, true)?;
    let moved = unnamed.join("data");
    std::fs::rename(data, &moved).on("move away", data)?;
    relink(&moved)?;
    publish(layout, &unnamed).map(|()| true)
}

/// Finishes what interrupted commands have left.
pub(in crate::cluster) fn finish(layout: &Layout) -> Result<()> {
    let snapshots = layout.snapshots();
    if is_real_directory(&snapshots) {
        for entry in std::fs::read_dir(&snapshots).on("read", &snapshots)?.flatten() {
            let (name, path) = (entry.file_name(), entry.path());
            if !name.to_string_lossy().starts_with(UNNAMED) || !is_real_directory(&path) {
                continue;
            }
            match is_ours(&path.join("data")) {
                true => publish(layout, &path)?,
                // the move of the data directory was not reached
                false => remove_tree(&path)?,
            }
        }
    }
    let place = layout.working_directory();
    for entry in std::fs::read_dir(place).on("read", place)?.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let is_replaced = name.to_string_lossy().starts_with("data.before-deploy-");
        if is_replaced && is_ours(&path) && Liveness::thorough(&path)? == Liveness::Stopped {
            adopt(layout, &path)?;
        }
    }
    Ok(())
}

fn publish(layout: &Layout, unnamed: &Path) -> Result<()> {
    check_name_is_free(layout)?;
    sync_file_system(unnamed)?;
    let place = place(layout, BEFORE_DEPLOY)?;
    if is_real_directory(&place) {
        exchange(unnamed, &place)?;
        relink(&place.join("data"))?;
        // `unnamed` is the older generation now
        return remove_older(unnamed);
    }
    std::fs::rename(unnamed, &place).on("write", &place)?;
    relink(&place.join("data"))
}

/// Removes the description first, so that an interruption leaves nothing that looks complete.
fn remove_older(directory: &Path) -> Result<()> {
    let marker = directory.join("data").join(crate::cluster::layout::MARKER);
    std::fs::remove_file(&marker).on("remove", &marker)?;
    let directory = directory.to_owned();
    later::begin(format!("remove {}", directory.display()), move || remove_tree(&directory));
    Ok(())
}
