//! Reads one tar archive of a backup as a stream of files.
//!
//! An archive may come from anywhere, so db-tool trusts nothing in it. It refuses names that lead
//! out of the directory, links, devices, and all other entries that a base backup never has. It
//! also refuses an archive without its end. The first bytes tell the compression; the name of the
//! file does not count.

use std::cell::Cell;
use std::ffi::OsStr;
use std::io::{BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use tar::EntryType;

use crate::backup::compression::Compression;
use crate::backup::corrupt;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::signal;

/// The content of an archive. Archives are read in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::backup) enum Place {
    /// The data directory.
    Base,
    /// The `pg_wal` of the data directory.
    Wal,
    /// A tablespace with its OID.
    Tablespace(u32),
}

/// An archive of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::backup) struct Archive {
    /// The file.
    pub file: PathBuf,
    /// The part of the cluster that it holds.
    pub place: Place,
}

/// A file or a directory in an archive. Its path stays inside the target directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::backup) enum Member {
    /// A directory.
    Directory(PathBuf),
    /// A file.
    File(PathBuf),
}

impl Archive {
    /// The archive for a file name. `None` for files that are no archives.
    pub(in crate::backup) fn named(file: &Path) -> Option<Self> {
        let name = file.file_name()?.to_str()?;
        let stem = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.lz4"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))?;
        let place = match stem {
            "base" => Place::Base,
            "pg_wal" => Place::Wal,
            oid => Place::Tablespace(oid.parse().ok()?),
        };
        Some(Self { file: file.to_owned(), place })
    }

    /// Passes every member and its content to `visit`. Skips the content that `visit` does not
    /// read.
    pub(in crate::backup) fn each(
        &self,
        visit: &mut dyn FnMut(&Member, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        let ended = Rc::new(Cell::new(false));
        let source = EndWatcher { source: self.decompressed()?, ended: Rc::clone(&ended) };
        let mut archive = tar::Archive::new(source);
        for entry in archive.entries().map_err(|error| corrupt(&self.file, error))? {
            signal::check()?;
            let mut entry = entry.map_err(|error| corrupt(&self.file, error))?;
            if let Some(member) = self.member(&entry)? {
                visit(&member, &mut entry)?;
            }
        }
        if ended.get() {
            return Err(corrupt(&self.file, "its end is missing"));
        }
        // the checksums of a compressed stream are compared only at its end
        let mut rest = archive.into_inner();
        std::io::copy(&mut rest, &mut std::io::sink())
            .map(drop)
            .map_err(|error| corrupt(&self.file, error))
    }

    fn decompressed(&self) -> Result<Box<dyn Read>> {
        let compression = Compression::of(&self.file)?;
        let file = BufReader::with_capacity(
            256 * 1024,
            crate::sys::process::open_regular(&self.file).on("open", &self.file)?,
        );
        Ok(match compression {
            Some(Compression::Gzip) => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            Some(Compression::Zstd) => {
                Box::new(zstd::Decoder::with_buffer(file).on("read", &self.file)?)
            }
            Some(Compression::None) => Box::new(file),
            None if self.file.metadata().on("read", &self.file)?.len() == 0 => {
                return Err(corrupt(&self.file, "it is empty"));
            }
            None => {
                return Err(Error::failed(format!(
                    "{} is compressed with lz4, which is not supported",
                    self.file.display()
                ))
                .hint("decompress it first: lz4 -d FILE"));
            }
        })
    }

    /// The member for an entry. `None` for an entry that db-tool does not need.
    fn member(&self, entry: &tar::Entry<'_, impl Read>) -> Result<Option<Member>> {
        let name = entry.path_bytes();
        let shown = String::from_utf8_lossy(&name).into_owned();
        let refused = |why: &str| {
            Error::failed(format!("{} holds {shown}, {why}", self.file.display()))
                .hint("no base backup holds that; nothing was restored from it")
        };
        let outside = || refused("which leads out of the directory it is extracted to");
        let path = inside(Path::new(OsStr::from_bytes(&name))).ok_or_else(outside)?;
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous if path.as_os_str().is_empty() => {
                Err(outside())
            }
            EntryType::Regular | EntryType::Continuous => Ok(Some(Member::File(path))),
            EntryType::Directory => Ok(Some(Member::Directory(path))),
            EntryType::XGlobalHeader => Ok(None),
            // db-tool makes the links to tablespaces again
            EntryType::Symlink if is_tablespace_link(&path) => Ok(None),
            EntryType::Symlink | EntryType::Link => Err(refused("a link")),
            _ => Err(refused("which is neither a file nor a directory")),
        }
    }
}

/// The path without `.`. `None` if it is absolute or contains `..`.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(clean)
}

fn is_tablespace_link(path: &Path) -> bool {
    let oid = path.strip_prefix("pg_tblspc").ok().and_then(Path::to_str);
    oid.is_some_and(|oid| oid.parse::<u32>().is_ok())
}

/// A reader that remembers whether it has reached the end of its source. That happens only if an
/// archive is cut off: a complete one ends with blocks of zeros, and nobody reads beyond them.
struct EndWatcher {
    source: Box<dyn Read>,
    ended: Rc<Cell<bool>>,
}

impl Read for EndWatcher {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            self.ended.set(true);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive with one entry of this name and type.
    fn archive(name: &str, kind: EntryType) -> (tempfile::TempDir, Archive) {
        let place = tempfile::tempdir().expect("temporary directory");
        let file = place.path().join("base.tar");
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().expect("gnu").name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(if kind == EntryType::Regular { 2000 } else { 0 });
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        let content = vec![7; if kind == EntryType::Regular { 2000 } else { 0 }];
        builder.append(&header, &content[..]).expect("appended");
        std::fs::write(&file, builder.into_inner().expect("whole")).expect("written");
        (place, Archive { file, place: Place::Base })
    }

    fn names(archive: &Archive) -> Result<Vec<Member>> {
        let mut found = Vec::new();
        archive
            .each(&mut |member, content| {
                let read = std::io::copy(content, &mut std::io::sink());
                found.push(member.clone());
                read.map(drop).map_err(|error| corrupt(&archive.file, error))
            })
            .map(|()| found)
    }

    #[test]
    fn names_that_stay_inside_are_taken() {
        for name in ["base/1", "./base/1", "base/./1"] {
            let (_place, archive) = archive(name, EntryType::Regular);
            assert_eq!(names(&archive), Ok(vec![Member::File("base/1".into())]), "{name}");
        }
    }

    #[test]
    fn what_leads_out_is_refused() {
        for name in ["../x", "base/../../x", "/etc/passwd", ".."] {
            let (_place, archive) = archive(name, EntryType::Regular);
            assert!(names(&archive).is_err_and(|e| e.message().contains("leads out")), "{name}");
        }
    }

    #[test]
    fn only_files_and_directories_are_taken() {
        for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Fifo] {
            let (_place, archive) = archive("base/1", kind);
            assert!(names(&archive).is_err(), "{kind:?}");
        }
        let (_place, archive) = archive("pg_tblspc/16384", EntryType::Symlink);
        assert_eq!(names(&archive), Ok(vec![]));
    }

    #[test]
    fn every_truncation_is_noticed() {
        let (_place, archive) = archive("base/1", EntryType::Regular);
        let whole = std::fs::read(&archive.file).expect("read");
        for length in [0, 100, 512, 1000, 2560] {
            std::fs::write(&archive.file, &whole[..length]).expect("written");
            let found = names(&archive);
            assert!(found.is_err_and(|e| e.message().contains("truncated")), "{length}");
        }
    }

    #[test]
    fn compressed_archives_are_known_by_content() {
        let (_place, archive) = archive("base/1", EntryType::Regular);
        let whole = std::fs::read(&archive.file).expect("read");
        let packed = zstd::encode_all(&whole[..], 1).expect("packed");
        std::fs::write(&archive.file, &packed).expect("written");
        assert_eq!(names(&archive), Ok(vec![Member::File("base/1".into())]));
        std::fs::write(&archive.file, &packed[..packed.len() - 1]).expect("written");
        assert!(names(&archive).is_err(), "truncated");
    }
}
