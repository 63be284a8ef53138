//! The plan: which objects are dropped, made, made again or changed.
//!
//! Some changes have a statement. Others require that the object is dropped and made again, and
//! then the objects that depend on it, too. An object that depends on a dropped object must also be
//! dropped or changed, because otherwise the other side could not exist.

use crate::compare::facts::property;
use std::collections::{BTreeMap, BTreeSet};

use super::along;
use super::enums;
use super::side::Side;
use crate::compare::drift;
use crate::compare::drift::{Difference, Roles};
use crate::compare::facts::{Facts, Identity, Kind, Object, What};
use crate::compare::rows::{Change, TableDiff};

/// The plan as sets of objects. An object that exists on both sides has its name of the first side.
pub(super) struct Plan<'a> {
    pub(super) from: Side<'a>,
    pub(super) to: Side<'a>,
    /// Objects that only the first side has.
    pub(super) dropped: BTreeSet<Identity>,
    /// Objects that only the second side has.
    pub(super) made: BTreeSet<Identity>,
    /// Objects that are dropped and made again.
    pub(super) rebuilt: BTreeSet<Identity>,
    /// Types that are made anew while the old type has a temporary name.
    pub(super) renewed: BTreeSet<Identity>,
    /// Columns whose type changes or is made anew.
    pub(super) retyped: BTreeSet<Identity>,
    /// Columns and domains whose default is dropped before an object that it needs, and set again
    /// later.
    pub(super) bare: BTreeSet<Identity>,
    /// The new names of constraints and indexes.
    pub(super) renamed: BTreeMap<Identity, Identity>,
    /// All other differences.
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
            bare: BTreeSet::new(),
            renamed: BTreeMap::new(),
            changes: BTreeMap::new(),
        };
        let differences = drift::compare(from, to, &Roles::default());
        for difference in &differences {
            plan.add(difference, &differences, rows);
        }
        plan.sequences();
        loop {
            let named = named_indexes(&plan);
            if named.is_empty() {
                break;
            }
            plan.made.extend(named);
        }
        while plan.spread() {}
        plan.part_unlogged();
        plan
    }

    /// The name of an object on the second side.
    pub(super) fn new_name<'b>(&'b self, identity: &'b Identity) -> &'b Identity {
        self.renamed.get(identity).unwrap_or(identity)
    }

    /// Checks whether both sides have an object.
    pub(super) fn stays(&self, identity: &Identity) -> bool {
        self.to.facts.get(self.new_name(identity)).is_some() && !self.dropped.contains(identity)
    }

    fn add(&mut self, difference: &Difference, all: &[Difference], rows: &[TableDiff]) {
        let identity = &difference.identity;
        match &difference.what {
            What::Removed => {
                let object = self.from.facts.get(identity);
                self.change_class(identity, object);
                if object.is_some_and(|object| is_own(&self.from, identity, object, all, true)) {
                    self.dropped.insert(identity.clone());
                }
            }
            What::Added => {
                let object = self.to.facts.get(identity);
                self.change_class(identity, object);
                if let Some(object) = object.filter(|o| is_own(&self.to, identity, o, all, false)) {
                    self.make(identity);
                    self.check_of_domain(object);
                }
            }
            What::Changed { property, after: Some(after), .. } if property == "name" => {
                let new = Identity { kind: identity.kind, name: after.clone() };
                self.renamed.insert(identity.clone(), new);
                self.changes.entry(identity.clone()).or_default().push(difference.clone());
            }
            What::Changed { property, .. } => {
                if let (Some(before), Some(after)) = self.both(identity) {
                    self.change(identity, property, [before, after], all, rows);
                }
                self.changes.entry(identity.clone()).or_default().push(difference.clone());
            }
        }
    }

    /// Plans the change of a property that no single statement can do.
    fn change(
        &mut self,
        identity: &Identity,
        property: &str,
        [before, after]: [&Object; 2],
        all: &[Difference],
        rows: &[TableDiff],
    ) {
        if identity.kind == Kind::Column {
            return self.change_column(identity, property, [before, after]);
        }
        if let Some(class) = class_of(identity, before) {
            self.rebuilt.insert(class.clone());
        }
        if self.from.comes_along(identity, before) {
            return;
        }
        let is_domain = || identity.kind == Kind::Domain && property == property::NOT_NULL;
        let is_collated_anew = identity.kind == Kind::Collation
            && ![property::COMMENT, property::OWNER].contains(&property);
        let is_based_anew = is_collated_anew
            || identity.kind == Kind::Domain
                && [property::TYPE, property::COLLATION].contains(&property);
        if is_anew(identity, property, before, after) {
            self.rebuilt.insert(identity.clone());
        } else if identity.kind == Kind::Enum
            && property == property::LABELS
            && must_renew(identity, before, after, all, &self.to, rows)
            || is_based_anew
            || is_domain() && after.get(property).is_some() && self.from.is_within_others(identity)
        {
            self.renewed.insert(identity.clone());
        }
        if identity.kind == Kind::Constraint && property == property::DEFINITION {
            self.check_of_domain(after);
        }
    }

    /// Makes an operator class anew that gets or loses a member.
    fn change_class(&mut self, member: &Identity, object: Option<&Object>) {
        let class = object.and_then(|object| class_of(member, object));
        let is_there = |class: &&Identity| {
            self.from.facts.get(class).is_some() && self.to.facts.get(class).is_some()
        };
        if let Some(class) = class.filter(is_there) {
            self.rebuilt.insert(class.clone());
        }
    }

    /// Makes a domain anew that gets a check, if other types contain its values. PostgreSQL cannot
    /// add a check to such a domain.
    fn check_of_domain(&mut self, constraint: &Object) {
        if let Some(domain) =
            constraint.container.as_ref().filter(|container| container.kind == Kind::Domain)
            && self.from.is_within_others(domain)
        {
            self.renewed.insert(domain.clone());
        }
    }

    fn change_column(&mut self, column: &Identity, property: &str, both: [&Object; 2]) {
        let [before, after] = both;
        let Some(container) = &before.container else { return };
        let is_typed = [property::TYPE, property::COLLATION].contains(&property);
        match container.kind {
            // ALTER VIEW cannot change the type of a column
            Kind::View | Kind::MaterializedView if is_typed => {
                self.rebuilt.insert(container.clone());
            }
            Kind::Type if is_typed && self.from.is_in_tables(container) => {
                self.renewed.insert(container.clone());
            }
            Kind::Table
                if property == property::GENERATED && !self.from.comes_along(column, before) =>
            {
                let is_virtual = |text: &str| text.ends_with(" virtual");
                if after.get(property).is_some() || before.get(property).is_some_and(is_virtual) {
                    self.rebuilt.insert(column.clone());
                }
            }
            _ if is_typed => {
                self.retyped.insert(column.clone());
            }
            _ => {}
        }
    }

    /// The object on both sides.
    pub(super) fn both(&self, identity: &Identity) -> (Option<&'a Object>, Option<&'a Object>) {
        (self.from.facts.get(identity), self.to.facts.get(self.new_name(identity)))
    }

    /// Plans a new object, and its parts that have statements of their own.
    fn make(&mut self, identity: &Identity) {
        let parts: Vec<Identity> = self
            .to
            .parts(identity)
            .iter()
            // the privileges in the bundle come with it, and no draft makes the bundle
            .filter(|_| identity.kind != Kind::Bundle)
            .filter(|(part, object)| {
                part.kind != Kind::Column
                    && !self.to.comes_along(part, object)
                    && !self.to.is_inline(part, object)
                    || is_serial(part, object, &self.to)
            })
            .map(|(part, _)| (*part).clone())
            .collect();
        self.made.insert(identity.clone());
        parts.iter().for_each(|part| self.make(part));
    }

    /// Plans the sequences of columns that become identity columns or stop being ones. An owned
    /// sequence cannot become the sequence of an identity, nor the other way round.
    fn sequences(&mut self) {
        for (sequence, before) in self.from.facts.iter().filter(|(i, _)| i.kind == Kind::Sequence) {
            let Some(after) = self.to.facts.get(sequence) else { continue };
            let was = self.from.comes_along(sequence, before);
            let is_moved = before.get(property::OWNED_BY) != after.get(property::OWNED_BY);
            match (was, self.to.comes_along(sequence, after)) {
                (false, true) => self.dropped.insert(sequence.clone()),
                (true, false) => self.made.insert(sequence.clone()),
                // both columns make it themselves
                (true, true) if is_moved => false,
                _ => continue,
            };
            self.changes.remove(sequence);
        }
    }

    /// Lets a part be made or dropped separately.
    pub(super) fn split(&mut self, part: &Identity) {
        if self.from.facts.get(part).is_some() {
            self.from.split.insert(part.clone());
        } else {
            self.to.split.insert(part.clone());
        }
        let inline = self.to.facts.get(part).filter(|_| part.kind == Kind::Constraint);
        if inline.is_some() {
            self.made.insert(part.clone());
        }
    }
}

/// Checks whether an object must be made or dropped separately (`is_gone`). An inherited part must
/// if the inheritance itself changes.
fn is_own(
    side: &Side,
    identity: &Identity,
    object: &Object,
    all: &[Difference],
    is_gone: bool,
) -> bool {
    let inherits_anew = || {
        let is_it = |d: &&Difference| {
            Some(&d.identity) == object.container.as_ref()
                && matches!(&d.what, What::Changed { property, .. } if property == property::INHERITS)
        };
        all.iter().any(|d| is_it(&d))
    };
    let is_check =
        || object.get(property::DEFINITION).is_some_and(|text| text.starts_with("CHECK"));
    // a table that leaves its parent keeps them, and one that joins it must have them
    let is_kept = match identity.kind {
        Kind::Column => true,
        Kind::Constraint => is_gone || is_check(),
        Kind::Index => is_gone,
        _ => false,
    };
    !side.comes_along(identity, object) || is_kept && inherits_anew()
}

/// The operator class of a member.
fn class_of<'a>(member: &Identity, object: &'a Object) -> Option<&'a Identity> {
    let is_member = matches!(member.kind, Kind::FamilyOperator | Kind::FamilyFunction);
    let container = object.container.as_ref().filter(|_| is_member);
    container.filter(|container| container.kind == Kind::OperatorClass)
}

/// Checks whether a part is the sequence of a serial column.
fn is_serial(part: &Identity, object: &Object, side: &Side) -> bool {
    part.kind == Kind::Sequence && !side.comes_along(part, object)
}

/// Checks whether a change of this property requires that the object is made again.
fn is_anew(identity: &Identity, property: &str, before: &Object, after: &Object) -> bool {
    match identity.kind {
        Kind::View => property == property::DEFINITION,
        Kind::MaterializedView => {
            [property::DEFINITION, property::POPULATED, property::ACCESS_METHOD].contains(&property)
        }
        Kind::Constraint if is_validated(before, after) => false,
        Kind::Constraint | Kind::Index | Kind::Trigger | Kind::Rule | Kind::Statistics => {
            property == property::DEFINITION
        }
        Kind::Policy => property != property::COMMENT,
        Kind::Aggregate => ![property::COMMENT, property::OWNER, property::ACL].contains(&property),
        Kind::Publication => ![property::COMMENT, property::OWNER].contains(&property),
        Kind::Function | Kind::Procedure => {
            property == property::DEFINITION && signature(before) != signature(after)
        }
        kind => super::rare::is_anew(kind, property),
    }
}

/// Whether a constraint of a table only becomes valid for the rows that are there.
fn is_validated(before: &Object, after: &Object) -> bool {
    let is_of_domain =
        after.container.as_ref().is_some_and(|container| container.kind == Kind::Domain);
    let definitions = before.get(property::DEFINITION).zip(after.get(property::DEFINITION));
    !is_of_domain && definitions.is_some_and(|(old, new)| along::is_validated(old, new))
}

/// The lines of a function that CREATE OR REPLACE keeps: name, arguments and result.
fn signature(object: &Object) -> &str {
    let definition = object.get(property::DEFINITION).unwrap_or_default();
    definition.find("\n LANGUAGE ").map_or(definition, |end| &definition[..end])
}

/// Checks whether an enum must be made anew: labels are removed or moved, or the same draft uses a
/// new label.
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

/// Indexes of partitions that must be made before the parent's index, which then attaches them.
/// Otherwise the parent's index would make its own under another name, and objects that depend on
/// the name would differ.
fn named_indexes(plan: &Plan) -> Vec<Identity> {
    let is_plain = |object: &Object| {
        object.container.as_ref().is_some_and(|container| container.kind != Kind::Constraint)
    };
    let indexes = plan.to.facts.iter().filter(|(part, object)| {
        part.kind == Kind::Index
            && is_plain(object)
            && plan.from.facts.get(part).is_none()
            && !plan.made.contains(part)
    });
    let named = indexes.filter(|(index, object)| {
        let parent = along::parent(&plan.to, index, object);
        parent.is_some_and(|parent| plan.made.contains(&parent))
            && !along::is_automatic(index, object)
    });
    named.map(|(index, _)| index.clone()).collect()
}
