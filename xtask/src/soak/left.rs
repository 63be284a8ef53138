//! The check after a soak: processes, shared memory and files that the commands have left.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::process::all;
use super::project::Ground;
use super::run::wait_until;

/// The time that keepers and servers have to end.
const LIMIT: Duration = Duration::from_secs(60);

/// The most files of dynamic shared memory that may stay. A server that is killed before it has noted
/// such a file leaves one that nobody can prove to be its own.
const NAMELESS: usize = 2;

/// The names in a working directory after `database cleanup`.
const STAYING: [&str; 4] = [".db-tool.lock", ".gitignore", "log", "snapshot"];

/// Things of the machine that do not lie in the soak's own directory and that no process uses.
pub(super) struct Machine {
    segments: BTreeSet<String>,
    shared: BTreeSet<PathBuf>,
}

impl Machine {
    /// The machine as it is now.
    pub(super) fn now() -> Self {
        Self { segments: segments(), shared: shared() }
    }

    /// The names of the things that are here now and were not at the beginning.
    fn new_since(before: &Self) -> Vec<String> {
        let now = Self::now();
        let segments = now.segments.difference(&before.segments);
        let new: Vec<_> = now.shared.difference(&before.shared).collect();
        let is_nameless = new.len() <= NAMELESS && now.segments.is_subset(&before.segments);
        let paths = new.into_iter().filter(|_| !is_nameless);
        let paths = paths.map(|path| path.display().to_string());
        segments.map(|id| format!("shared memory segment {id}")).chain(paths).collect()
    }
}

/// Everything that was left, in words. `sockets` are the short directories for sockets.
pub(super) fn left(ground: &Ground, before: &Machine, sockets: &[PathBuf]) -> Vec<String> {
    let mut found = Vec::new();
    wait_until(LIMIT, || {
        found = processes(ground);
        found.extend(Machine::new_since(before));
        found.is_empty()
    });
    let sockets = sockets.iter().filter(|path| path.exists());
    let files = files(ground);
    found.extend(files.iter().chain(sockets).map(|path| shown(path)));
    found
}

/// A path with the names below it, by which a reader sees what was interrupted.
fn shown(path: &Path) -> String {
    let names = named(path, |_| true);
    let names = names.iter().filter_map(|path| path.file_name());
    let names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    match names.is_empty() {
        true => path.display().to_string(),
        false => format!("{} with {}", path.display(), names.join(", ")),
    }
}

fn processes(ground: &Ground) -> Vec<String> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let all = all().into_iter().filter(|process| process.pid != own);
    let about = all.filter(|process| process.is_about(ground.path()));
    about.map(|process| process.shown()).collect()
}

/// The System V shared memory segments that no process is attached to.
fn segments() -> BTreeSet<String> {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let free = rows.filter(|row| row.get(6) == Some(&"0"));
    free.filter_map(|row| row.get(1).map(|id| (*id).to_owned())).collect()
}

/// PostgreSQL's files in `/dev/shm` that no process has mapped.
fn shared() -> BTreeSet<PathBuf> {
    let mut files = named(Path::new("/dev/shm"), |name| name.starts_with("PostgreSQL."));
    for process in all() {
        let maps = fs::read_to_string(format!("/proc/{}/maps", process.pid)).unwrap_or_default();
        let mapped = maps.lines().filter_map(|line| Some(&line[line.find("/dev/shm/")?..]));
        for path in mapped {
            files.remove(Path::new(path));
        }
    }
    files
}

/// The files of the soak's own directory that a command should have removed.
fn files(ground: &Ground) -> Vec<PathBuf> {
    let cache = ground.cache().join("db-tool");
    let mut found = named(&ground.temporary(), |_| true);
    found.extend(named(&cache.join("running"), |_| true));
    found.extend(named(&cache.join("template"), |name| name.ends_with(".new")));
    for project in projects(ground) {
        let focus = project.join("focus");
        let backup = |name: &str| name == "postgresql" || name == "postgresql-backup";
        found.extend(named(&focus, |name| !backup(name)));
        let work = focus.join("postgresql");
        // the key opens the secrets of the snapshots
        let has_snapshots = !named(&work.join("snapshot"), |_| true).is_empty();
        let stays = |name: &str| STAYING.contains(&name) || has_snapshots && name == "hectic.key";
        found.extend(named(&work, |name| !stays(name)));
        found.extend(named(&work.join("snapshot"), |name| name.contains('.')));
    }
    found.into_iter().collect()
}

fn projects(ground: &Ground) -> Vec<PathBuf> {
    let workers = named(ground.path(), |name| name != "tmp" && name != "cache");
    workers.iter().flat_map(|worker| named(worker, |_| true)).collect()
}

/// The entries of `directory` with such a name.
fn named(directory: &Path, is_meant: impl Fn(&str) -> bool) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let meant = entries.filter(|entry| is_meant(&entry.file_name().to_string_lossy()));
    meant.map(|entry| entry.path()).collect()
}
