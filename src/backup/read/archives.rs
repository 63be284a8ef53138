//! Reads all archives of a backup to their ends: checks them against the manifest and, if asked,
//! writes the files.
//!
//! Only the server's user gets access to the files and directories, whatever modes the archive has.
//! A name that comes twice is refused, so that nothing is written through a link or into an
//! existing file.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::archive::{Archive, Member, Place};
use super::manifest::Manifest;
use crate::backup::{Backup, corrupt};
use crate::cluster::TABLESPACES;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{ActingAs, OsUser};
use crate::sys::signal;

/// The bytes that are read at a time.
const CHUNK: usize = 256 * 1024;

/// The target of an extraction.
#[derive(Debug, Clone, Copy)]
pub(in crate::backup) struct Target<'a> {
    /// The data directory, which must not exist.
    pub data: &'a Path,
    /// The owner of the files if root calls.
    pub owner: Option<&'a OsUser>,
}

/// Reads all archives of `backup`.
pub(in crate::backup) fn read(
    backup: &Backup,
    mut manifest: Option<Manifest>,
    target: Option<Target<'_>>,
) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    for archive in &backup.archives {
        if let Some(target) = target {
            target.directory(&archive.place.on_disk())?;
        }
        archive.each(&mut |member, content| match member {
            Member::Directory(path) => {
                let place = archive.place.on_disk().join(path);
                target.map_or(Ok(()), |target| target.directory(&place))
            }
            Member::File(path) => {
                file(archive, path, content, manifest.as_mut(), target, &mut buffer)
            }
        })?;
    }
    manifest.map_or(Ok(()), Manifest::finish)
}

fn file(
    archive: &Archive,
    path: &Path,
    content: &mut dyn Read,
    manifest: Option<&mut Manifest>,
    target: Option<Target<'_>>,
    buffer: &mut [u8],
) -> Result<()> {
    let named = archive.place.in_manifest().join(path);
    let mut check = manifest.map(|manifest| manifest.check(&named)).transpose()?.flatten();
    let place = archive.place.on_disk().join(path);
    let mut written = target.map(|target| target.file(&place)).transpose()?;
    loop {
        signal::check()?;
        let read = match content.read(buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(corrupt(&archive.file, error)),
        };
        if let Some(check) = &mut check {
            check.update(&buffer[..read]);
        }
        if let Some(file) = &mut written {
            file.write_all(&buffer[..read]).on("write", &place)?;
        }
    }
    check.map_or(Ok(()), |check| check.finish(&archive.file))
}

impl Place {
    /// The path of its files in a restored data directory.
    fn on_disk(self) -> PathBuf {
        match self {
            Self::Base => PathBuf::new(),
            Self::Wal => PathBuf::from("pg_wal"),
            Self::Tablespace(oid) => Path::new(TABLESPACES).join(oid.to_string()),
        }
    }

    /// The path of its files in the manifest.
    fn in_manifest(self) -> PathBuf {
        match self {
            Self::Tablespace(oid) => Path::new("pg_tblspc").join(oid.to_string()),
            other => other.on_disk(),
        }
    }
}

impl Target<'_> {
    /// Makes a directory and its parents. It may exist.
    fn directory(&self, path: &Path) -> Result<()> {
        let _acting = ActingAs::enter(self.owner)?;
        let directory = self.data.join(path);
        if directory.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.directory(parent)?;
        }
        DirBuilder::new().mode(0o700).create(&directory).on("create", &directory)
    }

    fn file(&self, path: &Path) -> Result<File> {
        if let Some(parent) = path.parent() {
            self.directory(parent)?;
        }
        let file = self.data.join(path);
        let _acting = ActingAs::enter(self.owner)?;
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
        made.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::failed(format!(
                "the backup holds {} twice; nothing was restored from it",
                path.display()
            )),
            _ => Error::io("create", &file, &error),
        })
    }
}
