//! NOT NULL. Later releases store it as a constraint with a name: PostgreSQL 17 for domains, 18 for
//! columns. Such a constraint may exclude child tables or existing rows.

use super::enums::split;
use super::name::{alter_container, bare, container, own};
use crate::compare::facts::property;
use crate::compare::facts::{Identity, Kind, Object};

const STATE: &str = property::NOT_NULL;
const NAME: &str = property::NOT_NULL_CONSTRAINT;
const NO_INHERIT: &str = "no inherit";
const NOT_VALID: &str = "not valid";

/// The part of a declaration: ` CONSTRAINT x NOT NULL`. Empty if a declaration cannot express it.
pub(super) fn declared(identity: &Identity, object: &Object) -> String {
    match object.get(STATE) {
        Some(state) if !state.contains(NOT_VALID) => {
            let name = named(identity, object, object.get(NAME));
            format!(" {name}NOT NULL{}", inheritance(state))
        }
        _ => String::new(),
    }
}

/// The statement for a constraint that does not check existing rows, which a declaration cannot
/// express.
pub(super) fn afterwards(identity: &Identity, object: &Object) -> Option<String> {
    object.get(STATE).filter(|state| state.contains(NOT_VALID))?;
    add(identity, object, object.get(NAME))
}

/// Changes NOT NULL from one side to the other. `None` if no statement can do it.
pub(super) fn change(identity: &Identity, before: &Object, after: &Object) -> Option<Vec<String>> {
    let alter = |what: &str| format!("{} {what};", alter_container(after));
    let column = |what: &str| alter(&format!("ALTER COLUMN {} {what}", own(identity, after)));
    let (old, new) = (before.get(STATE), after.get(STATE));
    let (Some(old), Some(new)) = (old, new) else {
        let name = named(identity, after, after.get(NAME));
        return match new {
            None => Some(old.map(|_| column("DROP NOT NULL")).into_iter().collect()),
            Some("yes") if name.is_empty() => Some(vec![column("SET NOT NULL")]),
            Some(_) => Some(vec![add(identity, after, after.get(NAME))?]),
        };
    };
    let name = before.get(NAME)?;
    let differs = |word: &str| old.contains(word) != new.contains(word);
    if differs(NOT_VALID) && new.contains(NOT_VALID) {
        // the name changes later
        return Some(vec![column("DROP NOT NULL"), add(identity, after, Some(name))?]);
    }
    let mut all = Vec::new();
    if differs(NO_INHERIT) {
        let how = if new.contains(NO_INHERIT) { "NO INHERIT" } else { "INHERIT" };
        all.push(alter(&format!("ALTER CONSTRAINT {name} {how}")));
    }
    if differs(NOT_VALID) {
        all.push(alter(&format!("VALIDATE CONSTRAINT {name}")));
    }
    Some(all)
}

/// Renames the constraint. `head` is `ALTER TABLE …` or `ALTER DOMAIN …`.
pub(super) fn rename(head: &str, before: &Object, after: &Object) -> Option<Vec<String>> {
    let (old, new) = (before.get(NAME)?, after.get(NAME)?);
    Some(vec![format!("{head} RENAME CONSTRAINT {old} TO {new};")])
}

/// Checks whether a child column inherits NOT NULL from this parent.
pub(super) fn is_inherited(parent: &Object) -> bool {
    parent.get(STATE).is_none_or(|state| !state.contains(NO_INHERIT))
}

fn add(identity: &Identity, object: &Object, name: Option<&str>) -> Option<String> {
    let state = object.get(STATE)?;
    let (named, inherit) = (named(identity, object, name), inheritance(state));
    let valid = if state.contains(NOT_VALID) { " NOT VALID" } else { "" };
    let (head, column) = (alter_container(object), own(identity, object));
    Some(format!("{head} ADD {named}NOT NULL {column}{inherit}{valid};"))
}

fn inheritance(state: &str) -> &'static str {
    if state.contains(NO_INHERIT) { " NO INHERIT" } else { "" }
}

/// Builds `CONSTRAINT x `, unless the server generates the same name itself.
fn named(identity: &Identity, object: &Object, name: Option<&str>) -> String {
    let usual = match identity.kind {
        Kind::Column => {
            let table = bare(split(container(object)).1);
            format!("{table}_{}_not_null", bare(own(identity, object)))
        }
        _ => format!("{}_not_null", bare(split(&identity.name).1)),
    };
    let given = name.filter(|name| bare(name) != usual);
    given.map_or_else(String::new, |name| format!("CONSTRAINT {name} "))
}
