//! One side of a draft: its facts, and the parts of its objects.

use crate::compare::facts::property;
use std::collections::{BTreeMap, BTreeSet};

use super::depend::Dependencies;
use super::name::own;
use crate::compare::facts::{Facts, Identity, Kind, Object};

/// The facts of one side, with an index of parts.
pub(super) struct Side<'a> {
    pub(super) facts: &'a Facts,
    pub(super) depends: Dependencies<'a>,
    /// Parts that are made or dropped separately to break a cycle, although the objects that
    /// contain them are made or dropped, too.
    pub(super) split: BTreeSet<Identity>,
    parts: BTreeMap<&'a Identity, Vec<(&'a Identity, &'a Object)>>,
}

impl<'a> Side<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let mut parts: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (identity, object) in facts.iter() {
            if let Some(container) = &object.container {
                parts.entry(container).or_default().push((identity, object));
            }
        }
        Self { facts, depends: Dependencies::of(facts), split: BTreeSet::new(), parts }
    }

    /// The direct parts of an object.
    pub(super) fn parts(&self, container: &Identity) -> &[(&'a Identity, &'a Object)] {
        self.parts.get(container).map_or(&[], Vec::as_slice)
    }

    /// The columns of a table, a view or a type, in order.
    pub(super) fn columns(&self, container: &Identity) -> Vec<(&'a Identity, &'a Object)> {
        let place = |object: &Object| {
            object.get(property::POSITION).and_then(|text| text.parse::<u32>().ok())
        };
        let columns =
            self.parts(container).iter().filter(|(identity, _)| identity.kind == Kind::Column);
        let mut columns: Vec<_> = columns.copied().collect();
        columns.sort_by_key(|(_, object)| place(object));
        columns
    }

    /// The sequence of an identity column.
    pub(super) fn identity_sequence(
        &self,
        column: &Identity,
        object: &Object,
    ) -> Option<(&'a Identity, &'a Object)> {
        object.get(property::IDENTITY)?;
        let container = object.container.as_ref()?;
        let owned = |sequence: &Object| sequence.get(property::OWNED_BY) == Some(&column.name);
        let mut parts = self.parts(container).iter();
        parts.find(|(i, o)| i.kind == Kind::Sequence && owned(o)).copied()
    }

    /// Checks whether an object is never made or dropped separately: an inherited column, the index
    /// of a constraint, the sequence of an identity column, or the functions of a range type.
    pub(super) fn comes_along(&self, identity: &Identity, object: &Object) -> bool {
        let is_of =
            |kind| object.container.as_ref().is_some_and(|container| container.kind == kind);
        match identity.kind {
            Kind::Column if is_of(Kind::View) || is_of(Kind::MaterializedView) => true,
            Kind::Column | Kind::Constraint | Kind::Trigger => {
                object.get(property::INHERITED) == Some("yes")
            }
            Kind::Index => is_of(Kind::Constraint) || object.get(property::PART_OF).is_some(),
            Kind::Sequence => {
                self.column_of(object).is_some_and(|c| c.get(property::IDENTITY).is_some())
            }
            Kind::FamilyOperator | Kind::FamilyFunction => is_of(Kind::OperatorClass),
            Kind::Rule | Kind::Policy | Kind::Statistics | Kind::Privileges | Kind::UserMapping => {
                false
            }
            _ => object.container.is_some(),
        }
    }

    /// The column that owns a sequence.
    pub(super) fn column_of(&self, sequence: &Object) -> Option<&'a Object> {
        let name = sequence.get(property::OWNED_BY)?.to_owned();
        self.facts.get(&Identity { kind: Kind::Column, name })
    }

    /// The parent's column from which a column is inherited.
    pub(super) fn inherited_from(
        &self,
        column: &Identity,
        object: &Object,
    ) -> Option<(&'a Identity, &'a Object)> {
        let container = self.facts.get(object.container.as_ref()?)?;
        let own = own(column, object);
        let parents = super::name::items(container.get(property::INHERITS)?);
        parents.into_iter().find_map(|parent| {
            let name = format!("{parent}.{own}");
            self.facts.entry(&Identity { kind: Kind::Column, name })
        })
    }

    /// The sequence that numbers a column, through its default or as an identity.
    pub(super) fn sequence_of(
        &self,
        column: &Identity,
        object: &Object,
    ) -> Option<(&'a Identity, &'a Object)> {
        let default = object.get(property::DEFAULT).unwrap_or_default();
        let is_next = default.starts_with("nextval('") && default.ends_with("'::regclass)");
        let mut needed = self.depends.on(column).filter(|other| other.kind == Kind::Sequence);
        let behind = needed.next().filter(|_| is_next).and_then(|other| self.facts.entry(other));
        self.identity_sequence(column, object).or(behind)
    }

    /// The foreign keys between different tables, each with its table and the referenced table.
    pub(super) fn references(&self) -> Vec<(&'a Identity, &'a Identity, &'a Identity)> {
        let mut found = Vec::new();
        for (one, other) in self.depends.pairs().filter(|(one, _)| one.kind == Kind::Constraint) {
            let Some(object) = self.facts.get(one) else { continue };
            let is_key =
                object.get(property::DEFINITION).is_some_and(|d| d.starts_with("FOREIGN KEY"));
            let table = match other.kind {
                Kind::Column => self.facts.get(other).and_then(|column| column.container.as_ref()),
                _ => Some(other).filter(|other| other.kind == Kind::Table),
            };
            if let (Some(own), Some(table), true) = (object.container.as_ref(), table, is_key) {
                found.push((one, own, table));
            }
        }
        found.sort_unstable();
        found.dedup();
        // ignore the key's own columns and references to the same table
        found.retain(|(_, own, table)| own != table);
        found
    }

    /// Checks whether a constraint is a check that is declared with its domain.
    pub(super) fn is_inline(&self, constraint: &Identity, object: &Object) -> bool {
        let definition = object.get(property::DEFINITION).unwrap_or_default();
        object.container.as_ref().is_some_and(|container| container.kind == Kind::Domain)
            && !definition.ends_with(" NOT VALID")
            && !self.split.contains(constraint)
    }

    /// Checks whether tables contain values of a type nested in other types. The server cannot
    /// check such values.
    pub(super) fn is_within_others(&self, kind: &Identity) -> bool {
        self.depends.by(kind).any(|user| match user.kind {
            Kind::Column => {
                let Some(object) = self.facts.get(user) else { return false };
                let is_plain = object.get(property::TYPE) == Some(&kind.name);
                !is_plain && self.is_stored(object)
            }
            Kind::Domain => self.is_within_others(user),
            Kind::Type => self.is_in_tables(user),
            _ => false,
        })
    }

    /// Checks whether tables contain values of a type.
    pub(super) fn is_in_tables(&self, kind: &Identity) -> bool {
        self.depends.by(kind).any(|user| match user.kind {
            Kind::Column => {
                let object = self.facts.get(user).filter(|o| o.container.as_ref() != Some(kind));
                object.is_some_and(|object| self.is_stored(object))
            }
            Kind::Domain | Kind::Type => self.is_in_tables(user),
            _ => false,
        })
    }

    fn is_stored(&self, column: &Object) -> bool {
        column.container.as_ref().is_some_and(|container| match container.kind {
            Kind::Table | Kind::MaterializedView => true,
            Kind::Type => self.is_in_tables(container),
            _ => false,
        })
    }
}
