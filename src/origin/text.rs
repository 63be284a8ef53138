//! Statements in texts.

use crate::postgres::lexer;

/// Texts, and the statements in them.
#[derive(Debug, Default)]
pub struct Library {
    statements: Vec<Found>,
    /// What each text is called, and the text.
    texts: Vec<(String, String)>,
}

/// A statement, and where it stands.
#[derive(Debug)]
struct Found {
    label: String,
    line: usize,
    /// Without comments, with single blanks.
    text: String,
}

/// The object that a statement has to name.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Its own name.
    pub name: &'a str,
    /// The name of what it is a part of, or nothing.
    pub whole: &'a str,
    /// It is about privileges.
    pub is_acl: bool,
}

/// The words that statements begin with that make or change objects.
const VERBS: [&str; 6] = ["CREATE", "ALTER", "COMMENT", "DROP", "SECURITY", "IMPORT"];

impl Library {
    /// Adds a text. One that psql could not take apart either is left out.
    pub fn add(&mut self, label: &str, text: &str) {
        let script = lexer::scan(text).unwrap_or_default();
        self.statements.extend(script.statements().map(|statement| Found {
            label: label.to_owned(),
            line: statement.line,
            text: plain(&text[statement.span.clone()]),
        }));
        self.texts.push((label.to_owned(), text.to_owned()));
    }

    /// The line of the statement, if it stands in one place only; the file, if in one only.
    pub fn place_of(&self, statement: &str) -> Option<String> {
        let statement = plain(statement);
        place(self.statements.iter().filter(|found| found.text == statement))
    }

    /// The same of the statement that names the object.
    pub fn place_of_what_names(&self, wanted: &Wanted) -> Option<String> {
        let named = || self.statements.iter().filter(|found| wanted.is_named_in(&found.text));
        // what makes it says more than what is said of it
        let making = |found: &&Found| found.text.to_ascii_uppercase().starts_with("CREATE ");
        place(named().filter(making)).or_else(|| place(named()))
    }

    /// The only text in which the object's names stand at all: what a variable or `\gexec` makes a
    /// statement of is no statement in a file.
    pub fn only_text_that_mentions(&self, wanted: &Wanted) -> Option<String> {
        if let [(label, _)] = &self.texts[..] {
            return Some(label.clone());
        }
        let mut found = self
            .texts
            .iter()
            .filter(|(_, text)| mentions(text, wanted.name) && mentions(text, wanted.whole));
        found.next().filter(|_| found.next().is_none()).map(|(label, _)| label.clone())
    }

    /// The last text with a statement that names the object.
    pub fn last_that_names(&self, wanted: &Wanted) -> Option<String> {
        let mut from_last = self.statements.iter().rev();
        from_last.find(|found| wanted.is_named_in(&found.text)).map(|found| found.label.clone())
    }
}

impl Wanted<'_> {
    fn is_named_in(&self, statement: &str) -> bool {
        let verb = statement.split([' ', ';']).next().unwrap_or_default().to_ascii_uppercase();
        if self.is_acl {
            let grants = matches!(verb.as_str(), "GRANT" | "REVOKE");
            return grants && mentions(statement, self.name) && mentions(statement, self.whole);
        }
        // what a statement is about stands before what it says of it
        let head = statement.split('(').next().unwrap_or_default();
        let (early, anywhere) =
            if self.whole.is_empty() { (self.name, "") } else { (self.whole, self.name) };
        VERBS.contains(&verb.as_str()) && mentions(head, early) && mentions(statement, anywhere)
    }
}

/// Whether the name stands in the text as a word, in quotes or not; no name stands everywhere.
pub fn mentions(text: &str, name: &str) -> bool {
    if name.is_empty() {
        return true;
    }
    let (text, name) = (text.to_lowercase(), name.to_lowercase().replace('"', "\"\""));
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    text.match_indices(&name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        !before.ends_with(is_word) && !after.starts_with(is_word)
    })
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
        let place = |name, whole, is_acl| {
            library.place_of_what_names(&Wanted { name, whole, is_acl }).unwrap_or_default()
        };
        assert_eq!(place("My Col", "u", false), "b.sql:2");
        assert_eq!(place("u", "", true), "b.sql:3");
        assert_eq!(place("u", "", false), "b.sql:1", "made there, and altered later");
        assert_eq!(place("t", "", false), "", "made in one file, indexed in another");
        assert_eq!(place("i", "", false), "b.sql:4");
    }

    #[test]
    fn the_last_text_counts() {
        let mut library = library();
        library.add("c", "ALTER TABLE s.t ADD x int;");
        let wanted = |name, whole| Wanted { name, whole, is_acl: false };
        assert_eq!(library.last_that_names(&wanted("t", "")).as_deref(), Some("c"));
        assert_eq!(library.last_that_names(&wanted("u", "")).as_deref(), Some("b.sql"));
        assert_eq!(library.last_that_names(&wanted("id", "t")).as_deref(), Some("b.sql"));
        assert_eq!(library.last_that_names(&wanted("v", "")), None);
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
