//! Hints about clones: a small file for each in the working directory, with its note. They tell a
//! command whether a clone is over, without a connection to the server.
//!
//! A command writes the hint before it makes the database. So a database that a killed command has
//! made, but has given no comment, is found by its hint.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::note::{Database, Note};
use crate::cluster::Layout;
use crate::sys::digest::sha256;
use crate::sys::error::{IoContext, Result};
use crate::sys::no_follow;
use crate::sys::process::{ActingAs, read_text};

/// The time after which a hint that cannot be read is one that a killed command has not finished.
const UNFINISHED: Duration = Duration::from_secs(600);

/// A hint about one database.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Hint {
    /// The name of the database.
    pub name: String,
    /// The note about it.
    pub note: Note,
}

impl Hint {
    /// Whether it is about this database, and says that nobody needs it. A cluster that was replaced
    /// may have had a database of the same name.
    pub fn is_over_for(&self, database: &Database) -> bool {
        let made = database.note.as_ref().map(|note| note.made);
        self.name == database.name && made == Some(self.note.made) && self.note.is_over()
    }
}

/// The hints of a cluster.
#[derive(Debug)]
pub struct Hints {
    directory: PathBuf,
    owner: u32,
}

impl Hints {
    /// The hints of the cluster in `layout`.
    pub fn of(layout: &Layout) -> Self {
        Self { directory: layout.clones(), owner: layout.owner() }
    }

    /// Writes a hint, or replaces it.
    pub fn write(&self, name: &str, note: &Note) -> Result<()> {
        let _acting = ActingAs::owner(self.owner)?;
        crate::environment::lease::make_directory(&self.directory)?;
        let path = self.path(name);
        let hint = Hint { name: name.to_owned(), note: note.clone() };
        let text = serde_json::to_string(&hint).unwrap_or_default();
        let mut file = no_follow::create(&path, 0o600).on("open", &path)?;
        file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).on("write", &path)
    }

    /// Removes a hint, if there is one.
    pub fn remove(&self, name: &str) {
        if let Ok(_acting) = ActingAs::owner(self.owner) {
            let _ = std::fs::remove_file(self.path(name));
        }
    }

    /// Whether there may be something to remove.
    pub fn any_is_over(&self) -> bool {
        self.all().iter().any(|hint| hint.note.is_over())
    }

    /// All hints. Removes those that are damaged.
    pub fn all(&self) -> Vec<Hint> {
        let Ok(_acting) = ActingAs::owner(self.owner) else { return Vec::new() };
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path()).filter(|path| is_hint(path));
        paths.filter_map(|path| read(&path)).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(&sha256(name)[..32])
    }
}

fn is_hint(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.len() == 32 && name.iter().all(u8::is_ascii_hexdigit)
}

fn read(path: &Path) -> Option<Hint> {
    let hint = read_text(path).ok().and_then(|text| serde_json::from_str(&text).ok());
    let modified = || path.metadata().and_then(|facts| facts.modified()).ok();
    if hint.is_none() && modified()?.elapsed().is_ok_and(|age| age > UNFINISHED) {
        let _ = std::fs::remove_file(path);
    }
    hint
}
