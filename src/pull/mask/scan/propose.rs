//! Turns the counts of a column into a line of `staging.toml`.

use super::kind::Kind;
use crate::postgres::sql::quote::quote_ident;

/// The properties of a column that restrict the decision.
#[derive(Debug, Clone, Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// The form of its values, as `pull/scanned.sql` names it.
    pub(super) form: String,
    /// The maximal length in characters.
    pub(super) length: Option<i32>,
    pub(super) required: bool,
    pub(super) unique: bool,
}

/// The counts of a column's sample.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// The number of values in the sample.
    pub(super) filled: i64,
    /// The number of values that look like each kind.
    pub(super) counts: Vec<(Kind, i64)>,
    pub(super) by_name: Option<Kind>,
}

impl Found {
    /// The most likely kind of the column.
    pub(super) fn kind(&self) -> Option<Kind> {
        let seen = self.counts.iter().filter(|(kind, count)| kind.is_seen(*count, self.filled));
        seen.map(|(kind, _)| *kind).chain(self.by_name).min()
    }

    /// The reasons for the guess, with counts.
    pub(super) fn why(&self) -> String {
        let filled = self.filled;
        let counted = self.counts.iter().filter(|(_, count)| *count > 0);
        let mut reasons: Vec<String> = counted
            .map(|(kind, count)| format!("{} in {count} of {filled} sampled", kind.text()))
            .collect();
        if reasons.is_empty() {
            reasons.push(match filled {
                0 => "no value to sample".to_owned(),
                _ => format!("nothing found in {filled} sampled"),
            });
        }
        if let Some(kind) = self.by_name {
            let what = if kind == Kind::Json { "type" } else { "name" };
            reasons.insert(0, format!("{} by its {what}", kind.text()));
        }
        reasons.join("; ")
    }
}

impl Column {
    /// The proposed decision. `None` if no decision fits the column's type.
    pub(super) fn decision(&self, kind: Option<Kind>) -> Option<String> {
        let Some(kind) = kind else { return Some("\"keep\"".to_owned()) };
        let nothing_kept = matches!(kind, Kind::Token | Kind::Json | Kind::Text);
        if self.form == "text" && (self.unique || !nothing_kept) {
            return Some(if kind == Kind::Email { self.email() } else { self.hash(self.length) });
        }
        if !self.required {
            return Some("\"null\"".to_owned());
        }
        let empty = match self.form.as_str() {
            "text" if kind == Kind::Json => "{}",
            "json" | "array" => "{}",
            "text" | "bytea" => "",
            "network" => "0.0.0.0",
            "range" => "empty",
            _ => return None,
        };
        (!self.unique).then(|| format!("{{ fixed = {} }}", string(empty)))
    }

    /// A mask that turns equal values into equal digests of `length` characters.
    pub(super) fn hash(&self, length: Option<i32>) -> String {
        match length.filter(|length| *length < 64) {
            None => "\"hash\"".to_owned(),
            Some(length) => sql(&self.digest(length)),
        }
    }

    /// A mask that makes an e-mail address to which no mail can be sent.
    fn email(&self) -> String {
        let room = self.length.unwrap_or(64) - 16;
        if room < 8 {
            return self.hash(self.length);
        }
        sql(&format!("{} || '@example.invalid'", self.digest(room.min(32))))
    }

    fn digest(&self, length: i32) -> String {
        // after a dot, no word is a keyword
        let plain = |c: char| c.is_ascii_lowercase() || c == '_';
        let quoted = || quote_ident(&self.name);
        let column = if self.name.chars().all(plain) { self.name.clone() } else { quoted() };
        format!("left(encode(sha256(convert_to(t.{column}::text, 'UTF8')), 'hex'), {length})")
    }
}

fn sql(expression: &str) -> String {
    format!("{{ sql = {} }}", string(expression))
}

/// Quotes a TOML string.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\u{:04X}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Writes a TOML key, with quotes if necessary.
pub(super) fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { string(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Column {
        Column { name: "c".to_owned(), form: "text".to_owned(), ..Column::default() }
    }

    #[test]
    fn decisions_fit_the_column() {
        let decide = |column: &Column, kind| column.decision(Some(kind)).unwrap_or_default();
        assert_eq!(text().decision(None).as_deref(), Some("\"keep\""));
        assert_eq!(decide(&text(), Kind::Person), "\"hash\"");
        assert_eq!(decide(&text(), Kind::Token), "\"null\"");
        let needed = Column { required: true, ..text() };
        assert_eq!(decide(&needed, Kind::Text), "{ fixed = \"\" }");
        assert_eq!(decide(&Column { unique: true, ..needed }, Kind::Token), "\"hash\"");
        let short = Column { length: Some(20), ..text() };
        assert!(decide(&short, Kind::Phone).contains("'hex'), 20)"));
        assert!(!decide(&short, Kind::Email).contains("example"));
        assert!(decide(&text(), Kind::Email).contains("'hex'), 32) || '@example.invalid'"));
        let json = Column { form: "json".to_owned(), required: true, ..text() };
        assert_eq!(decide(&json, Kind::Email), "{ fixed = \"{}\" }");
        let row = Column { form: "other".to_owned(), required: true, ..text() };
        assert_eq!(row.decision(Some(Kind::Email)), None);
    }

    #[test]
    fn reasons_have_counts() {
        let found = Found {
            filled: 40,
            counts: vec![(Kind::Email, 37), (Kind::Text, 0)],
            by_name: Some(Kind::Token),
        };
        assert_eq!(found.why(), "token or secret by its name; e-mail in 37 of 40 sampled");
        assert_eq!(found.kind(), Some(Kind::Token));
        assert_eq!(Found::default().why(), "no value to sample");
    }

    #[test]
    fn names_are_quoted_for_toml() {
        assert_eq!(
            (key("a-b_1"), key("a b"), key("")),
            ("a-b_1".into(), "\"a b\"".into(), "\"\"".into())
        );
        assert_eq!(string("\"\\\n"), "\"\\\"\\\\\\u000A\"");
    }
}
