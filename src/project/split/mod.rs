//! Splits a dump into source files by schema and kind.
//!
//! The files keep the order of the dump where it matters. `pg_dump` sorts tables and views together by
//! name, so a file for each run of the same kind would be a file for nearly every object. Therefore
//! the objects before the rows are sorted anew (`order`), by the names that they mention. All that
//! follows the rows stays in the order of the dump, except privileges, which do not depend on each
//! other.

mod kind;
mod mention;
mod order;
mod place;

use crate::postgres::dump::Entry;
use kind::Kind;
use place::Places;

/// A source file.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path below the directory of the sources.
    pub path: String,
    /// The SQL.
    pub text: String,
    /// Whether the rows must be there before this file runs.
    pub is_after_rows: bool,
}

/// An object with its comments and labels, which follow it in the dump.
#[derive(Debug)]
struct Unit<'a> {
    kind: Kind,
    schema: Option<&'a str>,
    entries: Vec<&'a Entry>,
}

/// Kinds after the rows whose objects do not depend on others of the same kind.
const LOOSE: [&str; 10] = [
    "CONSTRAINT",
    "CHECK CONSTRAINT",
    "INDEX",
    "STATISTICS",
    "FK CONSTRAINT",
    "TRIGGER",
    "POLICY",
    "ROW SECURITY",
    "ACL",
    "DEFAULT ACL",
];

impl Unit<'_> {
    /// The kind, the schema and the name of the object.
    fn key(&self) -> (&str, Option<&str>, &str) {
        let entry = self.entries[0];
        (&entry.kind, self.schema, &entry.name)
    }

    fn text(&self) -> String {
        let texts: Vec<String> = self.entries.iter().map(|entry| text(entry)).collect();
        texts.join("\n\n")
    }

    /// The file that the unit belongs to, without a number.
    fn file(&self) -> (Option<&str>, &'static str) {
        (self.schema.filter(|_| !self.kind.is_global), self.kind.file)
    }
}

/// The statements of an entry, with the access method that its table needs.
pub fn text(entry: &Entry) -> String {
    match &entry.access_method {
        Some(method) if entry.kind == "TABLE" || entry.kind == "MATERIALIZED VIEW" => format!(
            "SET default_table_access_method = {method};\n\n{}\n\nRESET default_table_access_method;",
            entry.text()
        ),
        _ => entry.text(),
    }
}

/// Splits the entries into files, in the order in which they have to run.
pub fn files(entries: &[Entry]) -> Vec<SourceFile> {
    let mut units = units(entries);
    let rows = units.iter().position(|unit| unit.kind.is_after_rows).unwrap_or(units.len());
    let mut after = units.split_off(rows);
    let before = order::sorted(units);
    by_schema(&mut after);
    let mut places = Places::default();
    let mut files: Vec<SourceFile> = Vec::new();
    let mut last = None;
    for (unit, is_after_rows) in
        before.iter().map(|unit| (unit, false)).chain(after.iter().map(|unit| (unit, true)))
    {
        let file = (unit.file(), is_after_rows);
        match files.last_mut().filter(|_| last == Some(file)) {
            Some(file) => file.text.push_str(&format!("\n{}\n", unit.text())),
            None => {
                let path = places.path(unit.file());
                files.push(SourceFile { path, text: unit.text() + "\n", is_after_rows });
            }
        }
        last = Some(file);
    }
    files
}

/// The entries in the order in which they have to run: each object with its comments and labels.
/// Objects of the same kind, schema and name are sorted by their statements, for which `pg_dump` has
/// no rule.
pub fn sections(entries: &[Entry]) -> Vec<Vec<&Entry>> {
    let mut units = units(entries);
    let rows = units.iter().position(|unit| unit.kind.is_after_rows).unwrap_or(units.len());
    let mut after = units.split_off(rows);
    for run in units.chunk_by_mut(|one, other| one.key() == other.key()) {
        run.sort_by_cached_key(Unit::text);
    }
    let is_loose = |unit: &Unit<'_>| LOOSE.contains(&unit.entries[0].kind.as_str());
    for run in after
        .chunk_by_mut(|one, other| one.entries[0].kind == other.entries[0].kind && is_loose(one))
    {
        run.sort_by_cached_key(|unit| {
            let (_, schema, name) = unit.key();
            (schema.map(str::to_owned), name.to_owned(), unit.text())
        });
    }
    let all = order::sorted(units).into_iter().chain(after);
    all.map(|unit| unit.entries).collect()
}

/// The number of entries that come before the rows.
pub fn before_rows(entries: &[Entry]) -> usize {
    entries.iter().position(|entry| Kind::of(entry).is_after_rows).unwrap_or(entries.len())
}

/// The schema of the first qualified name in a statement.
pub fn schema_of(statement: &str) -> Option<String> {
    mention::names(statement).into_iter().next().map(|(schema, _)| schema)
}

fn units(entries: &[Entry]) -> Vec<Unit<'_>> {
    let mut units: Vec<Unit<'_>> = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.statements.is_empty()) {
        let belongs = matches!(entry.kind.as_str(), "COMMENT" | "SECURITY LABEL");
        match units.last_mut().filter(|_| belongs) {
            Some(unit) => unit.entries.push(entry),
            None => units.push(Unit {
                kind: Kind::of(entry),
                schema: entry.schema.as_deref(),
                entries: vec![entry],
            }),
        }
    }
    units
}

/// Puts the privileges of a schema together. They stand together in the dump.
fn by_schema(units: &mut [Unit<'_>]) {
    let is_grant = |unit: &Unit<'_>| unit.kind.file == kind::GRANTS;
    for run in units.chunk_by_mut(|one, other| is_grant(one) && is_grant(other)) {
        run.sort_by(|one, other| one.schema.cmp(&other.schema));
    }
}

#[cfg(test)]
mod tests;
