//! Leases: they tie a server to the processes that use it.
//!
//! A lease belongs to one process, its holder: usually a shell. A keeper, which is a process of
//! db-tool in the background, keeps the lease: it waits for the end of the holder (see `keeper`).
//! When the last lease ends, its keeper stops the server. The data stays.
//!
//! The directory `.lease` in the working directory has a file for each lease. Its keeper has locked
//! that file since before the keeper ran, and the system releases the lock when the keeper dies, so
//! that nothing but the lock says whether a lease is kept. The file `ends-with-last` says that the
//! server stops with its last lease. A server that was started without a lease goes on running.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::cluster::Layout;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::no_follow;
use crate::sys::process::{ActingAs, ProcessId, inspect, pid_namespace};

/// The program that evaluates `.envrc` for a shell, also with the wrapper of nixpkgs. It ends right
/// after that.
const DIRENV: [&str; 2] = ["direnv", ".direnv-wrapped"];

/// The most parents that db-tool looks at.
const DEPTH: usize = 64;

/// The process that a lease belongs to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Holder {
    /// The process id.
    pub pid: u32,
    /// The name of its program. `None` if the process runs in another container.
    pub program: Option<String>,
    #[serde(skip)]
    process: ProcessId,
    #[serde(skip)]
    namespace: u64,
}

impl Holder {
    /// The holder of a lease for the process `pid`. If direnv runs this process to evaluate an
    /// `.envrc`, the holder is the process that has called direnv, usually a shell.
    ///
    /// # Errors
    /// `Conflict` if no such process runs.
    pub fn of(pid: u32) -> Result<Self> {
        let found = inspect(pid).ok_or_else(|| {
            Error::conflict(format!("no process {pid} runs, so it cannot hold a lease"))
                .hint("name a process that goes on running, such as the shell: --lease $$")
        })?;
        let parents = std::iter::successors(Some(found.clone()), |process| inspect(process.parent));
        let direnv = parents.take(DEPTH).find(|process| DIRENV.contains(&&*process.name));
        let holder = direnv.and_then(|direnv| inspect(direnv.parent)).unwrap_or(found);
        let process = ProcessId { pid: holder.pid, started: holder.started };
        let namespace = pid_namespace();
        Ok(Self { pid: holder.pid, program: Some(holder.name), process, namespace })
    }

    /// The holder's process.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// The holder that a keeper was started for, which may have ended since.
    pub fn remembered(process: ProcessId) -> Self {
        Self { pid: process.pid, program: None, process, namespace: pid_namespace() }
    }

    fn file_name(&self) -> String {
        format!("{}-{}-{}", self.process.pid, self.process.started, self.namespace)
    }

    fn parse(name: &str) -> Option<Self> {
        let mut numbers = name.split('-').map(str::parse::<u64>);
        let mut next = || numbers.next()?.ok();
        let (pid, started, namespace) = (u32::try_from(next()?).ok()?, next()?, next()?);
        let process = ProcessId { pid, started };
        let here = namespace == pid_namespace();
        let program = inspect(pid).filter(|found| here && found.started == started);
        let program = program.map(|found| found.name);
        Some(Self { pid, program, process, namespace })
    }
}

/// The leases of a cluster.
#[derive(Debug)]
pub struct Leases {
    directory: PathBuf,
    owner: u32,
}

impl Leases {
    /// The leases of the cluster in `layout`.
    pub fn of(layout: &Layout) -> Self {
        Self { directory: layout.leases(), owner: layout.owner() }
    }

    /// The holders whose leases are kept, or who live.
    pub fn holders(&self) -> Vec<Holder> {
        let mut holders: Vec<_> =
            self.files().into_iter().filter(|(_, is_live)| *is_live).collect();
        holders.sort_by_key(|(holder, _)| holder.pid);
        holders.into_iter().map(|(holder, _)| holder).collect()
    }

    /// Whether the server stops with its last lease.
    pub fn ends_with_last(&self) -> bool {
        self.ends_with_last_file().exists()
    }

    /// Decides whether the server stops with its last lease.
    pub fn set_ends_with_last(&self, ends: bool) -> Result<()> {
        let _acting = ActingAs::owner(self.owner)?;
        let file = self.ends_with_last_file();
        if ends {
            make_directory(&self.directory)?;
            open(&file).map(drop)
        } else {
            remove_if_there(&file)
        }
    }

    /// Makes and locks the file of a lease. `None` if a keeper keeps this lease already.
    pub(super) fn lock(&self, holder: &Holder) -> Result<Option<File>> {
        let _acting = ActingAs::owner(self.owner)?;
        make_directory(&self.directory)?;
        let path = self.directory.join(holder.file_name());
        let file = open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &path, &error)),
        }
    }

    /// Removes the file of a lease that has ended, and those of other holders that have ended.
    pub(super) fn forget(&self, ended: &Holder) -> Result<()> {
        let _acting = ActingAs::owner(self.owner)?;
        remove_if_there(&self.directory.join(ended.file_name()))?;
        for (holder, is_live) in self.files() {
            if !is_live {
                remove_if_there(&self.directory.join(holder.file_name()))?;
            }
        }
        // it stays while it has other files
        let _ = std::fs::remove_dir(&self.directory);
        Ok(())
    }

    /// All leases, and whether each is kept or its holder lives.
    fn files(&self) -> Vec<(Holder, bool)> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let known = entries.filter_map(|entry| {
            let holder = Holder::parse(entry.file_name().to_str()?)?;
            let is_live = holder.program.is_some() || is_locked(&entry.path());
            Some((holder, is_live))
        });
        known.collect()
    }

    fn ends_with_last_file(&self) -> PathBuf {
        self.directory.join("ends-with-last")
    }
}

pub(super) fn make_directory(directory: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.on("create", directory)
}

pub(super) fn open(path: &Path) -> Result<File> {
    no_follow::create(path, 0o600).on("open the lease", path)
}

fn is_locked(path: &Path) -> bool {
    let file = no_follow::write(path);
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", path, &error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leases() -> (tempfile::TempDir, Leases) {
        let place = tempfile::tempdir().expect("temporary directory");
        let owner = nix::unistd::geteuid().as_raw();
        let layout = Layout::new(place.path().to_owned(), None, owner);
        let leases = Leases::of(&layout);
        (place, leases)
    }

    #[test]
    fn a_lease_is_kept_once_and_seen_by_others() {
        let (_place, leases) = leases();
        let own = Holder::of(std::process::id()).expect("it runs");
        let kept = leases.lock(&own).expect("can lock").expect("free");
        assert!(leases.lock(&own).expect("can try").is_none());
        assert_eq!(leases.holders(), std::slice::from_ref(&own));
        drop(kept);
        leases.forget(&own).expect("removed");
        assert_eq!(leases.holders(), []);
        assert!(!leases.directory.exists());
    }

    #[test]
    fn a_dead_holder_without_a_keeper_is_forgotten() {
        let (_place, leases) = leases();
        let own = Holder::of(std::process::id()).expect("it runs");
        let earlier = ProcessId { started: own.process.started - 1, ..own.process };
        let dead = Holder::remembered(earlier);
        let kept = leases.lock(&dead).expect("can lock").expect("free");
        assert_eq!(leases.holders().len(), 1, "its keeper lives");
        drop(kept);
        assert_eq!(leases.holders(), []);
        leases.forget(&own).expect("removed");
        assert!(!leases.directory.exists());
    }

    #[test]
    fn a_server_ends_with_its_last_lease_only_if_it_is_told_so() {
        let (_place, leases) = leases();
        assert!(!leases.ends_with_last());
        leases.set_ends_with_last(false).expect("nothing to do");
        leases.set_ends_with_last(true).expect("written");
        assert!(leases.ends_with_last() && leases.holders().is_empty());
        leases.set_ends_with_last(false).expect("removed");
        assert!(!leases.ends_with_last());
    }

    #[test]
    fn only_a_process_that_runs_can_hold_a_lease() {
        assert!(Holder::of(u32::MAX).is_err());
        assert!(Holder::of(0).is_err());
    }
}
