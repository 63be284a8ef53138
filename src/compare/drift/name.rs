//! Constraints and indexes that have other names on the other side.

use crate::compare::facts::property;
use std::collections::BTreeMap;

use crate::compare::facts::{Facts, Identity, Kind, Object, split_name};

/// The property that stands for the name of an object.
pub const NAME: &str = "name";

/// The property of a column or domain with the name of its NOT NULL constraint.
pub const NOT_NULL: &str = property::NOT_NULL_CONSTRAINT;

/// Maps names in `a` to names in `b` for objects that differ only in their names.
pub fn renamed<'a>(a: &'a Facts, b: &'a Facts) -> BTreeMap<&'a Identity, &'a Identity> {
    let mut pairs = BTreeMap::new();
    let mut right = candidates(b, a);
    for (key, identities) in candidates(a, b) {
        let others = right.remove(&key).unwrap_or_default();
        pairs.extend(identities.into_iter().zip(others));
    }
    pairs
}

/// Checks whether a property of a renamed object is equal except for the name in it.
pub fn is_same(identity: &Identity, property: &str, old: &str, new: &str) -> bool {
    match (identity.kind, property) {
        (Kind::Index, property::DEFINITION) => without_name(old) == without_name(new),
        _ => old == new,
    }
}

/// Compares names of NOT NULL constraints. A missing name equals every name: older releases store
/// none, and nullable columns have none. If a name is taken, PostgreSQL appends a number to the
/// name that it generates, so numbers do not count.
pub fn is_same_not_null(old: Option<&String>, new: Option<&String>) -> bool {
    let stem = |name: &str| {
        let name = name.trim_matches('"').trim_end_matches(|c: char| c.is_ascii_digit());
        name.strip_suffix("_not_null").map(str::to_owned)
    };
    match (old, new) {
        (Some(old), Some(new)) => old == new || stem(old).is_some() && stem(old) == stem(new),
        _ => true,
    }
}

/// Checks whether an index belongs to a constraint.
pub fn goes_with_a_constraint(object: &Object) -> bool {
    object.container.as_ref().is_some_and(|container| container.kind == Kind::Constraint)
}

/// The identity of an object without its name: kind, table and definition. For the index of a
/// constraint, the definition of the constraint.
type Key<'a> = (Kind, Option<&'a Identity>, String);

/// The constraints and indexes that `other` does not have under the same name.
fn candidates<'a>(facts: &'a Facts, other: &'a Facts) -> BTreeMap<Key<'a>, Vec<&'a Identity>> {
    let mut found: BTreeMap<Key<'a>, Vec<&Identity>> = BTreeMap::new();
    let counting = |identity: &Identity| matches!(identity.kind, Kind::Constraint | Kind::Index);
    for (identity, object) in facts.iter().filter(|(identity, _)| counting(identity)) {
        let own = key(facts, identity, object);
        if other.get(identity).is_none_or(|same| key(other, identity, same) != own) {
            found.entry(own).or_default().push(identity);
        }
    }
    found
}

fn key<'a>(facts: &'a Facts, identity: &Identity, object: &'a Object) -> Key<'a> {
    let constraint = object.container.as_ref().filter(|_| goes_with_a_constraint(object));
    let object = constraint.and_then(|constraint| facts.get(constraint)).unwrap_or(object);
    let definition =
        object.properties.get(property::DEFINITION).map(String::as_str).unwrap_or_default();
    let definition = match (identity.kind, constraint) {
        (Kind::Index, None) => without_name(definition),
        _ => definition.to_owned(),
    };
    (identity.kind, object.container.as_ref(), definition)
}

/// Removes the name from `CREATE INDEX … ON t …`.
fn without_name(definition: &str) -> String {
    match split_name(definition) {
        Some((head, _, tail)) => [head, tail].concat(),
        None => definition.to_owned(),
    }
}
