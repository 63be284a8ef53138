//! Finds a server that is alive although its pid file names no process that db-tool can see.
//!
//! If a project is mounted into a container, there is one data directory but there are two sets of
//! process ids. A pid that the container's server wrote means nothing outside, and the other way
//! round. Two servers on one data directory destroy it. So before db-tool takes a pid file for
//! stale, it looks for three other signs of a living server:
//!
//! - a server process in another pid namespace, which the host can see;
//! - a socket that answers: a socket works in every namespace, because the kernel finds it by its
//!   inode;
//! - the lock on a file beside the data directory, which every server that db-tool starts holds.
//!
//! With any of these signs, db-tool refuses to go on.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};

use super::pid_file::PidFile;
use super::{deleted, is_server, leftovers};
use crate::cluster::files::read_small;
use crate::cluster::layout::{server_lock_of, socket_in};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::no_follow;
use crate::sys::process;
use crate::sys::process::{FileId, Patience};
use crate::sys::shell;

/// The longest time for which the last processes of a dead server may still hold its lock.
const LINGER: Duration = Duration::from_secs(5);

/// Refuses if a server of `data` may be alive where this process cannot see it. `file` is the pid
/// file; no process here matches it.
pub(super) fn refuse_if_alive(data: &Path, file: Option<&PidFile>) -> Result<()> {
    let Ok(id) = FileId::of(data) else { return Ok(()) };
    let mut here = process::working_in(id);
    here.retain(|process| is_server(&process.name));
    if let Some(process) = here.iter().find(|process| process.in_container) {
        let what = format!(
            "the server of {} (process {}) runs in a container",
            data.display(),
            process.pid
        );
        return Err(Error::conflict(what).hint("use it or stop it inside that container"));
    }
    if let Some(socket) = answering_socket(data, id, file) {
        if file.is_none()
            && let Some(server) =
                here.iter().find(|one| here.iter().all(|other| other.pid != one.parent))
        {
            return Err(without_file(data, server.pid));
        }
        return Err(undecided(data, &format!("a server answers on {}", socket.display())).hint(
            "it may run in a container or on behalf of another user: stop it there, or use it by this \
             socket",
        ));
    }
    let lock = server_lock_of(data);
    if lock.exists() && leftovers(data).is_empty() {
        // when a process ends, the system closes its files only after it has cleared its working
        // directory
        wait_until_unlocked(data)?;
    }
    Ok(())
}

/// Takes the lock that a server of `data`, and every process that it starts, will hold as long as
/// they live.
///
/// # Errors
/// `Conflict` if processes of another server hold it.
pub(in crate::cluster) fn lock_for_server(data: &Path) -> Result<File> {
    let path = server_lock_of(data);
    // also if it does not hold this lock: at its end, it would remove the sockets of the new server
    deleted::end(data)?;
    let free = process::wait_for(LINGER, Patience::Interruptible, || take(&path))?;
    free.ok_or_else(|| held(data, &path))
}

/// Waits until the processes of a killed server have released its lock.
pub(super) fn wait_until_unlocked(data: &Path) -> Result<()> {
    let path = server_lock_of(data);
    if !path.exists() {
        return Ok(());
    }
    if take(&path)?.is_some() {
        return Ok(());
    }
    deleted::end(data)?;
    let free = process::wait_for(LINGER, Patience::Stubborn, || take(&path))?;
    free.map(drop).ok_or_else(|| held(data, &path))
}

/// Opens and locks the lock file. `None` if another process holds the lock. The lock is free only
/// when every copy of the descriptor is closed, also those that a server has inherited.
fn take(path: &Path) -> Result<Option<File>> {
    let file = no_follow::create(path, 0o600).on("create the server's lock file", path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", path, &error)),
    }
}

/// Finds a socket at which a server accepts connections: the one that `file` names, or one in the
/// directories that db-tool uses. Leaves out sockets that certainly belong to another data
/// directory.
fn answering_socket(data: &Path, id: FileId, file: Option<&PidFile>) -> Option<PathBuf> {
    let named = file.and_then(|file| Some(socket_in(file.socket_directory.as_ref()?, file.port?)));
    let beside = data.parent().into_iter().flat_map(|place| [place.join("sock"), place.to_owned()]);
    let entries = beside.filter_map(|place| std::fs::read_dir(place).ok()).flatten().flatten();
    let sockets = entries.map(|entry| entry.path()).filter(|path| is_socket(path));
    named.into_iter().chain(sockets).find(|path| answers(path) && !is_of_other_cluster(path, id))
}

fn is_socket(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix(".s.PGSQL.").is_some_and(|port| port.parse::<u16>().is_ok())
}

/// Whether a process listens on the socket. Does not wait for an answer: a stopped process listens,
/// too.
pub(in crate::cluster) fn answers(path: &Path) -> bool {
    let Ok(address) = UnixAddr::new(path) else { return false };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let Ok(end) = socket(AddressFamily::Unix, SockType::Stream, flags, None) else { return false };
    // EAGAIN: the queue of waiting clients is full
    matches!(connect(end.as_raw_fd(), &address), Ok(()) | Err(Errno::EAGAIN | Errno::EINPROGRESS))
}

/// Whether the lock file of a socket names an existing data directory other than `own`.
fn is_of_other_cluster(socket: &Path, own: FileId) -> bool {
    let mut lock = socket.as_os_str().to_owned();
    lock.push(".lock");
    let Ok(bytes) = read_small(Path::new(&lock)) else { return false };
    let named =
        bytes.split(|byte| *byte == b'\n').nth(1).map(|line| Path::new(OsStr::from_bytes(line)));
    named.is_some_and(|path| FileId::of(path).is_ok_and(|id| id != own))
}

/// The error for a server whose pid file somebody has removed or overwritten.
fn without_file(data: &Path, pid: u32) -> Error {
    let what = format!(
        "the server of {} (process {pid}) runs, but its postmaster.pid is gone or damaged",
        data.display()
    );
    Error::conflict(what).hint(format!(
        "PostgreSQL ends such a server within a minute; `kill -INT {pid}` ends it now"
    ))
}

fn held(data: &Path, lock: &Path) -> Error {
    let is_lock = |path: &Path| server_lock_of(path) == path;
    let holders = FileId::of(lock).map(|id| process::holding(id, is_lock)).unwrap_or_default();
    let ours = std::process::id();
    let named: Vec<_> = holders
        .iter()
        .filter(|holder| holder.pid != ours)
        .map(|holder| format!("process {} ({})", holder.pid, holder.name))
        .collect();
    if named.is_empty() {
        let sign = format!("its lock {} is held", lock.display());
        return undecided(data, &sign).hint(format!(
            "`fuser -v {}` shows the process; if it is no server of this cluster, remove the file",
            shell::quote(&lock.to_string_lossy())
        ));
    }
    let sign = format!("its lock {} is held by {}", lock.display(), named.join(", "));
    undecided(data, &sign).hint(
        "a program that the server started, such as one of COPY … TO PROGRAM, outlives it: end it; \
         or stop the server, if it is one",
    )
}

fn undecided(data: &Path, sign: &str) -> Error {
    Error::conflict(format!(
        "cannot tell whether a server of {} runs: no process here is that server, but {sign}",
        data.display()
    ))
}
