//! What lies in the migration directory.
//!
//! Both layouts may stand side by side; the versions order them all. Entries that are no migration
//! are named in a warning and skipped, because a typing error in a name must not pass unseen. Hidden
//! entries are skipped in silence.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::name::{Entry, Name, parse};
use super::{Direction, plan};
use crate::sys::error::{Error, IoContext, Result};

/// A migration on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its name.
    pub name: Name,
    /// The file that moves forward; a migration without it can only be listed.
    pub up: Option<PathBuf>,
    /// The file that moves back.
    pub down: Option<PathBuf>,
}

impl Migration {
    /// The file of one direction.
    ///
    /// # Errors
    /// `Missing` (exit 3) with the place where it should be.
    pub fn file(&self, direction: Direction) -> Result<&Path> {
        let (file, what) = match direction {
            Direction::Up => (&self.up, "up"),
            Direction::Down => (&self.down, "down"),
        };
        file.as_deref().ok_or_else(|| {
            let error = Error::missing(format!("migration {} has no {what} file", self.name));
            match direction {
                Direction::Up => error.hint("add its up.sql"),
                Direction::Down => error.hint(
                    "add its down file; one that only says why there is no way back is fine: RAISE EXCEPTION in a DO block",
                ),
            }
        })
    }
}

/// The migrations, in the order of their versions.
#[derive(Debug, Default)]
pub struct Directory {
    /// In order; versions are unique.
    pub migrations: Vec<Migration>,
    /// What was skipped, and why.
    pub warnings: Vec<String>,
}

impl Directory {
    /// Reads `path`.
    ///
    /// # Errors
    /// `Missing` when there is no such directory, `Conflict` for a version that is there twice and for
    /// a migration that has both kinds of an up or a down.
    pub fn read(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            let what = if path.exists() { "is no directory" } else { "does not exist" };
            return Err(Error::missing(format!(
                "the migration directory {} {what}",
                path.display()
            ))
            .hint("name it with -d/--migration-dir or MIGRATION_DIR")
            .hint("`migrator create NAME` makes it with a first migration"));
        }
        let mut reading = Reading::default();
        for entry in std::fs::read_dir(path).on("read", path)? {
            reading.add(&entry.on("read", path)?)?;
        }
        reading.finish()
    }

    /// The same for a directory that is about to be worked with.
    ///
    /// # Errors
    /// Also `Conflict` for a migration that has neither an up nor a down file.
    pub fn read_whole(path: &Path) -> Result<Self> {
        let read = Self::read(path)?;
        match read.migrations.iter().find(|m| m.up.is_none() && m.down.is_none()) {
            None => Ok(read),
            Some(empty) => Err(Error::conflict(format!(
                "migration {} has neither an up nor a down file",
                empty.name
            ))
            .hint(format!(
                "write {}, or remove the directory",
                path.join(&empty.name.full).join("up.sql").display()
            ))),
        }
    }

    /// The migration of a version.
    pub fn find(&self, version: i64) -> Option<&Migration> {
        let at = self.migrations.binary_search_by_key(&version, |m| m.name.version).ok()?;
        Some(&self.migrations[at])
    }

    /// The names, for the plan.
    pub fn names(&self) -> Vec<Name> {
        self.migrations.iter().map(|migration| migration.name.clone()).collect()
    }

    /// The version that a person names.
    ///
    /// # Errors
    /// `Conflict` when several are called that, `Missing` when none is.
    pub fn resolve(&self, text: &str) -> Result<i64> {
        plan::resolve(&self.names(), text)
    }
}

#[derive(Default)]
struct Reading {
    found: BTreeMap<i64, Migration>,
    downs: Vec<(Name, PathBuf)>,
    warnings: Vec<String>,
}

impl Reading {
    fn add(&mut self, entry: &std::fs::DirEntry) -> Result<()> {
        let path = entry.path();
        let file_name = entry.file_name();
        let Some(text) = file_name.to_str() else {
            self.warnings.push(format!("{} is not UTF-8; skipped", path.display()));
            return Ok(());
        };
        if text.starts_with('.') {
            return Ok(());
        }
        let kind = entry.file_type().on("read", &path)?;
        let is_directory = if kind.is_symlink() { path.is_dir() } else { kind.is_dir() };
        match parse(text, is_directory) {
            Entry::Directory(name) => {
                let up = script(&path, "up", &name)?;
                let down = script(&path, "down", &name)?;
                self.insert(Migration { name, up, down })
            }
            Entry::Up(name) => self.insert(Migration { name, up: Some(path), down: None }),
            Entry::Down(name) => {
                self.downs.push((name, path));
                Ok(())
            }
            Entry::Other => {
                self.warnings.push(format!(
                    "{} is no migration (YYYYMMDDHHMMSS-name/, V000001__Description.sql); skipped",
                    path.display()
                ));
                Ok(())
            }
        }
    }

    fn insert(&mut self, migration: Migration) -> Result<()> {
        let (version, name) = (migration.name.version, migration.name.clone());
        match self.found.insert(version, migration) {
            None => Ok(()),
            Some(other) => Err(twice(version, &name, &other.name)),
        }
    }

    fn finish(mut self) -> Result<Directory> {
        self.downs.sort();
        for (name, path) in self.downs {
            match self.found.get_mut(&name.version) {
                Some(migration) if migration.down.is_none() => migration.down = Some(path),
                Some(migration) => {
                    let other = migration.down.as_deref().unwrap_or(&path).display();
                    return Err(Error::conflict(format!(
                        "version {} has two down files: {other} and {}",
                        name.version,
                        path.display()
                    ))
                    .hint("keep one of them"));
                }
                None => self
                    .warnings
                    .push(format!("{} has no up file of its version; skipped", path.display())),
            }
        }
        self.warnings.sort();
        Ok(Directory { migrations: self.found.into_values().collect(), warnings: self.warnings })
    }
}

fn twice(version: i64, one: &Name, other: &Name) -> Error {
    let (first, second) = if one.full <= other.full { (one, other) } else { (other, one) };
    Error::conflict(format!("version {version} is there twice: {first} and {second}"))
        .hint("give one of them a version of its own by renaming it")
}

/// `up.sql`, or `up/entrypoint.sql`.
fn script(directory: &Path, direction: &str, name: &Name) -> Result<Option<PathBuf>> {
    let file = directory.join(format!("{direction}.sql"));
    let entrypoint = directory.join(direction).join("entrypoint.sql");
    match (file.is_file(), entrypoint.is_file()) {
        (true, true) => Err(Error::conflict(format!(
            "migration {name} has both {direction}.sql and {direction}/entrypoint.sql"
        ))
        .hint("keep one of them")),
        (true, false) => Ok(Some(file)),
        (false, true) => Ok(Some(entrypoint)),
        (false, false) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[&str]) -> (tempfile::TempDir, Result<Directory>) {
        let root = tempfile::tempdir().expect("temporary directory");
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
            std::fs::write(path, "SELECT 1;").expect("written");
        }
        let read = Directory::read_whole(root.path());
        (root, read)
    }

    #[test]
    fn layouts_mix_and_versions_order() {
        let (_root, read) = directory(&[
            "20250101000000-b/up.sql",
            "20240101000000-a/up/entrypoint.sql",
            "20240101000000-a/down.sql",
            "V000002__Two.sql",
            "U2__Zwei.sql",
            ".hidden",
            "notes.txt",
            "U9__Nine.sql",
        ]);
        let read = read.expect("read");
        let names: Vec<_> = read.names().into_iter().map(|name| name.full).collect();
        assert_eq!(names, ["V000002__Two", "20240101000000-a", "20250101000000-b"]);
        assert!(read.migrations[0].down.is_some() && read.migrations[2].down.is_none());
        assert!(read.migrations[1].up.as_ref().is_some_and(|up| up.ends_with("up/entrypoint.sql")));
        assert_eq!(read.warnings.len(), 2, "{:?}", read.warnings);
    }

    #[test]
    fn what_is_ambiguous_is_named() {
        for (files, words) in [
            (&["V1__a.sql", "V01__b.sql"][..], ["V01__b", "V1__a"]),
            (&["20250101000000-a/x.txt"], ["20250101000000-a", "neither"]),
            (
                &["20250101000000-a/up.sql", "20250101000000-a/up/entrypoint.sql"],
                ["both", "up.sql"],
            ),
            (&["V1__a.sql", "U1__a.sql", "U01__b.sql"], ["U01__b", "U1__a"]),
        ] {
            let (_root, read) = directory(files);
            let error = read.expect_err("ambiguous");
            assert!(words.iter().all(|word| error.message().contains(word)), "{error}");
        }
    }
}
