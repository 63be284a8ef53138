//! `postmaster.pid`: whether a cluster's server runs, and proof that a process is that server.
//!
//! The file alone proves nothing. It outlives a killed server, its pid may by now be a stranger's,
//! and a crash can leave it empty. So a pid is believed only when the process has the data directory
//! as its working directory (every PostgreSQL process has) and started when the file says; and the
//! proof is repeated right before each signal. A file that names no such process is stale. Backends
//! of a killed postmaster live on for seconds and would make the next start fail; they are found by
//! the same working directory.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::files::remove_file;
use crate::error::{Error, IoContext, Result};
use crate::process::{self, Patience, ProcessInfo};

/// How far a process's start, as the system tells it, may lie from the file's: both have whole
/// seconds and the system's is computed from a boot time that clock corrections move.
const CLOCK_TOLERANCE: u64 = 60;

/// What `postmaster.pid` says; `src/include/utils/pidfile.h` numbers the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidFile {
    /// Line 1.
    pub pid: u32,
    /// Line 3: when it started, seconds since the epoch.
    pub started: u64,
    /// Line 4; absent while the server is starting.
    pub port: Option<u16>,
    /// Line 5: the first socket directory.
    pub socket_directory: Option<PathBuf>,
    /// Line 8: `ready` or `standby` once connections are accepted.
    pub ready: bool,
}

/// Whether a cluster's server runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Liveness {
    /// No server, and none was killed.
    Stopped,
    /// A file is there, but no server that it could mean.
    Stale,
    /// This process is the cluster's postmaster.
    Running(Postmaster),
}

/// A proven postmaster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postmaster {
    data: PathBuf,
    /// What its file said when it was proven.
    pub file: PidFile,
}

/// How to ask a postmaster to stop; the manual's section on shutting down the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Sessions are disconnected, a checkpoint is written.
    Fast,
    /// Everything ends at once; the next start recovers from WAL.
    Immediate,
}

impl PidFile {
    /// Reads the text; `None` for an empty, torn or garbled file.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 1)?;
        let _data = lines.next()?;
        let started = lines.next()?.trim().parse().ok()?;
        let port = lines.next().and_then(|line| line.trim().parse().ok());
        let socket = lines.next().map(str::trim_end).filter(|line| !line.is_empty());
        let ready = lines.nth(2).is_some_and(|line| matches!(line.trim(), "ready" | "standby"));
        Some(Self { pid, started, port, socket_directory: socket.map(PathBuf::from), ready })
    }

    /// Reads the file of a data directory; `None` when there is none, or nothing readable in it.
    pub fn read(data: &Path) -> Option<Self> {
        // bytes: a path in the file need not be UTF-8
        let bytes = std::fs::read(data.join("postmaster.pid")).ok()?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }
}

impl Liveness {
    /// Looks at the file and at the process.
    ///
    /// An error when the process runs but belongs to somebody else, so that nothing can be proven.
    pub fn of(data: &Path) -> Result<Self> {
        let path = data.join("postmaster.pid");
        if std::fs::symlink_metadata(&path).is_err() {
            return Ok(Self::Stopped);
        }
        let Some(file) = PidFile::read(data) else { return Ok(Self::Stale) };
        let Some(process) = process::inspect(file.pid) else { return Ok(Self::Stale) };
        match proves(&process, &file, data) {
            Some(true) => Ok(Self::Running(Postmaster { data: data.to_owned(), file })),
            Some(false) => Ok(Self::Stale),
            None => Err(Error::conflict(format!(
                "cannot tell whether process {} is the server of {}: it is another user's",
                file.pid,
                data.display()
            ))
            .hint("stop it as the user who started it, or use another PG_WORKING_DIR")),
        }
    }
}

impl Liveness {
    /// The same, and looks for server processes where there is no file: somebody may have removed it.
    pub fn thorough(data: &Path) -> Result<Self> {
        let real = std::fs::canonicalize(data);
        match Self::of(data)? {
            Self::Stopped if real.is_ok_and(|data| !leftovers(&data).is_empty()) => Ok(Self::Stale),
            found => Ok(found),
        }
    }
}

impl Postmaster {
    /// The postmaster that we started ourselves: its pid is our child's.
    pub(super) fn started(data: &Path, file: PidFile) -> Self {
        Self { data: data.to_owned(), file }
    }

    /// Stops it and waits: fast, and after `limit` immediate.
    pub fn stop(&self, how: Shutdown, limit: Duration) -> Result<()> {
        let steps = match how {
            Shutdown::Fast => &[Signal::SIGINT, Signal::SIGQUIT][..],
            Shutdown::Immediate => &[Signal::SIGQUIT, Signal::SIGKILL],
        };
        for signal in steps {
            self.signal(*signal)?;
            let gone = || Ok((!self.is_alive()).then_some(()));
            if process::wait_for(limit, Patience::Stubborn, gone)?.is_some() {
                return end_leftovers(&self.data);
            }
        }
        Err(Error::failed(format!(
            "the server of {} (pid {}) does not stop",
            self.data.display(),
            self.file.pid
        ))
        .hint("see its log; a process that waits for a disk or is traced cannot end"))
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

    fn is_alive(&self) -> bool {
        process::inspect(self.file.pid)
            .is_some_and(|process| proves(&process, &self.file, &self.data) == Some(true))
    }
}

/// Removes a stale file, once nothing that belongs to the data directory runs any more.
pub fn heal(data: &Path) -> Result<()> {
    end_leftovers(data)?;
    remove_file(&data.join("postmaster.pid"))
}

/// Removes the socket of a server of `data` that is gone, with its lock file: PostgreSQL itself takes
/// any process with the pid in there for that server, were it a stranger's or a zombie.
pub fn heal_socket(socket: &Path, data: &Path) -> Result<()> {
    let mut lock = socket.as_os_str().to_owned();
    lock.push(".lock");
    let Ok(bytes) = std::fs::read(&lock) else { return Ok(()) };
    let named = bytes.split(|byte| *byte == b'\n').nth(1).is_some_and(|line| {
        let named = std::fs::canonicalize(OsStr::from_bytes(line));
        named.is_ok_and(|named| std::fs::canonicalize(data).is_ok_and(|data| data == named))
    });
    let file = PidFile::parse(&String::from_utf8_lossy(&bytes));
    let Some(file) = file.filter(|_| named) else { return Ok(()) };
    let process = process::inspect(file.pid);
    if process.is_some_and(|process| proves(&process, &file, data) != Some(false)) {
        return Ok(());
    }
    remove_file(Path::new(&lock))?;
    remove_file(socket)
}

/// Ends the server processes that a killed postmaster left in `data`.
fn end_leftovers(data: &Path) -> Result<()> {
    let Ok(data) = std::fs::canonicalize(data) else { return Ok(()) };
    for signal in [Signal::SIGQUIT, Signal::SIGKILL] {
        for process in leftovers(&data) {
            let _ = kill(Pid::from_raw(process.pid.cast_signed()), signal);
        }
        if wait_until_alone(&data)? {
            return Ok(());
        }
    }
    Err(Error::failed(format!("processes of a killed server still run in {}", data.display()))
        .hint("they belong to another user; end them as that user"))
}

/// Waits for the last server process in `data` to end; whether it did within five seconds.
pub(super) fn wait_until_alone(data: &Path) -> Result<bool> {
    let gone = || Ok(leftovers(data).is_empty().then_some(()));
    let alone = process::wait_for(Duration::from_secs(5), Patience::Stubborn, gone)?;
    Ok(alone.is_some())
}

fn leftovers(data: &Path) -> Vec<ProcessInfo> {
    let mut found = process::working_in(data);
    found.retain(|process| is_server(&process.name));
    found
}

/// Whether a short name is the server's, or what Nix calls it behind its wrapper. The tools of this
/// project and PostgreSQL's own clients have longer ones.
fn is_server(name: &str) -> bool {
    matches!(name, "postgres" | "postmaster") || name.starts_with(".postgres-wrap")
}

/// Whether `process` is the postmaster that `file` means; `None` when its directory is hidden.
fn proves(process: &ProcessInfo, file: &PidFile, data: &Path) -> Option<bool> {
    let directory = process.directory.as_ref()?;
    let data = std::fs::canonicalize(data).on("find", data).ok()?;
    let same_time = process.started.abs_diff(file.started) <= CLOCK_TOLERANCE;
    Some(*directory == data && same_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "4711\n/w/data\n1700000000\n5432\n/w/sock\n\n  5432001   3\nready   \n";

    #[test]
    fn a_whole_file_is_read() {
        let file = PidFile::parse(WHOLE).expect("whole");
        assert_eq!((file.pid, file.started, file.port), (4711, 1_700_000_000, Some(5432)));
        assert_eq!(file.socket_directory, Some(PathBuf::from("/w/sock")));
        assert!(file.ready);
    }

    #[test]
    fn a_starting_server_is_not_ready() {
        let starting = WHOLE.replace("ready   ", "starting");
        assert!(!PidFile::parse(&starting).expect("whole").ready);
        assert!(!PidFile::parse("4711\n/w/data\n1700000000\n").expect("short").ready);
    }

    #[test]
    fn garbage_is_no_file() {
        for text in ["", "\n", "x\ny\nz\n", "4711\n", "-5\n/w\n1\n", "0\n/w\n1\n", "1\n/w\n1\n"] {
            assert_eq!(PidFile::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_servers_are_taken_for_leftovers() {
        for name in ["postgres", "postmaster", ".postgres-wrapp"] {
            assert!(is_server(name), "{name}");
        }
        for name in ["postgres-init", "postgres-cleanup", "postgres_export", "psql"] {
            assert!(!is_server(name), "{name}");
        }
    }

    #[test]
    fn a_socket_of_a_living_or_foreign_server_stays() {
        let place = tempfile::tempdir().expect("temporary directory");
        let (socket, lock) = (place.path().join("s"), place.path().join("s.lock"));
        let here = std::env::current_dir().expect("a working directory");
        let own = process::inspect(std::process::id()).expect("this process runs");
        let stays = |pid: u32, started: u64, directory: &Path| {
            let text = format!("{pid}\n{}\n{started}\n5432\n\n", directory.display());
            std::fs::write(&lock, text).expect("written");
            std::fs::write(&socket, "").expect("written");
            heal_socket(&socket, &here).expect("readable");
            assert_eq!(lock.exists(), socket.exists());
            lock.exists()
        };
        assert!(stays(own.pid, own.started, &here), "it lives");
        assert!(stays(own.pid, own.started - 3600, Path::new("/elsewhere")), "not ours");
        assert!(!stays(own.pid, own.started - 3600, &here), "the pid is another's by now");
    }

    /// A process that stands in for a postmaster in `data` and ignores a fast shutdown.
    #[expect(clippy::disallowed_methods, reason = "a process to stop")]
    fn stubborn(data: &Path) -> (std::process::Child, Postmaster) {
        // whoever runs the tests in the background has QUIT ignored, which a shell cannot undo
        let mut command = std::process::Command::new("env");
        command.args(["--default-signal=QUIT", "sh", "-c", "trap '' INT; echo; exec sleep 60"]);
        command.current_dir(data);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("started");
        let mut byte = [0];
        let out = child.stdout.as_mut().expect("piped");
        std::io::Read::read_exact(out, &mut byte).expect("the trap is set");
        let process = process::inspect(child.id()).expect("it runs");
        let file = PidFile {
            pid: child.id(),
            started: process.started,
            ..PidFile::parse(WHOLE).expect("ok")
        };
        (child, Postmaster::started(data, file))
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
    fn a_strangers_process_is_not_the_server() {
        let own = process::inspect(std::process::id()).expect("this process runs");
        let elsewhere = tempfile::tempdir().expect("temporary directory");
        let file =
            PidFile { pid: own.pid, started: own.started, ..PidFile::parse(WHOLE).expect("ok") };
        assert_eq!(proves(&own, &file, elsewhere.path()), Some(false));
        let here = std::env::current_dir().expect("a working directory");
        assert_eq!(proves(&own, &file, &here), Some(true));
        let recycled = PidFile { started: own.started - 3600, ..file };
        assert_eq!(proves(&own, &recycled, &here), Some(false));
    }
}
