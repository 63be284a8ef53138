//! Makes a template thin: a clone of it costs fewer files and less space.
//!
//! A template leaves out the free space maps and the visibility maps of the initial catalogs, which
//! are a quarter of the files. PostgreSQL makes a missing map again when it needs one (manual,
//! chapter 73): without a free space map it looks at the last page, and without a visibility map it
//! takes no page for all-visible. The maps of a project's tables stay, because queries use them.
//!
//! A segment of the write-ahead log has 16 MB, and in a new cluster most of them are zeros. A template
//! has holes there. Throwaway clusters keep the holes; in a kept cluster the server must not find
//! the disk full while it writes into a segment, so its copy has the zeros.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::sys::error::{IoContext, Result};
use crate::sys::process::read_regular;

/// The first OID and file number that the objects of users have (`FirstNormalObjectId`).
const FIRST_OF_USERS: u32 = 16384;

/// The length of the parts that become holes.
const PART: usize = 64 * 1024;

/// Makes the data directory of a template thin.
pub(super) fn thin(data: &Path) -> Result<()> {
    leave_out_maps(&data.join("global"))?;
    let databases = data.join("base");
    for database in entries(&databases)? {
        leave_out_maps(&database)?;
    }
    for segment in entries(&data.join("pg_wal"))? {
        if segment.is_file() {
            make_holes(&segment)?;
        }
    }
    Ok(())
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Ok(Vec::new()) };
    entries.map(|entry| Ok(entry.on("read", directory)?.path())).collect()
}

fn leave_out_maps(directory: &Path) -> Result<()> {
    for path in entries(directory)? {
        if path.file_name().and_then(|name| name.to_str()).is_some_and(is_map) {
            std::fs::remove_file(&path).on("remove", &path)?;
        }
    }
    Ok(())
}

/// Whether a file is the free space map or the visibility map of an initial catalog.
fn is_map(name: &str) -> bool {
    let number = name.strip_suffix("_fsm").or_else(|| name.strip_suffix("_vm"));
    number.and_then(|number| number.parse::<u32>().ok()).is_some_and(|oid| oid < FIRST_OF_USERS)
}

/// Frees the parts of a file that hold only zeros. Its content and its length stay.
fn make_holes(path: &Path) -> Result<()> {
    let content = read_regular(path).on("read", path)?;
    let file = File::options().write(true).open(path).on("open", path)?;
    for (number, part) in content.chunks(PART).enumerate() {
        // a file system that has no holes keeps the zeros
        if part.iter().all(|byte| *byte == 0) && !punch(&file, number * PART, part.len()) {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn punch(file: &File, at: usize, length: usize) -> bool {
    use nix::fcntl::{FallocateFlags, fallocate};
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    let (Ok(at), Ok(length)) = (at.try_into(), length.try_into()) else { return false };
    fallocate(file, flags, at, length).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn punch(_: &File, _: usize, _: usize) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn only_maps_of_initial_catalogs_are_left_out() {
        let data = tempfile::tempdir().expect("temporary directory");
        let base = data.path().join("base/5");
        std::fs::create_dir_all(&base).expect("made");
        let kept =
            ["1259", "1259.1", "16384_fsm", "16384_vm", "t3_16400_fsm", "PG_VERSION", "x_vm"];
        for name in kept.iter().chain(&["1259_fsm", "1259_vm", "16383_vm"]) {
            std::fs::write(base.join(name), "x").expect("written");
        }
        thin(data.path()).expect("made thin");
        let mut left: Vec<_> = entries(&base).expect("read");
        left.sort();
        let mut expected = kept.map(|name| base.join(name));
        expected.sort();
        assert_eq!(left, expected);
    }

    #[test]
    fn zeros_become_holes_and_the_content_stays() {
        let data = tempfile::tempdir().expect("temporary directory");
        let segment = data.path().join("pg_wal/000000010000000000000001");
        std::fs::create_dir_all(data.path().join("pg_wal/archive_status")).expect("made");
        let mut content = vec![0; 2 * 1024 * 1024 + 5];
        content[PART - 1] = 1;
        content[10 * PART] = 2;
        std::fs::write(&segment, &content).expect("written");
        let before = segment.metadata().expect("there").blocks();
        thin(data.path()).expect("made thin");
        assert_eq!(std::fs::read(&segment).expect("read"), content);
        if cfg!(target_os = "linux") {
            assert!(segment.metadata().expect("there").blocks() < before / 4);
        }
    }
}
