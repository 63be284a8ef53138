//! The processes of this machine, as proc(5) shows them.

use std::path::PathBuf;

/// A process that ran a moment ago. Its facts are empty if it has ended since.
#[derive(Debug)]
pub struct Process {
    pub pid: u32,
    directory: PathBuf,
}

/// All processes.
pub fn all() -> impl Iterator<Item = Process> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some(Process { pid, directory: entry.path() })
    })
}

/// The command lines of all processes.
pub fn command_lines() -> Vec<String> {
    all().map(|process| process.words().join(" ")).collect()
}

/// The keepers of the cluster in `directory`.
pub fn keepers(directory: &std::path::Path) -> Vec<u32> {
    let directory = directory.to_str().unwrap();
    let is_keeper = |words: &[String]| {
        words.get(1).is_some_and(|word| word == "keeper") && words.iter().any(|w| w == directory)
    };
    all().filter(|process| is_keeper(&process.words())).map(|process| process.pid).collect()
}

/// Whether a process runs. One that has ended, and that its parent has not reaped yet, does not.
pub fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

impl Process {
    /// The name of the program, at most 15 bytes.
    pub fn name(&self) -> String {
        String::from_utf8_lossy(self.read("comm").trim_ascii_end()).into_owned()
    }

    /// The program and its arguments.
    pub fn words(&self) -> Vec<String> {
        let line = self.read("cmdline");
        let words = line.strip_suffix(b"\0").unwrap_or(&line).split(|byte| *byte == 0);
        words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    /// The current directory, if this user may see it.
    pub fn works_in(&self) -> Option<PathBuf> {
        std::fs::read_link(self.directory.join("cwd")).ok()
    }

    /// The parent's process id.
    pub fn parent(&self) -> Option<u32> {
        let stat = String::from_utf8_lossy(&self.read("stat")).into_owned();
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    }

    /// A file that describes the process, such as `environ`.
    pub fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.directory.join(file)).unwrap_or_default()
    }
}
