//! The names of objects and roles in statements.

use crate::compare::facts::{Identity, Kind, Object};
use crate::postgres::sql::quote::quote_ident;
use crate::postgres::sql::quote::quote_literal;

/// The beginning of a property that says that an object depends on an extension.
pub(super) const DEPENDS: &str = "depends on extension ";

/// The word for the owner of the database in facts; see `drift::Roles`.
pub(super) const OWNER: &str = "(owner)";

/// The keyword for a kind in ALTER, DROP and COMMENT.
pub(super) fn noun(kind: Kind) -> String {
    match kind {
        Kind::Enum => "TYPE".to_owned(),
        Kind::Statistics => "STATISTICS".to_owned(),
        Kind::ForeignDataWrapper => "FOREIGN DATA WRAPPER".to_owned(),
        _ => kind.label().to_uppercase(),
    }
}

/// The name of a part without the object that contains it: `x` for `x on shop.t` and for
/// `shop.t.x`. For other objects, the full name.
pub(super) fn own<'a>(identity: &'a Identity, object: &Object) -> &'a str {
    let Some(container) = &object.container else { return &identity.name };
    match identity.kind {
        Kind::Column => identity.name.get(container.name.len() + 1..).unwrap_or_default(),
        Kind::Constraint | Kind::Trigger | Kind::Rule | Kind::Policy => {
            let end = identity.name.len().saturating_sub(container.name.len() + " on ".len());
            identity.name.get(..end).unwrap_or_default()
        }
        _ => &identity.name,
    }
}

/// The name of the object that contains a part.
pub(super) fn container(object: &Object) -> &str {
    object.container.as_ref().map_or("", |container| &container.name)
}

/// The object as COMMENT, ALTER and DROP name it: `TABLE shop.t`, `CONSTRAINT x ON DOMAIN d`.
pub(super) fn called(identity: &Identity, object: &Object) -> String {
    let (noun, own) = (noun(identity.kind), own(identity, object));
    match (identity.kind, &object.container) {
        (Kind::Constraint, Some(container)) if container.kind == Kind::Domain => {
            format!("{noun} {own} ON DOMAIN {}", container.name)
        }
        (Kind::Constraint | Kind::Trigger | Kind::Rule | Kind::Policy, Some(container)) => {
            format!("{noun} {own} ON {}", container.name)
        }
        // for integer on language sql
        (Kind::Transform, _) => {
            let (of, language) = own.split_once(" on language ").unwrap_or((own, ""));
            format!("TRANSFORM {} LANGUAGE {language}", of.replacen("for ", "FOR ", 1))
        }
        (Kind::Aggregate, _) if own.ends_with("()") => {
            format!("{noun} {}(*)", &own[..own.len() - 2])
        }
        _ => format!("{noun} {}", identity.name),
    }
}

/// Builds the beginning of a statement that changes a part of a table, a view or a domain: `ALTER
/// TABLE shop.t`.
pub(super) fn alter_container(object: &Object) -> String {
    let Some(container) = &object.container else { return String::new() };
    format!("ALTER {} {}", noun(container.kind), container.name)
}

/// Quotes a role.
pub(super) fn role(name: &str) -> String {
    match name {
        OWNER => "CURRENT_USER".to_owned(),
        "" => "PUBLIC".to_owned(),
        _ => quote_ident(name),
    }
}

/// Removes the quotes from a name.
pub(super) fn bare(name: &str) -> String {
    match name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}

/// Splits a list at commas outside of quotes.
pub(super) fn items(list: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, c) in list.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                found.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(list[start..].trim());
    found.retain(|item| !item.is_empty());
    found
}

/// Writes a list `name=value, …` as options in parentheses.
pub(super) fn options(list: &str) -> String {
    let pair = |item: &&str| match item.split_once('=') {
        Some((name, value)) => format!("{name} = '{}'", value.replace('\'', "''")),
        None => (*item).to_owned(),
    };
    items(list).iter().map(pair).collect::<Vec<_>>().join(", ")
}

/// Builds `COMMENT ON … IS …`.
pub(super) fn comment(identity: &Identity, object: &Object, text: Option<&str>) -> String {
    let text = text.map_or_else(|| "NULL".to_owned(), quote_literal);
    format!("COMMENT ON {} IS {};", called(identity, object), text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_names_of_their_own() {
        let table = Identity { kind: Kind::Table, name: "s.\"a on b\"".to_owned() };
        let part = Object { container: Some(table), ..Object::default() };
        let named = |kind, name: &str| Identity { kind, name: name.to_owned() };
        let column = named(Kind::Column, "s.\"a on b\".\"X.y\"");
        assert_eq!(own(&column, &part), "\"X.y\"");
        let trigger = named(Kind::Trigger, "x on s.\"a on b\"");
        assert_eq!(own(&trigger, &part), "x");
        assert_eq!(called(&trigger, &part), "TRIGGER x ON s.\"a on b\"");
    }

    #[test]
    fn lists_are_split_outside_of_quotes() {
        assert_eq!(items("\"a, b\", c"), ["\"a, b\"", "c"]);
        assert_eq!(options("a=1, b=it's"), "a = '1', b = 'it''s'");
    }
}
