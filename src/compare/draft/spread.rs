//! Objects that a draft must drop and make again because an object that they depend on goes.

use crate::compare::facts::property;
use std::collections::BTreeSet;

use super::order::{Graph, Strength};
use super::plan::Plan;
use crate::compare::facts::{Identity, Kind, Object, What};

/// The result of one round.
#[derive(Default)]
struct Found {
    rebuilt: BTreeSet<Identity>,
    renewed: BTreeSet<Identity>,
    retyped: BTreeSet<Identity>,
    bare: BTreeSet<Identity>,
}

impl Plan<'_> {
    /// Plans again all objects that stay but depend on an object that is dropped or changed.
    /// Returns whether the plan grew.
    pub(super) fn spread(&mut self) -> bool {
        let mut found = Found::default();
        for (one, other) in self.from.depends.pairs() {
            if self.stays(one) && !self.rebuilt.contains(one) && !self.renewed.contains(one) {
                self.follow(one, other, &mut found);
            }
        }
        let pairs = [
            (&mut self.rebuilt, found.rebuilt),
            (&mut self.renewed, found.renewed),
            (&mut self.retyped, found.retyped),
            (&mut self.bare, found.bare),
        ];
        let mut any = false;
        for (known, new) in pairs {
            let before = known.len();
            known.extend(new);
            any |= known.len() > before;
        }
        any
    }

    /// Checks whether an object is dropped, perhaps to be made again.
    pub(super) fn goes(&self, identity: &Identity) -> bool {
        if self.dropped.contains(identity) || self.rebuilt.contains(identity) {
            return true;
        }
        let Some(object) = self.from.facts.get(identity) else { return false };
        let parent = match (identity.kind, object.get(property::INHERITED)) {
            (Kind::Column, Some("yes")) => self.from.inherited_from(identity, object),
            _ => None,
        };
        let container = object.container.iter().any(|container| self.goes(container));
        container || parent.is_some_and(|(column, _)| self.goes(column))
    }

    fn follow(&self, one: &Identity, other: &Identity, found: &mut Found) {
        let Some(object) = self.from.facts.get(one) else { return };
        if one.kind == Kind::Column {
            return self.follow_column(one, object, other, found);
        }
        if self.from.comes_along(one, object) {
            return;
        }
        let is_renewed = self.renewed.contains(other);
        if is_renewed && matches!(one.kind, Kind::Domain | Kind::Type) {
            found.renewed.insert(one.clone());
        }
        let goes = self.goes(other) && !self.lets_go(one, other);
        let minds = || self.retyped.contains(other) && self.minds_types(one, object);
        if can_be_rebuilt(one.kind) && (is_renewed || goes || minds()) {
            found.rebuilt.insert(one.clone());
        }
        if one.kind == Kind::Domain && goes && is_called(other.kind) {
            found.bare.insert(one.clone());
        }
    }

    fn follow_column(&self, one: &Identity, object: &Object, other: &Identity, found: &mut Found) {
        let Some(container) = &object.container else { return };
        let is_renewed = self.renewed.contains(other);
        match container.kind {
            Kind::Table if !self.from.comes_along(one, object) => {}
            Kind::Type if is_renewed => {
                found.renewed.insert(container.clone());
                return;
            }
            _ => return,
        }
        let is_generated = object.get(property::GENERATED).is_some();
        let goes = self.goes(other);
        if is_generated && (goes || is_renewed || self.retyped.contains(other)) {
            found.rebuilt.insert(one.clone());
        } else if is_renewed {
            found.retyped.insert(one.clone());
        } else if goes && is_called(other.kind) && object.get(property::DEFAULT).is_some() {
            found.bare.insert(one.clone());
        }
    }

    /// Checks whether a replaced function no longer needs an object. If functions of the same name
    /// are dropped or made, the function must be made again, because it might find the wrong one.
    fn lets_go(&self, one: &Identity, other: &Identity) -> bool {
        let is_definition = |what: &What| matches!(what, What::Changed { property, .. } if property == property::DEFINITION);
        let mut changes = self.changes.get(one).into_iter().flatten();
        matches!(one.kind, Kind::Function | Kind::Procedure)
            && changes.any(|difference| is_definition(&difference.what))
            && self.to.facts.get(other).is_none()
            && !self.made.iter().any(|new| is_called(new.kind) && short(new) == short(other))
    }

    /// Checks whether an object prevents changes of the types of columns that it uses.
    fn minds_types(&self, identity: &Identity, object: &Object) -> bool {
        match identity.kind {
            Kind::View
            | Kind::MaterializedView
            | Kind::Rule
            | Kind::Policy
            | Kind::Trigger
            | Kind::Publication
            | Kind::Function
            | Kind::Procedure => true,
            // with both columns of a foreign key changing, one would change first
            Kind::Constraint => {
                let definition = object.get(property::DEFINITION).unwrap_or_default();
                let retyped = self.from.depends.on(identity).filter(|c| self.retyped.contains(c));
                definition.starts_with("FOREIGN KEY") && retyped.count() > 1
            }
            _ => false,
        }
    }

    /// Rebuilds the foreign keys of a cycle of tables that change their persistence, because no
    /// table could change first.
    pub(super) fn part_unlogged(&mut self) {
        let keys = self.from.references();
        let changes = |table: &Identity| {
            let mut all = self.changes.get(table).into_iter().flatten();
            all.any(
                |d| matches!(&d.what, What::Changed { property, .. } if property == property::PERSISTENCE),
            )
        };
        let mut tables: Vec<&Identity> =
            keys.iter().flat_map(|(_, own, other)| [*own, *other]).collect();
        tables.retain(|table| changes(table));
        tables.sort_unstable();
        tables.dedup();
        let at = |table: &Identity| tables.binary_search(&table).ok();
        let mut graph = Graph::default();
        for (_, own, other) in &keys {
            if let (Some(own), Some(other)) = (at(own), at(other)) {
                graph.edge(own, other, Strength::Must);
            }
        }
        let circles = graph.circles(tables.len(), Strength::Must);
        let is_in_circle = |own: &Identity, other: &Identity| match (at(own), at(other)) {
            (Some(own), Some(other)) => own != other && circles[own] == circles[other],
            _ => false,
        };
        let parted =
            keys.iter().filter(|(key, own, other)| is_in_circle(own, other) && self.stays(key));
        let parted: Vec<Identity> = parted.map(|(key, ..)| (*key).clone()).collect();
        self.rebuilt.extend(parted);
    }
}

/// Kinds of objects that an expression calls or reads, other than types.
pub(super) fn is_called(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Function | Kind::Procedure | Kind::Aggregate | Kind::Operator | Kind::Sequence
    )
}

/// The name of a function without its argument types.
pub(super) fn short(identity: &Identity) -> String {
    super::mention::chains(&identity.name).into_iter().next().unwrap_or_default()
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
            | Kind::Aggregate
            | Kind::Publication
            | Kind::EventTrigger
            | Kind::Cast
            | Kind::Operator
            | Kind::OperatorClass
            | Kind::TextSearchDictionary
            | Kind::TextSearchConfiguration
    )
}
