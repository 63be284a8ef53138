//! Writes imported migrations into the migration directory.
//!
//! They are made under a hidden name and renamed at the end. A new or empty directory takes their
//! place in one step.

use std::path::Path;

use super::read::Imported;
use crate::migration::create::open_to_umask;
use crate::migration::directory::Directory;
use crate::migration::keep::usual_path;
use crate::migration::name::Layout;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::ActingAs;

/// Whether the migrations have to be written.
#[derive(Debug)]
pub enum Writing {
    /// The directory has none of the versions.
    New,
    /// The directory has exactly these migrations already.
    Same,
}

/// Compares the migrations with those of `directory`.
///
/// # Errors
/// `Conflict` if it has a migration with the version of one of them, unless all are the same.
pub fn check(directory: &Path, migrations: &[Imported]) -> Result<Writing> {
    if !directory.exists() {
        return Ok(Writing::New);
    }
    let there = Directory::read(directory)?;
    let taken: Vec<&Imported> =
        migrations.iter().filter(|one| there.find(one.name.version).is_some()).collect();
    let Some(first) = taken.first() else { return Ok(Writing::New) };
    if taken.len() == migrations.len() && migrations.iter().all(|one| is_there(directory, one)) {
        return Ok(Writing::Same);
    }
    let mut error = Error::conflict(format!(
        "{} has a migration of the version {} already",
        directory.display(),
        first.name.version
    ));
    for one in &taken {
        let other = there.find(one.name.version).map(|other| other.name.full.clone());
        error = error.detail(format!("{} and {}", one.name, other.unwrap_or_default()));
    }
    Err(error.hint("import into an empty directory: -d DIR"))
}

fn is_there(directory: &Path, one: &Imported) -> bool {
    [("up", &one.up), ("down", &one.down)].iter().all(|(direction, text)| {
        let path = directory.join(usual_path(&one.name, direction));
        crate::sys::process::read_regular(path).is_ok_and(|bytes| bytes == text.as_bytes())
    })
}

/// Writes the migrations, and the directory if necessary.
pub fn write(directory: &Path, migrations: &[Imported]) -> Result<()> {
    let _acting = ActingAs::controller_of(directory)?;
    let parent = directory.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(parent).on("create", parent)?;
    let is_empty = match std::fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(Error::io("read", directory, &error)),
    };
    let place = if is_empty { parent } else { directory };
    let part =
        tempfile::Builder::new().prefix(".import-").tempdir_in(place).on("write to", place)?;
    open_to_umask(part.path())?;
    for one in migrations {
        for (direction, text) in [("down", &one.down), ("up", &one.up)] {
            let file = part.path().join(usual_path(&one.name, direction));
            let above = file.parent().unwrap_or(part.path());
            std::fs::create_dir_all(above).on("create", above)?;
            std::fs::write(&file, text).on("write", &file)?;
        }
    }
    if is_empty {
        std::fs::rename(part.path(), directory).on("create", directory)?;
        // it has another name now, so nothing must be removed
        let _ = part.keep();
        Ok(())
    } else {
        move_all(part.path(), directory, migrations)
    }
}

/// The entries of the migration directory that a migration has: those to move first, and the last.
fn entries(one: &Imported) -> (Vec<String>, String) {
    match one.name.layout() {
        Layout::Directory => (Vec::new(), one.name.full.clone()),
        Layout::Flat => (vec![usual_path(&one.name, "down")], usual_path(&one.name, "up")),
    }
}

/// Moves everything into `directory`; after a failure, moves it back.
fn move_all(part: &Path, directory: &Path, migrations: &[Imported]) -> Result<()> {
    let mut moved: Vec<String> = Vec::new();
    for one in migrations {
        let (first, last) = entries(one);
        for entry in first.into_iter().chain([last]) {
            let to = directory.join(&entry);
            let renamed = match to.symlink_metadata() {
                Ok(_) => Err(std::io::ErrorKind::AlreadyExists.into()),
                Err(_) => std::fs::rename(part.join(&entry), &to),
            };
            if let Err(error) = renamed {
                for entry in moved.iter().rev() {
                    // the first error says what went wrong
                    let _ = std::fs::rename(directory.join(entry), part.join(entry));
                }
                return Err(Error::io("create", &to, &error));
            }
            moved.push(entry);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::import::files::Files;
    use crate::migration::import::read::{Imports, ReadOptions, read};
    use crate::migration::import::tool::Tool;

    fn imports(files: &[(&str, &str)]) -> Imports {
        read(Tool::Sqlx, &Files::of(files), &ReadOptions::default()).expect("read")
    }

    #[test]
    fn they_are_written_once_and_nothing_is_overwritten() {
        let root = tempfile::tempdir().expect("temporary directory");
        let directory = root.path().join("a/migration");
        let one = imports(&[("1_a.sql", "A;")]).migrations;
        assert!(matches!(check(&directory, &one), Ok(Writing::New)));
        write(&directory, &one).expect("written");
        assert!(directory.join("V000001__a.sql").is_file());
        assert!(matches!(check(&directory, &one), Ok(Writing::Same)));
        let two = imports(&[("2_b.sql", "B;"), ("3_c.sql", "C;")]).migrations;
        write(&directory, &two).expect("written");
        assert_eq!(Directory::read_whole(&directory).expect("read").migrations.len(), 3);
        let other = imports(&[("1_x.sql", "A;")]).migrations;
        let error = check(&directory, &other).expect_err("taken");
        assert!(error.message().contains("version 1 already"), "{error}");
        let error = write(&directory, &imports(&[("4_d.sql", ""), ("3_c.sql", "")]).migrations);
        assert!(error.is_err());
        let left = std::fs::read_dir(&directory).expect("read").count();
        assert_eq!(left, 6, "nothing hidden is left");
    }
}
