//! Finds out whether a cluster's server runs, and proves that a process is that server.
//!
//! `postmaster.pid` alone proves nothing. The file stays when the server is killed; its pid may
//! belong to another process by now; and a crash can leave it empty. So db-tool believes a pid only
//! if that process has the name of a server, runs as the owner of the data directory, and works in
//! the data directory, as every PostgreSQL process does. Directories are compared by device and
//! inode, because one path can mean two directories in two containers, and two paths can mean the
//! same directory. No clock is compared: if somebody sets the clock, a living server must not look
//! dead.
//!
//! The proof is repeated before each signal. A file that names no such process is stale, unless
//! there is a sign that the server lives elsewhere. The backends of a killed postmaster live on for
//! seconds and would make the next start fail; db-tool finds them in the same way.

mod deleted;
mod elsewhere;
mod pid_file;
mod stop;
mod stuck;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cluster::files::{read_small, remove_file};
use crate::sys::error::{Error, Result};
use crate::sys::process;
use crate::sys::process::{FileId, Patience, ProcessInfo};

pub(in crate::cluster) use deleted::end as end_deleted;
pub(in crate::cluster) use elsewhere::{answers, lock_for_server};
pub use pid_file::PidFile;
pub use stop::Shutdown;

/// The longest wait for a server that another command has left starting or stopping. Recovery and
/// checkpoints of large clusters take minutes.
const SETTLE_LIMIT: Duration = Duration::from_secs(600);

/// The state of a cluster's server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Liveness {
    /// No server runs, and there is no `postmaster.pid`.
    Stopped,
    /// There is a `postmaster.pid`, but its server does not run.
    Stale,
    /// This process is the cluster's postmaster.
    Running(Postmaster),
}

/// A process that was proven to be a cluster's postmaster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postmaster {
    data: PathBuf,
    /// The start time of the process, as the system states it.
    process_started: Option<u64>,
    /// The content of its pid file at the time of the proof.
    pub file: PidFile,
}

impl Liveness {
    /// Reads the pid file and inspects its process.
    ///
    /// Fails if the process belongs to another user and hides its working directory, so that
    /// nothing can be proven.
    pub fn of(data: &Path) -> Result<Self> {
        let path = data.join("postmaster.pid");
        if std::fs::symlink_metadata(&path).is_err() {
            return Ok(Self::Stopped);
        }
        let file = PidFile::read(data);
        if let Some(file) = &file
            && let Some(process) = process::inspect(file.pid)
        {
            match proves(&process, data) {
                Some(true) => {
                    return Ok(Self::Running(Postmaster::of(data, file.clone(), &process)));
                }
                Some(false) => {}
                None => return Err(hidden(file.pid, data)),
            }
        }
        if let Some(pid) = pid_file::stand_alone(data)
            && process::inspect(pid).is_some_and(|process| proves(&process, data) != Some(false))
        {
            return Err(Error::conflict(format!(
                "a stand-alone backend (postgres --single, process {pid}) works in {}",
                data.display()
            ))
            .hint("end its session first"));
        }
        elsewhere::refuse_if_alive(data, file.as_ref())?;
        Ok(Self::Stale)
    }
}

fn hidden(pid: u32, data: &Path) -> Error {
    Error::conflict(format!(
        "cannot tell whether process {pid} is the server of {}: it is another user's",
        data.display()
    ))
    .hint("stop it as the user who started it, or use another PG_WORKING_DIR")
}

impl Liveness {
    /// As [`Self::of`], but also looks for server processes if there is no pid file: somebody may
    /// have removed it.
    pub fn thorough(data: &Path) -> Result<Self> {
        match Self::of(data)? {
            Self::Stopped if !leftovers(data).is_empty() => {
                elsewhere::refuse_if_alive(data, None)?;
                Ok(Self::Stale)
            }
            found => Ok(found),
        }
    }

    /// As [`Self::of`], but first waits for a server that is starting or stopping until it is ready
    /// or gone.
    pub fn settled(data: &Path) -> Result<Self> {
        let mut waited = false;
        let mut stuck = stuck::StuckWatch::new();
        let found = process::wait_for(SETTLE_LIMIT, Patience::Interruptible, || {
            let found = Self::of(data)?;
            let is_settled = !matches!(&found, Self::Running(server) if !server.file.ready);
            waited |= !is_settled;
            if let (Self::Running(server), false) = (&found, is_settled) {
                stuck.look(server)?;
            }
            Ok(is_settled.then_some(found))
        })?;
        if waited && !matches!(found, Some(Self::Running(_))) {
            wait_until_alone(data)?;
        }
        found.map_or_else(|| Self::of(data), Ok)
    }
}

impl Postmaster {
    /// The postmaster that this process has started itself, as its child.
    pub(in crate::cluster) fn started(data: &Path, file: PidFile) -> Self {
        let process_started = process::inspect(file.pid).map(|process| process.started);
        Self { data: data.to_owned(), process_started, file }
    }

    fn of(data: &Path, file: PidFile, process: &ProcessInfo) -> Self {
        Self { data: data.to_owned(), process_started: Some(process.started), file }
    }

    /// Sends `signal` if the process still is this cluster's postmaster.
    fn signal(&self, signal: Signal) -> Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        match kill(Pid::from_raw(self.file.pid.cast_signed()), signal) {
            Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
            Err(errno) => Err(Error::failed(format!(
                "cannot signal the server of {} (pid {}): {}",
                self.data.display(),
                self.file.pid,
                errno.desc()
            ))
            .hint("stop it as the user who started it")),
        }
    }

    /// Whether the process still runs.
    pub(in crate::cluster) fn is_alive(&self) -> bool {
        self.alive().is_some()
    }

    fn alive(&self) -> Option<ProcessInfo> {
        // an ending process has no working directory any more, but still has its pid
        process::inspect(self.file.pid)
            .filter(|process| self.process_started == Some(process.started))
    }
}

/// Removes a stale pid file after the last process of the data directory has ended.
pub fn heal(data: &Path) -> Result<()> {
    end_leftovers(data)?;
    elsewhere::wait_until_unlocked(data)?;
    remove_file(&data.join("postmaster.pid"))
}

/// Removes the socket of a dead server of `data`, and its lock file. PostgreSQL itself would take
/// any process with the pid in that file for the server, even another user's or a zombie.
pub fn heal_socket(socket: &Path, data: &Path) -> Result<()> {
    let mut lock = socket.as_os_str().to_owned();
    lock.push(".lock");
    let Ok(bytes) = read_small(Path::new(&lock)) else { return Ok(()) };
    let named = bytes.split(|byte| *byte == b'\n').nth(1).is_some_and(|line| {
        let named = FileId::of(Path::new(OsStr::from_bytes(line)));
        named.is_ok_and(|named| FileId::of(data).is_ok_and(|data| data == named))
    });
    let file = PidFile::parse(&String::from_utf8_lossy(&bytes));
    let Some(file) = file.filter(|_| named) else { return Ok(()) };
    let process = process::inspect(file.pid);
    if process.is_some_and(|process| proves(&process, data) != Some(false)) {
        return Ok(());
    }
    remove_file(Path::new(&lock))?;
    remove_file(socket)
}

/// Ends the server processes in `data` that a killed postmaster has left.
fn end_leftovers(data: &Path) -> Result<()> {
    for signal in [Signal::SIGQUIT, Signal::SIGKILL] {
        for process in leftovers(data) {
            let pid = Pid::from_raw(process.pid.cast_signed());
            let _ = kill(pid, signal);
            // a stopped process receives no other signal but SIGKILL before it is continued
            let _ = kill(pid, Signal::SIGCONT);
        }
        if wait_until_alone(data)? {
            return Ok(());
        }
    }
    Err(Error::failed(format!("processes of a killed server still run in {}", data.display()))
        .hint("they belong to another user; end them as that user"))
}

/// Waits up to five seconds for the last server process in `data` to end. Returns whether it did.
pub(in crate::cluster) fn wait_until_alone(data: &Path) -> Result<bool> {
    let gone = || Ok(leftovers(data).is_empty().then_some(()));
    let alone = process::wait_for(Duration::from_secs(5), Patience::Stubborn, gone)?;
    Ok(alone.is_some())
}

/// The server processes of `data` in this pid namespace.
fn leftovers(data: &Path) -> Vec<ProcessInfo> {
    let Ok(id) = FileId::of(data) else { return Vec::new() };
    let mut found = process::working_in(id);
    found.retain(|process| proves(process, data) == Some(true));
    found
}

/// Whether a process has the name of a server, or the name that Nix's wrapper gives it. The
/// programs of db-tool and PostgreSQL's clients have longer names.
fn is_server(name: &str) -> bool {
    matches!(name, "postgres" | "postmaster") || name.starts_with(".postgres-wrap")
}

/// Whether `process` is a server process of `data` that db-tool may signal. `None` if the system
/// hides the working directory of the process.
fn proves(process: &ProcessInfo, data: &Path) -> Option<bool> {
    if !is_server(&process.name) || process.in_container {
        return Some(false);
    }
    works_in(process, data)
}

fn works_in(process: &ProcessInfo, data: &Path) -> Option<bool> {
    let Some(directory) = process.directory else {
        return if process.hidden { None } else { Some(false) };
    };
    let owner = std::fs::metadata(data).ok()?.uid();
    Some(FileId::of(data).ok()? == directory && process.uid == owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_are_taken_for_leftovers() {
        for name in ["postgres", "postmaster", ".postgres-wrapp"] {
            assert!(is_server(name), "{name}");
        }
        for name in ["postgres-init", "postgres-cleanup", "postgres_export", "psql"] {
            assert!(!is_server(name), "{name}");
        }
    }

    const WHOLE: &str = "4711\n/w/data\n1700000000\n5432\n/w/sock\n\n  5432001   3\nready   \n";

    #[test]
    fn only_the_socket_of_a_dead_server_of_ours_is_removed() {
        let place = tempfile::tempdir().expect("temporary directory");
        let (socket, lock) = (place.path().join("s"), place.path().join("s.lock"));
        let stays = |directory: &Path| {
            let text = format!("{}\n{}\n1\n5432\n\n", u32::MAX, directory.display());
            std::fs::write(&lock, text).expect("written");
            std::fs::write(&socket, "").expect("written");
            heal_socket(&socket, place.path()).expect("readable");
            assert_eq!(lock.exists(), socket.exists());
            lock.exists()
        };
        assert!(stays(Path::new("/elsewhere")), "not ours");
        assert!(!stays(place.path()), "its server is dead");
    }

    /// A process that stands in for a postmaster in `data` and ignores a fast shutdown.
    #[expect(clippy::disallowed_methods, reason = "a process to stop")]
    fn stubborn(data: &Path) -> (std::process::Child, Postmaster) {
        // tests that run in the background inherit an ignored QUIT, which a shell cannot reset
        let mut command = std::process::Command::new("env");
        command.args(["--default-signal=QUIT", "sh", "-c", "trap '' INT; echo; exec sleep 60"]);
        command.current_dir(data);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("started");
        let mut byte = [0];
        let out = child.stdout.as_mut().expect("piped");
        std::io::Read::read_exact(out, &mut byte).expect("the trap is set");
        let process = process::inspect(child.id()).expect("it runs");
        let file = PidFile { pid: child.id(), ..PidFile::parse(WHOLE).expect("ok") };
        (child, Postmaster::of(data, file, &process))
    }

    #[test]
    fn a_fast_shutdown_becomes_immediate_after_the_deadline() {
        use std::os::unix::process::ExitStatusExt;
        let data = tempfile::tempdir().expect("temporary directory");
        let (mut child, postmaster) = stubborn(data.path());
        postmaster.stop(Shutdown::Fast, Duration::from_millis(50)).expect("stopped");
        let status = child.wait().expect("ended");
        assert_eq!(status.signal(), Some(Signal::SIGQUIT as i32));
    }

    #[test]
    fn a_server_process_is_known_by_name_directory_owner_and_namespace() {
        let data = tempfile::tempdir().expect("temporary directory");
        let elsewhere = tempfile::tempdir().expect("temporary directory");
        let server = ProcessInfo {
            parent: 1,
            ticks: 0,
            waits_for_disk: false,
            pid: 4711,
            started: 1,
            name: "postgres".into(),
            uid: nix::unistd::geteuid().as_raw(),
            directory: FileId::of(data.path()).ok(),
            hidden: false,
            stopped: false,
            in_container: false,
        };
        let proven = |process: &ProcessInfo| proves(process, data.path());
        assert_eq!(proven(&server), Some(true));
        assert_eq!(proven(&ProcessInfo { name: "sleep".into(), ..server.clone() }), Some(false));
        assert_eq!(proven(&ProcessInfo { uid: 54321, ..server.clone() }), Some(false));
        assert_eq!(proven(&ProcessInfo { in_container: true, ..server.clone() }), Some(false));
        let ending = ProcessInfo { directory: None, ..server.clone() };
        assert_eq!(proven(&ending), Some(false));
        assert_eq!(proven(&ProcessInfo { hidden: true, ..ending }), None);
        let directory = FileId::of(elsewhere.path()).ok();
        assert_eq!(proven(&ProcessInfo { directory, ..server.clone() }), Some(false));
        let link = elsewhere.path().join("link");
        std::os::unix::fs::symlink(data.path(), &link).expect("linked");
        assert_eq!(proves(&server, &link), Some(true));
    }
}
