//! One side of a draft: its facts, and what they are parts of.

use std::collections::BTreeMap;

use super::mention::Mentions;
use super::name::own;
use crate::facts::{Facts, Identity, Kind, Object};

/// Facts with their parts by wholes.
pub(super) struct Side<'a> {
    pub(super) facts: &'a Facts,
    pub(super) mentions: Mentions<'a>,
    parts: BTreeMap<&'a Identity, Vec<(&'a Identity, &'a Object)>>,
}

impl<'a> Side<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let mut parts: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (identity, object) in facts.iter() {
            if let Some(whole) = &object.whole {
                parts.entry(whole).or_default().push((identity, object));
            }
        }
        Self { facts, mentions: Mentions::of(facts), parts }
    }

    /// The parts of an object, without parts of parts.
    pub(super) fn parts(&self, whole: &Identity) -> &[(&'a Identity, &'a Object)] {
        self.parts.get(whole).map_or(&[], Vec::as_slice)
    }

    /// The columns of a table, a view or a type, in order.
    pub(super) fn columns(&self, whole: &Identity) -> Vec<(&'a Identity, &'a Object)> {
        let place =
            |object: &Object| object.get("position").and_then(|text| text.parse::<u32>().ok());
        let columns =
            self.parts(whole).iter().filter(|(identity, _)| identity.kind == Kind::Column);
        let mut columns: Vec<_> = columns.copied().collect();
        columns.sort_by_key(|(_, object)| place(object));
        columns
    }

    /// The sequence behind an identity column.
    pub(super) fn identity_sequence(
        &self,
        column: &Identity,
        object: &Object,
    ) -> Option<(&'a Identity, &'a Object)> {
        object.get("identity")?;
        let whole = object.whole.as_ref()?;
        let owned = |sequence: &Object| sequence.get("owned by") == Some(&column.name);
        let mut parts = self.parts(whole).iter();
        parts.find(|(i, o)| i.kind == Kind::Sequence && owned(o)).copied()
    }

    /// Whether it comes with something else and is never made or dropped by itself: what is only
    /// inherited, the index of a constraint, the sequence of an identity, the functions of a range.
    pub(super) fn comes_along(&self, identity: &Identity, object: &Object) -> bool {
        let is_of = |kind| object.whole.as_ref().is_some_and(|whole| whole.kind == kind);
        match identity.kind {
            Kind::Column if is_of(Kind::View) || is_of(Kind::MaterializedView) => true,
            Kind::Column | Kind::Constraint | Kind::Trigger => {
                object.get("inherited") == Some("yes")
            }
            Kind::Index => is_of(Kind::Constraint) || object.get("part of").is_some(),
            Kind::Sequence => self.column_of(object).is_some_and(|c| c.get("identity").is_some()),
            Kind::Rule | Kind::Policy | Kind::Statistics => false,
            _ => object.whole.is_some(),
        }
    }

    /// The column that owns a sequence.
    pub(super) fn column_of(&self, sequence: &Object) -> Option<&'a Object> {
        let name = sequence.get("owned by")?.to_owned();
        self.facts.get(&Identity { kind: Kind::Column, name })
    }

    /// The column of the parent that a column is inherited from.
    pub(super) fn inherited_from(&self, column: &Identity, object: &Object) -> Option<&'a Object> {
        let whole = self.facts.get(object.whole.as_ref()?)?;
        let own = own(column, object);
        let parents = super::name::items(whole.get("inherits")?);
        parents.into_iter().find_map(|parent| {
            let name = format!("{parent}.{own}");
            self.facts.get(&Identity { kind: Kind::Column, name })
        })
    }
}
