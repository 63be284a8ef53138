//! Paths as the user means them.

use std::path::{Path, PathBuf};

/// Makes `path` absolute without reading the file system.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
