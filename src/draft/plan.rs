//! What is to be done with which object.
//!
//! Some changes have a statement, others want the object dropped and made again; then so does
//! what depends on it and stays. Whatever depends on what is dropped for good is dropped or changed
//! as well, or the other side could not be as it is.

use std::collections::{BTreeMap, BTreeSet};

use super::enums;
use super::name::own;
use super::side::Side;
use crate::drift::{self, Difference, Roles};
use crate::facts::{Facts, Identity, Kind, Object, What};
use crate::rows::{Change, TableDiff};

/// Sets of objects; those that are on both sides go by their names on the first.
pub(super) struct Plan<'a> {
    pub(super) from: Side<'a>,
    pub(super) to: Side<'a>,
    /// On the first side only.
    pub(super) dropped: BTreeSet<Identity>,
    /// On the second side only.
    pub(super) made: BTreeSet<Identity>,
    /// Dropped and made again.
    pub(super) rebuilt: BTreeSet<Identity>,
    /// Enums that are made anew while the old one waits under another name.
    pub(super) renewed: BTreeSet<Identity>,
    /// Columns whose type changes or is made anew.
    pub(super) retyped: BTreeSet<Identity>,
    /// The new names of constraints and indexes.
    pub(super) renamed: BTreeMap<Identity, Identity>,
    /// Everything else.
    pub(super) changes: BTreeMap<Identity, Vec<Difference>>,
}

impl<'a> Plan<'a> {
    pub(super) fn of(from: &'a Facts, to: &'a Facts, rows: &[TableDiff]) -> Self {
        let mut plan = Self {
            from: Side::of(from),
            to: Side::of(to),
            dropped: BTreeSet::new(),
            made: BTreeSet::new(),
            rebuilt: BTreeSet::new(),
            renewed: BTreeSet::new(),
            retyped: BTreeSet::new(),
            renamed: BTreeMap::new(),
            changes: BTreeMap::new(),
        };
        let differences = drift::compare(from, to, &Roles::default());
        for difference in &differences {
            plan.add(difference, &differences, rows);
        }
        while plan.spread() {}
        plan
    }

    /// What an object is called on the second side.
    pub(super) fn new_name<'b>(&'b self, identity: &'b Identity) -> &'b Identity {
        self.renamed.get(identity).unwrap_or(identity)
    }

    /// Whether an object is on both sides.
    fn stays(&self, identity: &Identity) -> bool {
        self.to.facts.get(self.new_name(identity)).is_some() && !self.dropped.contains(identity)
    }

    fn add(&mut self, difference: &Difference, all: &[Difference], rows: &[TableDiff]) {
        let identity = &difference.identity;
        match &difference.what {
            What::Removed => {
                let object = self.from.facts.get(identity);
                if object.is_some_and(|object| is_own(&self.from, identity, object, all)) {
                    self.dropped.insert(identity.clone());
                }
            }
            What::Added => {
                let object = self.to.facts.get(identity);
                if object.is_some_and(|object| is_own(&self.to, identity, object, all)) {
                    self.make(identity);
                }
            }
            What::Changed { property, after: Some(after), .. } if property == "name" => {
                let new = Identity { kind: identity.kind, name: after.clone() };
                self.renamed.insert(identity.clone(), new);
                self.changes.entry(identity.clone()).or_default().push(difference.clone());
            }
            What::Changed { property, .. } => {
                let (before, after) = self.both(identity);
                match (before, after) {
                    (Some(before), Some(_))
                        if identity.kind != Kind::Column
                            && self.from.comes_along(identity, before) => {}
                    (Some(before), Some(after)) if is_anew(identity, property, before, after) => {
                        self.rebuilt.insert(identity.clone());
                    }
                    (Some(before), Some(after))
                        if identity.kind == Kind::Enum
                            && property == "labels"
                            && must_renew(identity, before, after, all, &self.to, rows) =>
                    {
                        self.renewed.insert(identity.clone());
                    }
                    _ => {}
                }
                if identity.kind == Kind::Column
                    && ["type", "collation"].contains(&property.as_str())
                {
                    self.retype(identity, before);
                }
                self.changes.entry(identity.clone()).or_default().push(difference.clone());
            }
        }
    }

    /// A view cannot change the type of a column, but it can be made again.
    fn retype(&mut self, column: &Identity, object: Option<&Object>) {
        match object.and_then(|object| object.whole.as_ref()) {
            Some(whole) if matches!(whole.kind, Kind::View | Kind::MaterializedView) => {
                self.rebuilt.insert(whole.clone());
            }
            _ => {
                self.retyped.insert(column.clone());
            }
        }
    }

    /// The object on both sides.
    pub(super) fn both(&self, identity: &Identity) -> (Option<&'a Object>, Option<&'a Object>) {
        (self.from.facts.get(identity), self.to.facts.get(self.new_name(identity)))
    }

    /// A new object and those of its parts that are made by themselves.
    fn make(&mut self, identity: &Identity) {
        let parts: Vec<Identity> = self
            .to
            .parts(identity)
            .iter()
            .filter(|(part, object)| {
                part.kind != Kind::Column && !self.to.comes_along(part, object)
                    || is_serial(part, object, &self.to)
            })
            .map(|(part, _)| (*part).clone())
            .collect();
        self.made.insert(identity.clone());
        parts.iter().for_each(|part| self.make(part));
    }

    /// What depends on what is made again is made again. Returns whether there was anything.
    fn spread(&mut self) -> bool {
        let mut found = Vec::new();
        let mut retyped = Vec::new();
        let altered: BTreeSet<&Identity> = self
            .retyped
            .iter()
            .filter_map(|column| self.from.facts.get(column)?.whole.as_ref())
            .filter(|whole| whole.kind == Kind::Table)
            .collect();
        for (one, other) in self.from.mentions.pairs() {
            let Some(object) = self.from.facts.get(one) else { continue };
            let is_renewed = self.renewed.contains(other);
            if !self.stays(one) || self.rebuilt.contains(one) || self.from.comes_along(one, object)
            {
                continue;
            }
            if is_renewed && one.kind == Kind::Column && !self.retyped.contains(one) {
                if object.whole.as_ref().is_some_and(|whole| whole.kind == Kind::Table) {
                    retyped.push(one.clone());
                }
                continue;
            }
            let is_disturbed = altered.contains(other) && minds_types(one, object);
            let can = can_be_rebuilt(one.kind);
            if can && (self.rebuilt.contains(other) || is_renewed || is_disturbed) {
                found.push(one.clone());
            }
        }
        let any = !found.is_empty() || !retyped.is_empty();
        self.rebuilt.extend(found);
        self.retyped.extend(retyped);
        any
    }
}

/// Whether it has to be made or dropped by itself; what is inherited has to where it is the
/// inheritance that changes.
fn is_own(side: &Side, identity: &Identity, object: &Object, all: &[Difference]) -> bool {
    let inherits_anew = || {
        let is_it = |d: &&Difference| {
            Some(&d.identity) == object.whole.as_ref()
                && matches!(&d.what, What::Changed { property, .. } if property == "inherits")
        };
        all.iter().any(|d| is_it(&d))
    };
    !side.comes_along(identity, object) || identity.kind == Kind::Column && inherits_anew()
}

/// The sequence of a serial column.
fn is_serial(part: &Identity, object: &Object, side: &Side) -> bool {
    part.kind == Kind::Sequence && !side.comes_along(part, object)
}

/// Whether a change of this property wants the object made again.
fn is_anew(identity: &Identity, property: &str, before: &Object, after: &Object) -> bool {
    match identity.kind {
        Kind::View => property == "definition",
        Kind::MaterializedView => ["definition", "populated", "access method"].contains(&property),
        Kind::Constraint | Kind::Index | Kind::Trigger | Kind::Rule | Kind::Statistics => {
            property == "definition"
        }
        Kind::Policy => property != "comment",
        Kind::Publication => !["comment", "owner"].contains(&property),
        Kind::Function | Kind::Procedure => {
            property == "definition" && signature(before) != signature(after)
        }
        _ => false,
    }
}

/// The lines of a function that CREATE OR REPLACE keeps: name, arguments and result.
fn signature(object: &Object) -> &str {
    let definition = object.get("definition").unwrap_or_default();
    definition.find("\n LANGUAGE ").map_or(definition, |end| &definition[..end])
}

/// Labels that cannot just be added: some are gone or moved, or one that is new is used at once.
fn must_renew(
    identity: &Identity,
    before: &Object,
    after: &Object,
    all: &[Difference],
    to: &Side,
    rows: &[TableDiff],
) -> bool {
    if enums::added(identity, before, after).is_none() {
        return true;
    }
    let new = enums::new_labels(before, after);
    let touched = all.iter().filter(|d| d.identity != *identity);
    let objects = touched.filter_map(|d| to.facts.entry(&d.identity));
    let parts = objects.clone().flat_map(|(i, _)| to.parts(i).iter().copied());
    let mut values = objects.chain(parts).flat_map(|(_, object)| object.properties.values());
    values.any(|value| new.iter().any(|label| value.contains(label)))
        || rows.iter().any(|t| uses(t, &new))
}

fn uses(table: &TableDiff, labels: &[&str]) -> bool {
    let is_label = |cell: Option<&String>| {
        cell.is_some_and(|text| labels.iter().any(|label| label.trim_matches('\'') == text))
    };
    table.changes.iter().any(|change| match change {
        Change::Added { cells } => cells.iter().any(|cell| is_label(cell.as_ref())),
        Change::Changed { cells, .. } => cells.iter().any(|cell| is_label(cell.after.as_ref())),
        Change::Removed { .. } => false,
    })
}

fn can_be_rebuilt(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::View
            | Kind::MaterializedView
            | Kind::Constraint
            | Kind::Index
            | Kind::Trigger
            | Kind::Rule
            | Kind::Policy
            | Kind::Statistics
            | Kind::Function
            | Kind::Procedure
    )
}

/// Whether the types of a table's columns cannot change beneath it.
fn minds_types(identity: &Identity, object: &Object) -> bool {
    let definition = object.get("definition").unwrap_or_default();
    match identity.kind {
        Kind::View | Kind::MaterializedView | Kind::Rule | Kind::Policy => true,
        Kind::Trigger => definition.contains(" UPDATE OF ") || definition.contains(" WHEN ("),
        Kind::Function | Kind::Procedure => !definition.contains("\nAS "),
        _ => false,
    }
}

/// What a change of name says.
pub(super) fn rename(old: &Identity, before: &Object, new: &Identity, after: &Object) -> String {
    match old.kind {
        Kind::Constraint => {
            let (old, new) = (own(old, before), own(new, after));
            format!("{} RENAME CONSTRAINT {old} TO {new};", super::name::alter_whole(before))
        }
        _ => {
            let new = super::mention::chains(&new.name).into_iter().next().unwrap_or_default();
            let schema = super::mention::chains(&old.name).into_iter().next().unwrap_or_default();
            let own = enums::split(&new).1;
            format!("ALTER INDEX {schema} RENAME TO {own};")
        }
    }
}
