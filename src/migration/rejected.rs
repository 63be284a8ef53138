//! Drafts that failed their proof. Each is a directory in `rejected/` beside the migration directory,
//! so that no migrator applies it and people can still use its parts.
//!
//! The last line of `reason.txt` has the digest of the whole draft. It shows that nobody has edited
//! the draft since, and only then may a newer draft of the same name replace it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::create::{Content, open_to_umask, write_new};
use crate::sys::digest::sha256;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{ActingAs, read_text};

/// The directory of rejected drafts, beside the migration directory.
const PLACE: &str = "rejected";
const UP: &str = "up.sql";
const DOWN: &str = "down.sql";
const REASON: &str = "reason.txt";
const RECEIPT: &str = "-- written by `database diff`, as a whole: ";

/// Saves a draft beside the migration directory, with the reason why it was rejected. Replaces an
/// older one of the same name if nobody has edited that, and takes another name otherwise. Returns
/// the path of the draft's directory.
///
/// # Errors
/// `Failed` if files cannot be written.
pub fn save(migrations: &Path, name: &str, content: &Content, reason: &str) -> Result<PathBuf> {
    let place = migrations.parent().unwrap_or(migrations).join(PLACE);
    let _acting = ActingAs::controller_of(&place)?;
    make_ignored(&place)?;
    let part =
        tempfile::Builder::new().prefix(".new-").tempdir_in(&place).on("write to", &place)?;
    open_to_umask(part.path())?;
    let digest = digest(&content.up, &content.down, reason);
    let reason = format!("{reason}{RECEIPT}{digest}\n");
    for (file, text) in [(UP, &content.up), (DOWN, &content.down), (REASON, &reason)] {
        write_new(&part.path().join(file), text)?;
    }
    let path = take(&place, name)?;
    std::fs::rename(part.path(), &path).on("create", &path)?;
    // it has another name now, so nothing must be removed
    let _ = part.keep();
    Ok(path)
}

/// Creates the directory. Git must ignore a directory that db-tool itself has made.
fn make_ignored(place: &Path) -> Result<()> {
    match std::fs::create_dir(place) {
        Ok(()) => write_new(&place.join(".gitignore"), "*\n"),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::io("create", place, &error)),
    }
}

/// Finds a free path. Removes an older draft of the same name if nobody has edited it.
fn take(place: &Path, name: &str) -> Result<PathBuf> {
    // neither a hidden entry nor `..`
    let name = match name.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => name.to_owned(),
    };
    let names = (2..).map(|number| format!("{name}-{number}"));
    for name in std::iter::once(name.clone()).chain(names) {
        let path = place.join(name);
        match path.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(Error::io("read", &path, &error)),
            Ok(_) if is_as_written(&path) => {
                let aside = tempfile::Builder::new().prefix(".old-").tempdir_in(place);
                let aside = aside.on("write to", place)?;
                std::fs::rename(&path, aside.path().join(REASON)).on("move", &path)?;
                return Ok(path);
            }
            Ok(_) => {}
        }
    }
    Err(Error::unexpected("no name is free"))
}

/// Whether a directory has a draft as db-tool wrote it, and nothing else.
fn is_as_written(path: &Path) -> bool {
    let is_directory = path.symlink_metadata().is_ok_and(|facts| facts.is_dir());
    let count = std::fs::read_dir(path).map_or(0, Iterator::count);
    let read = |file| read_text(path.join(file)).unwrap_or_default();
    let (up, down, reason) = (read(UP), read(DOWN), read(REASON));
    let receipt = reason.rsplit_once(RECEIPT);
    is_directory
        && count == 3
        && receipt.is_some_and(|(reason, found)| found.trim_end() == digest(&up, &down, reason))
}

fn digest(up: &str, down: &str, reason: &str) -> String {
    sha256(format!("{up}\0{down}\0{reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(up: &str) -> Content {
        Content { up: up.to_owned(), down: "down\n".to_owned() }
    }

    #[test]
    fn only_a_draft_that_nobody_has_edited_is_replaced() {
        let place = tempfile::tempdir().expect("temporary directory");
        let migrations = place.path().join("migration");
        let save = |name, up| save(&migrations, name, &content(up), "why\n").expect("saved");
        let first = save("x", "one\n");
        assert_eq!(first, place.path().join("rejected/x"));
        assert_eq!(save("x", "two\n"), first);
        let read = |file: &str| std::fs::read_to_string(first.join(file)).expect("there");
        assert_eq!(read("up.sql"), "two\n");
        assert!(read("reason.txt").starts_with("why\n"));
        std::fs::write(first.join("up.sql"), "mine\n").expect("written");
        assert_eq!(save("x", "three\n"), place.path().join("rejected/x-2"));
        assert_eq!(read("up.sql"), "mine\n");
        assert_eq!(save("..", "four\n"), place.path().join("rejected/_."));
        let ignore = place.path().join("rejected/.gitignore");
        assert_eq!(std::fs::read_to_string(ignore).expect("there"), "*\n");
        let entries = std::fs::read_dir(place.path().join("rejected")).expect("there");
        assert_eq!(entries.count(), 4);
    }
}
