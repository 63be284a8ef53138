//! `migrator fetch`: rebuilds the migration directory from the SQL in the history.

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use crate::migration::kept::{self, Kept};
use crate::migration::project::RunOptions;
use crate::postgres::connection::conninfo::Conninfo;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::ActingAs;

/// The result of `fetch`.
#[derive(Debug, serde::Serialize)]
pub struct Fetched {
    /// The files that were missing and are now written.
    pub written: Vec<PathBuf>,
    /// The number of files that exist with the same text.
    pub unchanged: usize,
}

/// Writes the files that are missing. Overwrites none.
///
/// # Errors
/// `Conflict` (exit 2) if a file exists with another text or would lie outside of the migration
/// directory. The error names each such file, and nothing is written.
pub fn run(project: &RunOptions, conninfo: &Conninfo, dry_run: bool) -> Result<Fetched> {
    let mut session = project.connect(conninfo)?;
    let kept = kept::read(&mut session, &project.set)?;
    if kept.is_none() {
        project.bundle()?;
    }
    let kept = kept.unwrap_or_default();
    let mut missing = Vec::new();
    let mut refused = Vec::new();
    let mut unchanged = 0;
    for (file, text) in kept.iter().flat_map(Kept::texts) {
        let path = place(&project.directory, &file);
        match crate::sys::process::read_regular(&path) {
            Ok(present) if present == text.as_bytes() => unchanged += 1,
            _ if !stays_inside(&file) => {
                refused.push(format!("{} lies outside of the migration directory", file.display()))
            }
            Ok(_) => refused.push(format!("{} exists with another text", path.display())),
            Err(_) => missing.push((path, text)),
        }
    }
    if !refused.is_empty() {
        let error =
            Error::conflict("cannot rebuild the migration directory here; nothing was written")
                .hint("name an empty directory: migrator -d DIRECTORY fetch");
        return Err(refused.into_iter().fold(error, Error::detail));
    }
    if !dry_run {
        for (path, text) in &missing {
            write(path, text)?;
        }
    }
    Ok(Fetched { written: missing.into_iter().map(|(path, _)| path).collect(), unchanged })
}

/// Resolves a path of the history. It also works for a directory that does not exist, where the
/// kernel could not follow `..`.
fn place(directory: &Path, path: &Path) -> PathBuf {
    if stays_inside(path) {
        return directory.join(path);
    }
    let mut place = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    for component in path.components() {
        match component {
            Component::ParentDir => drop(place.pop()),
            other => place.push(other),
        }
    }
    place
}

/// Checks that a path stays inside the migration directory. A role that may write the history must
/// not decide where this tool writes.
fn stays_inside(path: &Path) -> bool {
    path.components().all(|component| matches!(component, Component::Normal(_)))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let _acting = ActingAs::controller_of(path)?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).on("create", parent)?;
    }
    // an interruption must not leave half a migration, so write a hidden file first
    let parent = path.parent().unwrap_or(Path::new("."));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    let mut part = tempfile::Builder::new()
        .prefix(".fetch-")
        .permissions(mode)
        .tempfile_in(parent)
        .on("write to", parent)?;
    part.write_all(text.as_bytes()).on("write", path)?;
    part.persist_noclobber(path).map(drop).map_err(|error| error.error).on("write", path)
}
