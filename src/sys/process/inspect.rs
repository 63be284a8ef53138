//! Running processes, as the operating system describes them.

use std::path::Path;

use super::ActingAs;
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};

/// The identity of a file or directory: device and inode. It is the same for every path and mount
/// that leads to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

/// A running process.
#[derive(Debug, Clone)]
pub struct ProcessInfo {
    /// Process id.
    pub pid: u32,
    /// The process id of its parent; 0 if it has none.
    pub parent: u32,
    /// The time at which it started. On Linux in clock ticks since boot, which do not change when
    /// somebody sets the clock.
    pub started: u64,
    /// The program's short name.
    pub name: String,
    /// The id of the user who runs it.
    pub uid: u32,
    /// Its working directory. `None` for a process that is ending, or if the system hides the
    /// directory.
    pub directory: Option<FileId>,
    /// Whether the system hides the working directory because the process belongs to another user.
    pub hidden: bool,
    /// The processor time that it has used, in clock ticks. On Linux only.
    pub ticks: u64,
    /// Whether it waits for a disk. On Linux only.
    pub waits_for_disk: bool,
    /// Whether a signal has stopped (paused) it.
    pub stopped: bool,
    /// Whether it runs in another pid namespace, that is, in a container.
    pub in_container: bool,
}

impl FileId {
    /// Whether this is the file with this device and inode.
    pub fn is(self, device: u64, inode: u64) -> bool {
        (self.device, self.inode) == (device, inode)
    }

    /// The identity of the file or directory at `path`. Follows links.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let facts = std::fs::metadata(path)?;
        Ok(Self { device: facts.dev(), inode: facts.ino() })
    }
}

/// The number of the pid namespace of this process: equal pids in two containers mean two processes.
pub fn pid_namespace() -> u64 {
    system::pid_namespace()
}

/// The name of this machine.
pub fn host_name() -> String {
    System::host_name().unwrap_or_else(|| "localhost".to_owned())
}

/// The process with this id, if it runs. A zombie does not count: it has ended.
pub fn inspect(pid: u32) -> Option<ProcessInfo> {
    // with the rights of another user, the system hides processes
    let _ourselves = ActingAs::ourselves();
    system::inspect(pid)
}

/// The title of a process: its first argument, which a program may have changed. `None` if the
/// system does not show it.
pub fn title(pid: u32) -> Option<String> {
    let _ourselves = ActingAs::ourselves();
    system::title(pid)
}

/// The processes whose working directory is `directory`.
pub fn working_in(directory: FileId) -> Vec<ProcessInfo> {
    let _ourselves = ActingAs::ourselves();
    let mut pids = system::pids();
    // only the few processes that work in the directory need to be inspected
    pids.retain(|pid| system::directory(*pid) == Some(directory));
    pids.into_iter().filter_map(inspect).collect()
}

/// The processes whose working directory had the path `directory` before somebody deleted it. On
/// Linux only.
pub fn working_in_deleted(directory: &Path) -> Vec<ProcessInfo> {
    let _ourselves = ActingAs::ourselves();
    let mut pids = system::pids();
    pids.retain(|pid| system::works_in_deleted(*pid, directory));
    pids.into_iter().filter_map(inspect).collect()
}

/// The open files of all processes, as far as the system shows them, for whose paths `fits` is
/// true.
pub fn open_files(fits: fn(&Path) -> bool) -> Vec<FileId> {
    let _ourselves = ActingAs::ourselves();
    system::pids().into_iter().flat_map(|pid| system::open_files(pid, fits)).collect()
}

/// The processes that have the file `id` open, as far as the system shows them. `fits` must be true
/// for its path.
pub fn holding(id: FileId, fits: fn(&Path) -> bool) -> Vec<ProcessInfo> {
    let _ourselves = ActingAs::ourselves();
    let mut pids = system::pids();
    pids.retain(|pid| system::open_files(*pid, fits).contains(&id));
    pids.into_iter().filter_map(inspect).collect()
}

/// The children of `pid`, and the children of those.
pub(super) fn descendants(pid: u32) -> Vec<u32> {
    let mut system = System::new();
    let nothing = ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, nothing);
    let mut found = vec![Pid::from_u32(pid)];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let children = system.processes().values().filter(|child| child.parent() == Some(parent));
        found.extend(children.map(Process::pid));
        next += 1;
    }
    found.iter().skip(1).map(|pid| pid.as_u32()).collect()
}

/// Reads proc(5).
#[cfg(target_os = "linux")]
mod system {
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    use super::{FileId, ProcessInfo};

    /// The positions in the text of `stat` after the name, which is field 2.
    const STATE: usize = 0;
    const PARENT: usize = 4 - 3;
    const START_TIME: usize = 22 - 3;
    const TICKS: [usize; 2] = [14 - 3, 15 - 3];

    pub(super) fn pids() -> Vec<u32> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
    }

    pub(super) fn directory(pid: u32) -> Option<FileId> {
        FileId::of(&place(pid).join("cwd")).ok()
    }

    pub(super) fn works_in_deleted(pid: u32, directory: &Path) -> bool {
        let link = place(pid).join("cwd");
        let mut expected = directory.as_os_str().to_owned();
        expected.push(" (deleted)");
        // a directory may have this name, too
        std::fs::read_link(&link).is_ok_and(|path| path == expected)
            && std::fs::metadata(&link).is_ok_and(|facts| facts.nlink() == 0)
    }

    pub(super) fn open_files(pid: u32, fits: fn(&Path) -> bool) -> Vec<FileId> {
        let entries = std::fs::read_dir(place(pid).join("fd")).into_iter().flatten().flatten();
        let links = entries.map(|entry| entry.path());
        // compare the name first: on a network, reading the properties of a file may take long
        let fitting = links.filter(|link| std::fs::read_link(link).is_ok_and(|path| fits(&path)));
        fitting.filter_map(|link| FileId::of(&link).ok()).collect()
    }

    fn place(pid: u32) -> PathBuf {
        Path::new("/proc").join(pid.to_string())
    }

    pub(super) fn inspect(pid: u32) -> Option<ProcessInfo> {
        let place = place(pid);
        let bytes = std::fs::read(place.join("stat")).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        // the name may contain blanks and parentheses
        let (name, fields) = text.split_once('(')?.1.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        if matches!(*fields.get(STATE)?, "Z" | "X" | "x") {
            return None;
        }
        let ticks = TICKS.iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum();
        Some(ProcessInfo {
            pid,
            ticks,
            waits_for_disk: fields.get(STATE) == Some(&"D"),
            parent: fields.get(PARENT)?.parse().ok()?,
            started: fields.get(START_TIME)?.parse().ok()?,
            name: name.to_owned(),
            uid: std::fs::metadata(&place).ok()?.uid(),
            hidden: is_hidden(&place),
            directory: directory(pid),
            stopped: fields.get(STATE) == Some(&"T"),
            in_container: is_in_container(&place),
        })
    }

    pub(super) fn title(pid: u32) -> Option<String> {
        let words = std::fs::read(place(pid).join("cmdline")).ok()?;
        let first = words.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(first).into_owned())
    }

    pub(super) fn pid_namespace() -> u64 {
        std::fs::metadata("/proc/self/ns/pid").map_or(0, |facts| facts.ino())
    }

    fn is_hidden(process: &Path) -> bool {
        let directory = std::fs::read_link(process.join("cwd"));
        directory.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }

    fn is_in_container(process: &Path) -> bool {
        let namespace =
            |process: &Path| -> Option<PathBuf> { std::fs::read_link(process.join("ns/pid")).ok() };
        let own = namespace(Path::new("/proc/self"));
        namespace(process).is_some_and(|other| own.is_some_and(|own| own != other))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::path::Path;

    use sysinfo::{
        Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind,
    };

    use super::{FileId, ProcessInfo};

    pub(super) fn pids() -> Vec<u32> {
        let mut system = System::new();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, refreshed_fields());
        system.processes().keys().map(|pid| pid.as_u32()).collect()
    }

    pub(super) fn directory(pid: u32) -> Option<FileId> {
        inspect(pid)?.directory
    }

    pub(super) fn works_in_deleted(_: u32, _: &Path) -> bool {
        false
    }

    pub(super) fn open_files(_: u32, _: fn(&Path) -> bool) -> Vec<FileId> {
        Vec::new()
    }

    pub(super) fn title(_: u32) -> Option<String> {
        None
    }

    pub(super) fn pid_namespace() -> u64 {
        0
    }

    pub(super) fn inspect(pid: u32) -> Option<ProcessInfo> {
        let pid = Pid::from_u32(pid);
        let mut system = System::new();
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[pid]),
            true,
            refreshed_fields(),
        );
        system.process(pid).filter(|process| is_alive(process)).map(describe)
    }

    fn refreshed_fields() -> ProcessRefreshKind {
        ProcessRefreshKind::nothing()
            .with_cwd(UpdateKind::Always)
            .with_user(UpdateKind::Always)
            .without_tasks()
    }

    fn is_alive(process: &Process) -> bool {
        !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead)
    }

    fn describe(process: &Process) -> ProcessInfo {
        ProcessInfo {
            ticks: 0,
            waits_for_disk: false,
            pid: process.pid().as_u32(),
            parent: process.parent().map_or(0, Pid::as_u32),
            started: process.start_time(),
            name: process.name().to_string_lossy().into_owned(),
            uid: process.user_id().map_or(u32::MAX, |user| **user),
            directory: process.cwd().and_then(|path| FileId::of(path).ok()),
            hidden: process.cwd().is_none(),
            stopped: process.status() == ProcessStatus::Stop,
            in_container: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_described() {
        let own = inspect(std::process::id()).expect("it runs");
        let here = std::env::current_dir().expect("a working directory");
        assert_eq!(own.directory, FileId::of(&here).ok());
        assert_eq!(own.uid, nix::unistd::geteuid().as_raw());
        assert!(!own.in_container && !own.hidden && own.started > 0, "{own:?}");
        let here = FileId::of(&here).expect("it is there");
        assert!(working_in(here).iter().any(|process| process.pid == own.pid));
        assert!(inspect(u32::MAX).is_none());
    }

    #[test]
    #[cfg(target_os = "linux")]
    #[expect(clippy::disallowed_methods, reason = "a process to look at")]
    fn a_process_in_a_deleted_directory_is_found_by_the_path() {
        let place = tempfile::tempdir().expect("temporary directory");
        let directory = place.path().join("data");
        let namesake = place.path().join("data (deleted)");
        let start = |path: &Path| {
            std::fs::create_dir(path).expect("made");
            let mut command = std::process::Command::new("sleep");
            command.arg("60").current_dir(path).spawn().expect("started")
        };
        let (mut meant, mut other) = (start(&directory), start(&namesake));
        assert_eq!(working_in_deleted(&directory).len(), 0, "it is still there");
        std::fs::remove_dir(&directory).expect("removed");
        let found: Vec<u32> = working_in_deleted(&directory).iter().map(|one| one.pid).collect();
        for child in [&mut meant, &mut other] {
            child.kill().and_then(|()| child.wait()).expect("ended");
        }
        assert_eq!(found, [meant.id()]);
    }
}
