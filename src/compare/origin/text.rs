//! A library of texts, in which statements can be found.

use super::name::mentions;
use super::statement::{Aspect, Subject};
use crate::postgres::psql::lexer;

/// The texts and their statements.
#[derive(Debug, Default)]
pub struct Library {
    statements: Vec<Found>,
    /// The label and the content of each text.
    texts: Vec<(String, String)>,
}

/// A statement with its place.
#[derive(Debug)]
struct Found {
    label: String,
    line: usize,
    /// The statement without comments, with single blanks.
    text: String,
}

impl Library {
    /// Adds a text. Ignores one that psql could not parse, either.
    pub fn add(&mut self, label: &str, text: &str) {
        let script = lexer::scan(text).unwrap_or_default();
        self.statements.extend(script.statements().map(|statement| Found {
            label: label.to_owned(),
            line: statement.line,
            text: plain(&text[statement.span.clone()]),
        }));
        self.texts.push((label.to_owned(), text.to_owned()));
    }

    /// Finds a statement. Returns its file and line if it occurs once, or its file if all
    /// occurrences are in one file.
    pub fn place_of(&self, statement: &str) -> Option<String> {
        let statement = plain(statement);
        place(self.statements.iter().filter(|found| found.text == statement))
    }

    /// Finds the statement that makes or alters the object. Returns its place as [`Self::place_of`]
    /// does.
    pub fn place_of_definition(&self, subject: &Subject) -> Option<String> {
        let named = || self.statements.iter().filter(|found| subject.is_altered_by(&found.text));
        // COMMENT sets comments; for all else, prefer the statement that makes the object
        let verb = subject.aspect.verb();
        let making = |found: &&Found| found.text.to_ascii_uppercase().starts_with(verb);
        place(named().filter(making)).or_else(|| place(named()))
    }

    /// Finds the only text that mentions the object at all. A statement that a variable or `\gexec`
    /// builds does not appear in any file.
    pub fn only_mention(&self, subject: &Subject) -> Option<String> {
        if let [(label, _)] = &self.texts[..] {
            return Some(label.clone());
        }
        let mut found = self
            .texts
            .iter()
            .filter(|(_, text)| mentions(text, subject.name) && mentions(text, subject.container));
        found.next().filter(|_| found.next().is_none()).map(|(label, _)| label.clone())
    }

    /// Finds the last text with a statement that makes or alters the object.
    pub fn last_alteration(&self, subject: &Subject) -> Option<String> {
        let from_last = self.statements.iter().rev();
        let mut altering = from_last.filter(|found| subject.is_altered_by(&found.text));
        let last = altering.clone().next();
        let own =
            |found: &&Found| found.text.to_ascii_uppercase().starts_with(subject.aspect.verb());
        let said = if subject.aspect == Aspect::Definition { None } else { altering.find(own) };
        said.or(last).map(|found| found.label.clone())
    }
}

fn place<'a>(mut found: impl Iterator<Item = &'a Found>) -> Option<String> {
    let first = found.next()?;
    let (mut alone, mut one_file) = (true, true);
    for other in found {
        alone = false;
        one_file &= other.label == first.label;
    }
    match (alone, one_file) {
        (true, _) => Some(format!("{}:{}", first.label, first.line)),
        (false, true) => Some(first.label.clone()),
        (false, false) => None,
    }
}

fn plain(statement: &str) -> String {
    let text = lexer::normalize(statement).unwrap_or_else(|_| statement.to_owned());
    let text = text.trim().trim_end_matches(';');
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::facts::Kind;

    fn library() -> Library {
        let mut library = Library::default();
        library.add("a.sql", "-- first\nCREATE TABLE s.t (id int);\n\nSELECT 1; SELECT 1;\n");
        library.add(
            "b.sql",
            "CREATE TABLE s.u (t int REFERENCES s.t);\nALTER TABLE s.u ADD COLUMN \"My Col\" int;\n\
             GRANT SELECT ON s.u TO r; CREATE INDEX t_id ON s.t (id);\nCREATE INDEX i ON s.t (id);",
        );
        library
    }

    #[test]
    fn a_statement_is_found_by_its_text() {
        let library = library();
        for (statement, expected) in [
            ("CREATE TABLE s.t\n  (id int) -- new", Some("a.sql:2")),
            ("SELECT 1", Some("a.sql")),
            ("CREATE TABLE s.t (id  bigint)", None),
        ] {
            assert_eq!(library.place_of(statement).as_deref(), expected);
        }
    }

    #[test]
    fn an_object_is_found_by_its_name() {
        let library = library();
        let place = |kind, name, container, aspect| {
            let subject = Subject { kind, name, container, aspect };
            library.place_of_definition(&subject).unwrap_or_default()
        };
        assert_eq!(place(Kind::Column, "My Col", "u", Aspect::Definition), "b.sql:2");
        assert_eq!(place(Kind::Table, "u", "", Aspect::Privileges), "b.sql:3");
        let made = place(Kind::Table, "u", "", Aspect::Definition);
        assert_eq!(made, "b.sql:1", "made there, and altered later");
        let made = place(Kind::Table, "t", "", Aspect::Definition);
        assert_eq!(made, "a.sql:2", "made in one file, indexed in another");
        assert_eq!(place(Kind::Index, "i", "t", Aspect::Definition), "b.sql:4");
    }

    #[test]
    fn the_last_text_counts() {
        let mut library = library();
        library.add("c", "ALTER TABLE s.t ADD x int; COMMENT ON TABLE s.t IS 'x';");
        library.add("d", "CREATE VIEW w AS SELECT id FROM s.t; ALTER TABLE s.t ADD y int;");
        let last = |kind, name, container, aspect| {
            library.last_alteration(&Subject { kind, name, container, aspect }).unwrap_or_default()
        };
        assert_eq!(last(Kind::Table, "t", "", Aspect::Definition), "d");
        assert_eq!(last(Kind::Table, "t", "", Aspect::Comment), "c");
        assert_eq!(last(Kind::Table, "u", "", Aspect::Comment), "b.sql", "it never had one");
        assert_eq!(last(Kind::Table, "u", "", Aspect::Definition), "b.sql");
        assert_eq!(last(Kind::Column, "id", "t", Aspect::Definition), "a.sql");
        assert_eq!(last(Kind::Table, "v", "", Aspect::Definition), "");
    }

    #[test]
    fn a_name_is_a_word() {
        for (text, name, expected) in [
            ("ALTER TABLE s.customer", "customer", true),
            ("ALTER TABLE s.customers", "customer", false),
            ("ALTER TABLE S.\"Odd \"\"Table\"\"\"", "Odd \"Table\"", true),
            ("x", "", true),
        ] {
            assert_eq!(mentions(text, name), expected, "{text}");
        }
    }
}
