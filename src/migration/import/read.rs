//! Reads the directory of a tool into migrations of ours.

use super::files::Files;
use super::found::{Found, Import, NotTaken, order};
use super::tool::Tool;
use super::{dbmate, diesel, flyway, golang_migrate, goose, graphile, numbers, psql, rails};
use super::{refinery, sqitch, sqlx};
use crate::migration::name::{Layout, Name};
use crate::sys::error::{Error, Result};

/// A migration of ours, made from one of another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    pub name: Name,
    pub up: String,
    pub down: String,
    /// The migration of the other tool.
    pub found: Found,
}

/// The migrations of a directory.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// In the order of their versions.
    pub migrations: Vec<Imported>,
    pub not_taken: Vec<NotTaken>,
    /// Changes that a person should know of.
    pub notes: Vec<String>,
}

/// How to read the files of a tool.
#[derive(Debug, Default)]
pub struct ReadOptions<'a> {
    /// The layout that the settings demand. With `Flat`, times become flat files, too.
    pub layout: Option<Layout>,
    /// The values of the tool's placeholders.
    pub placeholders: &'a [(String, String)],
}

/// Reads the files of `tool`.
///
/// # Errors
/// `Conflict` (exit 2) for what has no counterpart, for two migrations with the same version, and
/// if there is no migration; it names each.
pub fn read(tool: Tool, files: &Files, options: &ReadOptions<'_>) -> Result<Imports> {
    let mut import = match tool {
        Tool::Sqlx => sqlx::read(files),
        Tool::Diesel => diesel::read(files),
        Tool::Dbmate => dbmate::read(files),
        Tool::Goose => goose::read(files),
        Tool::GolangMigrate => golang_migrate::read(files),
        Tool::Flyway => flyway::read(files, options.placeholders),
        Tool::Refinery => refinery::read(files),
        Tool::Graphile => graphile::read(files, options.placeholders),
        Tool::Sqitch => sqitch::read(files),
        Tool::Rails => rails::read(files),
    }?;
    import.not_taken.extend(files.skipped.iter().cloned());
    import.not_taken.sort();
    let mut found = std::mem::take(&mut import.migrations);
    sort(tool, &mut found);
    import.problems.extend(twice(&found));
    let names = names(&found, options.layout, &mut import)?;
    let made = names.into_iter().zip(found);
    let migrations = made.map(|(name, found)| ours(tool, name, found, &mut import)).collect();
    refuse(tool, &import.problems)?;
    let Import { not_taken, notes, .. } = import;
    let imports = Imports { migrations, not_taken, notes };
    if imports.migrations.is_empty() {
        return Err(imports.not_taken.iter().take(20).fold(
            Error::missing(format!("there is no migration of {tool}"))
                .hint("name the directory of the migrations, and their tool with --from"),
            |error, left| error.detail(format!("{}: {}", left.what, left.why)),
        ));
    }
    Ok(imports)
}

/// Sorts migrations as their tool does.
fn sort(tool: Tool, found: &mut [Found]) {
    match tool {
        Tool::Diesel | Tool::Dbmate => found.sort_by(|a, b| a.up.origin.cmp(&b.up.origin)),
        // a plan has its own order
        Tool::Sqitch => {}
        _ => found.sort_by_key(|found| order(&found.version)),
    }
}

/// Names each pair of migrations with the same version.
fn twice(found: &[Found]) -> Vec<String> {
    let pairs = found.windows(2).filter(|pair| pair[0].key == pair[1].key);
    let named = pairs.map(|pair| {
        let (one, other) = (&pair[0].up.origin, &pair[1].up.origin);
        format!("{one} and {other} have the same version")
    });
    named.collect()
}

fn names(found: &[Found], layout: Option<Layout>, import: &mut Import) -> Result<Vec<Name>> {
    let versions: Vec<&[String]> = found.iter().map(|found| found.version.as_slice()).collect();
    let numbers = numbers::number(&versions);
    let directories = numbers.are_times && layout != Some(Layout::Flat);
    let layout = if directories { Layout::Directory } else { Layout::Flat };
    if let Some(mapping) = numbers.mapping {
        import.notes.push(format!("the versions are other numbers here: {mapping}"));
    }
    let mut names = Vec::new();
    for (found, number) in found.iter().zip(numbers.numbers) {
        let version = found.version.join(".");
        if version.parse() != Ok(number) {
            import.notes.push(format!("{}: version {version} is {number} here", found.up.origin));
        }
        let description = match found.description.trim() {
            "" => "migration",
            description => description,
        };
        crate::migration::create::check_description(description)?;
        names.push(Name::new(layout, number, description));
    }
    Ok(names)
}

fn ours(tool: Tool, name: Name, found: Found, import: &mut Import) -> Imported {
    let up = psql::adapt(&found.up, tool.sender(), import);
    let down = match &found.down {
        Some(down) => psql::adapt(down, tool.sender(), import),
        None => {
            import.leave(
                &found.up.origin,
                "it has no way back; its down raises an error that says so",
            );
            no_way_back(tool, &name)
        }
    };
    Imported { name, up, down, found }
}

fn no_way_back(tool: Tool, name: &Name) -> String {
    format!(
        "-- {tool} had no way back for this migration.\n\
         DO $migrator$ BEGIN RAISE EXCEPTION '% cannot be undone: {tool} had no way back for it', \
         $name${name}$name$; END $migrator$;\n"
    )
}

fn refuse(tool: Tool, problems: &[String]) -> Result<()> {
    let (Some(first), rest) = (problems.first(), problems.iter().skip(1)) else { return Ok(()) };
    let error = rest.fold(Error::conflict(first.clone()), |error, more| error.detail(more.clone()));
    Err(error
        .context(format!("cannot take over the migrations of {tool} as they are"))
        .hint("copy the directory, change these lines there, and import the copy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imported(tool: Tool, files: &[(&str, &str)]) -> Result<Imports> {
        read(tool, &Files::of(files), &ReadOptions::default())
    }

    #[test]
    fn names_and_order_are_kept() {
        let files = [("10_b c.sql", "B;"), ("9_a.sql", "A;")];
        let imports = imported(Tool::Sqlx, &files).expect("read");
        let names: Vec<_> = imports.migrations.iter().map(|one| one.name.full.as_str()).collect();
        assert_eq!(names, ["V000009__a", "V000010__b_c"]);
        assert!(imports.migrations[0].down.contains("V000009__a"), "{imports:?}");
        assert_eq!(imports.not_taken.len(), 2);
        let files = [("20240101000000_a.sql", "A;")];
        let imports = imported(Tool::Sqlx, &files).expect("read");
        assert_eq!(imports.migrations[0].name.full, "20240101000000-a");
    }

    #[test]
    fn what_cannot_be_imported_is_named() {
        for (files, words) in [
            (&[("1_a.sql", ""), ("01_b.sql", "")][..], "have the same version"),
            (&[("1_a.sql", "\\d")], "1_a.sql:1: psql would run"),
            (&[("a.txt", "")], "no migration of sqlx"),
            (&[], "no migration of sqlx"),
        ] {
            let error = imported(Tool::Sqlx, files).expect_err(words);
            assert!(format!("{error}").contains(words), "{error}");
        }
    }
}
