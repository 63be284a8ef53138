//! Reads `backup_manifest`, in which `pg_basebackup` lists every file (manual, chapter 77).
//!
//! The last line of the manifest is a SHA-256 of the lines above, so that a damaged manifest is
//! noticed. Each file has a size and, unless the backup was taken without checksums, a checksum.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::backup::corrupt;
use crate::sys::digest::{hex, sha256, unhex};
use crate::sys::error::{Error, Result};

/// The text before the digest of the manifest.
const LAST_LINE: &[u8] = b"\"Manifest-Checksum\"";

/// The files that were not read yet.
#[derive(Debug, Clone)]
pub(in crate::backup) struct Manifest {
    path: PathBuf,
    files: BTreeMap<PathBuf, Entry>,
}

/// The expected size and checksum of a file.
#[derive(Debug, Clone)]
struct Entry {
    size: u64,
    checksum: Option<(Algorithm, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Crc32c,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Deserialize)]
struct RawManifest {
    #[serde(rename = "Files")]
    files: Vec<RawFile>,
    #[serde(rename = "Manifest-Checksum")]
    checksum: String,
}

#[derive(Deserialize)]
struct RawFile {
    #[serde(rename = "Path")]
    path: Option<String>,
    #[serde(rename = "Encoded-Path")]
    encoded: Option<String>,
    #[serde(rename = "Size")]
    size: u64,
    #[serde(rename = "Checksum-Algorithm")]
    algorithm: Option<String>,
    #[serde(rename = "Checksum")]
    checksum: Option<String>,
}

/// The check of a file while its content is read.
pub(in crate::backup) struct Check {
    file: PathBuf,
    expected: Entry,
    size: u64,
    hasher: Hasher,
}

enum Hasher {
    None,
    Crc32c(u32),
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Manifest {
    /// Parses the manifest `text` after a check of its digest. `path` is its file.
    pub(in crate::backup) fn parse(text: &[u8], path: &Path) -> Result<Self> {
        let start = text.windows(LAST_LINE.len()).rposition(|window| window == LAST_LINE);
        let signed = &text[..start.ok_or_else(|| corrupt(path, "its last line is missing"))?];
        let parsed: RawManifest =
            serde_json::from_slice(text).map_err(|error| corrupt(path, error))?;
        if sha256(signed) != parsed.checksum {
            return Err(corrupt(path, "it does not have the checksum in its last line"));
        }
        let lines = parsed.files.into_iter();
        let files = lines.map(|line| line.read(path)).collect::<Result<_>>()?;
        Ok(Self { path: path.to_owned(), files })
    }

    /// The total size of the files in bytes.
    pub(in crate::backup) fn size(&self) -> u64 {
        self.files.values().map(|entry| entry.size).sum()
    }

    /// Begins the check of a file. `file` is its path in the data directory. `None` for a file that
    /// the manifest leaves out on purpose.
    pub(in crate::backup) fn check(&mut self, file: &Path) -> Result<Option<Check>> {
        if is_exempt(file) {
            self.files.remove(file);
            return Ok(None);
        }
        let Some(expected) = self.files.remove(file) else {
            let why = format!("{} comes twice or is not in the manifest", file.display());
            return Err(corrupt(&self.path, why));
        };
        let hasher = match expected.checksum {
            None => Hasher::None,
            Some((Algorithm::Crc32c, _)) => Hasher::Crc32c(0),
            Some((Algorithm::Sha224, _)) => Hasher::Sha224(Sha224::new()),
            Some((Algorithm::Sha256, _)) => Hasher::Sha256(Sha256::new()),
            Some((Algorithm::Sha384, _)) => Hasher::Sha384(Sha384::new()),
            Some((Algorithm::Sha512, _)) => Hasher::Sha512(Sha512::new()),
        };
        Ok(Some(Check { file: file.to_owned(), expected, size: 0, hasher }))
    }

    /// Fails if a file of the manifest was not read.
    pub(in crate::backup) fn finish(self) -> Result<()> {
        let mut absent = self.files.keys().filter(|file| !is_exempt(file));
        match absent.next() {
            None => Ok(()),
            Some(file) => {
                let others = absent.count();
                let more =
                    if others == 0 { String::new() } else { format!(" and {others} others") };
                let why =
                    format!("{}{more} of its manifest are not in the archives", file.display());
                Err(corrupt(self.path.parent().unwrap_or(&self.path), why))
            }
        }
    }
}

impl RawFile {
    fn read(self, manifest: &Path) -> Result<(PathBuf, Entry)> {
        let broken = |what: &str| corrupt(manifest, what);
        let path = match (self.path, self.encoded) {
            (Some(path), _) => PathBuf::from(path),
            (None, Some(hex)) => {
                let bytes =
                    unhex(&hex).ok_or_else(|| broken("an encoded path is no hexadecimal"))?;
                OsString::from_vec(bytes).into()
            }
            (None, None) => return Err(broken("a file has no path")),
        };
        let checksum = match (self.algorithm.as_deref(), self.checksum) {
            (Some(name), Some(checksum)) => Some((algorithm(name, manifest)?, checksum)),
            _ => None,
        };
        Ok((path, Entry { size: self.size, checksum }))
    }
}

impl Check {
    /// Takes the next part of the content.
    pub(in crate::backup) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        match &mut self.hasher {
            Hasher::None => {}
            Hasher::Crc32c(crc) => *crc = crc32c::crc32c_append(*crc, bytes),
            Hasher::Sha224(hasher) => hasher.update(bytes),
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha384(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// Compares size and checksum at the end of the content. The error names `archive`.
    pub(in crate::backup) fn finish(self, archive: &Path) -> Result<()> {
        let file = self.file.display();
        if self.size != self.expected.size {
            let why = format!("{file} has {} bytes and not {}", self.size, self.expected.size);
            return Err(corrupt(archive, why));
        }
        let Some((_, expected)) = self.expected.checksum else { return Ok(()) };
        let found = match self.hasher {
            Hasher::None => return Ok(()),
            // PostgreSQL prints the bytes of the number in their order in memory
            Hasher::Crc32c(crc) => hex(&crc.to_le_bytes()),
            Hasher::Sha224(hasher) => hex(&hasher.finalize()),
            Hasher::Sha256(hasher) => hex(&hasher.finalize()),
            Hasher::Sha384(hasher) => hex(&hasher.finalize()),
            Hasher::Sha512(hasher) => hex(&hasher.finalize()),
        };
        if found == expected {
            return Ok(());
        }
        Err(corrupt(archive, format!("{file} does not have the checksum in the manifest")))
    }
}

/// Whether `pg_basebackup` may add or change the file after it made the manifest. `pg_verifybackup`
/// skips these files, too.
fn is_exempt(file: &Path) -> bool {
    let name = file.to_str().unwrap_or_default();
    file.starts_with("pg_wal")
        || matches!(name, "postgresql.auto.conf" | "recovery.signal" | "standby.signal")
        || name == crate::backup::MANIFEST
}

fn algorithm(name: &str, manifest: &Path) -> Result<Algorithm> {
    Ok(match name {
        "CRC32C" => Algorithm::Crc32c,
        "SHA224" => Algorithm::Sha224,
        "SHA256" => Algorithm::Sha256,
        "SHA384" => Algorithm::Sha384,
        "SHA512" => Algorithm::Sha512,
        _ => {
            return Err(Error::failed(format!(
                "{} has checksums of an unknown kind, {name}",
                manifest.display()
            ))
            .hint("this backup needs a newer db-tool"));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(files: &str) -> Vec<u8> {
        let signed =
            format!("{{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [{files}],\n");
        let digest = sha256(&signed);
        format!("{signed}\"Manifest-Checksum\": \"{digest}\"}}\n").into_bytes()
    }

    fn parsed(files: &str) -> Manifest {
        Manifest::parse(&manifest(files), Path::new("/b/backup_manifest")).expect("valid")
    }

    fn checked(files: &str, content: &[u8]) -> Result<()> {
        let mut check = parsed(files).check(Path::new("x")).expect("known").expect("not exempt");
        check.update(content);
        check.finish(Path::new("/b/base.tar"))
    }

    const CRC: &str = "{ \"Path\": \"x\", \"Size\": 9, \"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"839206e3\" }";
    const SHA: &str = "{ \"Encoded-Path\": \"78\", \"Size\": 3, \"Checksum-Algorithm\": \"SHA256\", \"Checksum\": \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\" }";

    #[test]
    fn files_are_compared_by_size_and_checksum() {
        assert!(checked(CRC, b"123456789").is_ok(), "the check value of CRC-32C");
        assert!(checked(CRC, b"123456780").is_err());
        assert!(checked(CRC, b"12345678").is_err_and(|e| e.message().contains("8 bytes")));
        assert!(checked(SHA, b"abc").is_ok());
        assert!(checked(SHA, b"abd").is_err());
    }

    #[test]
    fn every_file_has_to_come_once_and_no_other() {
        assert!(parsed(CRC).finish().is_err(), "it has not come");
        let mut manifest = parsed(CRC);
        assert!(manifest.check(Path::new("y")).is_err(), "unknown");
        assert!(manifest.check(Path::new("pg_wal/1")).is_ok_and(|check| check.is_none()));
        assert!(manifest.check(Path::new("x")).is_ok());
        assert!(manifest.check(Path::new("x")).is_err(), "twice");
        assert!(manifest.finish().is_ok());
    }

    #[test]
    fn a_changed_or_torn_manifest_is_refused() {
        let text = String::from_utf8(manifest(CRC)).expect("text");
        let parse = |text: &str| Manifest::parse(text.as_bytes(), Path::new("m")).map(drop);
        assert!(parse(&text).is_ok());
        assert!(parse(&text.replace("9,", "8,")).is_err_and(|e| e.message().contains("checksum")));
        assert!(parse(&text[..text.len() / 2]).is_err());
    }
}
