//! The names that objects occupy. An object can take a name only after another has left it.

use super::side::Side;
use crate::compare::facts::{Identity, Kind};

/// The names of the indexes, sequences and statistics that go with a table or a constraint.
pub(super) fn parts(side: &Side, container: &Identity) -> Vec<String> {
    if !matches!(container.kind, Kind::Table | Kind::MaterializedView | Kind::Constraint) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (part, _) in side.parts(container) {
        match part.kind {
            Kind::Index | Kind::Sequence | Kind::Statistics => found.push(part.name.clone()),
            Kind::Constraint => found.extend(parts(side, part)),
            _ => {}
        }
    }
    found
}

/// The names that an object occupies: its own, that of its index, and those of the sequences of its
/// identity columns.
pub(super) fn names(side: &Side, identity: &Identity) -> Vec<String> {
    let columns = match identity.kind {
        Kind::Table => side.columns(identity),
        _ => side.facts.entry(identity).into_iter().collect(),
    };
    let sequences =
        columns.into_iter().filter_map(|(column, object)| side.identity_sequence(column, object));
    let sequences = sequences.map(|(sequence, _)| sequence.name.clone());
    let indexes = side.parts(identity).iter().filter(|_| identity.kind == Kind::Constraint);
    let indexes = indexes.map(|(index, _)| index.name.clone());
    std::iter::once(identity.name.clone()).chain(sequences).chain(indexes).collect()
}
