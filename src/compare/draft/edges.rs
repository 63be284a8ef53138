//! Decides which operation must come before which.

use crate::compare::facts::property;
use std::collections::BTreeMap;

use super::along;
use super::native;
use super::order::{Graph, Strength};
use super::plan::Plan;
use super::side::Side;
use super::spread::{is_called, short};
use super::step::{Key, Step};
use super::taken::{names, parts};
use crate::compare::facts::{Identity, Kind};

/// The operations by their keys, and the graph of their order.
pub(super) struct Edges<'g, 'a> {
    plan: &'g Plan<'a>,
    index: BTreeMap<&'g Key, usize>,
    graph: Graph,
}

impl<'g, 'a> Edges<'g, 'a> {
    /// Builds the graph for the operations with these keys. An additional node separates the
    /// operations of the last step from all others.
    pub(super) fn of(plan: &'g Plan<'a>, keys: &[&'g Key]) -> Self {
        let index = keys.iter().zip(0..).map(|(key, at)| (*key, at)).collect();
        let mut edges = Self { plan, index, graph: Graph::default() };
        edges.drops();
        edges.makes();
        edges.parents();
        edges.bodies();
        edges.overloads();
        edges.names();
        edges.rows();
        edges.persistence();
        edges.last(keys);
        edges
    }

    pub(super) fn graph(self) -> Graph {
        self.graph
    }

    fn at(&self, step: Step, identity: &Identity) -> Option<usize> {
        self.index.get(&(step, Some(identity.clone()))).copied()
    }

    /// The operation on an object. If it has none: on the column from which it is inherited, or on
    /// the object that contains it, if that one is dropped or made.
    fn with_containers(&self, step: Step, side: &Side, identity: &Identity) -> Option<usize> {
        let own = || self.with_parents(step, side, identity);
        own().or_else(|| {
            let container = side.facts.get(identity)?.container.as_ref()?;
            let sets = [&self.plan.made, &self.plan.rebuilt, &self.plan.renewed];
            let is_moved = match step {
                Step::Drop => self.plan.goes(container) || self.plan.renewed.contains(container),
                _ => sets.iter().any(|those| those.contains(container)),
            };
            self.with_containers(step, side, container).filter(|_| is_moved)
        })
    }

    fn with_parents(&self, step: Step, side: &Side, identity: &Identity) -> Option<usize> {
        self.at(step, identity).or_else(|| {
            let object = side.facts.get(identity).filter(|_| identity.kind == Kind::Column)?;
            object.get(property::INHERITED).filter(|how| *how == "yes")?;
            self.with_parents(step, side, side.inherited_from(identity, object)?.0)
        })
    }

    /// Puts `later` after the operation that makes `other` and, if possible, after those that
    /// change its columns.
    fn after_making(&mut self, side: &Side, other: &Identity, later: usize, tie: Strength) {
        if let Some(first) = self.with_containers(Step::Make, side, other) {
            self.graph.edge(first, later, tie);
        }
        for first in self.columns(side, other) {
            self.graph.edge(first, later, tie.max(Strength::Should));
        }
    }

    fn columns(&self, side: &Side, table: &Identity) -> Vec<usize> {
        let parts = side.parts(table).iter().filter(|(part, _)| part.kind == Kind::Column);
        match table.kind {
            Kind::Table => parts.filter_map(|(column, _)| self.at(Step::Make, column)).collect(),
            _ => Vec::new(),
        }
    }

    fn drops(&mut self) {
        let from = &self.plan.from;
        for (one, other) in from.depends.pairs() {
            let first = self.with_containers(Step::Drop, from, one);
            let second = self.with_containers(Step::Drop, from, other);
            if let (Some(first), Some(second)) = (first, second) {
                self.graph.edge(first, second, Strength::Must);
            }
            self.last_drops(one, other);
            // an object that stays must first give up its dependency on a dropped object
            let is_let_go = self.plan.goes(one) || first.is_some() && is_called(other.kind);
            let changed = self.at(Step::Make, self.plan.new_name(one));
            if let (Some(changed), Some(second), None, false) =
                (changed, second, self.at(Step::Make, other), is_let_go)
            {
                self.graph.edge(changed, second, Strength::Must);
            }
            let Some(first) = first else { continue };
            let object = from.facts.get(one);
            let is_inherited = |o: &crate::compare::facts::Object| {
                o.get(property::INHERITED).or(o.get(property::PART_OF)).is_some()
            };
            if object.is_some_and(|object| {
                object.container.as_ref() == Some(other)
                    && (one.kind == Kind::Column || is_inherited(object))
            }) {
                // an inherited part can be dropped only after the table stops inheriting
                let own = self.at(Step::Drop, one);
                if let (Some(table), Some(own), true) =
                    (self.at(Step::Make, other), own, object.is_some_and(is_inherited))
                {
                    self.graph.edge(table, own, Strength::Must);
                }
                continue;
            }
            let changed = self.with_containers(Step::Make, from, other);
            let changed = changed.into_iter().chain(self.columns(from, other));
            for made in changed.collect::<Vec<_>>() {
                self.graph.edge(first, made, Strength::Should);
            }
        }
    }

    /// Drops old types in the order of their dependencies.
    fn last_drops(&mut self, one: &Identity, other: &Identity) {
        let container = self.plan.from.facts.get(one).and_then(|object| object.container.as_ref());
        let [one, other] = [container.unwrap_or(one), other];
        if self.plan.renewed.contains(one)
            && self.plan.renewed.contains(other)
            && let (Some(first), Some(second)) =
                (self.at(Step::Finish, one), self.at(Step::Finish, other))
        {
            self.graph.edge(first, second, Strength::Must);
        }
    }

    fn makes(&mut self) {
        let to = &self.plan.to;
        for (one, other) in to.depends.pairs() {
            let declared = along::declared_key(to, one);
            let made = match &declared {
                Some(key) => self.at(Step::Make, key),
                None => self.with_containers(Step::Make, to, one),
            };
            let Some(made) = made else { continue };
            let object = to.facts.get(one);
            // see `parents`
            if object.and_then(|index| index.get(property::PART_OF)) == Some(&other.name) {
                continue;
            }
            let container = object.and_then(|object| object.container.as_ref());
            let is_inherited = || object.and_then(|o| o.get(property::INHERITED)).is_some();
            let is_before =
                one.kind == Kind::Column || one.kind == Kind::Constraint && is_inherited();
            if is_before && container == Some(other) {
                match self.at(Step::Make, other) {
                    Some(table) if self.plan.made.contains(other) => {
                        self.graph.edge(table, made, Strength::Must);
                    }
                    // the columns must exist before a table can inherit from the parent
                    Some(table) => self.graph.edge(made, table, Strength::Should),
                    None => {}
                }
                continue;
            }
            if let Some(declared) = self.at(Step::Declare, one) {
                self.graph.edge(declared, made, Strength::Must);
                if other.kind == Kind::Schema {
                    self.after_making(to, other, declared, Strength::Must);
                }
            }
            if let Some(declared) = self.at(Step::Declare, other)
                && native::is_io(to, other, one)
            {
                self.graph.edge(declared, made, Strength::Must);
                continue;
            }
            self.after_making(to, other, made, Strength::Must);
            for used in to.depends.body(other) {
                self.after_making(to, used, made, strength(used.kind));
            }
        }
    }

    /// The index of a parent takes up those that its partitions have. A check of a parent merges with
    /// that of a child, but a child cannot add a valid one to one that is not valid.
    fn parents(&mut self) {
        let to = &self.plan.to;
        let children = to.facts.iter().filter(|(part, object)| {
            part.kind == Kind::Index || along::is_declared_check(part, object)
        });
        for (index, object) in children {
            let Some(parent) = along::parent(to, index, object) else { continue };
            let maker = |index: &Identity| {
                let container = to.facts.get(index).and_then(|object| object.container.as_ref());
                let key = container.filter(|container| container.kind == Kind::Constraint);
                self.at(Step::Make, index).or_else(|| self.at(Step::Make, key?))
            };
            if let (Some(first), Some(second)) = (maker(index), maker(&parent)) {
                self.graph.edge(first, second, Strength::Must);
            }
        }
    }

    /// A function comes after what its body uses, if that is possible.
    fn bodies(&mut self) {
        let to = &self.plan.to;
        for function in to.depends.bodies() {
            let Some(made) = self.at(Step::Make, function) else { continue };
            for used in to.depends.body(function) {
                self.after_making(to, used, made, strength(used.kind));
            }
        }
    }

    /// Drops a function before another object looks up a function of that name.
    fn overloads(&mut self) {
        let mut gone: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for identity in self.plan.dropped.iter().filter(|identity| is_called(identity.kind)) {
            let at = self.at(Step::Drop, identity);
            gone.entry(short(identity)).or_default().extend(at);
        }
        if gone.is_empty() {
            return;
        }
        let to = &self.plan.to;
        for (one, other) in to.depends.pairs().filter(|(_, other)| is_called(other.kind)) {
            let Some(made) = self.with_containers(Step::Make, to, one) else { continue };
            for first in gone.get(&short(other)).into_iter().flatten() {
                self.graph.edge(*first, made, Strength::Should);
            }
        }
    }

    /// Frees a name before another object takes it.
    fn names(&mut self) {
        let mut taken: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for ((step, identity), at) in &self.index {
            if let (Step::Drop, Some(identity)) = (step, identity) {
                for name in names(&self.plan.from, identity)
                    .into_iter()
                    .chain(parts(&self.plan.from, identity))
                {
                    taken.entry(name).or_default().push(*at);
                }
            }
        }
        for ((step, identity), second) in &self.index {
            if let (Step::Make, Some(identity)) = (step, identity) {
                for first in
                    names(&self.plan.to, identity).iter().filter_map(|name| taken.get(name))
                {
                    first.iter().for_each(|first| self.graph.edge(*first, *second, Strength::Must));
                }
            }
        }
    }

    /// Changes rows after the columns have their final form, and before constraints, indexes and
    /// triggers are made.
    fn rows(&mut self) {
        let Some(rows) = self.index.get(&(Step::Make, None)).copied() else { return };
        for ((step, identity), at) in &self.index {
            let Some(identity) = identity else { continue };
            match (step, identity.kind) {
                (Step::Drop, Kind::Constraint | Kind::Index | Kind::Trigger)
                | (
                    Step::Make,
                    Kind::Table | Kind::Column | Kind::Enum | Kind::Type | Kind::Domain,
                ) => {
                    self.graph.edge(*at, rows, Strength::Must);
                }
                (Step::Make, Kind::Constraint | Kind::Index | Kind::Trigger) => {
                    self.graph.edge(rows, *at, Strength::Must);
                }
                _ => {}
            }
        }
    }

    /// Orders changes of persistence, because a logged table must not refer to an unlogged one.
    fn persistence(&mut self) {
        let to = &self.plan.to;
        for (key, own, other) in to.references() {
            // a foreign key that is dropped and made again does not exist at that moment
            if self.at(Step::Make, key).is_some() {
                continue;
            }
            let (Some(first), Some(second)) =
                (self.at(Step::Make, own), self.at(Step::Make, other))
            else {
                continue;
            };
            match (self.unlogged(own), self.unlogged(other)) {
                (Some(true), Some(true)) => self.graph.edge(first, second, Strength::Must),
                (Some(false), Some(false)) => self.graph.edge(second, first, Strength::Must),
                _ => {}
            }
        }
    }

    /// Whether a table becomes unlogged (`true`) or logged (`false`). `None` if neither.
    fn unlogged(&self, table: &Identity) -> Option<bool> {
        let (before, after) = self.plan.both(table);
        let is =
            |object: &crate::compare::facts::Object| object.get(property::PERSISTENCE).is_some();
        let (before, after) = (is(before?), is(after?));
        (before != after).then_some(after)
    }

    fn last(&mut self, keys: &[&Key]) {
        for ((step, _), at) in keys.iter().zip(0..) {
            match step {
                Step::Finish => self.graph.edge(keys.len(), at, Strength::Must),
                _ => self.graph.edge(at, keys.len(), Strength::Must),
            }
        }
    }

    /// Finds a part in a cycle that can be made or dropped separately.
    pub(super) fn knot(&self) -> Option<Identity> {
        let circles = self.graph.circles(self.index.len() + 1, Strength::Must);
        for (step, side) in [(Step::Drop, &self.plan.from), (Step::Make, &self.plan.to)] {
            // of a foreign key to a partitioned table there is a copy for each partition
            let original = |part| {
                let container = side.facts.get(part).and_then(|object| object.container.as_ref());
                container.filter(|container| container.kind == Kind::Constraint).unwrap_or(part)
            };
            let at = |identity| self.with_containers(step, side, identity);
            let within = side.depends.pairs().find(|(part, other)| {
                self.is_separable(step, side, original(part))
                    && matches!((at(part), at(other)), (Some(part), Some(other))
                        if part != other && circles[part] == circles[other])
            });
            if let Some((part, _)) = within {
                return Some(original(part).clone());
            }
        }
        None
    }

    fn is_separable(&self, step: Step, side: &Side, part: &Identity) -> bool {
        let Some(object) = side.facts.get(part).filter(|object| object.container.is_some()) else {
            return false;
        };
        let is_there = self.at(step, part).is_some() || side.split.contains(part);
        let has = |property| object.get(property).is_some();
        !is_there
            && !side.comes_along(part, object)
            && match part.kind {
                Kind::Column => has(property::DEFAULT) || has(property::GENERATED),
                Kind::Constraint => step == Step::Drop || side.is_inline(part, object),
                Kind::Policy | Kind::Rule | Kind::Trigger | Kind::Index => step == Step::Drop,
                _ => false,
            }
    }
}

/// The strength of an edge that follows from a function body.
fn strength(kind: Kind) -> Strength {
    if is_called(kind) { Strength::Should } else { Strength::Might }
}
