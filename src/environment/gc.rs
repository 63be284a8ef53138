//! Removes what dead commands, servers and projects have left on this machine.
//!
//! First it looks for garbage, then it removes it. Before it removes a thing, it takes the lock of this
//! thing and proves once more that nobody uses it. So it removes nothing that a command has begun to
//! use in between.

use std::path::PathBuf;
use std::time::Instant;

use super::clone;
use super::keeper;
use super::lease::Leases;
use super::registry::{Entry, Registry};
use crate::backup::{DEFAULT_PLACE, abandoned_backups, remove_abandoned_backup};
use crate::cluster::{
    Layout, Leftover, LeftoverKind, Liveness, Lock, Registered, Template, leftovers,
    orphaned_sockets, remove_leftover, remove_orphaned_sockets, tree_size,
};
use crate::sys::error::Result;
use crate::sys::process::ActingAs;
use crate::sys::scratch;

/// The places in which the collector looks.
#[derive(Debug)]
pub struct Collector {
    /// The registry of private clusters.
    pub private: PathBuf,
    /// The registry of development clusters.
    pub clusters: Registry,
    /// The directory of temporary files.
    pub temporary: PathBuf,
    /// The template cache.
    pub templates: Option<PathBuf>,
}

/// Something that nobody needs any more.
#[derive(Debug)]
pub struct Garbage {
    /// Its kind, in words.
    pub what: &'static str,
    /// Its path.
    pub path: PathBuf,
    /// Its size in bytes; 0 for a server.
    pub bytes: u64,
    kind: GarbageKind,
}

#[derive(Debug)]
enum GarbageKind {
    Private(Registered),
    Scratch,
    Leftover(Layout, Leftover),
    Template(Template),
    Server(Layout),
    Clones(Layout),
    Entry(Entry),
    /// The short directories of a deleted working directory.
    Sockets(PathBuf),
    /// What a killed backup to this place has left.
    Backup(PathBuf),
}

impl Collector {
    /// Looks for garbage in all places.
    pub fn look(&self) -> Vec<Garbage> {
        let mut found = self.look_quickly();
        for entry in self.clusters.entries() {
            let place = entry.project.as_ref().map(|project| project.join(DEFAULT_PLACE));
            for path in place.iter().flat_map(|place| abandoned_backups(place)) {
                let kind = GarbageKind::Backup(place.clone().unwrap_or_default());
                found.push(Garbage {
                    what: "unfinished backup",
                    bytes: tree_size(&path),
                    path,
                    kind,
                });
            }
            let Some(layout) = entry.layout() else { continue };
            for leftover in leftovers(&layout).unwrap_or_default() {
                let what = match leftover.kind {
                    LeftoverKind::Unfinished => "unfinished directory",
                    LeftoverKind::Broken => "damaged cluster",
                    LeftoverKind::Socket => "socket of a killed server",
                };
                let (path, bytes) = (leftover.path.clone(), leftover.bytes);
                found.push(Garbage {
                    what,
                    path,
                    bytes,
                    kind: GarbageKind::Leftover(layout.clone(), leftover),
                });
            }
        }
        let templates = self.templates.iter().flat_map(|cache| Template::all(cache));
        for template in templates.filter(|template| template.is_surplus) {
            let (path, bytes) = (template.path.clone(), template.bytes);
            found.push(Garbage {
                what: "template",
                path,
                bytes,
                kind: GarbageKind::Template(template),
            });
        }
        found
    }

    /// Looks only for the things whose absence of a holder one look tells.
    fn look_quickly(&self) -> Vec<Garbage> {
        let mut found = Vec::new();
        let mut add =
            |what, path: PathBuf, kind| found.push(Garbage { what, path, bytes: 0, kind });
        for private in Registered::all(&self.private) {
            if !private.is_used {
                add("private cluster", private.directory.clone(), GarbageKind::Private(private));
            }
        }
        for path in scratch::left(&self.temporary) {
            add("temporary files", path, GarbageKind::Scratch);
        }
        for entry in self.clusters.entries() {
            match entry.layout() {
                Some(layout) if is_unleased(&layout) => {
                    add(
                        "server without a user",
                        entry.directory.clone(),
                        GarbageKind::Server(layout),
                    );
                }
                Some(layout) if clone::is_due(&layout) => {
                    add("clones of a database", layout.clones(), GarbageKind::Clones(layout));
                }
                None if entry.is_gone() => {
                    for path in orphaned_sockets(&entry.directory) {
                        add(
                            "sockets of a deleted cluster",
                            path,
                            GarbageKind::Sockets(entry.directory.clone()),
                        );
                    }
                    add(
                        "entry of a deleted cluster",
                        entry.directory.clone(),
                        GarbageKind::Entry(entry),
                    );
                }
                _ => {}
            }
        }
        found
    }

    /// Removes what one quick look finds, until `deadline`. For the end of other commands.
    pub fn sweep(&self, deadline: Instant) {
        for garbage in self.look_quickly() {
            if Instant::now() >= deadline {
                return;
            }
            if let Err(error) = garbage.remove_until(Some(deadline)) {
                tracing::debug!("cannot remove {}: {error}", garbage.path.display());
            }
        }
    }
}

impl Garbage {
    /// Measures its size.
    pub fn measure(&mut self) {
        if matches!(self.kind, GarbageKind::Private(_) | GarbageKind::Scratch) {
            self.bytes = tree_size(&self.path);
        }
    }

    /// Removes it, if still nobody uses it. Returns whether it is gone.
    pub fn remove(&self) -> Result<bool> {
        self.remove_until(None)
    }

    fn remove_until(&self, deadline: Option<Instant>) -> Result<bool> {
        match &self.kind {
            GarbageKind::Private(private) => private.remove(),
            GarbageKind::Scratch => Ok(scratch::remove(&self.path)),
            GarbageKind::Leftover(layout, leftover) => remove_leftover(layout, leftover),
            GarbageKind::Template(template) => Ok(template.remove()),
            GarbageKind::Clones(layout) => {
                clone::prune_layout(layout, deadline).map(|dropped| !dropped.is_empty())
            }
            GarbageKind::Server(layout) => stop_unleased(layout),
            // without its entry, nobody knows whose the sockets are
            GarbageKind::Entry(entry) if !remove_orphaned_sockets(&entry.directory)? => Ok(false),
            GarbageKind::Entry(entry) => {
                entry.forget();
                Ok(true)
            }
            GarbageKind::Sockets(working) => remove_orphaned_sockets(working),
            GarbageKind::Backup(place) => remove_abandoned_backup(place, &self.path),
        }
    }
}

/// Whether a server should have ended with its last lease, but its keeper was killed, too.
fn is_unleased(layout: &Layout) -> bool {
    let leases = Leases::of(layout);
    leases.ends_with_last()
        && leases.holders().is_empty()
        && matches!(Liveness::of(&layout.data()), Ok(Liveness::Running(_)))
}

fn stop_unleased(layout: &Layout) -> Result<bool> {
    let _acting = ActingAs::owner(layout.owner())?;
    let Some(_lock) = Lock::try_take(&layout.lock())? else { return Ok(false) };
    if !is_unleased(layout) {
        return Ok(false);
    }
    keeper::log(layout, "all users of this server have ended, and so have their keepers");
    keeper::stop(layout)?;
    Leases::of(layout).set_ends_with_last(false).map(|()| true)
}
