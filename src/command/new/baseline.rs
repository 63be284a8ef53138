//! The migration that makes the whole schema of an existing database.
//!
//! Its up is the dump itself. Its down drops the schemas that the up made, and the objects that it
//! put elsewhere.

use std::collections::BTreeSet;

use super::existing::Description;
use super::sources::{Sources, changes};
use crate::postgres::dump::Entry;
use crate::postgres::sql::template::fill;
use crate::project::split;

/// The first words of statements that drop objects by themselves. Others go with their tables.
const DROPPED: [&str; 22] = [
    "DROP ACCESS METHOD",
    "DROP AGGREGATE",
    "DROP CAST",
    "DROP COLLATION",
    "DROP CONVERSION",
    "DROP DOMAIN",
    "DROP EXTENSION",
    "DROP FOREIGN DATA WRAPPER",
    "DROP FOREIGN TABLE",
    "DROP FUNCTION",
    "DROP MATERIALIZED VIEW",
    "DROP OPERATOR",
    "DROP PROCEDURE",
    "DROP PROCEDURAL LANGUAGE",
    "DROP SEQUENCE",
    "DROP SERVER",
    "DROP STATISTICS",
    "DROP TABLE",
    "DROP TEXT SEARCH",
    "DROP TRANSFORM",
    "DROP TYPE",
    "DROP VIEW",
];

/// The first words of statements that come first: these objects act while others are dropped.
const FIRST: [&str; 2] = ["DROP EVENT TRIGGER", "DROP PUBLICATION"];

pub(super) fn up(sources: &Sources) -> String {
    let rows = split::before_rows(&sources.entries);
    let (before, after) = sources.entries.split_at(rows);
    let text = |entries: &[Entry]| -> String {
        let filled = entries.iter().filter(|entry| !entry.statements.is_empty());
        filled.map(|entry| format!("{}\n\n", split::text(entry))).collect()
    };
    let part = |part: &Option<String>| part.as_ref().map(|text| format!("{text}\n"));
    [
        Some("-- The schema of the database at the beginning of this project, as pg_dump wrote it.\n".to_owned()),
        Some(format!("{}\n", sources.settings)),
        part(&sources.roles),
        Some(text(before)),
        part(&sources.rows),
        Some(text(after)),
        part(&sources.refresh),
        part(&sources.database),
    ]
    .into_iter()
    .flatten()
    .collect::<String>()
    .trim_end()
    .to_owned()
        + "\n"
}

pub(super) fn down(description: &Description) -> String {
    let drops = &description.dump.drops;
    let made: BTreeSet<&str> = made_schemas(description).collect();
    let begins = |text: &str, words: &[&str]| words.iter().any(|word| text.starts_with(word));
    let first = drops.iter().filter(|text| begins(text, &FIRST) && !text.contains(" hectic_"));
    let elsewhere = drops.iter().filter(|text| {
        begins(text, &DROPPED)
            && split::schema_of(text).is_none_or(|schema| !made.contains(&*schema))
    });
    let (tables, others): (Vec<_>, Vec<_>) =
        elsewhere.partition(|text| text.starts_with("DROP TABLE "));
    let cascade = |text: &String| format!("{} CASCADE;\n", text.trim_end_matches(';'));
    let mut down = String::from(
        "-- Drops the whole schema and all rows. Roles stay, because they belong to the cluster.\nSET client_min_messages = warning;\n",
    );
    down.extend(first.map(|text| format!("{text}\n")));
    down.extend(drops.iter().filter(|text| text.starts_with("DROP SCHEMA ")).map(cascade));
    down.extend(tables.into_iter().map(cascade));
    down.extend(others.into_iter().map(cascade));
    down.extend(default_privileges(description, &made));
    down.push_str(&public(description));
    let undone = description.changes.iter().rev();
    down.push_str(&changes(undone, |change| &change.down).unwrap_or_default());
    down
}

/// The schemas that the up makes.
fn made_schemas(description: &Description) -> impl Iterator<Item = &str> {
    let entries = description.dump.entries.iter();
    let makes = |entry: &&Entry| {
        entry.kind == "SCHEMA"
            && entry.statements.iter().any(|text| text.starts_with("CREATE SCHEMA "))
    };
    entries.filter(makes).map(|entry| entry.name.as_str())
}

/// Undoes the changes to the schema public.
fn public(description: &Description) -> String {
    if !description.has_public {
        return format!("CREATE SCHEMA public;\n{}", fill(sql!("new/reset-public"), &[]));
    }
    let changes = |entry: &&Entry| {
        let is_public =
            entry.name == "SCHEMA public" || entry.name == "public" && entry.kind == "SCHEMA";
        is_public && !entry.statements.is_empty()
    };
    let mut changed = description.dump.entries.iter().filter(changes);
    match (changed.next(), &description.revoke_public) {
        (Some(_), Some(revoke)) => fill(sql!("new/reset-public"), &[("revoke", revoke)]),
        (Some(_), None) => fill(sql!("new/reset-public"), &[]),
        (None, _) => String::new(),
    }
}

/// Undoes the default privileges that no schema takes with it.
fn default_privileges(description: &Description, made: &BTreeSet<&str>) -> Vec<String> {
    let entries = description.dump.entries.iter().rev();
    let left = entries.filter(|entry| {
        entry.kind == "DEFAULT ACL"
            && entry.schema.as_deref().is_none_or(|schema| !made.contains(schema))
    });
    let statements = left.flat_map(|entry| entry.statements.iter().rev());
    statements.filter_map(|text| inverse(text)).map(|text| text + "\n").collect()
}

/// The statement that undoes `ALTER DEFAULT PRIVILEGES`.
fn inverse(statement: &str) -> Option<String> {
    let statement = statement.replace(" WITH GRANT OPTION;", ";");
    for [verb, to, other_verb, from] in
        [[" GRANT ", " TO ", " REVOKE ", " FROM "], [" REVOKE ", " FROM ", " GRANT ", " TO "]]
    {
        if let Some((head, rest)) = statement.split_once(verb)
            && let Some((what, role)) = rest.rsplit_once(to)
        {
            return Some(format!("{head}{other_verb}{what}{from}{role}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_privileges_are_undone() {
        let head = "ALTER DEFAULT PRIVILEGES FOR ROLE app";
        for (one, other) in [
            ("GRANT SELECT ON TABLES  TO r;", "REVOKE SELECT ON TABLES  FROM r;"),
            ("REVOKE ALL ON FUNCTIONS  FROM PUBLIC;", "GRANT ALL ON FUNCTIONS  TO PUBLIC;"),
        ] {
            let undone = inverse(&format!("{head} {one}"));
            assert_eq!(undone, Some(format!("{head} {other}")));
        }
    }
}
