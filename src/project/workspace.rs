//! A project's paths, resolved once.

use std::path::{Path, PathBuf};

use crate::sys::error::{Error, Result};

/// Where a project keeps its database. Every path is absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// `LOCAL_DIR`.
    pub root: PathBuf,
    /// `DATABASE_DIR`.
    pub database_directory: PathBuf,
    /// The file that hydration starts with.
    pub entrypoint: PathBuf,
    /// The patch.
    pub patch: Patch,
    /// The tests.
    pub test: PathBuf,
    /// Where the output of hydration goes, unless to standard output.
    pub hydrate_log: Option<PathBuf>,
    /// Where the output of patching goes, unless to standard output.
    pub patch_log: Option<PathBuf>,
}

/// The patch file: one that was named has to exist, the default one is made when it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The file.
    pub file: PathBuf,
    /// Whether `PATCH_SQL` named it.
    pub named: bool,
}

/// `path`, which has to be a file; exit 3 with its path and `hint` when it is not.
pub fn require_file(path: &Path, what: &str, hint: &str) -> Result<()> {
    // the device that holds nothing is a file without content
    if path.is_file() || path == Path::new("/dev/null") {
        return Ok(());
    }
    let problem = if path.exists() { "is not a regular file" } else { "does not exist" };
    Err(Error::missing(format!("{what} {} {problem}", path.display())).hint(hint))
}
