//! New migrations and new projects on disk.
//!
//! What is made is made beside its place and renamed in, so that nobody ever sees half of it, and
//! nothing is overwritten. Two that are made in the same second get different versions: the
//! directory is locked while one is chosen.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::keep::usual_path;
use super::name::{Layout, Name, TIMESTAMP};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::ActingAs;

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// What it is about.
    pub description: &'a str,
    /// Its version; the time, or the next number, when `None`.
    pub version: Option<i64>,
    /// How it is to lie on disk; as its neighbours do, when `None`.
    pub layout: Option<Layout>,
}

/// The text of a new migration.
#[derive(Debug, Clone)]
pub struct Content {
    /// Of the file that moves forward.
    pub up: String,
    /// Of the file that moves back.
    pub down: String,
}

impl New<'_> {
    /// Makes it in `directory`, which is made if it does not exist. Returns its path: of the
    /// directory, or of the flat up file.
    ///
    /// # Errors
    /// `Conflict` for a version that is there already and for a description that is no file name.
    pub fn make(&self, directory: &Path) -> Result<PathBuf> {
        self.make_with(directory, &|name| Content { up: up(name), down: down(name) })
    }

    /// The same with SQL in it.
    ///
    /// # Errors
    /// See [`Self::make`].
    pub fn make_with(
        &self,
        directory: &Path,
        content: &dyn Fn(&Name) -> Content,
    ) -> Result<PathBuf> {
        check_description(self.description)?;
        let _acting = ActingAs::controller_of(directory)?;
        std::fs::create_dir_all(directory).on("create", directory)?;
        let handle = crate::sys::process::open_directory(directory).on("open", directory)?;
        let _lock = crate::sys::process::lock(handle, directory, false)?;
        let name = self.name(&Directory::read(directory)?)?;
        match name.layout() {
            Layout::Directory => make_directory(directory, &name, &content(&name)),
            Layout::Flat => make_flat(directory, &name, &content(&name)),
        }
    }

    /// The path that [`Self::make`] would return now.
    pub fn path(&self, directory: &Path) -> Result<PathBuf> {
        check_description(self.description)?;
        let there = match directory.exists() {
            true => Directory::read(directory)?,
            false => Directory::default(),
        };
        let name = self.name(&there)?;
        Ok(match name.layout() {
            Layout::Directory => directory.join(&name.full),
            Layout::Flat => directory.join(usual_path(&name, "up")),
        })
    }

    fn name(&self, there: &Directory) -> Result<Name> {
        let last = there.migrations.last();
        let layout = self
            .layout
            .unwrap_or_else(|| last.map_or(Layout::Directory, |migration| migration.name.layout()));
        let version = match self.version {
            Some(version) => free(there, version)?,
            None => next(there, layout)?,
        };
        fits(layout, version)?;
        Ok(Name::new(layout, version, self.description))
    }
}

fn check_description(description: &str) -> Result<()> {
    let problem = if description.trim().is_empty() {
        "is empty"
    } else if description.contains(['/', '\\']) || description.chars().any(char::is_control) {
        "holds a slash or a control character"
    } else if description.trim() != description {
        "begins or ends with a blank"
    } else if description.len() > 200 {
        "is longer than 200 bytes"
    } else {
        return Ok(());
    };
    Err(Error::conflict(format!("the name \"{}\" {problem}", description.escape_debug()))
        .hint("it becomes a part of a file name: try letters, digits, - and _"))
}

fn free(there: &Directory, version: i64) -> Result<i64> {
    match there.find(version) {
        None => Ok(version),
        Some(other) => Err(Error::conflict(format!("version {version} is there: {}", other.name))
            .hint("choose another version, or leave -v away")),
    }
}

/// A longer number would make a directory that is no migration.
fn fits(layout: Layout, version: i64) -> Result<()> {
    if layout == Layout::Directory && version.to_string().len() > TIMESTAMP {
        return Err(Error::conflict(format!("version {version} is too long for a directory"))
            .hint(format!("a directory's version has {TIMESTAMP} digits, YYYYMMDDHHMMSS"))
            .hint(
                "layout = \"flat\" in migrator.toml makes V files, whose numbers may be longer",
            ));
    }
    Ok(())
}

/// The time or the number after the last, in any case one after all that are there: the clock here may be
/// behind another's, or have been put back, and a migration that comes late is refused.
fn next(there: &Directory, layout: Layout) -> Result<i64> {
    let last = there.migrations.last().map_or(0, |last| last.name.version);
    let after = last.checked_add(1).ok_or_else(|| {
        Error::conflict(format!("there is no version after {last}"))
            .hint("choose one that is free: -v VERSION")
    })?;
    Ok(match layout {
        Layout::Directory => timestamp().max(after),
        Layout::Flat => after,
    })
}

/// Now, in UTC, as the number `YYYYMMDDHHMMSS`.
fn timestamp() -> i64 {
    let now = time::OffsetDateTime::now_utc();
    let date = i64::from(now.year()) * 10_000
        + i64::from(u8::from(now.month())) * 100
        + i64::from(now.day());
    let (hour, minute, second) = now.to_hms();
    date * 1_000_000 + i64::from(hour) * 10_000 + i64::from(minute) * 100 + i64::from(second)
}

fn up(name: &Name) -> String {
    format!("-- {}: what changes, and why.\n", name.description())
}

fn down(name: &Name) -> String {
    format!("-- Reverts {}.\n", name.description())
}

fn make_directory(directory: &Path, name: &Name, content: &Content) -> Result<PathBuf> {
    let path = directory.join(&name.full);
    // a hidden entry is no migration yet
    let part =
        tempfile::Builder::new().prefix(".new-").tempdir_in(directory).on("write to", directory)?;
    open_to_umask(part.path())?;
    for (file, text) in [("up.sql", &content.up), ("down.sql", &content.down)] {
        let file = part.path().join(file);
        std::fs::write(&file, text).on("write", &file)?;
    }
    std::fs::rename(part.path(), &path).on("create", &path)?;
    // its place is empty now
    let _ = part.keep();
    Ok(path)
}

/// A temporary directory is private; a migration is not.
fn open_to_umask(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).on("open", path)
}

/// The down first: without its up it is no migration.
fn make_flat(directory: &Path, name: &Name, content: &Content) -> Result<PathBuf> {
    let place = |direction| directory.join(usual_path(name, direction));
    write_new(&place("down"), &content.down)?;
    write_new(&place("up"), &content.up)
        .inspect_err(|_| drop(std::fs::remove_file(place("down"))))?;
    Ok(place("up"))
}

/// Writes a file that must not be there yet. It is there whole or not at all.
pub fn write_new(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    let mut file = File::create_new(path).on("create", path)?;
    let written = file.write_all(text.as_bytes()).on("write", path);
    written.inspect_err(|_| drop(std::fs::remove_file(path)))
}

/// Whether a project may be made in `root`.
///
/// # Errors
/// `Conflict` when it is there and not empty.
pub fn check_place(root: &Path) -> Result<()> {
    let is_empty = match std::fs::read_dir(root) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(Error::io("read", root, &error)),
    };
    match is_empty {
        true => Ok(()),
        false => Err(Error::conflict(format!("{} is not empty", root.display()))
            .hint("name a directory that does not exist yet, or an empty one")),
    }
}

/// Makes a migration project: a directory for migrations, a configuration, a README. Returns what
/// was made.
///
/// # Errors
/// `Conflict` when `root` is there and not empty.
pub fn project(root: &Path) -> Result<Vec<PathBuf>> {
    check_place(root)?;
    let _acting = ActingAs::controller_of(root)?;
    let migrations = root.join("migration");
    std::fs::create_dir_all(&migrations).on("create", &migrations)?;
    let files = [
        ("migrator.toml", include_str!("../../nix/migrator/migrator.toml")),
        ("README.md", include_str!("../../nix/migrator/README.md")),
        ("migration/.gitkeep", ""),
    ];
    for (file, text) in files {
        write_new(&root.join(file), text)?;
    }
    Ok(files.iter().map(|(file, _)| root.join(file)).chain([migrations]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(description: &str) -> New<'_> {
        New { description, version: None, layout: None }
    }

    #[test]
    fn what_is_made_is_read_and_never_overwritten() {
        let root = tempfile::tempdir().expect("temporary directory");
        let (one, two) = (new("a b").make(root.path()), new("a b").make(root.path()));
        assert_ne!(one.expect("made"), two.expect("made"));
        let read = Directory::read_whole(root.path()).expect("read");
        assert_eq!((read.migrations.len(), read.warnings.len()), (2, 0), "{read:?}");
        assert!(read.migrations.iter().all(|migration| migration.down.is_some()));
        let taken = read.migrations[0].name.version;
        let again = New { version: Some(taken), ..new("other") }.make(root.path());
        assert!(again.expect_err("taken").message().contains("a b"));
    }

    #[test]
    fn neighbours_decide_on_the_layout() {
        let root = tempfile::tempdir().expect("temporary directory");
        std::fs::write(root.path().join("V000007__First.sql"), "").expect("written");
        let made = new("add users").make(root.path()).expect("made");
        assert!(made.ends_with("V000008__add_users.sql"), "{}", made.display());
        assert!(root.path().join("U000008__add_users.sql").is_file());
    }

    #[test]
    fn a_name_is_a_file_name() {
        let root = tempfile::tempdir().expect("temporary directory");
        for bad in ["", " ", "a/b", "..\\x", "a\nb", " a"] {
            assert!(new(bad).make(root.path()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_project_is_made_in_an_empty_place() {
        let root = tempfile::tempdir().expect("temporary directory");
        let made = project(&root.path().join("shop")).expect("made");
        assert!(made.iter().all(|path| path.exists()));
        assert!(project(&root.path().join("shop")).is_err());
    }
}
