//! The options of `pg_dump` that db-tool knows, with their spellings.

/// The treatment of an option by a pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// The pull obeys the option.
    Obeyed,
    /// The option changes nothing: a pull always or never does it.
    Ignored,
    /// The option is an error, because another variable decides the same thing.
    Refused,
    /// `pg_dump` does the pull.
    PgDump,
}

/// An option of `pg_dump`. The name is the long one, or the letter if there is no long one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) name: &'static str,
    letter: Option<char>,
    pub(super) takes_value: bool,
    pub(super) treatment: Treatment,
}

const fn option(
    name: &'static str,
    letter: &str,
    takes_value: bool,
    treatment: Treatment,
) -> Known {
    let letter = match letter.as_bytes() {
        [letter] => Some(*letter as char),
        _ => None,
    };
    Known { name, letter, takes_value, treatment }
}

use Treatment::{Ignored, Obeyed, PgDump, Refused};

/// The options of `pg_dump` 15 to 18. `--filter` names a file with tables, so it contradicts
/// `STAGING_DUMP_TABLES`.
const TABLE: [Known; 75] = [
    option("attribute-inserts", "", false, Obeyed),
    option("column-inserts", "", false, Obeyed),
    option("exclude-schema", "N", true, Obeyed),
    option("exclude-table", "T", true, Obeyed),
    option("exclude-table-data", "", true, Obeyed),
    option("format", "F", true, Obeyed),
    option("inserts", "", false, Obeyed),
    option("on-conflict-do-nothing", "", false, Obeyed),
    option("rows-per-insert", "", true, Obeyed),
    option("schema", "n", true, Obeyed),
    option("table", "t", true, Obeyed),
    option("data-only", "a", false, Ignored),
    option("load-via-partition-root", "", false, Ignored),
    option("no-acl", "", false, Ignored),
    option("no-blobs", "B", false, Ignored),
    option("no-comments", "", false, Ignored),
    option("no-large-objects", "", false, Ignored),
    option("no-owner", "O", false, Ignored),
    option("no-password", "w", false, Ignored),
    option("no-policies", "", false, Ignored),
    option("no-privileges", "x", false, Ignored),
    option("no-publications", "", false, Ignored),
    option("no-security-labels", "", false, Ignored),
    option("no-statistics", "", false, Ignored),
    option("no-subscriptions", "", false, Ignored),
    option("no-sync", "", false, Ignored),
    option("no-table-access-method", "", false, Ignored),
    option("no-tablespaces", "", false, Ignored),
    option("no-toast-compression", "", false, Ignored),
    option("quote-all-identifiers", "", false, Ignored),
    option("strict-names", "", false, Ignored),
    option("verbose", "v", false, Ignored),
    option("dbname", "d", true, Refused),
    option("file", "f", true, Refused),
    option("filter", "", true, Refused),
    option("host", "h", true, Refused),
    option("password", "W", false, Refused),
    option("port", "p", true, Refused),
    option("username", "U", true, Refused),
    option("binary-upgrade", "", false, PgDump),
    option("blobs", "b", false, PgDump),
    option("clean", "c", false, PgDump),
    option("compress", "Z", true, PgDump),
    option("create", "C", false, PgDump),
    option("disable-dollar-quoting", "", false, PgDump),
    option("disable-triggers", "", false, PgDump),
    option("enable-row-security", "", false, PgDump),
    option("encoding", "E", true, PgDump),
    option("exclude-extension", "", true, PgDump),
    option("exclude-table-and-children", "", true, PgDump),
    option("exclude-table-data-and-children", "", true, PgDump),
    option("extension", "e", true, PgDump),
    option("extra-float-digits", "", true, PgDump),
    option("if-exists", "", false, PgDump),
    option("include-foreign-data", "", true, PgDump),
    option("jobs", "j", true, PgDump),
    option("large-objects", "", false, PgDump),
    option("lock-wait-timeout", "", true, PgDump),
    option("no-data", "", false, PgDump),
    option("no-schema", "", false, PgDump),
    option("no-unlogged-table-data", "", false, PgDump),
    option("restrict-key", "", true, PgDump),
    option("role", "", true, PgDump),
    option("schema-only", "s", false, PgDump),
    option("section", "", true, PgDump),
    option("sequence-data", "", false, PgDump),
    option("serializable-deferrable", "", false, PgDump),
    option("snapshot", "", true, PgDump),
    option("statistics", "", false, PgDump),
    option("statistics-only", "", false, PgDump),
    option("superuser", "S", true, PgDump),
    option("sync-method", "", true, PgDump),
    option("table-and-children", "", true, PgDump),
    option("use-set-session-authorization", "", false, PgDump),
    option("with-statistics", "", false, PgDump),
];

/// Finds an option by its complete long name. `getopt_long` would accept an abbreviation, too.
pub(super) fn long(name: &str) -> Option<&'static Known> {
    TABLE.iter().find(|known| known.name == name)
}

/// Finds an option by its letter.
pub(super) fn short(letter: char) -> Option<&'static Known> {
    TABLE.iter().find(|known| known.letter == Some(letter))
}

/// Lists the long names that begin with `beginning`.
pub(super) fn beginning_with(beginning: &str) -> Vec<&'static str> {
    TABLE.iter().map(|known| known.name).filter(|name| name.starts_with(beginning)).collect()
}
