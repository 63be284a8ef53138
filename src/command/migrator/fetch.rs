//! `migrator fetch`: rebuilds the migration directory from the SQL in the history.

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use crate::migration::history;
use crate::migration::keep::usual_path;
use crate::migration::name::Name;
use crate::migration::project::RunOptions;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Row, Type, column};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::ActingAs;

/// A file whose text the history keeps.
struct Kept {
    path: PathBuf,
    text: String,
}

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
    let query = sql!("migration/sources");
    let rows = match session.query_typed(query, &[(&project.set, Type::TEXT)]) {
        Ok(rows) => rows,
        Err(error) => {
            history::absent(&mut session, error)?;
            project.bundle()?;
            Vec::new()
        }
    };
    let mut kept = Vec::new();
    for row in &rows {
        kept.extend(files(row)?);
    }
    let mut missing = Vec::new();
    let mut refused = Vec::new();
    let mut unchanged = 0;
    for file in &kept {
        let path = place(&project.directory, &file.path);
        match crate::sys::process::read_regular(&path) {
            Ok(text) if text == file.text.as_bytes() => unchanged += 1,
            _ if !stays_inside(&file.path) => refused
                .push(format!("{} lies outside of the migration directory", file.path.display())),
            Ok(_) => refused.push(format!("{} exists with another text", path.display())),
            Err(_) => missing.push((path, &file.text)),
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

fn files(row: &Row) -> Result<Vec<Kept>> {
    let name = Name { version: column(row, "version")?, full: column(row, "name")? };
    let up: Option<String> = column(row, "up_sql")?;
    let down: Option<String> = column(row, "down_sql")?;
    let files: Option<String> = column(row, "files")?;
    let files: Value = match files {
        Some(text) => serde_json::from_str(&text).map_err(|error| {
            Error::unexpected(format!("the history of {name} is damaged: {error}"))
        })?,
        None => Value::Null,
    };
    let path = |direction| {
        let named = files[direction].as_str().map(PathBuf::from);
        named.unwrap_or_else(|| PathBuf::from(usual_path(&name, direction)))
    };
    let mut kept = Vec::new();
    kept.extend(up.map(|text| Kept { path: path("up"), text }));
    kept.extend(down.map(|text| Kept { path: path("down"), text }));
    for (part, text) in files["parts"].as_object().into_iter().flatten() {
        let text = text.as_str().unwrap_or_default().to_owned();
        kept.push(Kept { path: PathBuf::from(part), text });
    }
    Ok(kept)
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
