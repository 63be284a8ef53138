//! The files of an installation beside its programs: extensions, libraries, dictionaries, time zones.
//! Each of them can change the result of a script.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Toolchain;
use crate::sys::digest::hex;
use crate::sys::error::Result;

/// Directories below the shared directory of an installation.
const SHARED: [&str; 3] = ["extension", "tsearch_data", "timezonesets"];

/// The parent of the shared directories of Debian and Ubuntu, one for each major version.
const DEBIAN: &str = "/usr/share/postgresql";

/// The time zones of the machine. PostgreSQL of Linux distributions uses them.
const ZONES: [&str; 2] = ["/usr/share/zoneinfo/tzdata.zi", "/usr/share/zoneinfo/UTC"];

impl Toolchain {
    /// A digest of the names, sizes and times of psql, of the extensions and libraries of this
    /// installation, of its dictionaries, and of the machine's time zones.
    pub fn installed(&self) -> Result<String> {
        self.digest_of(self.directories())
    }

    /// The same for the directories whose places can be guessed. Starts no program.
    pub fn installed_nearby(&self) -> Result<String> {
        let mut shared = self.guessed_shared();
        // Debian: /usr/lib/postgresql/17/bin
        let version = self.bindir.parent().and_then(Path::file_name);
        shared.extend(version.map(|version| Path::new(DEBIAN).join(version)));
        self.digest_of(below(&shared).collect())
    }

    fn digest_of(&self, directories: Vec<PathBuf>) -> Result<String> {
        let mut digest = Sha256::new();
        let mut places = vec![self.path("psql")?];
        places.extend(ZONES.map(PathBuf::from));
        for place in places {
            add(&mut digest, &place);
        }
        for directory in directories {
            let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
            let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
            paths.sort();
            paths.iter().for_each(|path| add(&mut digest, path));
        }
        Ok(hex(&digest.finalize()))
    }

    fn directories(&self) -> Vec<PathBuf> {
        let mut directories = self.library_directories();
        let mut shared = Vec::new();
        if let Some(printed) = self.pg_config("--sharedir") {
            shared.push(printed);
        }
        shared.extend(self.guessed_shared());
        if let Ok(version) = self.version() {
            shared.push(Path::new(DEBIAN).join(version.major.to_string()));
        }
        directories.extend(below(&shared));
        directories.sort();
        directories.dedup();
        directories
    }

    fn guessed_shared(&self) -> Vec<PathBuf> {
        ["../share", "../share/postgresql"].map(|below| self.bindir.join(below)).into()
    }
}

fn below(shared: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    shared.iter().flat_map(|place| SHARED.map(|name| place.join(name)))
}

fn add(digest: &mut Sha256, path: &Path) {
    // the time of a directory is that of its installation, which differs from machine to machine
    let Some(facts) = path.metadata().ok().filter(Metadata::is_file) else { return };
    let (seconds, rest) = (facts.mtime(), facts.mtime_nsec());
    digest.update(format!("{}\0{}\0{seconds}.{rest}\n", path.display(), facts.len()));
}
