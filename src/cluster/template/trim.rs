//! Limits for the template cache and the logs. db-tool removes the least recently used templates
//! and logs first: templates when it records a new one, logs when a server starts.

use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::fcntl::{OFlag, renameat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::description::{DESCRIPTION, Description};
use super::manifest::{MANIFEST, Manifest};
use super::spare::{is_spare, place_of};
use crate::cluster::files::{read_small, remove_tree};
use crate::cluster::layout::{OLD_SERVER_LOG, is_log, lock_of};
use crate::cluster::{Layout, Lock, space};
use crate::sys::process;
use crate::sys::process::{FileId, OsUser};

/// The largest total size of templates, in bytes, if the disk has much more free space.
const CACHE_LIMIT: u64 = 2_000_000_000;

/// The share of the free space that templates may take on a small disk: a tenth.
const CACHE_SHARE: u64 = 10;

/// db-tool removes a template in any case if nobody has used it for this long.
pub(in crate::cluster) const FORGET_AFTER: Duration = Duration::from_secs(60 * 24 * 3600);

/// The largest number of logs.
pub const LOG_LIMIT: usize = 20;

/// The largest total size of logs, in bytes. The newest log stays, however large it is.
pub const LOG_BYTES_LIMIT: u64 = 100_000_000;

/// At the start of a server, a larger `server.log` is renamed.
const SERVER_LOG_LIMIT: u64 = 10_000_000;

/// The number of templates or logs, and their total size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Usage {
    /// The number.
    pub count: usize,
    /// The total size in bytes.
    pub bytes: u64,
    /// The largest total size in bytes.
    #[serde(skip)]
    pub limit: u64,
}

/// A template or a log.
struct Item {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// The number and size of the templates in `cache`.
pub fn cache_usage(cache: &Path) -> Usage {
    let used = usage(&templates(cache));
    Usage { limit: cache_limit(cache, used.bytes), ..used }
}

/// The largest total size of templates in `cache`, which has `used` bytes now: two gigabytes, or a
/// tenth of the space that the disk would have without them.
fn cache_limit(cache: &Path, used: u64) -> u64 {
    let free = space::free(cache).unwrap_or(u64::MAX);
    CACHE_LIMIT.min(free.saturating_add(used) / CACHE_SHARE)
}

/// A template in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its directory.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The time of its last use.
    pub used: SystemTime,
    /// Whether the next command that records a template removes it: nobody has used it for long, or
    /// the others fill the cache.
    pub is_surplus: bool,
}

impl Template {
    /// The templates in `cache`, the most recently used first.
    pub fn all(cache: &Path) -> Vec<Self> {
        let items = templates(cache);
        let limit = cache_limit(cache, usage(&items).bytes);
        let surplus: Vec<_> = surplus(&items, usize::MAX, limit, FORGET_AFTER)
            .into_iter()
            .map(|item| item.path.clone())
            .collect();
        let describe = |Item { path, bytes, used }| {
            let is_surplus = surplus.contains(&path);
            Self { path, bytes, used, is_surplus }
        };
        items.into_iter().map(describe).collect()
    }

    /// Its name: the name of its directory.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether it is a copy of a template that was made in advance.
    pub fn is_spare(&self) -> bool {
        is_spare(&self.path)
    }

    /// Its kind, in a word.
    pub fn kind(&self) -> &'static str {
        const KINDS: [&str; 4] = ["prepared", "hydrated", "patched", "migrated"];
        let name = self.name();
        let word = name.split_once('-').map(|(_, word)| word);
        match word {
            _ if is_spare(&self.path) => "spare",
            _ if name.contains('.') => "unfinished",
            None => "initdb",
            Some(word) => KINDS.into_iter().find(|kind| *kind == word).unwrap_or("unknown"),
        }
    }

    /// The description, if it is a state.
    pub fn description(&self) -> Option<Description> {
        serde_json::from_slice(&read_small(&self.path.join(DESCRIPTION)).ok()?).ok()
    }

    /// Removes it, unless a command clones it now. Returns whether it is gone.
    pub fn remove(&self) -> bool {
        // a command that clones the template holds its lock and has just set its time of use
        if let Ok(Some(lock)) = Lock::try_take(&lock_of(&self.path))
            && last_use(&self.path) == Some(self.used)
        {
            tracing::debug!("removing the template {}", self.path.display());
            let _ = remove_tree(&place_of(&self.path));
            let _ = remove_tree(&self.path);
            let _ = lock.remove();
        }
        !self.path.exists()
    }
}

/// The number and size of the logs of `layout`.
pub fn log_usage(layout: &Layout) -> Usage {
    Usage { limit: LOG_BYTES_LIMIT, ..usage(&logs(layout)) }
}

fn usage(items: &[Item]) -> Usage {
    Usage { count: items.len(), bytes: items.iter().map(|item| item.bytes).sum(), limit: 0 }
}

/// Removes templates beyond the limit. Never removes `made`, which is new, or one that another
/// command clones. Ignores errors: a cache that is too large does no harm.
pub(in crate::cluster) fn trim_cache(cache: &Path, made: &Path) {
    let all = templates(cache);
    let limit = cache_limit(cache, usage(&all).bytes);
    let (new, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|template| template.path == made);
    let room = limit.saturating_sub(usage(&new).bytes);
    for Item { path, bytes, used } in surplus(&others, usize::MAX, room, FORGET_AFTER) {
        Template { path: path.clone(), bytes: *bytes, used: *used, is_surplus: true }.remove();
    }
}

/// Removes logs beyond the limit. Never removes the newest or an open one. Ignores errors.
pub(in crate::cluster) fn trim_logs(layout: &Layout) {
    // if root calls, the directory may belong to another user, who could replace it by a link
    let ours = layout.owner() == OsUser::current().uid;
    let link = if ours { OFlag::empty() } else { OFlag::O_NOFOLLOW };
    let flags = (OFlag::O_DIRECTORY | link).bits();
    let directory = OpenOptions::new().read(true).custom_flags(flags).open(layout.logs());
    let (Ok(directory), logs) = (directory, logs(layout)) else { return };
    begin_server_log(layout, &directory, &logs);
    let Some((newest, others)) = logs.split_first() else { return };
    let room = LOG_BYTES_LIMIT.saturating_sub(newest.bytes);
    let surplus = surplus(others, LOG_LIMIT - 1, room, Duration::MAX);
    if surplus.is_empty() {
        return;
    }
    let open = process::open_files(is_log);
    for log in surplus {
        if let Some(name) = log.path.file_name()
            && FileId::of(&log.path).is_ok_and(|id| !open.contains(&id))
        {
            tracing::debug!("removing the log {}", log.path.display());
            let _ = unlinkat(&directory, name, UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// Renames a large `server.log`, so that it is trimmed like other logs. Without the logging
/// collector, a server writes all messages to it.
fn begin_server_log(layout: &Layout, directory: &File, logs: &[Item]) {
    let path = layout.server_log();
    let large = logs.iter().any(|log| log.path == path && log.bytes > SERVER_LOG_LIMIT);
    if large
        && let (Some(name), Ok(id)) = (path.file_name(), FileId::of(&path))
        && !process::open_files(is_log).contains(&id)
    {
        let _ = renameat(directory, name, directory, OLD_SERVER_LOG);
    }
}

/// The items that do not fit. `items` are sorted, the newest first.
fn surplus(items: &[Item], count: usize, bytes: u64, age: Duration) -> Vec<&Item> {
    let mut sum = 0_u64;
    let fits = |(at, item): (usize, &Item)| {
        sum = sum.saturating_add(item.bytes);
        at < count && sum <= bytes && item.used.elapsed().ok().is_none_or(|idle| idle <= age)
    };
    let fits: Vec<_> = items.iter().enumerate().map(fits).collect();
    items.iter().zip(fits).filter_map(|(item, fits)| (!fits).then_some(item)).collect()
}

/// The templates, the most recently used first. Also counts the unfinished ones of killed commands.
fn templates(cache: &Path) -> Vec<Item> {
    listed(cache, |path, facts| facts.is_dir().then(|| Some((size_of(path), last_use(path)?)))?)
}

/// The logs of the server and of the commands, recognised by their names, the newest first.
fn logs(layout: &Layout) -> Vec<Item> {
    listed(layout.logs(), |path, facts| {
        let ours = facts.is_file() && is_log(path) && facts.uid() == layout.owner();
        ours.then(|| Some((facts.len(), facts.modified().ok()?)))?
    })
}

fn listed(
    directory: &Path,
    look: impl Fn(&Path, &Metadata) -> Option<(u64, SystemTime)>,
) -> Vec<Item> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut items: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let (bytes, used) = look(&path, &entry.metadata().ok()?)?;
            Some(Item { path, bytes, used })
        })
        .collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.used));
    items
}

fn last_use(template: &Path) -> Option<SystemTime> {
    let facts = template.join(MANIFEST).metadata().or_else(|_| template.metadata());
    facts.and_then(|facts| facts.modified()).ok()
}

/// The size of a template in bytes: from its manifest, or else from its files.
fn size_of(template: &Path) -> u64 {
    let listed = read_small(&template.join(MANIFEST)).ok();
    let listed = listed.and_then(|text| Manifest::parse(&String::from_utf8(text).ok()?));
    let manifest = listed.or_else(|| Manifest::list(template).ok());
    manifest.map_or(0, |manifest| manifest.files.iter().map(|file| file.size).sum())
}
