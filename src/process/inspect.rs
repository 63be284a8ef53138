//! What the system knows about running processes.

use std::path::{Path, PathBuf};

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// A running process.
#[derive(Debug, Clone)]
pub struct ProcessInfo {
    /// Process id.
    pub pid: u32,
    /// Seconds since the epoch.
    pub started: u64,
    /// The program's short name.
    pub name: String,
    /// Its working directory; `None` when it is another user's and hidden from us.
    pub directory: Option<PathBuf>,
}

/// This machine's name.
pub fn host_name() -> String {
    System::host_name().unwrap_or_else(|| "localhost".to_owned())
}

/// The process with this id, if it runs.
pub fn inspect(pid: u32) -> Option<ProcessInfo> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what());
    system.process(pid).filter(|process| is_alive(process)).map(ProcessInfo::from)
}

/// The processes whose working directory is `directory`.
pub fn working_in(directory: &Path) -> Vec<ProcessInfo> {
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what());
    system
        .processes()
        .values()
        .filter(|process| is_alive(process) && process.cwd() == Some(directory))
        .map(ProcessInfo::from)
        .collect()
}

/// The processes that `pid` has started, and theirs.
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

fn what() -> ProcessRefreshKind {
    ProcessRefreshKind::nothing().with_cwd(UpdateKind::Always).without_tasks()
}

/// A zombie has ended; only its parent has not noticed yet.
fn is_alive(process: &Process) -> bool {
    !matches!(process.status(), sysinfo::ProcessStatus::Zombie | sysinfo::ProcessStatus::Dead)
}

impl From<&Process> for ProcessInfo {
    fn from(process: &Process) -> Self {
        Self {
            pid: process.pid().as_u32(),
            started: process.start_time(),
            name: process.name().to_string_lossy().into_owned(),
            directory: process.cwd().map(Path::to_owned),
        }
    }
}
