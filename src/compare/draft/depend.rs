//! What depends on what within one side.
//!
//! The server keeps a record of that, which the facts have; that a part depends on its whole is added
//! here. The record knows nothing of function bodies that are mere text. What those mention decides
//! on an order where nothing speaks against it, since a statement may call a function.

use std::collections::{BTreeMap, BTreeSet};

use super::mention::mentioned;
use crate::compare::facts::{Facts, Identity, Kind};

type Map<'a> = BTreeMap<&'a Identity, BTreeSet<&'a Identity>>;

/// Who depends on whom.
pub(super) struct Dependencies<'a> {
    on: Map<'a>,
    by: Map<'a>,
    bodies: Map<'a>,
}

impl<'a> Dependencies<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let parts = facts.iter().filter_map(|(one, object)| Some((one, object.whole.as_ref()?)));
        // a column's default depends on the sequence that it owns
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

    /// Everything and what it depends on.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a Identity, &'a Identity)> + '_ {
        self.on.iter().flat_map(|(one, those)| those.iter().map(|other| (*one, *other)))
    }

    /// What an object depends on.
    pub(super) fn on(&self, one: &Identity) -> impl Iterator<Item = &'a Identity> + '_ {
        self.on.get(one).into_iter().flatten().copied()
    }

    /// What depends on an object.
    pub(super) fn by(&self, other: &Identity) -> impl Iterator<Item = &'a Identity> + '_ {
        self.by.get(other).into_iter().flatten().copied()
    }

    /// What a function may use when it is called, through others too.
    pub(super) fn body(&self, function: &Identity) -> impl Iterator<Item = &'a Identity> + '_ {
        self.bodies.get(function).into_iter().flatten().copied()
    }

    /// All functions with bodies that mention anything.
    pub(super) fn bodies(&self) -> impl Iterator<Item = &'a Identity> + '_ {
        self.bodies.keys().copied()
    }
}

/// With what is mentioned by what is mentioned.
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
