//! What the tables of other tools say is applied.

use super::found::{Found, order};
use super::read::Imports;
use super::tool::Tool;
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Error, Result};

/// A row of another tool's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The key of its migration, as [`super::found::Found::key`].
    pub key: String,
    /// When it was applied, in UTC, if the tool records that.
    pub applied: Option<String>,
    /// The checksum of what was applied, if the tool records one.
    pub checksum: Option<String>,
    /// The reason why the migration does not count as applied: it failed, or ran only in part.
    pub problem: Option<String>,
    /// Whether everything up to its version is applied.
    pub covers: bool,
}

/// Reads the table of `tool`. The search path of the session finds it.
///
/// # Errors
/// `Missing` (exit 3) if there is no such table.
pub fn rows(session: &mut Session, tool: Tool) -> Result<Vec<Row>> {
    let query = match tool {
        Tool::Sqlx => sql!("import/sqlx"),
        Tool::Diesel => sql!("import/diesel"),
        Tool::Flyway => sql!("import/flyway"),
        Tool::Refinery => sql!("import/refinery"),
        Tool::Graphile => sql!("import/graphile"),
        Tool::Sqitch => sql!("import/sqitch"),
        Tool::Dbmate | Tool::Rails => sql!("import/schema-migrations"),
        Tool::Goose => sql!("import/goose"),
        Tool::GolangMigrate => sql!("import/golang-migrate"),
    };
    let rows = session.query(query, &[]).map_err(|error| absent(session, tool, error))?;
    rows.iter()
        .map(|row| {
            Ok(Row {
                key: column(row, "key")?,
                applied: column(row, "applied")?,
                checksum: column(row, "checksum")?,
                problem: column(row, "problem")?,
                covers: column(row, "covers")?,
            })
        })
        .collect()
}

fn absent(session: &Session, tool: Tool, error: Error) -> Error {
    let table = tool.table();
    match session.sqlstate() {
        // undefined table, invalid schema name
        Some("42P01" | "3F000") => {
            Error::missing(format!("the database has no table {table} of {tool}"))
                .hint("if it is in another schema, add options=-csearch_path%3DSCHEMA to the URL")
                .hint("without --history, import only makes files")
        }
        // undefined column
        Some("42703") => Error::conflict(format!("the table {table} is not one of {tool}"))
            .hint("another tool uses the same name: say which with --from"),
        _ => error,
    }
}

/// The result of comparing the files with the rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The versions of ours that are applied, each with a note for the history.
    pub versions: Vec<(i64, String)>,
    /// The keys of rows that no file has.
    pub elsewhere: Vec<String>,
}

/// Finds out which of the migrations are applied.
///
/// # Errors
/// `Conflict` (exit 2) for a migration that failed and for a checksum that differs; it names each.
pub fn compare(tool: Tool, imports: &Imports, rows: &[Row]) -> Result<Applied> {
    let (mut applied, mut problems) = (Applied::default(), Vec::new());
    for row in rows {
        let found = imports.migrations.iter().find(|one| stands_for(&one.found, &row.key));
        match (&row.problem, found) {
            (Some(problem), _) => problems.push(format!("{}: {problem}", row.key)),
            // a baseline need not have a file
            (None, None) if row.covers && tool == Tool::Flyway => {}
            (None, None) => applied.elsewhere.push(row.key.clone()),
            (None, Some(one)) => {
                let checksums = &one.found.checksums;
                let differs = |recorded: &String| !checksums.contains(recorded);
                if !checksums.is_empty() && row.checksum.as_ref().is_some_and(differs) {
                    problems.push(format!(
                        "{}: it is not the file that was applied; the checksums differ",
                        one.found.up.origin
                    ));
                }
            }
        }
    }
    for one in &imports.migrations {
        let found = &one.found;
        let reaches = |row: &&Row| {
            stands_for(found, &row.key)
                || row.covers && order(&found.version) <= order(row.key.split('.'))
        };
        let Some(row) = rows.iter().rev().find(reaches) else { continue };
        let lacks = |key: &&String| !rows.iter().any(|row| row.key == **key);
        problems.extend(
            found
                .contains
                .iter()
                .filter(lacks)
                .map(|key| format!("{}: it contains {key}, which is not applied", found.up.origin)),
        );
        let when = row.applied.as_ref().map(|when| format!(", applied {when}"));
        let table = tool.table();
        let note = format!("imported from {tool}: {table}{}", when.unwrap_or_default());
        applied.versions.push((one.name.version, note));
    }
    let (Some(first), rest) = (problems.first(), problems.iter().skip(1)) else {
        return Ok(applied);
    };
    let error = rest.fold(Error::conflict(first.clone()), |error, more| error.detail(more.clone()));
    Err(error
        .context(format!("the history of {tool} does not fit, and nothing was recorded"))
        .hint("put the files back as they were applied, and mend failed ones with the other tool"))
}

/// Whether the migration has this key, or contains the migration that has it.
fn stands_for(found: &Found, key: &str) -> bool {
    found.key == key || found.contains.iter().any(|contained| contained == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::import::files::Files;
    use crate::migration::import::read::{ReadOptions, read};

    fn row(key: &str) -> Row {
        Row { key: key.into(), applied: None, checksum: None, problem: None, covers: false }
    }

    fn imports() -> Imports {
        let files = Files::of(&[("1_a.sql", "abc"), ("2_b.sql", "")]);
        read(Tool::Sqlx, &files, &ReadOptions::default()).expect("read")
    }

    #[test]
    fn rows_without_a_file_are_named() {
        let rows = [row("1"), row("7")];
        let applied = compare(Tool::Sqlx, &imports(), &rows).expect("fits");
        assert_eq!(applied.elsewhere, ["7"]);
        assert_eq!(applied.versions, [(1, "imported from sqlx: _sqlx_migrations".to_owned())]);
    }

    #[test]
    fn a_row_can_cover_all_before_it() {
        let rows = [Row { covers: true, ..row("2") }];
        let applied = compare(Tool::GolangMigrate, &imports(), &rows).expect("fits");
        assert_eq!((applied.versions.len(), applied.elsewhere.len()), (2, 0));
    }

    #[test]
    fn differing_and_failed_ones_are_named_together() {
        let rows = [
            Row { checksum: Some("ab".into()), ..row("1") },
            Row { problem: Some("it failed".into()), ..row("2") },
        ];
        let error = compare(Tool::Sqlx, &imports(), &rows).expect_err("differs");
        assert!(error.message().contains("1_a.sql: it is not the file"), "{error}");
        assert_eq!(error.details(), ["2: it failed"]);
    }
}
