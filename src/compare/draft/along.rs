//! Objects that the statement of another object creates: the index of a key, the sequence of an
//! identity column, the columns of a view, the parts that a partition gets from its parent.
//!
//! They have properties of their own, which later statements have to set.

use super::name;
use super::name::{items, own};
use super::options::option_change;
use super::side::Side;
use crate::compare::facts::property;
use crate::compare::facts::{Identity, Kind, Object};

/// The part of the parent from which a part of a child table is inherited.
pub(super) fn parent(side: &Side, part: &Identity, object: &Object) -> Option<Identity> {
    if part.kind == Kind::Index {
        let name = object.get(property::PART_OF)?.to_owned();
        return Some(Identity { kind: Kind::Index, name });
    }
    object.get(property::INHERITED)?;
    let container = side.facts.get(object.container.as_ref()?)?;
    let own = own(part, object);
    items(container.get(property::INHERITS)?).into_iter().find_map(|parent| {
        let name = match part.kind {
            Kind::Column => format!("{parent}.{own}"),
            _ => format!("{own} on {parent}"),
        };
        let identity = Identity { kind: part.kind, name };
        side.facts.get(&identity).map(|_| identity)
    })
}

/// The foreign key from which the server made a copy: for a partition, or for a partition of the
/// referenced table. `None` if the part is no such copy.
pub(super) fn declared_key(side: &Side, part: &Identity) -> Option<Identity> {
    let above = |key: &Identity| {
        let object = side.facts.get(key).filter(|_| key.kind == Kind::Constraint)?;
        object.get(property::DEFINITION).filter(|text| text.starts_with("FOREIGN KEY"))?;
        let of = object.container.clone().filter(|container| container.kind == Kind::Constraint);
        of.or_else(|| {
            let is_copy = object.get(property::INHERITED) == Some("yes");
            parent(side, key, object).filter(|_| is_copy)
        })
    };
    let chain = std::iter::successors(above(part), above);
    chain.take(100).last()
}

pub(super) fn is_declared_check(part: &Identity, object: &Object) -> bool {
    part.kind == Kind::Constraint
        && object.get(property::INHERITED) == Some("and declared")
        && object.get(property::DEFINITION).is_some_and(|text| text.starts_with("CHECK"))
}

/// `VALIDATE CONSTRAINT` where an inherited constraint is valid and its parent is not.
pub(super) fn validated(side: &Side, part: &Identity, object: &Object) -> Option<Vec<String>> {
    let parent = side.facts.get(&parent(side, part, object)?)?;
    let (parents, own) = (parent.get(property::DEFINITION)?, object.get(property::DEFINITION)?);
    Some(if is_validated(parents, own) { vec![validate(part, object)] } else { Vec::new() })
}

/// Whether a definition is that of a constraint which was not valid and is now.
pub(super) fn is_validated(before: &str, after: &str) -> bool {
    before.strip_suffix(" NOT VALID") == Some(after)
}

pub(super) fn validate(constraint: &Identity, object: &Object) -> String {
    let own = own(constraint, object);
    format!("{} VALIDATE CONSTRAINT {own};", super::name::alter_container(object))
}

/// The statement that renames a constraint or an index.
pub(super) fn rename(old: &Identity, before: &Object, new: &Identity, after: &Object) -> String {
    match old.kind {
        Kind::Constraint => {
            let (old, new) = (own(old, before), own(new, after));
            format!("{} RENAME CONSTRAINT {old} TO {new};", super::name::alter_container(before))
        }
        _ => {
            let new = super::mention::chains(&new.name).into_iter().next().unwrap_or_default();
            let schema = super::mention::chains(&old.name).into_iter().next().unwrap_or_default();
            let own = super::enums::split(&new).1;
            format!("ALTER INDEX {schema} RENAME TO {own};")
        }
    }
}

/// Changes the storage options of a constraint's index. `None` if more than these differ.
pub(super) fn index_options(
    index: &Identity,
    before: &Object,
    after: &Object,
) -> Option<Vec<String>> {
    let split = |object: &Object| {
        let text = object.get(property::DEFINITION)?.to_owned();
        let Some((head, rest)) = text.split_once(" WITH (") else { return Some((text, None)) };
        let (options, tail) = rest.split_once(')')?;
        Some((format!("{head}{tail}"), Some(options.replace('\'', ""))))
    };
    let (head, new) = split(after)?;
    let (old_head, old) = split(before).unwrap_or_else(|| (head.clone(), None));
    let (reset, set) = option_change(old.as_deref(), new.as_deref());
    let statements = reset.into_iter().chain(set);
    (head == old_head)
        .then(|| statements.map(|what| format!("ALTER INDEX {} {what};", index.name)).collect())
}

/// Whether PostgreSQL gives such a name: `table_column_idx`.
pub(super) fn is_automatic(index: &Identity, object: &Object) -> bool {
    let bare = |name: &str| super::name::bare(super::enums::split(name).1);
    let (name, table) = (bare(&index.name), bare(super::name::container(object)));
    let rest = name.trim_end_matches(|c: char| c.is_ascii_digit());
    rest.starts_with(&format!("{table}_")) && rest.ends_with("_idx")
}

/// `DEPENDS ON EXTENSION`.
pub(super) fn depends(identity: &Identity, object: &Object, property: &str) -> Option<String> {
    let extension = property.strip_prefix(name::DEPENDS)?;
    let no = if object.get(property).is_some() { "" } else { "NO " };
    let called = super::name::called(identity, object);
    let what = format!("{no}DEPENDS ON EXTENSION {extension}");
    Some(format!("ALTER {called} {what};"))
}
