//! The memory that this process may use: that of the machine, and the limits of its control groups.

use std::path::{Path, PathBuf};

use super::read_regular;

/// The mount point of the control groups.
const GROUPS: &str = "/sys/fs/cgroup";

/// The files of a control group with the limits and the use, and the line of `memory.stat` with the
/// part of the use that the kernel takes back before it kills a process.
const FILES: [(&[&str], &str, &str); 2] = [
    (&["memory.max", "memory.high"], "memory.current", "inactive_file"),
    (&["memory.limit_in_bytes"], "memory.usage_in_bytes", "total_inactive_file"),
];

/// The limit in bytes that the control groups of this process set, in a container for example.
/// `None` if there is none, or if the system does not tell.
pub fn memory_limit() -> Option<u64> {
    groups().iter().filter_map(|group| Some(Group::read(group)?.limit)).min()
}

/// The memory in bytes that programs may still take before the system has to swap or kill: the free
/// memory of the machine, or less by a control group of this process. `None` if the system does not
/// tell.
pub fn available_memory() -> Option<u64> {
    let of_machine = of_machine(&text(Path::new("/proc/meminfo"))?)?;
    let of_groups = groups().into_iter().filter_map(|group| Some(Group::read(&group)?.room()));
    Some(of_groups.fold(of_machine, u64::min))
}

/// The limit and the use of a control group in bytes.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    limit: u64,
    used: u64,
}

impl Group {
    /// `None` if the group has no limit, or is none.
    fn read(group: &Path) -> Option<Self> {
        FILES.iter().find_map(|(limits, used, reclaimable)| {
            let number = |file: &&str| text(&group.join(file))?.trim().parse::<u64>().ok();
            // version 1 has a very large number for no limit, version 2 a word
            let limit = limits.iter().filter_map(number).filter(|limit| *limit < u64::MAX / 4);
            let limit = limit.min()?;
            let stat = text(&group.join("memory.stat")).unwrap_or_default();
            let mut lines = stat.lines().filter_map(|line| line.split_once(' '));
            let found = lines.find(|(name, _)| name == reclaimable);
            let reclaimable = found.and_then(|(_, bytes)| bytes.parse().ok()).unwrap_or(0);
            Some(Self { limit, used: number(used).unwrap_or(0).saturating_sub(reclaimable) })
        })
    }

    fn room(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// The directories of the control groups of this process, each with those above it.
fn groups() -> Vec<PathBuf> {
    let own = text(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let mut groups: Vec<_> =
        own.lines().flat_map(|line| groups_of(line, Path::new(GROUPS))).collect();
    groups.sort();
    groups.dedup();
    groups
}

/// The directories of one line of `/proc/self/cgroup`, which is `NUMBER:CONTROLLERS:PATH`. The path
/// may be one that only the host of a container sees; then the group is at the mount point.
fn groups_of(line: &str, mounted: &Path) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { return Vec::new() };
    let roots: &[&str] = match controllers {
        "" => &["", "unified"],
        list if list.split(',').any(|name| name == "memory") => &["memory"],
        _ => &[],
    };
    let path = Path::new(path.trim_start_matches('/'));
    let below = |root: &&str| path.ancestors().map(|part| mounted.join(root).join(part)).collect();
    roots.iter().flat_map(|root| -> Vec<PathBuf> { below(root) }).collect()
}

/// The value of `MemAvailable` in bytes.
fn of_machine(meminfo: &str) -> Option<u64> {
    let value = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn text(file: &Path) -> Option<String> {
    Some(String::from_utf8_lossy(&read_regular(file).ok()?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(files: &[(&str, &str)]) -> Option<Group> {
        let place = tempfile::tempdir().expect("temporary directory");
        for (name, text) in files {
            std::fs::write(place.path().join(name), text).expect("written");
        }
        Group::read(place.path())
    }

    #[test]
    fn the_file_cache_of_a_group_is_no_use() {
        let stat = "anon 100\ninactive_file 300\n";
        let two = [("memory.max", "2000\n"), ("memory.current", "500\n"), ("memory.stat", stat)];
        assert_eq!(group(&two).map(|group| group.room()), Some(1800));
        let stat = "inactive_file 1\ntotal_inactive_file 100\n";
        let one = [
            ("memory.limit_in_bytes", "900\n"),
            ("memory.usage_in_bytes", "800\n"),
            ("memory.stat", stat),
        ];
        assert_eq!(group(&one).map(|group| group.room()), Some(200));
    }

    #[test]
    fn the_lower_limit_counts_and_no_limit_is_none() {
        let throttled =
            [("memory.max", "max"), ("memory.high", "1000"), ("memory.current", "1500")];
        assert_eq!(group(&throttled).map(|group| group.room()), Some(0));
        assert_eq!(group(&[("memory.max", "max\n"), ("memory.current", "5")]), None);
        assert_eq!(group(&[("memory.limit_in_bytes", "9223372036854771712\n")]), None);
        assert_eq!(group(&[]), None);
    }

    #[test]
    fn groups_come_with_those_above_them() {
        let paths = |line| groups_of(line, Path::new("/g"));
        let expected = ["/g/memory/a/b", "/g/memory/a", "/g/memory/"].map(PathBuf::from);
        assert_eq!(paths("4:memory:/a/b"), expected);
        assert_eq!(paths("4:cpu,memory:/"), [PathBuf::from("/g/memory")]);
        assert_eq!(paths("0::/"), ["/g/", "/g/unified/"].map(PathBuf::from));
        assert!(paths("3:cpuset:/a").is_empty());
        assert!(paths("nonsense").is_empty());
    }

    #[test]
    fn the_machine_says_what_is_available() {
        assert_eq!(of_machine("MemTotal: 9 kB\nMemAvailable:   12 kB\n"), Some(12288));
        assert_eq!(of_machine("MemTotal: 9 kB\n"), None);
    }
}
