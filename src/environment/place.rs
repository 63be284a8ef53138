//! The place of a private cluster: in memory if the machine has room, else on the disk.
//!
//! A cluster has a thousand small files, which the command soon removes again. On many file systems
//! making and removing them takes longer than the rest of the command; in memory it takes next to
//! nothing. But what lies in memory can use it up. So there must be much more room than the project
//! has needed before, and a command whose memory runs out all the same starts over on the disk.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access};

use crate::cluster::space::is_in_memory;
use crate::cluster::{Traces, Witness, check_reach, private_directory};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{ActingAs, OsUser, available_memory, read_text};
use crate::sys::signal;

/// The directory of files in memory.
const MEMORY: &str = "/dev/shm";

/// The least room, in bytes, for a cluster in memory.
const LEAST: u64 = 1_000_000_000;

/// The room for a cluster in memory, as a multiple of the size that the last one had.
const FACTOR: u64 = 4;

/// The least number of files that the file system must have room for.
const FILES: u64 = 20_000;

/// A size is forgotten if nobody has used the project for this long.
const FORGET_AFTER: Duration = Duration::from_secs(60 * 24 * 3600);

/// The messages of the system and of db-tool about a full file system.
const FULL: [&str; 2] = ["No space left on device", "there is no space left for"];

/// The messages of a server about a process that the system has killed for want of memory.
const KILLED: [&str; 2] = ["was terminated by signal 7", "was terminated by signal 9"];

/// The places from which private clusters get theirs. Clones share what is known about the memory.
#[derive(Debug, Clone)]
pub struct Places {
    /// The directory of temporary files, `TMPDIR`.
    pub temporary: PathBuf,
    /// The directory that the user has chosen, `PG_THROWAWAY_DIR`.
    pub chosen: Option<PathBuf>,
    tally: Arc<Tally>,
}

/// A place, and why it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The parent of the cluster's directory.
    pub parent: PathBuf,
    /// Why it was taken.
    pub reason: Reason,
}

/// The reason for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is room in memory: the free and the required bytes.
    Room(u64, u64),
    /// There is too little room in memory: the free and the required bytes.
    Little(u64, u64),
    /// No directory in memory can be used, with the reason.
    NoMemory(String),
    /// The user has chosen the place.
    Chosen,
    /// The cluster stays, and memory does not survive a restart of the machine.
    Kept,
    /// The memory ran out when the command tried before.
    RanOut,
}

/// The facts on which the decision depends.
struct Question {
    is_kept: bool,
    is_chosen: bool,
    ran_out: bool,
    required: u64,
    /// The free bytes in memory, or why none can be used.
    room: std::result::Result<u64, String>,
}

/// What the command has seen of its private clusters.
#[derive(Debug, Default)]
struct Tally {
    /// The file that remembers the size of the project's last private cluster.
    file: Option<PathBuf>,
    /// Whether a cluster of this command was in memory.
    has_used_memory: AtomicBool,
    /// Whether a server has complained about a full disk, or was killed.
    has_failed: AtomicBool,
    /// Whether the command starts over on the disk.
    ran_out: AtomicBool,
}

/// Decides without looking at the machine.
fn decide(question: Question) -> Reason {
    let Question { is_kept, is_chosen, ran_out, required, room } = question;
    match room {
        _ if is_kept => Reason::Kept,
        _ if is_chosen => Reason::Chosen,
        _ if ran_out => Reason::RanOut,
        Err(why) => Reason::NoMemory(why),
        Ok(free) if free >= required => Reason::Room(free, required),
        Ok(free) => Reason::Little(free, required),
    }
}

/// The room that a cluster needs in memory. `last` is the size of the project's last cluster, and
/// `content` that of the files with which this one begins.
fn required(last: Option<u64>, content: u64) -> u64 {
    LEAST.max(FACTOR.saturating_mul(last.unwrap_or(0).max(content)))
}

impl Places {
    /// The places of a project. `size` is the file that remembers how large its last private cluster
    /// was.
    pub fn new(temporary: PathBuf, chosen: Option<PathBuf>, size: Option<PathBuf>) -> Self {
        let tally = Arc::new(Tally { file: size, ..Tally::default() });
        Self { temporary, chosen, tally }
    }

    /// Decides on the place of a cluster that begins with `content` bytes, and whose server runs as
    /// `user`.
    ///
    /// # Errors
    /// If the server's user cannot reach the place.
    pub fn choose(&self, is_kept: bool, content: u64, user: Option<&OsUser>) -> Result<Place> {
        let reason = decide(Question {
            is_kept,
            is_chosen: self.chosen.is_some(),
            ran_out: self.tally.ran_out.load(Ordering::Relaxed),
            required: required(self.tally.last_size(), content),
            room: room(Path::new(MEMORY), user),
        });
        let parent = match (&reason, &self.chosen) {
            (Reason::Room(..), _) => MEMORY.into(),
            (Reason::Chosen, Some(chosen)) => chosen.clone(),
            _ => self.temporary.clone(),
        };
        tracing::debug!("the private cluster is in {}: {reason}", parent.display());
        if let Some(user) = user {
            check_reach(&parent, user)?;
        }
        if matches!(reason, Reason::Room(..)) {
            self.tally.has_used_memory.store(true, Ordering::Relaxed);
        }
        Ok(Place { parent, reason })
    }

    /// The observer of the clusters in these places.
    pub fn witness(&self) -> Arc<dyn Witness> {
        Arc::<Tally>::clone(&self.tally)
    }

    /// Makes an attempt. If it fails because the memory has run out, makes a second one, whose
    /// clusters are on the disk.
    pub fn attempt<T>(&self, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        match attempt() {
            Err(error) if self.tally.is_about_memory(&error) && signal::caught().is_none() => {
                let disk = self.temporary.display();
                tracing::warn!("the memory in {MEMORY} has run out: starting over in {disk}");
                tracing::debug!("the error was: {error}");
                self.tally.ran_out.store(true, Ordering::Relaxed);
                attempt()
            }
            done => done,
        }
    }
}

impl Tally {
    fn last_size(&self) -> Option<u64> {
        read_text(self.file.as_ref()?).ok()?.trim().parse().ok()
    }

    /// Whether a failed command should start over on the disk.
    fn is_about_memory(&self, error: &Error) -> bool {
        let mut lines =
            std::iter::once(error.message()).chain(error.details().iter().map(String::as_str));
        let is_full = lines.any(|line| FULL.iter().any(|words| line.contains(words)));
        self.has_used_memory.load(Ordering::Relaxed)
            && !self.ran_out.load(Ordering::Relaxed)
            && (is_full || self.has_failed.load(Ordering::Relaxed))
    }

    fn remember(&self, bytes: u64) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let directory = file.parent().unwrap_or(file);
        private_directory(directory)?;
        if !file.exists() {
            forget_old_sizes(directory);
        }
        std::fs::write(file, format!("{bytes}\n")).on("write", file)
    }
}

impl Witness for Tally {
    /// An error does no harm: the next command then knows less.
    fn see(&self, traces: &Traces) {
        let said = |words: &[&str]| words.iter().any(|words| traces.log.contains(words));
        if said(&FULL) || said(&KILLED) {
            self.has_failed.store(true, Ordering::Relaxed);
        }
        if let Err(error) = self.remember(traces.bytes) {
            tracing::debug!("the size of the private cluster is not remembered: {error}");
        }
    }
}

fn forget_old_sizes(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let used = entry.metadata().and_then(|facts| facts.modified());
        if used.is_ok_and(|used| used.elapsed().is_ok_and(|age| age > FORGET_AFTER)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The bytes that are free in memory for files in `place`, or why no cluster may lie there.
fn room(place: &Path, user: Option<&OsUser>) -> std::result::Result<u64, String> {
    let shown = place.display();
    let _ourselves = ActingAs::ourselves();
    let facts = std::fs::metadata(place).map_err(|_| format!("there is no {shown}"))?;
    let is_open = facts.mode() & 0o022 != 0 && facts.mode() & 0o1000 == 0;
    if is_open || ![0, OsUser::current().uid].contains(&facts.uid()) {
        return Err(format!("other users can replace files in {shown}"));
    }
    let is_writable = access(place, AccessFlags::W_OK | AccessFlags::X_OK).is_ok();
    if !is_writable || user.is_some_and(|user| check_reach(place, user).is_err()) {
        return Err(format!("{shown} cannot be written to"));
    }
    if !is_in_memory(place) {
        return Err(format!("{shown} is not in memory"));
    }
    let facts = statvfs(place).map_err(|errno| format!("{shown}: {}", errno.desc()))?;
    if facts.files() > 0 && facts.files_available() < FILES {
        return Err(format!("{shown} has no room for more files"));
    }
    let available = available_memory().ok_or("the system does not tell how much memory is free")?;
    Ok(facts.blocks_available().saturating_mul(facts.fragment_size()).min(available))
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: &u64| bytes / 1_000_000;
        match self {
            Self::Room(free, required) => {
                let (free, required) = (megabytes(free), megabytes(required));
                write!(f, "memory has room, {free} MB where a cluster needs {required} MB")
            }
            Self::Little(free, required) => {
                let (free, required) = (megabytes(free), megabytes(required));
                write!(f, "memory has only {free} MB free, and a cluster there needs {required} MB")
            }
            Self::NoMemory(why) => f.write_str(why),
            Self::Chosen => f.write_str("PG_THROWAWAY_DIR names it"),
            Self::Kept => f.write_str("a cluster that stays is not in memory"),
            Self::RanOut => f.write_str("the memory has run out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question {
            is_kept: false,
            is_chosen: false,
            ran_out: false,
            required: LEAST,
            room: Ok(2 * LEAST),
        }
    }

    #[test]
    fn memory_is_taken_only_with_room() {
        assert_eq!(decide(question()), Reason::Room(2 * LEAST, LEAST));
        assert_eq!(decide(Question { room: Ok(LEAST), ..question() }), Reason::Room(LEAST, LEAST));
        let little = Question { room: Ok(LEAST - 1), ..question() };
        assert_eq!(decide(little), Reason::Little(LEAST - 1, LEAST));
        let none = Question { room: Err("none".into()), ..question() };
        assert_eq!(decide(none), Reason::NoMemory("none".into()));
        assert_eq!(decide(Question { ran_out: true, ..question() }), Reason::RanOut);
    }

    #[test]
    fn a_kept_cluster_is_on_the_disk_and_a_choice_beats_the_rest() {
        assert_eq!(decide(Question { is_kept: true, ..question() }), Reason::Kept);
        let chosen = Question { is_chosen: true, ran_out: true, ..question() };
        assert_eq!(decide(chosen), Reason::Chosen);
        let both = Question { is_kept: true, is_chosen: true, ..question() };
        assert_eq!(decide(both), Reason::Kept);
    }

    #[test]
    fn a_large_project_needs_more_room() {
        assert_eq!(required(None, 0), LEAST);
        assert_eq!(required(Some(LEAST / 4), 0), LEAST);
        assert_eq!(required(Some(LEAST), 5), 4 * LEAST);
        assert_eq!(required(Some(5), LEAST), 4 * LEAST);
        assert_eq!(required(Some(u64::MAX), 0), u64::MAX);
    }

    #[test]
    fn the_size_of_the_last_cluster_is_remembered() {
        let place = tempfile::tempdir().expect("temporary directory");
        let places = Places::new("/tmp".into(), None, Some(place.path().join("size/project")));
        assert_eq!(places.tally.last_size(), None);
        for bytes in [300_000_000, 40_000_000] {
            places.witness().see(&Traces { bytes, log: String::new() });
            assert_eq!(places.tally.last_size(), Some(bytes));
        }
        std::fs::write(place.path().join("size/project"), "much").expect("written");
        assert_eq!(places.tally.last_size(), None);
    }

    #[test]
    fn an_attempt_is_repeated_once_and_only_if_memory_has_run_out() {
        let full = || Error::failed("could not extend file: No space left on device");
        let crash = Traces { bytes: 1, log: "(PID 7) was terminated by signal 9: Killed".into() };
        for (in_memory, crashes, error, expected) in [
            (true, false, full(), 2),
            (true, true, Error::failed("the server closed the connection"), 2),
            (true, false, Error::failed("syntax error"), 1),
            (false, true, full(), 1),
        ] {
            let places = Places::new("/tmp".into(), None, None);
            places.tally.has_used_memory.store(in_memory, Ordering::Relaxed);
            let mut attempts = 0;
            let done: Result<()> = places.attempt(|| {
                attempts += 1;
                if crashes {
                    places.witness().see(&crash);
                }
                Err(error.clone())
            });
            assert_eq!((done.expect_err("failed"), attempts), (error, expected));
        }
    }

    #[test]
    fn a_place_that_others_control_or_that_is_on_a_disk_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir_in("/tmp").expect("temporary directory");
        let open = |mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(place.path(), mode).expect("changed");
            room(place.path(), None)
        };
        assert!(open(0o777).expect_err("open").contains("other users"));
        if !is_in_memory(place.path()) {
            assert!(open(0o1777).expect_err("on the disk").contains("is not in memory"));
        }
        assert!(room(&place.path().join("none"), None).expect_err("none").contains("there is no"));
        if OsUser::current().is_root() {
            std::os::unix::fs::chown(place.path(), Some(12345), None).expect("given away");
            assert!(open(0o755).expect_err("a stranger's").contains("other users"));
        }
    }
}
