//! Finds the object of a statement.

use super::name::{mentions, own};
use crate::compare::facts::Kind;

/// An object and a difference, for which the caller looks for statements.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The object's kind.
    pub kind: Kind,
    /// The last component of its name.
    pub name: &'a str,
    /// The name of the object that contains it, or an empty text.
    pub container: &'a str,
    /// The aspect that differs.
    pub aspect: Aspect,
}

/// An aspect of an object. Each aspect has statements of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// CREATE and ALTER set it.
    Definition,
    /// GRANT and REVOKE set it.
    Privileges,
    /// COMMENT sets it.
    Comment,
    /// SECURITY LABEL sets it.
    Label,
}

impl Aspect {
    /// The first word of the statements that usually set it.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Definition => "CREATE ",
            Self::Privileges => "",
            Self::Comment => "COMMENT ",
            Self::Label => "SECURITY ",
        }
    }
}

/// The words that may precede the object's name in CREATE and ALTER.
const BEFORE_NAME: &str = " OR REPLACE GLOBAL LOCAL TEMP TEMPORARY UNLOGGED UNIQUE CONCURRENTLY MATERIALIZED \
    RECURSIVE CONSTRAINT FOREIGN EVENT PROCEDURAL TRUSTED LANGUAGE TABLE VIEW INDEX SEQUENCE FUNCTION PROCEDURE \
    AGGREGATE ROUTINE TYPE DOMAIN SCHEMA AUTHORIZATION EXTENSION TRIGGER RULE POLICY PUBLICATION SUBSCRIPTION \
    STATISTICS COLLATION CONVERSION DEFAULT OPERATOR CLASS FAMILY SERVER ACCESS METHOD TEXT SEARCH CONFIGURATION \
    DICTIONARY PARSER TEMPLATE DATA WRAPPER IF NOT EXISTS ONLY ";

/// The words that may precede the name of a column in a statement about its table, and those that
/// may precede the name of another part.
const BEFORE_COLUMN: &str = " ADD ALTER COLUMN ATTRIBUTE EXISTS RENAME TO ";
const BEFORE_PART: &str = " CONSTRAINT TRIGGER RULE INDEX EXISTS ON TO ";

impl Subject<'_> {
    /// Checks whether the statement makes the object or alters the aspect. The statement must not
    /// contain comments.
    pub fn is_altered_by(&self, statement: &str) -> bool {
        let words = words(statement);
        let verb = words.first().map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        match (self.aspect, verb.as_str()) {
            (Aspect::Privileges, "GRANT" | "REVOKE") => {
                mentions(statement, self.name) && mentions(statement, self.container)
            }
            (Aspect::Privileges, _) => false,
            (Aspect::Comment, "COMMENT") | (Aspect::Label, "SECURITY") => {
                let head = statement.split_once(" IS ").map_or(statement, |(head, _)| head);
                mentions(head, self.name) && mentions(head, self.container)
            }
            (_, "IMPORT") => self.kind == Kind::ForeignTable && mentions(statement, self.name),
            (_, "CREATE" | "ALTER") => self.is_subject(statement, &words),
            _ => false,
        }
    }

    fn is_subject(&self, statement: &str, words: &[String]) -> bool {
        if !has_simple_name(self.kind) {
            return mentions(statement, self.name) && mentions(statement, self.container);
        }
        let own_subject = is_subject(words, self.name) || is_new_name(words, self.name);
        if self.container.is_empty() {
            return own_subject;
        }
        // another table may have a trigger of the same name; index names are unique in a schema
        let names_both =
            own_subject && (self.kind == Kind::Index || mentions(statement, self.container));
        let is_column = self.kind == Kind::Column;
        !is_column && names_both
            || is_subject(words, self.container) && self.is_part(words, is_column)
    }

    /// Checks whether a statement about the containing object is about this part.
    fn is_part(&self, words: &[String], is_column: bool) -> bool {
        let before = if is_column { BEFORE_COLUMN } else { BEFORE_PART };
        let is_made = words.first().is_some_and(|verb| verb.eq_ignore_ascii_case("CREATE"));
        // the query of a view defines its columns
        let is_query = words.iter().any(|word| word.eq_ignore_ascii_case("VIEW"));
        let opens_column =
            |word: &str| is_query || has(before, word) || is_made && matches!(word, "(" | ",");
        words.windows(2).any(|pair| {
            is_name(&pair[1], self.name)
                && if is_column { opens_column(&pair[0]) } else { has(before, &pair[0]) }
        })
    }
}

/// Checks whether statements name an object of this kind by a simple name.
fn has_simple_name(kind: Kind) -> bool {
    use Kind::*;
    !matches!(
        kind,
        UserMapping
            | DefaultPrivileges
            | FamilyOperator
            | FamilyFunction
            | Cast
            | Transform
            | Unmodelled
    )
}

/// Checks whether the name is the first one after the verb.
fn is_subject(words: &[String], name: &str) -> bool {
    let mut candidates = words.iter().skip(1);
    let first = candidates.find(|word| is_name(word, name) || !has(BEFORE_NAME, word));
    first.is_some_and(|word| is_name(word, name))
}

/// Checks whether the statement renames an object to this name, or attaches it as a partition.
fn is_new_name(words: &[String], name: &str) -> bool {
    let ends = |one: &str, two: &str| {
        words.windows(3).any(|three| {
            three[0].eq_ignore_ascii_case(one)
                && three[1].eq_ignore_ascii_case(two)
                && is_name(&three[2], name)
        })
    };
    ends("RENAME", "TO") || ends("ATTACH", "PARTITION")
}

fn is_name(word: &str, name: &str) -> bool {
    own(word).eq_ignore_ascii_case(name)
}

fn has(words: &str, word: &str) -> bool {
    words.contains(&format!(" {} ", word.to_ascii_uppercase()))
}

/// Splits a statement into words, parentheses and commas. A qualified name is one word.
fn words(statement: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in statement.chars() {
        quoted ^= c == '"';
        if quoted || !(c.is_whitespace() || "(),;".contains(c)) {
            words.last_mut().into_iter().for_each(|word| word.push(c));
        } else {
            words.extend([c.to_string(), String::new()]);
        }
    }
    words.retain(|word| !word.trim().is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_alters_what_it_is_about() {
        use Kind::*;
        for (kind, name, container, statement, expected) in [
            (Table, "t", "", "CREATE TABLE IF NOT EXISTS s.t (a int)", true),
            (Table, "data", "", "CREATE UNLOGGED TABLE data(a int)", true),
            (Table, "t", "", "ALTER TABLE ONLY \"s\".\"t\" ADD b int", true),
            (Table, "t", "", "ALTER TABLE old RENAME TO t", true),
            (Table, "t", "", "ALTER TABLE p ATTACH PARTITION s.t DEFAULT", true),
            (Table, "t", "", "CREATE VIEW v AS SELECT a FROM t", false),
            (Table, "t", "", "CREATE INDEX ON s.t (a)", false),
            (Table, "t", "", "CREATE TABLE u (t int REFERENCES t)", false),
            (Table, "t", "", "COMMENT ON TABLE t IS 'x'", false),
            (Table, "t", "", "DROP TABLE t", false),
            (Function, "f", "", "CREATE OR REPLACE FUNCTION s.f(int) RETURNS int", true),
            (Function, "f", "", "CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()", false),
            (Operator, "===", "", "CREATE OPERATOR s.=== (FUNCTION = f)", true),
            (Column, "a", "t", "CREATE TABLE t (b int, a int)", true),
            (Column, "a", "t", "ALTER TABLE t ADD COLUMN IF NOT EXISTS a int", true),
            (Column, "a", "t", "ALTER TABLE t RENAME b TO a", true),
            (Column, "a", "t", "ALTER TABLE t ADD CONSTRAINT k CHECK (a > b)", false),
            (Column, "a", "t", "CREATE INDEX a ON t (a)", false),
            (Column, "a", "v", "CREATE VIEW v AS SELECT a FROM t", true),
            (Constraint, "k", "t", "ALTER TABLE t ADD b int, ADD CONSTRAINT k CHECK (b > 0)", true),
            (Index, "i", "t", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", true),
            (Index, "i", "t", "ALTER INDEX i SET (fillfactor = 50)", true),
            (Trigger, "g", "t", "CREATE TRIGGER g AFTER INSERT ON u EXECUTE FUNCTION f()", false),
            (Trigger, "g", "t", "ALTER TABLE t DISABLE TRIGGER g", true),
            (
                ForeignTable,
                "t",
                "",
                "IMPORT FOREIGN SCHEMA x LIMIT TO (t) FROM SERVER y INTO z",
                true,
            ),
        ] {
            let subject = Subject { kind, name, container, aspect: Aspect::Definition };
            assert_eq!(subject.is_altered_by(statement), expected, "{kind:?} {name}: {statement}");
        }
    }

    #[test]
    fn a_comment_comes_from_what_comments() {
        let subject =
            Subject { kind: Kind::Column, name: "a", container: "t", aspect: Aspect::Comment };
        assert!(subject.is_altered_by("COMMENT ON COLUMN s.t.a IS 'x'"));
        assert!(!subject.is_altered_by("COMMENT ON TABLE s.t IS 'the a of it'"));
        assert!(subject.is_altered_by("ALTER TABLE t ADD a int"), "which has none");
    }
}
