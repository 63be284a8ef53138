//! The texts of migrations that the history keeps, as of their last start or repair.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::directory::Directory;
use super::history;
use super::keep::{relative, usual_path};
use super::name::Name;
use super::source::{FileMatch, Part, Source};
use crate::postgres::connection::session::{Row, Session, Type, column};
use crate::postgres::psql::lexer;
use crate::sys::error::{Error, Result};

/// The files of one migration.
#[derive(Debug)]
pub struct Kept {
    pub name: Name,
    up: Option<String>,
    down: Option<String>,
    /// See [`super::keep`].
    files: Value,
}

/// Reads the texts of a set, ordered by version. `None` if the database has no history.
///
/// # Errors
/// `Unexpected` (exit 13) if another release of the bundle made the history, or if it is damaged.
pub fn read(session: &mut Session, set: &str) -> Result<Option<Vec<Kept>>> {
    match session.query_typed(sql!("migration/sources"), &[(&set, Type::TEXT)]) {
        Ok(rows) => rows.iter().map(Kept::of).collect::<Result<_>>().map(Some),
        Err(error) => history::absent(session, error).map(|()| None),
    }
}

impl Kept {
    fn of(row: &Row) -> Result<Self> {
        let name = Name { version: column(row, "version")?, full: column(row, "name")? };
        let files: Option<String> = column(row, "files")?;
        let files = match files {
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                Error::unexpected(format!("the history of {name} is damaged: {error}"))
            })?,
            None => Value::Null,
        };
        Ok(Self { name, up: column(row, "up_sql")?, down: column(row, "down_sql")?, files })
    }

    /// The paths of all files, relative to the migration directory, with their texts.
    pub fn texts(&self) -> Vec<(PathBuf, &str)> {
        let path = |direction| {
            let named = self.files[direction].as_str().map(PathBuf::from);
            named.unwrap_or_else(|| PathBuf::from(usual_path(&self.name, direction)))
        };
        let mut texts = Vec::new();
        texts.extend(self.up.as_deref().map(|text| (path("up"), text)));
        texts.extend(self.down.as_deref().map(|text| (path("down"), text)));
        let parts = self.files["parts"].as_object().into_iter().flatten();
        texts.extend(parts.map(|(path, text)| (path.into(), text.as_str().unwrap_or_default())));
        texts
    }

    /// Compares the down on disk with the one that the history keeps. A down that was added after
    /// the up was applied has nothing to differ from.
    pub fn compare_down(
        &self,
        directory: &Directory,
        root: &Path,
        base: &Path,
    ) -> Result<FileMatch> {
        let migration = directory.find(self.name.version);
        let file = migration.and_then(|migration| migration.down.as_ref());
        let (Some(file), Some(down)) = (file, &self.down) else { return Ok(FileMatch::Exactly) };
        let source = Source::load(file, base)?;
        let kept = |at: usize, part: &Part| match at {
            0 => Some(down.as_str()),
            _ => self.files["parts"][relative(root, &part.path)].as_str(),
        };
        let all = |is_same: &dyn Fn(&str, &str) -> bool| {
            let mut parts = source.parts.iter().enumerate();
            parts.all(|(at, part)| kept(at, part).is_some_and(|kept| is_same(kept, &part.text)))
        };
        Ok(if all(&|kept, text| kept == text) {
            FileMatch::Exactly
        } else if all(&is_same_sql) {
            FileMatch::ButComments(file.clone())
        } else {
            FileMatch::Changed(file.clone())
        })
    }
}

fn is_same_sql(one: &str, other: &str) -> bool {
    let (one, other) = (lexer::normalize(one), lexer::normalize(other));
    one.is_ok_and(|one| other.is_ok_and(|other| one == other))
}
