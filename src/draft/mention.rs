//! What depends on what, as far as names tell.
//!
//! Facts hold no dependencies, but the server spells every definition with qualified names (the
//! search path of `facts::begin` is `pg_catalog`), so that what a definition mentions is what it
//! depends on. Bodies of functions are mere text and only their heads count, but for those that are
//! parsed when they are made.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{Facts, Identity, Kind, Object};

/// Who depends on whom within one side.
pub(super) struct Mentions<'a> {
    of: BTreeMap<&'a Identity, BTreeSet<&'a Identity>>,
}

/// Properties that speak of roles or in prose, and one that a statement of its own sets.
const SILENT: [&str; 5] = ["acl", "comment", "owner", "owned by", "rows"];

impl<'a> Mentions<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let names = names(facts);
        let mut of: BTreeMap<_, _> = facts
            .iter()
            .map(|(identity, object)| (identity, mentioned(identity, object, &names)))
            .collect();
        structure(facts, &mut of);
        keys(facts, &mut of);
        Self { of }
    }

    /// Everything and what it depends on.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a Identity, &'a Identity)> + '_ {
        self.of.iter().flat_map(|(one, those)| those.iter().map(|other| (*one, *other)))
    }
}

type Names<'a> = BTreeMap<String, Vec<&'a Identity>>;

/// Names as definitions mention them: of functions without their arguments.
fn names(facts: &Facts) -> Names<'_> {
    let mut names = Names::new();
    let is_part = |kind| {
        matches!(
            kind,
            Kind::Column
                | Kind::Constraint
                | Kind::Index
                | Kind::Trigger
                | Kind::Rule
                | Kind::Policy
                | Kind::Schema
        )
    };
    for (identity, _) in facts.iter().filter(|(identity, _)| !is_part(identity.kind)) {
        if let Some(name) = chains(&identity.name).into_iter().next() {
            names.entry(name).or_default().push(identity);
        }
    }
    names
}

fn mentioned<'a>(
    identity: &Identity,
    object: &Object,
    names: &Names<'a>,
) -> BTreeSet<&'a Identity> {
    let mut found = BTreeSet::new();
    let loud = object.properties.iter().filter(|(name, _)| !SILENT.contains(&name.as_str()));
    let texts = loud.flat_map(|(name, value)| [name.as_str(), head(identity.kind, value)]);
    for chain in texts.flat_map(chains) {
        // `a.b.c` may be a column of `a.b`
        let parent = chain_parent(&chain);
        for name in std::iter::once(chain.as_str()).chain(parent) {
            found.extend(names.get(name).into_iter().flatten().filter(|other| **other != identity));
        }
    }
    found
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

/// The part of a definition that is more than text.
fn head(kind: Kind, value: &str) -> &str {
    match kind {
        Kind::Function | Kind::Procedure => {
            value.find("\nAS ").map_or(value, |body| &value[..body])
        }
        _ => value,
    }
}

/// The dotted names in a text, spelled as they are.
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

/// Where the dotted name ends that a text begins with.
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

/// Parts depend on their wholes, what stands on columns on those, everything on its schema.
fn structure<'a>(facts: &'a Facts, of: &mut BTreeMap<&'a Identity, BTreeSet<&'a Identity>>) {
    let mut columns: BTreeMap<&Identity, Vec<&Identity>> = BTreeMap::new();
    let mut schemas = BTreeMap::new();
    for (identity, object) in facts.iter() {
        match (identity.kind, &object.whole) {
            (Kind::Column, Some(whole)) => columns.entry(whole).or_default().push(identity),
            (Kind::Schema, _) => {
                schemas.insert(identity.name.as_str(), identity);
            }
            _ => {}
        }
    }
    for (identity, object) in facts.iter() {
        let Some(those) = of.get_mut(identity) else { continue };
        if let Some((whole, _)) = object.whole.as_ref().and_then(|whole| facts.entry(whole))
            && identity.kind != Kind::Sequence
        {
            those.insert(whole);
            if identity.kind != Kind::Column {
                those.extend(columns.get(whole).into_iter().flatten().copied());
            }
        }
        let name = chains(&identity.name).into_iter().next().unwrap_or_default();
        let schema = name.find('.').map(|_| &name[..name_end(&name)]);
        let schema = schema.or_else(|| object.properties.get("schema").map(String::as_str));
        those.extend(schema.and_then(|schema| schemas.get(schema)).copied());
    }
}

/// A foreign key stands on the keys of the table that it refers to.
fn keys<'a>(facts: &'a Facts, of: &mut BTreeMap<&'a Identity, BTreeSet<&'a Identity>>) {
    let mut unique: BTreeMap<&Identity, Vec<&Identity>> = BTreeMap::new();
    let mut foreign = Vec::new();
    for (identity, object) in facts.iter() {
        let definition = object.properties.get("definition").map_or("", String::as_str);
        let is_key = ["PRIMARY KEY", "UNIQUE", "CREATE UNIQUE INDEX"];
        match &object.whole {
            Some(_) if definition.starts_with("FOREIGN KEY") => foreign.push(identity),
            Some(whole) if is_key.iter().any(|key| definition.starts_with(key)) => {
                unique.entry(whole).or_default().push(identity);
            }
            _ => {}
        }
    }
    for identity in foreign {
        let Some(those) = of.get_mut(identity) else { continue };
        let all: Vec<_> = those.iter().filter_map(|table| unique.get(table)).flatten().collect();
        those.extend(all.into_iter().copied());
    }
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
