//! The processes of this machine, as `/proc` shows them.

use std::collections::HashSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The name of the server's program.
const SERVER: &str = "postgres";

/// A process.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    /// The name of the program, cut by the system.
    pub(super) name: String,
    /// The working directory. `None` for a process that has just ended.
    pub(super) directory: Option<PathBuf>,
}

/// All processes.
pub(crate) fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?)).collect()
}

impl Process {
    fn read(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // the name may contain parentheses and blanks
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let directory = fs::read_link(format!("/proc/{pid}/cwd")).ok();
        (state != "Z").then(|| Self { pid, parent, name: name.to_owned(), directory })
    }

    /// Whether it works in `directory` or below, or names it in its arguments or its environment.
    pub(super) fn is_about(&self, directory: &Path) -> bool {
        let named = |file: &str| {
            let text = fs::read(format!("/proc/{}/{file}", self.pid)).unwrap_or_default();
            let wanted = directory.as_os_str().as_bytes();
            text.windows(wanted.len()).any(|part| part == wanted)
        };
        self.directory.as_ref().is_some_and(|own| own.starts_with(directory))
            || named("cmdline")
            || named("environ")
    }

    /// Its arguments, for a message.
    pub(crate) fn shown(&self) -> String {
        let arguments = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let line = String::from_utf8_lossy(&arguments).replace('\0', " ");
        format!("process {} ({}): {}", self.pid, self.name, line.trim_end())
    }

    /// Kills it. Returns whether it was there.
    pub(super) fn kill(&self) -> bool {
        kill(Pid::from_raw(self.pid), Signal::SIGKILL).is_ok()
    }
}

/// The processes that `ancestor` has started, and those that they have started.
pub(super) fn descendants(all: &[Process], ancestor: u32) -> Vec<Process> {
    let mut known: HashSet<i32> = i32::try_from(ancestor).into_iter().collect();
    let mut found = Vec::new();
    loop {
        let is_new =
            |process: &&Process| known.contains(&process.parent) && !known.contains(&process.pid);
        let new: Vec<Process> = all.iter().filter(is_new).cloned().collect();
        if new.is_empty() {
            return found;
        }
        known.extend(new.iter().map(|process| process.pid));
        found.extend(new);
    }
}

/// The processes of a server, its postmaster first.
pub(super) struct Server(Vec<Process>);

impl Server {
    /// The server of the data directory `data`, if it runs.
    pub(super) fn of(all: &[Process], data: &Path) -> Option<Self> {
        let works_here = |process: &&Process| {
            process.name == SERVER && process.directory.as_deref() == Some(data)
        };
        let mut members: Vec<Process> = all.iter().filter(works_here).cloned().collect();
        let pids: HashSet<i32> = members.iter().map(|process| process.pid).collect();
        members.sort_by_key(|process| pids.contains(&process.parent));
        (!members.is_empty()).then_some(Self(members))
    }

    /// The servers that `ancestor` runs below `place`, such as that of a private cluster. A server
    /// that has not yet entered its data directory is none: many processes may work where it still
    /// is.
    pub(super) fn run_by(all: &[Process], ancestor: u32, place: &Path) -> Vec<Self> {
        let children = descendants(all, ancestor).into_iter();
        let postmasters = children.filter(|process| process.name == SERVER);
        let is_data = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.starts_with(place) && name.starts_with("data")
        };
        let directories: HashSet<PathBuf> =
            postmasters.filter_map(|process| process.directory).filter(is_data).collect();
        directories.iter().filter_map(|data| Self::of(all, data)).collect()
    }

    /// The process that started the others.
    pub(super) fn postmaster(&self) -> Option<&Process> {
        self.0.first()
    }

    /// The processes that the postmaster has started: clients' backends and helpers.
    pub(super) fn backends(&self) -> &[Process] {
        self.0.get(1..).unwrap_or_default()
    }

    /// All processes.
    pub(super) fn members(&self) -> &[Process] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_by_its_directory_and_below_its_parent() {
        let all = all();
        let own = i32::try_from(std::process::id()).unwrap();
        let process = all.iter().find(|process| process.pid == own).expect("it runs");
        let here = std::env::current_dir().unwrap();
        assert!(process.is_about(&here));
        assert!(!process.is_about(Path::new("/no/such/directory/anywhere")));
        let parent = u32::try_from(process.parent).unwrap();
        assert!(descendants(&all, parent).iter().any(|process| process.pid == own));
    }
}
