//! Patterns of table names, as `pg_dump -t` and psql's `\d` read them.

use crate::sys::error::{Error, Result};

/// What a pattern is made of: a character that has to be there, or a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Char(char),
    One,
    Many,
}

/// A pattern: letters outside of double quotes are folded to lower case, `*` and `?` are wildcards
/// there, and a dot ends the name of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    schema: Option<Vec<Part>>,
    name: Vec<Part>,
}

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// `Conflict` for what is no name of a table.
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
            return Err(Error::conflict(format!("{text} is no name of a table"))
                .hint("write it as in shop.orders, \"Shop\".\"Orders\" or shop.order_*"));
        }
        Ok(Self { text: text.to_owned(), schema, name })
    }

    /// Whether it matches a table. Without a schema only those match that need none.
    pub fn matches(&self, schema: &str, name: &str, visible: bool) -> bool {
        let in_schema = match &self.schema {
            Some(pattern) => fits(pattern, &schema.chars().collect::<Vec<_>>()),
            None => visible,
        };
        in_schema && fits(&self.name, &name.chars().collect::<Vec<_>>())
    }

    /// Whether it can mean one table of each schema only.
    pub fn is_exact(&self) -> bool {
        let mut parts = self.schema.iter().flatten().chain(&self.name);
        parts.all(|part| matches!(part, Part::Char(_)))
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Whether the parts fit the characters; after a mismatch the last `*` takes one more.
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
