//! The limit of memory that holds for this process.

use std::path::Path;

use super::read_regular;

/// The limit in bytes that the control group of this process sets, in a container for example.
/// `None` if there is none, or if the system does not tell.
pub fn memory_limit() -> Option<u64> {
    // a process in a container sees its own control group there: version 2, then version 1
    let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limits = files.iter().filter_map(|file| {
        let text = read_regular(Path::new(file)).ok()?;
        String::from_utf8_lossy(&text).trim().parse::<u64>().ok()
    });
    // version 1 has a very large number for no limit
    limits.filter(|limit| *limit < u64::MAX / 4).min()
}
