//! Reads the migration directory.
//!
//! Both layouts may be mixed; the versions order all migrations. An entry that is not a migration
//! is skipped with a warning, because its name may have a typing error. Hidden entries are skipped
//! silently.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::name::{Entry, Name, parse};
use super::{Direction, plan};
use crate::sys::error::{Error, IoContext, Result};

/// A migration in the migration directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    pub name: Name,
    /// The path of the up. Without one, the migration can only be listed.
    pub up: Option<PathBuf>,
    /// The path of the down.
    pub down: Option<PathBuf>,
}

impl Migration {
    /// The path for one direction.
    ///
    /// # Errors
    /// `Missing` (exit 3) if the migration has no such file.
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
                    "add its down file; if there is no way back, let it raise an exception that says why: RAISE EXCEPTION in a DO block",
                ),
            }
        })
    }
}

/// The content of the migration directory.
#[derive(Debug, Default)]
pub struct Directory {
    /// The migrations, ordered by version. Versions are unique.
    pub migrations: Vec<Migration>,
    /// The entries that were skipped, with the reasons.
    pub warnings: Vec<String>,
}

impl Directory {
    /// Reads `path`.
    ///
    /// # Errors
    /// `Missing` if there is no such directory; `Conflict` if two migrations have the same version,
    /// or if a migration has two files for one direction.
    pub fn read(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            let what = if path.exists() { "is not a directory" } else { "does not exist" };
            return Err(Error::missing(format!(
                "the migration directory {} {what}",
                path.display()
            ))
            .hint("name it with -d/--migration-dir or MIGRATION_DIR")
            .hint("`migrator create NAME` creates it with a first migration"));
        }
        let mut reading = Reading::default();
        for entry in std::fs::read_dir(path).on("read", path)? {
            reading.add(&entry.on("read", path)?)?;
        }
        reading.finish()
    }

    /// Reads `path` for a command that will run migrations or change the history.
    ///
    /// # Errors
    /// As [`Self::read`]; also `Conflict` for a migration that has neither an up nor a down.
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

    pub fn find(&self, version: i64) -> Option<&Migration> {
        let at = self.migrations.binary_search_by_key(&version, |m| m.name.version).ok()?;
        Some(&self.migrations[at])
    }

    /// The names of all migrations, ordered by version.
    pub fn names(&self) -> Vec<Name> {
        self.migrations.iter().map(|migration| migration.name.clone()).collect()
    }

    /// Finds the version of the migration that the user names.
    ///
    /// # Errors
    /// `Conflict` if several migrations fit, `Missing` if none does.
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
                    "{} is not a migration (YYYYMMDDHHMMSS-name/, V000001__Description.sql); skipped",
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
    Error::conflict(format!("version {version} exists twice: {first} and {second}"))
        .hint("give one of them a version of its own by renaming it")
}

/// Finds `up.sql` or `up/entrypoint.sql`, and likewise for the down.
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
