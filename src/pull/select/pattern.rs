//! Patterns of table names, in the syntax of `pg_dump -t` and of psql's `\d`.

use crate::sys::error::{Error, Result};

/// One element of a pattern: a literal character or a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Char(char),
    One,
    Many,
}

/// A pattern. Outside of double quotes, letters are folded to lower case, `*` and `?` are
/// wildcards, and a dot ends the name of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    schema: Option<Vec<Part>>,
    name: Vec<Part>,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// `Conflict` for a text that cannot be the name of a table.
    pub fn parse(text: &str) -> Result<Self> {
        let mut names = vec![Vec::new()];
        let mut rest = text.chars().peekable();
        let mut inside = false;
        while let Some(c) = rest.next() {
            let last = names.len() - 1;
            match c {
                '"' if inside && rest.next_if_eq(&'"').is_some() => {
                    names[last].push(Part::Char('"'))
                }
                '"' => inside = !inside,
                c if inside => names[last].push(Part::Char(c)),
                '.' => names.push(Vec::new()),
                '*' => names[last].push(Part::Many),
                '?' => names[last].push(Part::One),
                c => names[last].extend(c.to_lowercase().map(Part::Char)),
            }
        }
        let name = names.pop().unwrap_or_default();
        let schema = names.pop();
        let empty = name.is_empty() || schema.as_ref().is_some_and(Vec::is_empty);
        if inside || empty || !names.is_empty() {
            return Err(Error::conflict(format!("{text} is not a name of a table"))
                .hint("write it as in shop.orders, \"Shop\".\"Orders\" or shop.order_*"));
        }
        Ok(Self { text: text.to_owned(), schema, name })
    }

    /// Checks whether it matches a table. A pattern without a schema matches only tables that are
    /// visible in the search path.
    pub fn matches(&self, schema: &str, name: &str, visible: bool) -> bool {
        let in_schema = match &self.schema {
            Some(pattern) => fits(pattern, &schema.chars().collect::<Vec<_>>()),
            None => visible,
        };
        in_schema && fits(&self.name, &name.chars().collect::<Vec<_>>())
    }

    /// It has no wildcards, so it matches at most one table in each schema.
    pub fn is_exact(&self) -> bool {
        let mut parts = self.schema.iter().flatten().chain(&self.name);
        parts.all(|part| matches!(part, Part::Char(_)))
    }

    /// The pattern as the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Matches elements with characters. After a mismatch, it goes back and lets the last `*` match one
/// more character.
fn fits(parts: &[Part], text: &[char]) -> bool {
    let (mut part, mut at) = (0, 0);
    let mut last_many: Option<(usize, usize)> = None;
    while at < text.len() {
        match parts.get(part) {
            Some(Part::Many) => {
                last_many = Some((part, at));
                part += 1;
            }
            Some(Part::One) => (part, at) = (part + 1, at + 1),
            Some(Part::Char(c)) if *c == text[at] => (part, at) = (part + 1, at + 1),
            _ => match &mut last_many {
                Some((many, from)) => {
                    *from += 1;
                    (part, at) = (*many + 1, *from);
                }
                None => return false,
            },
        }
    }
    parts[part..].iter().all(|part| *part == Part::Many)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_psql() {
        let matches = |pattern: &str, schema: &str, name: &str| {
            Pattern::parse(pattern).expect("a pattern").matches(schema, name, schema == "public")
        };
        assert!(matches("Orders", "public", "orders") && !matches("orders", "shop", "orders"));
        assert!(matches("shop.o*s", "shop", "orders") && !matches("shop.o*s", "shop", "order"));
        assert!(matches("s*.*", "shop", "x") && matches("order?", "public", "orders"));
        assert!(!matches("order?", "public", "order"));
        assert!(
            matches("\"Or\"\"d.*\"", "public", "Or\"d.*") && !matches("\"a*\"", "public", "ab")
        );
        assert!(matches("*a*b", "public", "xaxxbab"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", ".a", "a.", "a.b.c", "\"a"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
