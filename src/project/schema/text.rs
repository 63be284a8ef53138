//! The text of the schema file. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::dumped::{adapted, is_of_bundle};
use crate::postgres::dump::Entry;
use crate::postgres::sql::quote::quote_literal;
use crate::postgres::sql::template::fill;
use crate::project::split;

/// Facts about the database that its dump does not tell.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The owner of the database as the dump quotes it.
    pub quoted_owner: String,
    /// Whether the database has the bundle's rules for tables.
    pub has_rules: bool,
    /// Whether there is a schema public, which every new database has.
    pub has_public: bool,
}

/// The line above an object. No statement of a dump begins a line in this way.
const SECTION: &str = "-- object: ";

/// Builds the file from the entries of a dump.
pub fn text(entries: Vec<Entry>, origin: &Origin, first_line: &str) -> String {
    let entries: Vec<Entry> = entries
        .into_iter()
        .filter(|entry| !is_of_bundle(entry) && !is_of_extension(entry))
        .map(|entry| settled(adapted(entry, &origin.quoted_owner)))
        .collect();
    let rules = if origin.has_rules { exempt(&entries) } else { String::new() };
    let public = if origin.has_public { "" } else { "DROP SCHEMA public;\n" };
    let head = fill(
        sql!("schema/head"),
        &[("first_line", first_line), ("rules", &rules), ("public", public)],
    );
    let mut text = head.trim_end().to_owned() + "\n";
    for unit in split::sections(&entries) {
        let Some(first) = unit.first() else { continue };
        let statements: Vec<String> = unit.iter().map(|entry| split::text(entry)).collect();
        text.push_str(&format!("\n{SECTION}{}\n{}\n", title(first), statements.join("\n\n")));
    }
    text
}

/// The names of objects whose statements differ between two files, in alphabetical order.
pub fn changed(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (sections(before), sections(after));
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let differs = |name: &&str| before.get(name) != after.get(name);
    names.into_iter().filter(differs).map(str::to_owned).collect()
}

fn sections(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut sections: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut current = "the settings at the beginning";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(SECTION) {
            current = name;
        }
        sections.entry(current).or_default().push(line);
    }
    sections
}

/// The comment of an extension belongs to the extension, and differs between its versions.
fn is_of_extension(entry: &Entry) -> bool {
    entry.kind == "COMMENT" && entry.name.starts_with("EXTENSION ")
}

fn title(entry: &Entry) -> String {
    let name = match &entry.schema {
        Some(schema) => format!("{schema}.{}", entry.name),
        None => entry.name.clone(),
    };
    format!("{} {name}", entry.kind.to_lowercase())
}

/// The entry with its privileges in one order. The server keeps them in the order in which they
/// were granted.
fn settled(mut entry: Entry) -> Entry {
    // the statements between two of these belong to another grantor
    let has_grantor = |text: &String| text.contains("SESSION AUTHORIZATION");
    if entry.kind.ends_with("ACL") && !entry.statements.iter().any(has_grantor) {
        entry.statements.sort_by_key(|text| (text.contains("GRANT "), text.clone()));
    }
    entry
}

/// The setting that lets the bundle accept tables that do not inherit from its own: a partition
/// comes into being as an ordinary table, and the database may have exempt schemas.
fn exempt(entries: &[Entry]) -> String {
    let lacks = |entry: &&Entry| entry.kind == "TABLE" && !entry.text().contains("\nINHERITS (");
    let schemas: BTreeSet<String> =
        entries.iter().filter(lacks).filter_map(|entry| quoted_schema(&entry.text())).collect();
    if schemas.is_empty() {
        return String::new();
    }
    let value = quote_literal(&Vec::from_iter(schemas).join(", "));
    format!("SET hectic.inheritance_extra_excluded_schemas = {value};\n")
}

/// The schema of a new table, quoted as in its statement. The entry has the name without line ends.
fn quoted_schema(statement: &str) -> Option<String> {
    let (_, name) = statement.split_once(" TABLE ")?;
    let mut is_quoted = false;
    for (at, c) in name.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => return Some(name[..at].to_owned()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, name: &str, statements: &[&str]) -> Entry {
        Entry {
            kind: kind.to_owned(),
            name: name.to_owned(),
            schema: Some("app".to_owned()),
            statements: statements.iter().map(|&text| text.to_owned()).collect(),
            access_method: None,
        }
    }

    fn origin() -> Origin {
        Origin { quoted_owner: "dev".to_owned(), has_rules: true, has_public: true }
    }

    #[test]
    fn privileges_and_equal_names_have_one_order() {
        let revoke = "REVOKE ALL ON TABLE app.t FROM dev;";
        let (a, b) = ("GRANT SELECT ON TABLE app.t TO a;", "GRANT SELECT ON TABLE app.t TO b;");
        let key = |table: &str| {
            let text = format!("ALTER TABLE ONLY app.{table} ADD CONSTRAINT k PRIMARY KEY (id);");
            entry("CONSTRAINT", &format!("{table} k"), &[&text])
        };
        let one = vec![key("t"), key("u"), entry("ACL", "TABLE t", &[revoke, b, a])];
        let other = vec![key("u"), key("t"), entry("ACL", "TABLE t", &[revoke, a, b])];
        let text_of = |entries| text(entries, &origin(), "-- first");
        assert_eq!(text_of(one.clone()), text_of(other));
        let text = text_of(one);
        assert!(text.find(revoke) < text.find(a), "{text}");
    }

    #[test]
    fn the_owner_of_the_database_and_the_bundle_leave_no_trace() {
        let table = "CREATE TABLE app.t (\n    id integer\n)\nINHERITS (hectic.created_at);";
        let entries = vec![
            entry("TABLE", "t", &[table, "ALTER TABLE app.t OWNER TO dev;"]),
            entry("EVENT TRIGGER", "hectic_sync", &["CREATE EVENT TRIGGER hectic_sync;"]),
            entry("COMMENT", "EXTENSION citext", &["COMMENT ON EXTENSION citext IS 'x';"]),
        ];
        let text = text(entries, &origin(), "-- first");
        assert!(text.starts_with("-- first\n") && text.contains(table), "{text}");
        for word in ["OWNER", "hectic_sync", "citext", "excluded"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }

    #[test]
    fn tables_that_inherit_nothing_are_let_in() {
        let entries = vec![entry("TABLE", "t", &["CREATE TABLE app.t (\n    id integer\n);"])];
        let text_of =
            |has_rules| text(entries.clone(), &Origin { has_rules, ..origin() }, "-- first");
        let setting = "SET hectic.inheritance_extra_excluded_schemas = 'app';";
        assert!(text_of(true).contains(setting));
        assert!(!text_of(false).contains("hectic"));
    }

    #[test]
    fn a_schema_is_quoted_as_in_its_statement() {
        for (statement, expected) in [
            ("CREATE TABLE app.t (", "app"),
            ("CREATE UNLOGGED TABLE \"a.\"\"\nb\".t (", "\"a.\"\"\nb\""),
        ] {
            assert_eq!(quoted_schema(statement).as_deref(), Some(expected));
        }
    }

    #[test]
    fn changed_objects_are_named() {
        let before = "x\n-- object: table a\nA\n-- object: table b\nB\n";
        let after = "x\n-- object: table a\nA2\n-- object: table c\nC\n";
        assert_eq!(changed(before, after), ["table a", "table b", "table c"]);
        assert_eq!(changed(before, before), [""; 0]);
    }
}
