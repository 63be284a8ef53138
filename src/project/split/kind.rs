//! The kinds of a dump's entries, and the files that they go into.

use crate::postgres::dump::Entry;

/// The file of privileges.
pub(super) const GRANTS: &str = "grants";

/// What the kind of an entry means for its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// The name of its file, without the ending.
    pub file: &'static str,
    /// Among objects that are ready, those with a lower rank come first. `None` if the object must
    /// keep its place, because other objects can depend on it without its name.
    pub rank: Option<u8>,
    /// Whether all schemas have one file.
    pub is_global: bool,
    /// Whether `pg_dump` makes it after the rows.
    pub is_after_rows: bool,
    /// Whether other objects can mention the name of the entry.
    pub has_name: bool,
}

impl Kind {
    pub fn of(entry: &Entry) -> Self {
        match entry.kind.as_str() {
            "TYPE" | "SHELL TYPE" | "DOMAIN" | "COLLATION" => movable("types", 0),
            kind if kind.starts_with("TEXT SEARCH") => movable("search", 1),
            "FUNCTION" | "PROCEDURE" | "AGGREGATE" => movable("functions", 2),
            "TABLE" | "FOREIGN TABLE" | "SEQUENCE" => movable("tables", 3),
            "SEQUENCE OWNED BY" | "DEFAULT" | "TABLE ATTACH" => {
                Self { has_name: false, ..movable("tables", 3) }
            }
            "VIEW" | "MATERIALIZED VIEW" => movable("views", 4),
            "CONSTRAINT" | "CHECK CONSTRAINT" => after_rows("constraints"),
            "INDEX" | "INDEX ATTACH" | "STATISTICS" => after_rows("indexes"),
            "FK CONSTRAINT" => after_rows("foreign-keys"),
            "TRIGGER" => after_rows("triggers"),
            // pg_dump makes a view only now if it needs a primary key
            "RULE" if entry.text().starts_with("CREATE OR REPLACE VIEW") => after_rows("views"),
            "RULE" => after_rows("rules"),
            "POLICY" | "ROW SECURITY" => after_rows("policies"),
            "ACL" | "DEFAULT ACL" => after_rows(GRANTS),
            kind if kind.starts_with("PUBLICATION") => global(after_rows("publications")),
            "EVENT TRIGGER" => global(after_rows("event-triggers")),
            "SCHEMA" => global(fixed("schemas")),
            "EXTENSION" => global(fixed("extensions")),
            "CAST" => global(fixed("casts")),
            "FOREIGN DATA WRAPPER" | "SERVER" | "USER MAPPING" => global(fixed("servers")),
            kind if kind.starts_with("OPERATOR") => fixed("operators"),
            _ => fixed("other"),
        }
    }
}

const fn movable(file: &'static str, rank: u8) -> Kind {
    Kind { file, rank: Some(rank), is_global: false, is_after_rows: false, has_name: true }
}

const fn fixed(file: &'static str) -> Kind {
    Kind { file, rank: None, is_global: false, is_after_rows: false, has_name: false }
}

const fn after_rows(file: &'static str) -> Kind {
    Kind { is_after_rows: true, ..fixed(file) }
}

const fn global(kind: Kind) -> Kind {
    Kind { is_global: true, ..kind }
}
