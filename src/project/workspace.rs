//! A project's paths, resolved once.

use std::path::{Path, PathBuf};

use crate::sys::error::{Error, Result};

/// The paths of a project's files. Every path is absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// `LOCAL_DIR`.
    pub root: PathBuf,
    /// `DATABASE_DIR`.
    pub database_directory: PathBuf,
    /// The file with which hydration starts.
    pub entrypoint: PathBuf,
    pub patch: Patch,
    /// The file that `database test` runs.
    pub test: PathBuf,
    /// The file for the output of hydration. `None` means standard output.
    pub hydrate_log: Option<PathBuf>,
    /// The file for the output of the patch. `None` means standard output.
    pub patch_log: Option<PathBuf>,
}

/// The patch file. A file that `PATCH_SQL` names must exist; db-tool creates the default file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    pub file: PathBuf,
    /// Whether `PATCH_SQL` named it.
    pub named: bool,
}

/// Checks that `path` is a regular file. Otherwise exits with 3; the message has the path and
/// `hint`.
pub fn require_file(path: &Path, what: &str, hint: &str) -> Result<()> {
    // `/dev/null` counts as an empty file
    if path.is_file() || path == Path::new("/dev/null") {
        return Ok(());
    }
    let problem = if path.exists() { "is not a regular file" } else { "does not exist" };
    Err(Error::missing(format!("{what} {} {problem}", path.display())).hint(hint))
}
