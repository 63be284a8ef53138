//! Names in texts: the objects that function bodies mention.

use crate::compare::facts::property;
use std::collections::{BTreeMap, BTreeSet};

use super::enums::split;
use crate::compare::facts::{Facts, Identity, Kind, Object};

type Names<'a> = BTreeMap<String, Vec<&'a Identity>>;

/// Maps each function whose body is stored as text to the objects that the body mentions.
pub(super) fn mentioned(facts: &Facts) -> BTreeMap<&Identity, BTreeSet<&Identity>> {
    let names = names(facts);
    let bodies = facts.iter().filter_map(|(function, object)| Some((function, body(object)?)));
    let found = bodies.map(|(function, body)| {
        let chains: Vec<String> = chains(body).into_iter().map(folded).collect();
        // `a.b` may be `b` in the schema `a`, or the column `b` of `a`; `a.b.c` is a column of
        // `a.b`
        let spelled = chains.iter().flat_map(|chain| {
            let first = &chain[..name_end(chain)];
            [Some(chain.as_str()), chain_parent(chain), Some(first)]
        });
        let those = spelled.flatten().filter_map(|name| names.get(name)).flatten().copied();
        (function, those.filter(|other| *other != function).collect())
    });
    found.collect()
}

/// The objects that a body can mention, by their names with and without the schema. Functions have
/// no argument types here.
fn names(facts: &Facts) -> Names<'_> {
    let mut names = Names::new();
    for (identity, _) in facts.iter().filter(|(identity, _)| is_usable(identity.kind)) {
        let Some(name) = chains(&identity.name).into_iter().next() else { continue };
        names.entry(split(&name).1.to_owned()).or_default().push(identity);
        names.entry(name).or_default().push(identity);
    }
    names
}

fn is_usable(kind: Kind) -> bool {
    use Kind::*;
    matches!(
        kind,
        Function
            | Procedure
            | Aggregate
            | Table
            | View
            | MaterializedView
            | Sequence
            | Type
            | Domain
            | Enum
    )
}

/// The body of a function as text. A body that PostgreSQL parses when it makes the function has
/// dependencies instead.
fn body(function: &Object) -> Option<&str> {
    let definition = function.get(property::DEFINITION)?;
    definition.find("\nAS ").map(|at| &definition[at..])
}

fn folded(chain: String) -> String {
    if chain.contains('"') { chain } else { chain.to_lowercase() }
}

fn chain_parent(chain: &str) -> Option<&str> {
    let mut quoted = false;
    let mut dots = Vec::new();
    for (at, c) in chain.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => dots.push(at),
            _ => {}
        }
    }
    dots.get(1).map(|at| &chain[..*at])
}

/// Finds the dotted names in a text, in their original spelling.
pub(super) fn chains(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(begins_name) {
        rest = &rest[start..];
        let end = chain_end(rest);
        found.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    found
}

fn begins_name(c: char) -> bool {
    c == '"' || c == '_' || c.is_alphabetic()
}

/// The end of the dotted name with which a text begins.
fn chain_end(text: &str) -> usize {
    let mut at = name_end(text);
    while text[at..].starts_with('.') && text[at + 1..].starts_with(begins_name) {
        at += 1 + name_end(&text[at + 1..]);
    }
    at
}

fn name_end(text: &str) -> usize {
    if !text.starts_with('"') {
        let belongs = |c: char| c == '_' || c == '$' || c.is_alphanumeric();
        return text.find(|c| !belongs(c)).unwrap_or(text.len());
    }
    let mut at = 1;
    while let Some(quote) = text[at..].find('"') {
        at += quote + 1;
        match text[at..].starts_with('"') {
            true => at += 1,
            false => return at,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{chain_parent, chains};

    #[test]
    fn names_are_found_in_any_text() {
        let text = "nextval('shop.\"Odd \"\"x\"\" . y\"'::regclass) + s.f(t.a, 1.5)";
        let found = ["nextval", "shop.\"Odd \"\"x\"\" . y\"", "regclass", "s.f", "t.a"];
        assert_eq!(chains(text), found);
        assert_eq!(chain_parent("a.\"b.c\".d"), Some("a.\"b.c\""));
        assert_eq!(chain_parent("a.b"), None);
    }
}
