//! The list of a template's files, with which db-tool notices changes.
//!
//! The first line holds the format and the second the server's version. Each further line is a
//! directory or a file: `d MODE PATH` or `f MODE SIZE MTIME SHA256 PATH`. A manifest without digests
//! has a line `b BOOT`: it holds only until the machine starts again, because nobody has waited until
//! the files were on the disk, and no digest would tell whether they are. Every copy compares sizes
//! and times, at no cost, because it opens each file anyway. The digest is computed only if the
//! times differ.

use std::fmt::Write as _;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::tablespace::is_remade;
use crate::sys::digest::sha256_of_file;
use crate::sys::error::{Error, IoContext, Result};

/// The name of the manifest in the directory of a template.
pub(super) const MANIFEST: &str = "manifest";

/// The first line. After a change of the format, db-tool does not recognise older templates and
/// makes them again.
const FORMAT: &str = "db-tool template 1";

/// The files and directories of a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `postgres --version` of the server that made it.
    pub version: String,
    /// The directories, parents first, with their permission bits.
    pub directories: Vec<(u32, PathBuf)>,
    /// The files, the largest first.
    pub files: Vec<Entry>,
    /// The boot of the machine after which it does not hold any more. `None`: it holds for good.
    pub boot: Option<String>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path in the data directory.
    pub path: PathBuf,
    /// The permission bits.
    pub mode: u32,
    /// The size in bytes.
    pub size: u64,
    /// The time of the last change, in nanoseconds since the epoch.
    pub modified: i128,
    /// SHA-256, in hexadecimal.
    pub digest: String,
}

impl Manifest {
    /// Lists a data directory with the digests of its files.
    pub fn of(data: &Path, version: &str) -> Result<Self> {
        let mut manifest = Self { version: version.to_owned(), ..Self::list(data)? };
        for entry in &mut manifest.files {
            entry.digest = sha256_of_file(&data.join(&entry.path))?;
        }
        Ok(manifest)
    }

    /// Lists a data directory for a manifest that holds until the machine starts again. `None` if
    /// the system does not tell its boots apart.
    pub fn until_boot(data: &Path, version: &str) -> Result<Option<Self>> {
        let Some(boot) = boot() else { return Ok(None) };
        Ok(Some(Self { version: version.to_owned(), boot: Some(boot), ..Self::list(data)? }))
    }

    /// Whether it still holds.
    pub fn holds(&self) -> bool {
        self.boot.is_none() || self.boot == boot()
    }

    /// Lists a data directory without digests, which is enough for a copy. Leaves out links to
    /// tablespaces inside the data directory: the server of the copy makes them again.
    pub fn list(data: &Path) -> Result<Self> {
        let mut manifest =
            Self { version: String::new(), directories: Vec::new(), files: Vec::new(), boot: None };
        manifest.add(data, Path::new(""))?;
        manifest.files.sort_by_key(|entry| std::cmp::Reverse(entry.size));
        Ok(manifest)
    }

    fn add(&mut self, data: &Path, below: &Path) -> Result<()> {
        let directory = data.join(below);
        let mut entries = std::fs::read_dir(&directory)
            .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
            .on("read", &directory)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = below.join(entry.file_name());
            let facts = entry.metadata().on("read", entry.path())?;
            if facts.is_dir() {
                self.directories.push((facts.mode() & 0o777, path.clone()));
                self.add(data, &path)?;
            } else if facts.is_file() {
                self.files.push(Entry::of(path, &facts));
            } else if !is_remade(data, &path) {
                return Err(Error::unexpected(format!(
                    "{} is neither a file nor a directory",
                    entry.path().display()
                )));
            }
        }
        Ok(())
    }

    /// The text of the manifest.
    pub fn render(&self) -> String {
        let mut text = format!("{FORMAT}\n{}\n", self.version);
        if let Some(boot) = &self.boot {
            let _ = writeln!(text, "b {boot}");
        }
        for (mode, path) in &self.directories {
            let _ = writeln!(text, "d {mode:o} {}", path.display());
        }
        for Entry { path, mode, size, modified, digest } in &self.files {
            let _ = writeln!(text, "f {mode:o} {size} {modified} {digest} {}", path.display());
        }
        text
    }

    /// Parses the text. `None` if it has another format or is incomplete.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != FORMAT || !text.ends_with('\n') {
            return None;
        }
        let version = lines.next()?.to_owned();
        let mut manifest = Self { version, directories: Vec::new(), files: Vec::new(), boot: None };
        for line in lines {
            match line.split_once(' ')? {
                ("d", rest) => {
                    let (mode, path) = rest.split_once(' ')?;
                    manifest.directories.push((u32::from_str_radix(mode, 8).ok()?, path.into()));
                }
                ("f", rest) => manifest.files.push(Entry::parse(rest)?),
                ("b", boot) => manifest.boot = Some(boot.to_owned()),
                _ => return None,
            }
        }
        Some(manifest)
    }
}

impl Entry {
    fn of(path: PathBuf, facts: &Metadata) -> Self {
        let (mode, modified) = (facts.mode() & 0o777, modified(facts));
        Self { path, mode, size: facts.size(), modified, digest: String::new() }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, ' ');
        Some(Self {
            mode: u32::from_str_radix(parts.next()?, 8).ok()?,
            size: parts.next()?.parse().ok()?,
            modified: parts.next()?.parse().ok()?,
            digest: parts.next()?.to_owned(),
            path: parts.next()?.into(),
        })
    }

    /// Whether the file in `data` is unchanged: it has the same size, and the same time or digest.
    pub fn matches(&self, data: &Path, facts: &Metadata) -> bool {
        self.size == facts.size() && (self.modified == modified(facts) || self.is_intact(data))
    }

    /// Whether the file in `data` still has its digest.
    pub fn is_intact(&self, data: &Path) -> bool {
        sha256_of_file(&data.join(&self.path)).is_ok_and(|digest| digest == self.digest)
    }
}

/// A text that is different after each start of the machine.
fn boot() -> Option<String> {
    let text = crate::sys::process::read_text("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn modified(facts: &Metadata) -> i128 {
    i128::from(facts.mtime()) * 1_000_000_000 + i128::from(facts.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (tempfile::TempDir, Manifest) {
        let data = tempfile::tempdir().expect("temporary directory");
        std::fs::create_dir(data.path().join("base")).expect("made");
        std::fs::write(data.path().join("base/1"), "one").expect("written");
        std::fs::write(data.path().join("PG_VERSION"), "17\n").expect("written");
        let manifest = Manifest::of(data.path(), "postgres (PostgreSQL) 17.1").expect("read");
        (data, manifest)
    }

    #[test]
    fn text_and_back() {
        let (_data, manifest) = sample();
        assert_eq!(Manifest::parse(&manifest.render()), Some(manifest));
    }

    #[test]
    fn without_digests_it_holds_until_the_next_boot() {
        let (data, _) = sample();
        let manifest = Manifest::until_boot(data.path(), "postgres 17").expect("read");
        let manifest = manifest.expect("this system has boots");
        let read = Manifest::parse(&manifest.render()).expect("parsed");
        assert_eq!(read, manifest);
        assert!(read.holds());
        assert!(!Manifest { boot: Some("another".into()), ..read }.holds());
    }

    #[test]
    fn a_torn_or_foreign_manifest_is_none() {
        let (_data, manifest) = sample();
        let text = manifest.render();
        assert_eq!(Manifest::parse(&text[..text.len() - 1]), None);
        assert_eq!(Manifest::parse(&text.replace("template 1", "template 0")), None);
        assert_eq!(Manifest::parse(""), None);
    }

    #[test]
    fn a_changed_file_is_noticed() {
        let (data, manifest) = sample();
        let entry = manifest.files.iter().find(|e| e.size == 3 && e.path.ends_with("1"));
        let entry = entry.expect("base/1");
        let path = data.path().join("base/1");
        let facts = || path.metadata().expect("there");
        assert!(entry.matches(data.path(), &facts()));
        std::fs::write(&path, "two").expect("written");
        assert!(!entry.matches(data.path(), &facts()), "same size, other time, other content");
        std::fs::write(&path, "one").expect("written");
        assert!(entry.matches(data.path(), &facts()), "touched only");
    }
}
