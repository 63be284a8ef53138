//! Dependencies between the objects of one side.
//!
//! The facts contain the dependencies of the server's catalog. The dependency of a part on the
//! object that contains it is added here. The catalog does not cover function bodies that are
//! stored as text. The names in such a body decide on the order only if nothing else does, because
//! a statement may call the function.

use std::collections::{BTreeMap, BTreeSet};

use super::mention::mentioned;
use crate::compare::facts::{Facts, Identity, Kind};

type Map<'a> = BTreeMap<&'a Identity, BTreeSet<&'a Identity>>;

/// The dependencies in both directions.
pub(super) struct Dependencies<'a> {
    on: Map<'a>,
    by: Map<'a>,
    bodies: Map<'a>,
}

impl<'a> Dependencies<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let parts =
            facts.iter().filter_map(|(one, object)| Some((one, object.container.as_ref()?)));
        // ignore the dependency of a sequence on its column, because the column's default depends
        // on the sequence
        let owns = |kind| matches!(kind, Kind::Column | Kind::Table | Kind::ForeignTable);
        let pairs = facts.dependencies().chain(parts).filter(|(one, other)| {
            one != other && !(one.kind == Kind::Sequence && owns(other.kind))
        });
        let (mut on, mut by) = (Map::new(), Map::new());
        for (one, other) in pairs {
            on.entry(one).or_default().insert(other);
            by.entry(other).or_default().insert(one);
        }
        Self { on, by, bodies: closed(&mentioned(facts)) }
    }

    /// All pairs of a dependent object and the object that it depends on.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a Identity, &'a Identity)> + '_ {
        self.on.iter().flat_map(|(one, those)| those.iter().map(|other| (*one, *other)))
    }

    /// The objects on which an object depends.
    pub(super) fn on(&self, one: &Identity) -> impl Iterator<Item = &'a Identity> + '_ {
        self.on.get(one).into_iter().flatten().copied()
    }

    /// The objects that depend on an object.
    pub(super) fn by(&self, other: &Identity) -> impl Iterator<Item = &'a Identity> + '_ {
        self.by.get(other).into_iter().flatten().copied()
    }

    /// The objects that a function may use when it is called, directly or through other functions.
    pub(super) fn body(&self, function: &Identity) -> impl Iterator<Item = &'a Identity> + '_ {
        self.bodies.get(function).into_iter().flatten().copied()
    }

    /// All functions whose bodies mention an object.
    pub(super) fn bodies(&self) -> impl Iterator<Item = &'a Identity> + '_ {
        self.bodies.keys().copied()
    }
}

/// Adds indirect mentions to the direct ones.
fn closed<'a>(direct: &Map<'a>) -> Map<'a> {
    let reached = |start: &'a Identity| {
        let mut found = BTreeSet::new();
        let mut next = vec![start];
        while let Some(at) = next.pop() {
            let those = direct.get(at).into_iter().flatten();
            next.extend(those.filter(|other| found.insert(**other)).copied());
        }
        found.remove(start);
        found
    };
    direct.keys().map(|start| (*start, reached(start))).collect()
}
