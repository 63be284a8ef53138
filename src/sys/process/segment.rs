//! The shared memory that a killed postmaster leaves.
//!
//! A postmaster that ends in any other way removes its shared memory itself. After SIGKILL, the next
//! server of the same data directory removes it. If db-tool removes the data directory instead, no
//! such server comes, so db-tool removes the memory, too.
//!
//! On Linux, PostgreSQL has a small System V segment for each data directory. Its header
//! (`PGShmemHeader` in `src/include/storage/pg_shmem.h`) names the device and inode of that
//! directory, which proves whose it is. It also names the control segment of the dynamic shared
//! memory, a file `/dev/shm/PostgreSQL.NUMBER`, which lists the others (`src/backend/storage/ipc/dsm.c`).

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::FileId;

/// Removes the shared memory of a data directory, in which no server runs. It must belong to the
/// owner of the directory. Ignores errors: what stays does no harm.
pub fn remove_shared_memory(data: &Path) {
    if let (Ok(id), Ok(facts)) = (FileId::of(data), data.symlink_metadata()) {
        system::remove(id, facts.ino(), facts.uid());
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    use nix::libc;

    use super::FileId;
    use crate::sys::process::{inspect, read_regular};

    /// `PGShmemMagic`.
    const MAGIC: u32 = 679_834_894;
    /// The size of the header, and of the whole segment.
    const SIZE: usize = 56;
    /// `PG_DYNSHMEM_CONTROL_MAGIC`.
    const CONTROL_MAGIC: u32 = 0x9a50_3d32;
    /// The offset of the first item in the control segment, and the size of an item.
    const ITEMS: (usize, usize) = (16, 40);

    /// The number of keys that PostgreSQL may have tried: more than one if others have the same inode.
    const KEYS: u32 = 4;

    pub(super) fn remove(data: FileId, inode: u64, owner: u32) {
        // the columns are: key, shmid, perms, size, cpid, lpid, nattch, uid, …
        let table = read_regular(Path::new("/proc/sysvipc/shm")).unwrap_or_default();
        for line in String::from_utf8_lossy(&table).lines().skip(1) {
            let columns: Vec<&str> = line.split_ascii_whitespace().collect();
            let [key, id, _, size, creator, _, attached, uid, ..] = columns[..] else { continue };
            let Ok(id) = id.parse() else { continue };
            let is_header = size == SIZE.to_string() && uid == owner.to_string();
            let is_free = attached == "0" || is_gone(creator);
            if is_header && is_free && may_be_of(key, inode) {
                remove_if_of(id, data, owner);
            }
        }
    }

    /// Whether a segment with this key may be of a data directory with this inode: PostgreSQL begins
    /// with the inode and tries the next key if one is taken. A segment of another data directory must
    /// not even be looked at, because that attaches it, and a server that starts there meanwhile would
    /// take it for one in use and give up.
    fn may_be_of(key: &str, inode: u64) -> bool {
        let first = u32::try_from(inode & u64::from(u32::MAX)).unwrap_or_default();
        key.parse::<i32>().is_ok_and(|key| key.cast_unsigned().wrapping_sub(first) < KEYS)
    }

    /// Whether the postmaster that made a segment has ended. Its children notice that a little later,
    /// and have the segment attached until then. A process of another container has the number 0.
    fn is_gone(creator: &str) -> bool {
        creator.parse().is_ok_and(|pid: u32| pid != 0 && inspect(pid).is_none())
    }

    /// Removes a segment, and the dynamic ones that it leads to, if it is of this data directory.
    fn remove_if_of(id: i32, data: FileId, owner: u32) {
        let Some(header) = read(id) else { return };
        if number(&header, 0) != Some(MAGIC) || !data.is(long(&header, 40), long(&header, 48)) {
            return;
        }
        let control = number(&header, 24).map(file_of);
        let is_own = |file: &PathBuf| is_of(file, owner);
        if let Some(control) = control.filter(is_own) {
            let content = read_regular(&control).unwrap_or_default();
            handles(&content).map(file_of).filter(is_own).for_each(remove_file);
            remove_file(control);
        }
        remove_segment(id);
    }

    /// The handles in a control segment that stand for files.
    fn handles(control: &[u8]) -> impl Iterator<Item = u32> + '_ {
        let is_control = number(control, 0) == Some(CONTROL_MAGIC);
        let count = number(control, 4).filter(|_| is_control).unwrap_or(0) as usize;
        let items = control.get(ITEMS.0..).unwrap_or_default().chunks_exact(ITEMS.1).take(count);
        // an item without a reference is free, and an odd handle is a part of the main memory
        let used = items.filter(|item| number(item, 4).is_some_and(|references| references > 0));
        used.filter_map(|item| number(item, 0)).filter(|handle| handle % 2 == 0)
    }

    fn file_of(handle: u32) -> PathBuf {
        format!("/dev/shm/PostgreSQL.{handle}").into()
    }

    fn is_of(file: &Path, owner: u32) -> bool {
        file.symlink_metadata().is_ok_and(|facts| facts.is_file() && facts.uid() == owner)
    }

    fn remove_file(file: PathBuf) {
        let _ = std::fs::remove_file(file);
    }

    fn number(bytes: &[u8], at: usize) -> Option<u32> {
        bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
    }

    fn long(bytes: &[u8], at: usize) -> u64 {
        let part = bytes.get(at..at + 8).and_then(|part| part.try_into().ok());
        part.map_or(0, u64::from_ne_bytes)
    }

    #[expect(unsafe_code, reason = "no crate wraps System V shared memory")]
    fn read(id: i32) -> Option<[u8; SIZE]> {
        // SAFETY: a new mapping at an address that the system chooses, for reading
        let address = unsafe { libc::shmat(id, std::ptr::null(), libc::SHM_RDONLY) };
        if address.addr() == usize::MAX {
            return None;
        }
        let mut header = [0; SIZE];
        // SAFETY: the segment has this size, and only its postmaster, which has ended, writes to it
        unsafe { address.cast::<u8>().copy_to_nonoverlapping(header.as_mut_ptr(), SIZE) };
        // SAFETY: the mapping from above, which nothing refers to any more
        unsafe { libc::shmdt(address) };
        Some(header)
    }

    #[expect(unsafe_code, reason = "no crate wraps System V shared memory")]
    fn remove_segment(id: i32) {
        // SAFETY: the command takes no argument; a process that has attached it keeps it
        unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_process_that_runs_or_is_hidden_is_not_gone() {
            assert!(!is_gone(&std::process::id().to_string()) && !is_gone("0"));
            assert!(is_gone(&u32::MAX.to_string()));
        }

        #[test]
        fn only_keys_from_the_inode_on_may_be_of_a_data_directory() {
            for (key, inode, expected) in [
                ("3196", 3196, true),
                ("3199", 3196, true),
                ("3195", 3196, false),
                ("4000", 3196, false),
                ("-1", 0xff_ffff_ffff, true),
                ("0", 0xff_ffff_ffff, true),
                ("5", 0x7_0000_0005, true),
                ("x", 3196, false),
            ] {
                assert_eq!(may_be_of(key, inode), expected, "{key} {inode}");
            }
        }

        #[test]
        fn a_control_segment_names_its_files() {
            let item = |handle: u32, references: u32| {
                let mut item = [handle.to_ne_bytes(), references.to_ne_bytes()].concat();
                item.resize(ITEMS.1, 0);
                item
            };
            let header =
                [CONTROL_MAGIC.to_ne_bytes(), 4_u32.to_ne_bytes(), [0; 4], [0; 4]].concat();
            let items = [item(2, 2), item(4, 0), item(7, 2), item(6, 1), item(8, 2)].concat();
            let control = [header, items].concat();
            assert_eq!(handles(&control).collect::<Vec<_>>(), [2, 6]);
            assert_eq!(handles(&control[4..]).count(), 0);
            assert_eq!(handles(b"").count(), 0);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn remove(_: super::FileId, _: u64, _: u32) {}
}
