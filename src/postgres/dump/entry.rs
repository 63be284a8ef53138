//! The entries of a dump.

use std::ops::Range;

use crate::postgres::psql::lexer::{self, Item};
use crate::sys::error::{Error, Result};

/// A dump that was made with `--clean --if-exists`.
#[derive(Debug, Default)]
pub struct Dump {
    /// The settings of the session.
    pub settings: Vec<String>,
    /// The statements that drop all objects, in the order in which `pg_dump` runs them.
    pub drops: Vec<String>,
    /// The objects and their properties, in the order in which `pg_dump` makes them.
    pub entries: Vec<Entry>,
}

/// An object of a dump, or a property of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The kind, such as `TABLE` or `COMMENT`.
    pub kind: String,
    /// The name, as the comment shows it: line ends have become blanks.
    pub name: String,
    /// The schema, if the object belongs to one.
    pub schema: Option<String>,
    /// The statements, without those that only set the default table access method.
    pub statements: Vec<String>,
    /// The default table access method, unless it is `heap`.
    pub access_method: Option<String>,
}

impl Entry {
    /// The statements as `pg_dump` lays them out.
    pub fn text(&self) -> String {
        self.statements.join("\n\n")
    }

    fn of_header(header: &str) -> Option<Self> {
        let (rest, _owner) = header.rsplit_once("; Owner:")?;
        let (rest, schema) = rest.rsplit_once("; Schema: ")?;
        let (name, kind) = rest.rsplit_once("; Type: ")?;
        let (name, kind) = (name.to_owned(), kind.to_owned());
        let schema = Some(schema.to_owned()).filter(|schema| schema != "-");
        Some(Self { kind, name, schema, ..Self::default() })
    }
}

impl Dump {
    /// Splits a dump.
    ///
    /// # Errors
    /// `Unexpected` if psql could not read it either. `Conflict` if it has a command of psql: the
    /// server that was dumped would run a program here.
    pub fn parse(text: &str) -> Result<Self> {
        let script = lexer::scan(text).map_err(|open| {
            Error::unexpected(format!("cannot read the dump: {} in line {}", open.what, open.line))
        })?;
        let mut dump = Self::default();
        let (mut end, mut method) = (0, None);
        for item in &script.items {
            dump.headers(text, end..item.span().start);
            end = item.span().end;
            match item {
                Item::Statement(statement) => {
                    dump.statement(&text[statement.span.clone()], &mut method);
                }
                // pg_dump puts these two around the rest, and writes no other command
                Item::Meta(meta) if matches!(&*meta.command, "restrict" | "unrestrict") => {}
                Item::Meta(meta) => return Err(smuggled(&meta.command, meta.line)),
            }
        }
        dump.headers(text, end..text.len());
        Ok(dump)
    }

    /// Begins an entry for each comment of `pg_dump` in `gap`, which lies between two statements.
    fn headers(&mut self, text: &str, gap: Range<usize>) {
        let lines: Vec<&str> = text[gap].lines().collect();
        for three in lines.windows(3) {
            if let ["--", header, "--"] = three
                && let Some(header) = header.strip_prefix("-- ")
                && let Some(name) = header.split_once("Name: ").map(|(_, name)| name)
            {
                self.entries.extend(Entry::of_header(name));
            }
        }
    }

    fn statement(&mut self, statement: &str, method: &mut Option<String>) {
        if let Some(name) = statement.strip_prefix("SET default_table_access_method = ") {
            *method = Some(name.trim_end_matches(';').to_owned()).filter(|name| name != "heap");
            return;
        }
        if statement.starts_with("SET default_tablespace") {
            return;
        }
        let is_setting = |text: &str| {
            text.starts_with("SET ") || text.starts_with("SELECT pg_catalog.set_config(")
        };
        match self.entries.last_mut() {
            None if is_setting(statement) => self.settings.push(statement.to_owned()),
            None => self.drops.push(statement.to_owned()),
            Some(entry) => {
                entry.access_method.clone_from(method);
                entry.statements.push(statement.to_owned());
            }
        }
    }
}

fn smuggled(command: &str, line: usize) -> Error {
    let what = format!("the dump has the psql command \\{command} in line {line}");
    Error::conflict(what)
        .detail("pg_dump writes no such command, so an object of the database has it in its name.")
        .hint("do not trust this database; a newer pg_dump writes such names safely")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n\nSET lock_timeout = 0;\n\
        SELECT pg_catalog.set_config('search_path', '', false);\n\nDROP FUNCTION app.f();\n--\n\
        -- Name: app; Type: SCHEMA; Schema: -; Owner: app\n--\n\nCREATE SCHEMA app;\n\n\n--\n\
        -- Name: public; Type: SCHEMA; Schema: -; Owner: pg_database_owner\n--\n\n\
        -- *not* creating schema, since initdb creates it\n\n\n--\n\
        -- Name: f(); Type: FUNCTION; Schema: app; Owner: app\n--\n\n\
        CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS $$\n--\n\
        -- Name: no; Type: TABLE; Schema: no; Owner: no\n--\nSELECT 1;$$;\n\n\n\
        ALTER FUNCTION app.f() OWNER TO app;\n\nSET default_tablespace = '';\n\n\
        SET default_table_access_method = other;\n\n--\n\
        -- Name: a; Type: TABLE; Schema: x; Type: TABLE; Schema: app; Owner: app\n--\n\n\
        CREATE TABLE app.\"a; Type: TABLE; Schema: x\" ();\n\n\n--\n\
        -- PostgreSQL database dump complete\n--\n\n\\unrestrict x\n";

    #[test]
    fn no_command_of_psql_comes_from_a_dump() {
        for dump in ["CREATE SCHEMA a;\n\\! id\n", "SELECT 1 \\g /tmp/x\n", "\\connect x\n"] {
            let error = Dump::parse(dump).expect_err(dump);
            assert!(error.message().contains("psql command"), "{error}");
        }
        assert!(Dump::parse("SELECT '\\! id', $$\n\\! id\n$$;\n").is_ok());
    }

    #[test]
    fn comments_count_between_statements_only() {
        let dump = Dump::parse(DUMP).expect("read");
        let names: Vec<_> = dump.entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["app", "public", "f()", "a; Type: TABLE; Schema: x"]);
        assert_eq!(dump.settings.len(), 2);
        assert_eq!(dump.drops, ["DROP FUNCTION app.f();"]);
        assert_eq!(dump.entries[0].schema, None);
        assert_eq!(dump.entries[1].statements, [""; 0]);
        assert_eq!(dump.entries[2].statements.len(), 2);
        assert_eq!(dump.entries[3].schema.as_deref(), Some("app"));
        assert_eq!(dump.entries[3].access_method.as_deref(), Some("other"));
    }
}
