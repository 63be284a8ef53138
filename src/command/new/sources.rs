//! The files of a project that is made from an existing database.

use super::existing::{Change, Description, Role};
use crate::postgres::dump::{Dump, Entry};
use crate::postgres::sql::quote::quote_literal;
use crate::postgres::sql::template::fill;
use crate::project::new::NewFile;
use crate::project::schema::dumped::{adapted, is_of_bundle};
use crate::project::split::{self, SourceFile};

/// The settings of a dump's session that its statements need.
const NEEDED: [&str; 5] = [
    "SET client_encoding",
    "SET standard_conforming_strings",
    "SET check_function_bodies",
    "SET xmloption",
    "SET client_min_messages",
];

/// The contents of a project's SQL.
#[derive(Debug)]
pub(super) struct Sources {
    /// The settings of the session, one a line.
    pub settings: String,
    /// The roles, if the schema names some besides the owner.
    pub roles: Option<String>,
    /// The entries of the dump.
    pub entries: Vec<Entry>,
    /// The rows of tables.
    pub rows: Option<String>,
    /// Whether the bundle may guard these rows.
    pub has_immutable_rows: bool,
    /// The statements that refresh materialized views.
    pub refresh: Option<String>,
    /// Properties of the database.
    pub database: Option<String>,
}

impl Sources {
    pub fn of(description: &Description) -> Self {
        let owner = &description.quoted_owner;
        let entries = without_public(description).into_iter();
        let entries = entries.chain(description.dump.entries.iter().cloned());
        let entries: Vec<Entry> = entries
            .filter(|entry| !is_of_bundle(entry))
            .map(|entry| adapted(entry, owner))
            .collect();
        Self {
            settings: settings(&description.dump),
            roles: roles(description, &entries),
            entries,
            rows: description.rows.as_ref().map(rows),
            has_immutable_rows: description.has_parents,
            refresh: Some(description.refresh.join("\n") + "\n")
                .filter(|_| !description.refresh.is_empty()),
            database: changes(&description.changes, |change| &change.up),
        }
    }

    /// The source files, and the entry point that includes them in order.
    pub fn files(&self) -> Vec<NewFile> {
        let part = |path: &str, text: &Option<String>| {
            text.as_ref().map(|text| (path.to_owned(), text.clone()))
        };
        let rows = self.rows.as_ref().map(|rows| match self.has_immutable_rows {
            true => fill(sql!("new/immutable-rows"), &[("rows", rows)]),
            false => rows.clone(),
        });
        let split = split::files(&self.entries).into_iter();
        let (after, before): (Vec<_>, Vec<_>) = split.partition(|file| file.is_after_rows);
        let path_and_text = |file: SourceFile| (file.path, file.text);
        let files: Vec<(String, String)> = part("roles.sql", &self.roles)
            .into_iter()
            .chain(part("database.sql", &self.database))
            .chain(before.into_iter().map(path_and_text))
            .chain(part("rows.sql", &rows))
            .chain(after.into_iter().map(path_and_text))
            .chain(part("refresh.sql", &self.refresh))
            .collect();
        let includes: String = files.iter().map(|(path, _)| format!("\\ir {path}\n")).collect();
        let entrypoint = fill(
            include_str!("../../../nix/new/db/src/taken.sql"),
            &[("settings", &self.settings), ("includes", &includes)],
        );
        let entrypoint = NewFile::new("db/src/entrypoint.sql", entrypoint);
        let files = files.into_iter();
        files
            .map(|(path, text)| NewFile::new(format!("db/src/{path}"), text))
            .chain([entrypoint])
            .collect()
    }
}

/// The statement that drops the schema public, which every new database has. `pg_dump` does not tell
/// that it is gone.
fn without_public(description: &Description) -> Option<Entry> {
    let drop = Entry {
        kind: "SCHEMA".to_owned(),
        name: "public".to_owned(),
        statements: vec!["DROP SCHEMA public;".to_owned()],
        ..Entry::default()
    };
    (!description.has_public).then_some(drop)
}

fn settings(dump: &Dump) -> String {
    let needed = |text: &&String| NEEDED.iter().any(|name| text.starts_with(name));
    let kept = dump.settings.iter().filter(needed).map(|text| format!("{text}\n"));
    kept.chain(["SET search_path = '';\n".to_owned()]).collect()
}

fn roles(description: &Description, entries: &[Entry]) -> Option<String> {
    let named = |role: &Role| {
        let name = &role.quoted;
        let ends = [format!(" TO {name};"), format!(" FROM {name};"), format!(" ROLE {name} ")];
        let mut statements = entries.iter().flat_map(|entry| &entry.statements);
        statements.any(|text| ends.iter().any(|end| text.contains(end)))
    };
    let roles = description.roles.iter();
    let roles =
        roles.filter(|role| role.name != description.owner && (!role.is_first || named(role)));
    let values: Vec<String> =
        roles.map(|role| format!("({})", quote_literal(&role.name))).collect();
    let text = fill(sql!("new/make-roles"), &[("roles", &values.join(", "))]);
    (!values.is_empty()).then_some(text)
}

/// The statements of `changes`, or `None` if there are none.
pub(super) fn changes<'a>(
    changes: impl IntoIterator<Item = &'a Change>,
    text: fn(&Change) -> &String,
) -> Option<String> {
    let values = changes.into_iter().map(|change| format!("({})", quote_literal(text(change))));
    let values: Vec<String> = values.collect();
    let filled =
        fill(sql!("new/change-database"), &[("statements", &values.join(",\n             "))]);
    (!values.is_empty()).then_some(filled)
}

fn rows(dump: &Dump) -> String {
    let statements = dump.entries.iter().flat_map(|entry| &entry.statements);
    let quiet = |statement: &String| match statement.strip_suffix(';') {
        // psql prints the result of a query, unless it stores it
        Some(query) if query.starts_with("SELECT pg_catalog.setval(") => {
            format!("{query} \\gset\n")
        }
        _ => format!("{statement}\n"),
    };
    statements.map(quiet).collect()
}
