//! Creates migrations and migration projects on disk.
//!
//! The command makes a migration under a hidden name and then renames it, so no program sees an
//! incomplete one. It overwrites nothing. It locks the directory while it chooses a version, so two
//! migrations made in the same second get different versions.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::keep::usual_path;
use super::name::{Layout, Name, TIMESTAMP};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::ActingAs;

/// A migration to create.
#[derive(Debug, Clone, Copy)]
pub struct NewMigration<'a> {
    /// The description in its name.
    pub description: &'a str,
    /// Its version. `None` means the current time or the next number.
    pub version: Option<i64>,
    /// The layout of its files. `None` means the layout of the last migration.
    pub layout: Option<Layout>,
}

/// The SQL of a new migration.
#[derive(Debug, Clone)]
pub struct Content {
    /// The text of the up.
    pub up: String,
    /// The text of the down.
    pub down: String,
}

impl NewMigration<'_> {
    /// Creates the migration in `directory`, and the directory if necessary. Returns the path of
    /// the migration's directory, or of its up file if the layout is flat.
    ///
    /// # Errors
    /// `Conflict` for a version that exists already and for a description that cannot be a part of
    /// a file name.
    pub fn make(&self, directory: &Path) -> Result<PathBuf> {
        self.make_with(directory, &|name| Content { up: up(name), down: down(name) })
    }

    /// Creates the migration with the SQL that `content` returns.
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

    /// Returns the path that [`Self::make`] would create now.
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

pub(super) fn check_description(description: &str) -> Result<()> {
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
        Some(other) => {
            Err(Error::conflict(format!("version {version} exists already: {}", other.name))
                .hint("choose another version, or omit -v"))
        }
    }
}

/// Refuses a version that is too long for the name of a migration's directory.
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

/// Chooses the current time or the number after the last one, in any case a version after all existing
/// ones. This machine's clock may be behind another's, and a late migration would be refused.
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

/// The current time in UTC as the number `YYYYMMDDHHMMSS`.
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
    // `Directory::read` ignores hidden entries
    let part =
        tempfile::Builder::new().prefix(".new-").tempdir_in(directory).on("write to", directory)?;
    open_to_umask(part.path())?;
    for (file, text) in [("up.sql", &content.up), ("down.sql", &content.down)] {
        let file = part.path().join(file);
        std::fs::write(&file, text).on("write", &file)?;
    }
    std::fs::rename(part.path(), &path).on("create", &path)?;
    // it has another name now, so nothing must be removed
    let _ = part.keep();
    Ok(path)
}

/// Lets the umask decide who may read the directory; a temporary directory is private.
pub(super) fn open_to_umask(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).on("open", path)
}

/// Writes the down first, because a down without an up does not count as a migration.
fn make_flat(directory: &Path, name: &Name, content: &Content) -> Result<PathBuf> {
    let place = |direction| directory.join(usual_path(name, direction));
    write_new(&place("down"), &content.down)?;
    write_new(&place("up"), &content.up)
        .inspect_err(|_| drop(std::fs::remove_file(place("down"))))?;
    Ok(place("up"))
}

/// Writes a file that must not exist yet. An interruption leaves the complete file or none.
pub fn write_new(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    let mut file = File::create_new(path).on("create", path)?;
    let written = file.write_all(text.as_bytes()).on("write", path);
    written.inspect_err(|_| drop(std::fs::remove_file(path)))
}

/// Makes up a description: a word of three syllables that can be pronounced.
///
/// # Errors
/// `Failed` if the system has no random numbers.
pub fn made_up_word() -> Result<String> {
    const CONSONANTS: &[u8] = b"bcdfghjklmnprstvwz";
    const VOWELS: &[u8] = b"aeiou";
    let mut random = [0; 6];
    getrandom::fill(&mut random)
        .map_err(|error| Error::failed(format!("the system has no random numbers: {error}")))?;
    let letters = random.iter().zip([CONSONANTS, VOWELS].iter().cycle());
    Ok(letters.map(|(byte, from)| char::from(from[usize::from(*byte) % from.len()])).collect())
}

/// Checks that a project may be created in `root`.
///
/// # Errors
/// `Conflict` if it exists and is not empty.
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

/// Creates a migration project: a migration directory, a configuration, a README. Returns the
/// created paths.
///
/// # Errors
/// `Conflict` if `root` exists and is not empty.
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

    #[test]
    fn a_made_up_word_can_be_pronounced() {
        let word = made_up_word().expect("made up");
        let vowels: Vec<bool> = word.chars().map(|c| "aeiou".contains(c)).collect();
        assert_eq!(vowels, [false, true, false, true, false, true], "{word}");
        assert!(word.chars().all(|c| c.is_ascii_lowercase()), "{word}");
    }

    fn new(description: &str) -> NewMigration<'_> {
        NewMigration { description, version: None, layout: None }
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
        let again = NewMigration { version: Some(taken), ..new("other") }.make(root.path());
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
