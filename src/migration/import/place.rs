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
/// `Conflict` (exit 2) if no tool or several tools fit; the error lists what db-tool has seen.
/// `Missing` (exit 3) if `source` does not exist.
pub fn find(
    base: &Path,
    target: &Path,
    source: Option<&Path>,
    tool: Option<Tool>,
) -> Result<Place> {
    let (mut found, mut seen) = (Vec::new(), Vec::new());
    for directory in directories(base, target, source) {
        let marked = marked(&directory);
        let guessed = match (tool, source) {
            (Some(tool), Some(_)) => vec![settled(tool, &directory)],
            // a mark says more than names
            _ if !marked.is_empty() => marked,
            // the current directory holds other files, too
            (_, None) if directory == base => Vec::new(),
            _ => {
                let files = Files::read(&directory, None)?;
                let names = files.names().take(5);
                seen.extend(names.map(|name| directory.join(name).display().to_string()));
                let place = |tool| Place { directory: directory.clone(), tool };
                guess(&files).into_iter().map(place).collect()
            }
        };
        let fits = |place: &Place| tool.is_none_or(|tool| tool == place.tool);
        for place in guessed.into_iter().filter(fits) {
            // a mark in one directory may point to another
            if !found.contains(&place) {
                found.push(place);
            }
        }
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

/// The directories to look at.
fn directories(base: &Path, target: &Path, source: Option<&Path>) -> Vec<PathBuf> {
    if let Some(source) = source {
        return vec![base.join(source)];
    }
    let usual = USUAL.iter().map(|usual| base.join(usual));
    let usual = usual.filter(|path| path.is_dir() && !is_same(path, target));
    std::iter::once(base.to_owned()).chain(usual).collect()
}

/// The places that marks of a tool at or around `directory` name.
fn marked(directory: &Path) -> Vec<Place> {
    let tools = [Tool::Sqitch, Tool::Graphile, Tool::Rails];
    let places = tools.map(|tool| settled(tool, directory)).into_iter();
    places.filter(is_marked).collect()
}

fn is_marked(place: &Place) -> bool {
    let has = |name: &str| place.directory.join(name).exists();
    match place.tool {
        Tool::Sqitch => has("sqitch.plan"),
        Tool::Graphile => has("committed"),
        _ => has("structure.sql") || has("schema.rb"),
    }
}

/// The directory that a tool's files are read from, if the user names one around or in it.
fn settled(tool: Tool, directory: &Path) -> Place {
    let is_named = |name: &str| directory.file_name().is_some_and(|file| file == name);
    let parent = || directory.parent().unwrap_or(directory).to_owned();
    let below = |name: &str| directory.join(name);
    let settled = match tool {
        Tool::Graphile if is_named("committed") => parent(),
        Tool::Graphile if below(".gmrc").exists() => below("migrations"),
        Tool::Rails if is_named("migrate") => parent(),
        Tool::Rails if below("db/structure.sql").exists() || below("db/schema.rb").exists() => {
            below("db")
        }
        Tool::Sqitch if !below("sqitch.plan").exists() && is_named("deploy") => parent(),
        _ => directory.to_owned(),
    };
    Place { directory: settled, tool }
}

/// The entries of a tool's directory that belong to it, if others lie there, too.
pub fn entries(tool: Tool) -> Option<&'static [&'static str]> {
    match tool {
        Tool::Sqitch => Some(&["sqitch.plan", "sqitch.conf", "deploy", "revert", "verify"]),
        Tool::Rails => Some(&["structure.sql", "schema.rb", "migrate"]),
        _ => None,
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
    let of_java = guess_versioned(&names);
    if !of_java.is_empty() {
        return of_java;
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

/// Tells Flyway and refinery apart, which name files alike: `V1__name.sql`.
fn guess_versioned(names: &[&str]) -> Vec<Tool> {
    let files = || names.iter().map(|name| name.rsplit_once('/').map_or(*name, |(_, file)| file));
    let is_versioned = |file: &str| {
        let version = file.strip_prefix(['V', 'U']).and_then(|rest| rest.split_once("__"));
        version.is_some_and(|(version, _)| {
            version.starts_with(|c: char| c.is_ascii_digit())
                && version.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '_')
        })
    };
    if !files().any(is_versioned) {
        return Vec::new();
    }
    let of_flyway = |file: &str| {
        let dotted = file.split_once("__").is_some_and(|(version, _)| version.contains(['.', '_']));
        file.starts_with("R__") || file.ends_with(".conf") || is_versioned(file) && dotted
    };
    if files().any(of_flyway) { vec![Tool::Flyway] } else { vec![Tool::Flyway, Tool::Refinery] }
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
            (&[("V1__a.sql", "")], &[Tool::Flyway, Tool::Refinery]),
            (&[("x/V1.2__a.sql", "")], &[Tool::Flyway]),
            (&[("V1__a.sql", ""), ("R__b.sql", "")], &[Tool::Flyway]),
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
        for (mark, tool, directory) in [
            ("sqitch.plan", Tool::Sqitch, ""),
            ("db/structure.sql", Tool::Rails, "db"),
            ("migrations/committed/1.sql", Tool::Graphile, "migrations"),
        ] {
            write(mark);
            let place = find(root.path(), &target, None, Some(tool)).expect("found");
            assert_eq!(place.directory, root.path().join(directory), "{mark}");
            std::fs::remove_file(root.path().join(mark)).expect("removed");
        }
        std::fs::remove_dir(root.path().join("migrations/committed")).expect("removed");
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
