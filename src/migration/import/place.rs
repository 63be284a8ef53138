//! Finds the directory of another tool, and the tool, by names and marks.

use std::path::{Path, PathBuf};

use super::files::Files;
use super::found::split_digits;
use super::tool::Tool;
use crate::sys::error::{Error, Result};

/// The usual places of migrations, below the current directory.
const USUAL: [&str; 8] = [
    "migrations",
    "db/migrations",
    "db/migrate",
    "db/migration",
    "migration",
    "sql/migrations",
    "database/migrations",
    "src/main/resources/db/migration",
];

/// A directory of another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub directory: PathBuf,
    pub tool: Tool,
}

/// Finds the place. `tool` and `source` are what the user named; `base` is the current directory, and
/// `target` our own migration directory, which is none of the usual places.
///
/// # Errors
/// `Conflict` (exit 2) if the tool or the directory is ambiguous or unknown; it lists what is there.
/// `Missing` (exit 3) if `source` does not exist.
pub fn find(
    base: &Path,
    target: &Path,
    source: Option<&Path>,
    tool: Option<Tool>,
) -> Result<Place> {
    let places: Vec<PathBuf> = match source {
        Some(source) => vec![base.join(source)],
        None => {
            let usual = USUAL.iter().map(|usual| base.join(usual));
            usual.filter(|path| path.is_dir() && !is_same(path, target)).collect()
        }
    };
    let (mut found, mut seen) = (Vec::new(), Vec::new());
    for directory in places {
        let files = Files::read(&directory)?;
        let tools = match tool {
            Some(tool) if source.is_some() => vec![tool],
            _ => guess(&files),
        };
        seen.extend(files.names().take(5).map(|name| directory.join(name).display().to_string()));
        let fitting = tools.into_iter().filter(|guessed| tool.is_none_or(|tool| tool == *guessed));
        found.extend(fitting.map(|tool| Place { directory: directory.clone(), tool }));
    }
    match <[Place; 1]>::try_from(found) {
        Ok([place]) if is_same(&place.directory, target) => Err(Error::conflict(format!(
            "{} is both the directory of {} and ours",
            target.display(),
            place.tool
        ))
        .hint("name another directory for the new migrations: -d DIR")),
        Ok([place]) => Ok(place),
        Err(found) if found.is_empty() => Err(unknown(tool, seen)),
        Err(found) => Err(ambiguous(&found)),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path);
    real(one).is_ok_and(|one| real(other).is_ok_and(|other| one == other))
}

fn unknown(tool: Option<Tool>, seen: Vec<String>) -> Error {
    let what = match tool {
        Some(tool) => format!("there are no migrations of {tool} in the usual places"),
        None => "it is unknown whose migrations these are".to_owned(),
    };
    let error = match seen.is_empty() {
        true => Error::conflict(what).detail(format!("looked for {}", USUAL.join(", "))),
        false => seen.into_iter().fold(Error::conflict(what), Error::detail),
    };
    error.hint("name the tool and the directory: migrator import --from TOOL SOURCE")
}

fn ambiguous(found: &[Place]) -> Error {
    let error = Error::conflict("it is ambiguous whose migrations these are");
    let lines = found.iter().map(|place| format!("{}: {}", place.tool, place.directory.display()));
    lines
        .fold(error, Error::detail)
        .hint("name the tool and the directory: migrator import --from TOOL SOURCE")
}

/// The tools to which all of the names and marks fit.
fn guess(files: &Files) -> Vec<Tool> {
    let names: Vec<&str> = files.names().collect();
    let numbered = |name: &str, suffix: &str| {
        split_digits(name).is_some_and(|(_, rest)| rest.starts_with('_') && rest.ends_with(suffix))
    };
    let holds = |mark: &str| {
        names.iter().filter(|name| !name.contains('/') && name.ends_with(".sql")).any(|name| {
            files.text(name).is_ok_and(|text| {
                text.lines().any(|line| {
                    line.strip_prefix("--").is_some_and(|line| line.trim_start().starts_with(mark))
                })
            })
        })
    };
    let is_diesel = |name: &&str| {
        name.strip_suffix("/up.sql").and_then(|directory| directory.split_once('_')).is_some_and(
            |(version, _)| {
                version.starts_with(|c: char| c.is_ascii_digit())
                    && version.bytes().all(|b| b.is_ascii_digit() || b == b'-')
            },
        )
    };
    if names.iter().any(is_diesel) {
        return vec![Tool::Diesel];
    }
    let marked: Vec<Tool> = [(Tool::Dbmate, "migrate:up"), (Tool::Goose, "+goose")]
        .into_iter()
        .filter_map(|(tool, mark)| holds(mark).then_some(tool))
        .collect();
    if !marked.is_empty() {
        return marked;
    }
    let flat = || names.iter().filter(|name| !name.contains('/'));
    if flat().any(|name| numbered(name, ".up.sql")) {
        // both tools name files so, and each takes a simple file for something of its own
        let is_sqlx = flat().any(|name| {
            numbered(name, ".sql") && !name.ends_with(".up.sql") && !name.ends_with(".down.sql")
        });
        return if is_sqlx { vec![Tool::Sqlx] } else { vec![Tool::Sqlx, Tool::GolangMigrate] };
    }
    if flat().any(|name| numbered(name, ".sql")) { vec![Tool::Sqlx] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_marks_tell_the_tool() {
        for (files, expected) in [
            (&[("1_a.sql", "")][..], &[Tool::Sqlx][..]),
            (&[("1_a.sql", "-- migrate:up\n")], &[Tool::Dbmate]),
            (&[("1_a.sql", "-- +goose Up\n")], &[Tool::Goose]),
            (&[("1_a.up.sql", "")], &[Tool::Sqlx, Tool::GolangMigrate]),
            (&[("1_a.up.sql", ""), ("2_b.sql", "")], &[Tool::Sqlx]),
            (&[("1_a/up.sql", "")], &[Tool::Diesel]),
            (
                &[("1_a.sql", "-- migrate:up\n"), ("2_b.sql", "-- +goose Up\n")],
                &[Tool::Dbmate, Tool::Goose],
            ),
            (&[("notes.txt", "")], &[]),
        ] {
            assert_eq!(guess(&Files::of(files)), expected, "{files:?}");
        }
    }

    #[test]
    fn the_usual_places_are_tried_and_doubts_are_named() {
        let root = tempfile::tempdir().expect("temporary directory");
        let target = root.path().join("migration");
        let error = find(root.path(), &target, None, None).expect_err("nothing");
        assert!(error.message().contains("unknown"), "{error}");
        let write = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
            std::fs::write(path, "").expect("written");
        };
        write("migrations/1_a.sql");
        let place = find(root.path(), &target, None, None).expect("found");
        assert_eq!(place.directory, root.path().join("migrations"));
        let error = find(root.path(), &place.directory, Some(&place.directory), Some(Tool::Sqlx));
        assert!(error.expect_err("same").message().contains("both"));
        write("migration/1_a.sql");
        write("db/migrations/1_a.up.sql");
        let error = find(root.path(), &target, None, None).expect_err("two");
        assert!(error.message().contains("ambiguous"), "{error}");
        let place = find(root.path(), &target, None, Some(Tool::GolangMigrate)).expect("found");
        assert_eq!(place.directory, root.path().join("db/migrations"));
    }
}
