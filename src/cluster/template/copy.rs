//! Copies data directories. Most of their thousand files are small.
//!
//! Two threads take the files one by one, the largest first, so that both threads end at about the
//! same time. More threads would only wait for each other in the directories. Most files have a few
//! pages; for these, one read and one write is the fastest way. The copy tries copy-on-write once,
//! with the largest file: on a file system without it, a try for each file would take longer than
//! the copy.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::fcntl::OFlag;

use super::manifest::{Entry, Manifest};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{ActingAs, OsUser};
use crate::sys::signal;

/// Files up to this size are read and written in one piece.
const SMALL: usize = 128 * 1024;

/// The reason why a copy failed.
#[derive(Debug)]
pub enum CopyFailure {
    /// The source differs from its manifest.
    Damaged(PathBuf),
    /// Copying failed.
    Failed(Error),
}

impl From<CopyFailure> for Error {
    fn from(flaw: CopyFailure) -> Self {
        match flaw {
            CopyFailure::Failed(error) => error,
            CopyFailure::Damaged(path) => {
                Self::failed(format!("the template cache is damaged: {}", path.display()))
                    .hint("set PG_TEMPLATE=off to do without it")
            }
        }
    }
}

/// The rights with which a copy reads its source. It writes the target with the current rights.
#[derive(Debug, Clone, Copy)]
pub(in crate::cluster) enum Reader<'a> {
    /// The current rights.
    Same,
    /// The rights of this process.
    Ourselves,
    /// The rights of this user.
    User(Option<&'a OsUser>),
}

/// Whether a copy of a file with holes has holes, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cluster) enum Holes {
    /// It has: the copy is fast and takes little space.
    Keep,
    /// It has zeros, so that nobody finds the disk full while he writes there.
    Fill,
}

/// The way in which a directory is copied.
#[derive(Debug, Clone, Copy)]
pub(in crate::cluster) struct Method<'a> {
    /// The rights with which the source is read.
    pub reader: Reader<'a>,
    /// What becomes of holes.
    pub holes: Holes,
}

impl<'a> From<Reader<'a>> for Method<'a> {
    fn from(reader: Reader<'a>) -> Self {
        Self { reader, holes: Holes::Fill }
    }
}

impl Reader<'_> {
    fn enter(self) -> Result<ActingAs> {
        match self {
            Self::Same => ActingAs::enter(None),
            Self::Ourselves => Ok(ActingAs::ourselves()),
            Self::User(user) => ActingAs::enter(user),
        }
    }
}

/// Copies the files and directories that `manifest` lists from `source` to `target`, which must not
/// exist.
pub(in crate::cluster) fn copy(
    source: &Path,
    target: &Path,
    manifest: &Manifest,
    Method { reader, holes }: Method<'_>,
) -> std::result::Result<(), CopyFailure> {
    directories(target, manifest).map_err(CopyFailure::Failed)?;
    // reflink takes names, so it needs rights for both; without it, the kernel may still share
    // blocks
    let is_same = matches!(reader, Reader::Same) || !OsUser::current().is_root();
    let reflink = is_same && can_reflink(source, target, manifest);
    let copy = Copy { source, target, reader, holes, reflink, next: AtomicUsize::new(0) };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| copy.work(&manifest.files));
        let mine = copy.work(&manifest.files);
        let panicked = |_| Err(CopyFailure::Failed(Error::unexpected("a copying thread panicked")));
        other.join().unwrap_or_else(panicked).and(mine)
    })
}

fn directories(target: &Path, manifest: &Manifest) -> Result<()> {
    let root = (0o700, PathBuf::new());
    for (mode, path) in std::iter::once(&root).chain(&manifest.directories) {
        let made = target.join(path);
        DirBuilder::new().mode(*mode).create(&made).on("create", &made)?;
    }
    Ok(())
}

fn can_reflink(source: &Path, target: &Path, manifest: &Manifest) -> bool {
    let Some(largest) = manifest.files.first() else { return false };
    let probe = target.join(".reflink-probe");
    let can = reflink_copy::reflink(source.join(&largest.path), &probe).is_ok();
    let _ = std::fs::remove_file(probe);
    can
}

/// A copy in progress.
struct Copy<'a> {
    source: &'a Path,
    target: &'a Path,
    reader: Reader<'a>,
    holes: Holes,
    reflink: bool,
    /// The file that the next free thread takes.
    next: AtomicUsize,
}

impl Copy<'_> {
    fn work(&self, files: &[Entry]) -> std::result::Result<(), CopyFailure> {
        let mut buffer = vec![0; SMALL];
        while let Some(entry) = files.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            signal::check().map_err(CopyFailure::Failed)?;
            self.file(entry, &mut buffer)?;
        }
        Ok(())
    }

    fn file(&self, entry: &Entry, buffer: &mut [u8]) -> std::result::Result<(), CopyFailure> {
        let to = self.target.join(&entry.path);
        if entry.size == 0 {
            return self.create(&to, entry).map(drop).on("write", &to).map_err(CopyFailure::Failed);
        }
        let from = self.source.join(&entry.path);
        let damaged = || CopyFailure::Damaged(from.clone());
        let source = {
            let _reading = self.reader.enter().map_err(CopyFailure::Failed)?;
            let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
            let opened = File::options().read(true).custom_flags(flags).open(&from);
            let source = opened.map_err(|_| damaged())?;
            let facts = source.metadata().map_err(|_| damaged())?;
            if !entry.matches(self.source, &facts) {
                return Err(damaged());
            }
            source
        };
        let copied = match usize::try_from(entry.size) {
            Ok(size) if size <= SMALL => self.small(source, &to, entry, &mut buffer[..size]),
            _ if self.reflink => self.reflink(&from, &to, entry),
            _ => self.large(source, &to, entry),
        };
        copied.on("write", &to).map_err(CopyFailure::Failed)
    }

    fn small(
        &self,
        mut source: File,
        to: &Path,
        entry: &Entry,
        buffer: &mut [u8],
    ) -> std::io::Result<()> {
        let mut target = self.create(to, entry)?;
        source.read_exact(buffer)?;
        target.write_all(buffer)
    }

    fn large(&self, mut source: File, to: &Path, entry: &Entry) -> std::io::Result<()> {
        let mut target = self.create(to, entry)?;
        match self.holes {
            Holes::Keep => with_holes(&mut source, &mut target, entry.size),
            Holes::Fill => std::io::copy(&mut source, &mut target).map(drop),
        }
    }

    fn create(&self, to: &Path, entry: &Entry) -> std::io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(entry.mode).open(to)
    }

    fn reflink(&self, from: &Path, to: &Path, entry: &Entry) -> std::io::Result<()> {
        reflink_copy::reflink(from, to)?;
        std::fs::set_permissions(to, Permissions::from_mode(entry.mode))
    }
}

/// Copies a file of `size` bytes, and leaves out its holes.
#[cfg(target_os = "linux")]
fn with_holes(source: &mut File, target: &mut File, size: u64) -> std::io::Result<()> {
    use std::io::{Seek, SeekFrom};

    use nix::unistd::{Whence, lseek};
    let seek = |file: &File, from: u64, whence| -> std::io::Result<Option<u64>> {
        match lseek(file, i64::try_from(from).unwrap_or(i64::MAX), whence) {
            Ok(at) => Ok(u64::try_from(at).ok()),
            // no data behind this offset
            Err(nix::errno::Errno::ENXIO) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    };
    target.set_len(size)?;
    let mut end = 0;
    while let Some(begin) = seek(source, end, Whence::SeekData)? {
        end = seek(source, begin, Whence::SeekHole)?.unwrap_or(size);
        source.seek(SeekFrom::Start(begin))?;
        target.seek(SeekFrom::Start(begin))?;
        std::io::copy(&mut source.take(end - begin), target)?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn with_holes(source: &mut File, target: &mut File, _: u64) -> std::io::Result<()> {
    std::io::copy(source, target).map(drop)
}
