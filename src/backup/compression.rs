//! The compressions of a backup's archives.

use std::path::Path;

use crate::sys::error::{IoContext, Result};

/// A compression that db-tool can read, and `pg_basebackup` can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    Zstd,
    Gzip,
    None,
}

impl Compression {
    /// The compressions of a new backup: the first one that `pg_basebackup` was built with counts.
    pub const BEST: [Self; 2] = [Self::Zstd, Self::Gzip];

    /// The compressions to try for a copy of a backup with this one.
    pub fn like(self) -> Vec<Self> {
        let others = Self::BEST.into_iter().filter(|other| *other != self);
        [self].into_iter().chain(others).collect()
    }

    /// Finds the compression of a file. Its first bytes tell; its name does not count. `None` for a
    /// file with another compression than these, and for an empty file.
    pub(in crate::backup) fn of(file: &Path) -> Result<Option<Self>> {
        use std::io::Read as _;
        let mut head = [0; 4];
        let mut opened = crate::sys::process::open_regular(file).on("open", file)?;
        let known = opened.read(&mut head).on("read", file)?;
        Ok(match &head[..known] {
            [] | [0x04, 0x22, 0x4d, 0x18] => None,
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd] => Some(Self::Zstd),
            _ => Some(Self::None),
        })
    }

    /// The value of `pg_basebackup --compress`.
    pub(in crate::backup) fn argument(self) -> &'static str {
        match self {
            Self::Zstd => "client-zstd:1",
            Self::Gzip => "client-gzip:1",
            Self::None => "none",
        }
    }
}
