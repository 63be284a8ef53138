//! Statements for the parts that a new partition or child table gets from its parent.

use super::along::{index_options, parent, validated};
use super::plan::Plan;
use super::{acl, alter};
use crate::compare::facts::property;
use crate::compare::facts::{Identity, Kind, Object};

/// Properties that need statements of their own, by kind.
fn names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Index => &[
            property::DEFINITION,
            property::CLUSTERED,
            property::REPLICA_IDENTITY,
            property::STATISTICS,
            property::COMMENT,
        ],
        Kind::Trigger => &[property::ENABLED, property::COMMENT],
        // those of a table are set when it is made
        Kind::Column => &[
            property::DEFAULT,
            property::STORAGE,
            property::COMPRESSION,
            property::STATISTICS,
            property::OPTIONS,
        ],
        Kind::Constraint => &[property::DEFINITION, property::COMMENT],
        _ => &[property::COMMENT],
    }
}

/// All that comes along anew, with the statements that it needs.
pub(super) fn statements<'a>(plan: &Plan<'a>) -> Vec<(&'a Identity, Vec<String>)> {
    let to = &plan.to;
    let parts = to.facts.iter().filter(|(part, object)| {
        to.comes_along(part, object) && !plan.made.contains(part) && is_new(plan, part, object)
    });
    let statements = |(part, object)| {
        let found = of(plan, part, object);
        (!found.is_empty()).then_some((part, found))
    };
    parts.filter_map(statements).collect()
}

fn of(plan: &Plan, part: &Identity, object: &Object) -> Vec<String> {
    let mut all = Vec::new();
    if matches!(part.kind, Kind::Sequence | Kind::Type | Kind::Function) {
        all.extend(acl::begin(plan.from.facts, part, object).unwrap_or_default());
    }
    if part.kind == Kind::Sequence
        && let Some(table) = object.container.as_ref().and_then(|table| plan.to.facts.get(table))
        && table.get(property::PERSISTENCE) != object.get(property::PERSISTENCE)
    {
        // it is made with the persistence of its table
        let change = alter::property(&plan.to, part, table, object, property::PERSISTENCE);
        all.extend(change.unwrap_or_default());
    }
    let is_of_table = || {
        object
            .container
            .as_ref()
            .is_some_and(|w| matches!(w.kind, Kind::Table | Kind::ForeignTable))
    };
    if part.kind == Kind::Column && is_of_table() {
        return all;
    }
    let nothing = Object { container: object.container.clone(), ..Object::default() };
    for name in names(part.kind).iter().filter(|name| object.get(name).is_some()) {
        let found = match *name {
            property::DEFINITION if part.kind == Kind::Index => {
                let is_of_key = |c: &Identity| c.kind == Kind::Constraint;
                let key = object.container.as_ref().filter(|c| is_of_key(c));
                key.and_then(|_| index_options(part, &nothing, object))
            }
            property::DEFINITION => validated(&plan.to, part, object),
            _ => alter::property(&plan.to, part, &nothing, object, name),
        };
        all.extend(found.unwrap_or_default());
    }
    all
}

/// Whether the other side has it not, or it goes and comes again.
fn is_new(plan: &Plan, part: &Identity, object: &Object) -> bool {
    let is_exchanged = || {
        let column = plan.to.column_of(object).filter(|_| part.kind == Kind::Sequence);
        let name = object.get(property::OWNED_BY).filter(|_| column.is_some());
        name.is_some_and(|name| {
            let column = Identity { kind: Kind::Column, name: name.to_owned() };
            plan.goes(&column) || super::sequence::is_exchanged(plan, &column)
        })
    };
    let is_moved = || {
        let before = plan.from.facts.get(part).filter(|_| part.kind == Kind::Sequence);
        before.is_some_and(|o| o.get(property::OWNED_BY) != object.get(property::OWNED_BY))
    };
    plan.from.facts.get(part).is_none()
        || is_moved()
        || plan.dropped.contains(part)
        || plan.goes(part)
        || parent(&plan.to, part, object).is_some_and(|parent| is_made(plan, &parent))
        || is_exchanged()
}

fn is_made(plan: &Plan, identity: &Identity) -> bool {
    plan.made.contains(identity)
        || plan.rebuilt.contains(identity)
        || plan.to.facts.get(identity).is_some_and(|object| is_new(plan, identity, object))
}
