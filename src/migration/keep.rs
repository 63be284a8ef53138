//! The copy of a migration's files in the history, from which `fetch` rebuilds them.
//!
//! The history stores the texts of up and down in columns that people can read. A JSON object is
//! added if the paths do not follow from the name, or if other files are included: `{"up": path,
//! "down": path, "parts": {path: text}}`. The paths are relative to the migration directory.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::name::{Layout, Name};
use super::source::Source;

/// Builds the JSON object. Returns `None` if there are only `NAME/up.sql` and `NAME/down.sql`.
pub fn files(
    directory: &Path,
    name: &Name,
    up: Option<&Source>,
    down: Option<&Source>,
) -> Option<String> {
    let relative = |path: &Path| relative(directory, path);
    let entry = |source: Option<&Source>| source.map(|source| relative(&source.entry().path));
    let (up_path, down_path) = (entry(up), entry(down));
    let included = up.iter().chain(&down).flat_map(|source| &source.parts[1..]);
    let parts: Map<String, Value> =
        included.map(|part| (relative(&part.path), Value::from(part.text.as_str()))).collect();
    let usual = |path: &Option<String>, direction| {
        path.as_ref().is_none_or(|path| *path == usual_path(name, direction))
    };
    if parts.is_empty() && usual(&up_path, "up") && usual(&down_path, "down") {
        return None;
    }
    Some(json!({ "up": up_path, "down": down_path, "parts": parts }).to_string())
}

/// The default path: `NAME/up.sql`, or the flat file.
pub fn usual_path(name: &Name, direction: &str) -> String {
    match name.layout() {
        Layout::Directory => format!("{name}/{}", usual_file(name, direction)),
        Layout::Flat => usual_file(name, direction),
    }
}

/// The default name of a file: `up.sql`, or the flat file.
pub fn usual_file(name: &Name, direction: &str) -> String {
    match (name.layout(), direction) {
        (Layout::Directory, _) => format!("{direction}.sql"),
        (Layout::Flat, "up") => format!("{name}.sql"),
        (Layout::Flat, _) => format!("U{}.sql", &name.full[1..]),
    }
}

/// Makes `path` relative to `directory`, with `..` if it lies elsewhere.
pub fn relative(directory: &Path, path: &Path) -> String {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (directory, path) = match path.strip_prefix(directory) {
        Ok(_) => (directory.to_owned(), path.to_owned()),
        Err(_) => (real(directory), real(path)),
    };
    let shared = directory.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = directory.components().skip(shared).map(|_| Path::new(".."));
    let rest = path.components().skip(shared).map(|component| Path::new(component.as_os_str()));
    up.chain(rest).collect::<PathBuf>().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_directory() {
        let seen = |path: &str| relative(Path::new("/p/migration"), Path::new(path));
        assert_eq!(seen("/p/migration/1-a/up.sql"), "1-a/up.sql");
        assert_eq!(seen("/p/src/f.sql"), "../src/f.sql");
    }

    #[test]
    fn the_usual_paths_follow_from_the_name() {
        let name = |full: &str| Name { version: 1, full: full.to_owned() };
        assert_eq!(usual_path(&name("20250101000000-a"), "down"), "20250101000000-a/down.sql");
        assert_eq!(usual_path(&name("V001__a"), "up"), "V001__a.sql");
        assert_eq!(usual_path(&name("V001__a"), "down"), "U001__a.sql");
    }
}
