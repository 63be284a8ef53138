//! A database's schema, read from its catalogs: normalised, so that two readings can be compared.
//!
//! A fact says of an object (its kind and its name in SQL) what it is part of and what properties it
//! has. Nothing in it belongs to one server: no OID, no `attnum` with holes, no path, no
//! value of a sequence. A property that is as PostgreSQL has it by default is left out, so that a
//! default spelled out and a default left alone are the same fact, and so that a major version that
//! knows more properties than another mostly gives the same facts for the same schema.
//!
//! Left out are what belongs to the cluster (roles, tablespaces, privileges on settings), the
//! system's schemas, temporary ones, the schema `hectic` but for the bundle's version, and the members
//! of extensions; privileges on these, and changes to members that no dump has, are facts all the same. The SQL lies in `sql/query/facts/*.sql`; kinds and names are what
//! `pg_identify_object` says, so that an object of a kind that is not known here is listed as
//! [`Kind::Unmodelled`] and not passed over.

mod change;
mod definition;
mod kind;
mod read;
mod respell;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use change::What;
pub use definition::split_name;
pub use kind::Kind;
pub use read::{begin, end};
pub use respell::respell;

/// What is so in a database; compared by `drift`.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    release: u32,
    objects: BTreeMap<Identity, Object>,
    /// What depends on what, where it was read.
    dependencies: BTreeSet<(Identity, Identity)>,
}

/// An object as the same schema names it on every server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The sort of object.
    pub kind: Kind,
    /// Its name, qualified and quoted as SQL needs it: `shop.orders.id`, `shop.total(integer)`,
    /// `orders_pkey on shop.orders`.
    pub name: String,
}

/// What is known of an object.
#[derive(Debug, Clone, Default)]
pub struct Object {
    /// What comes and goes with it included: the table of a column, the constraint of an index.
    pub whole: Option<Identity>,
    /// What is not as by default.
    pub properties: BTreeMap<String, String>,
}

impl Object {
    /// A property; none: as by default, or not at all.
    pub fn get(&self, property: &str) -> Option<&str> {
        self.properties.get(property).map(String::as_str)
    }
}

impl Facts {
    /// The major release of the server; 0 where none was read.
    pub fn release(&self) -> u32 {
        self.release
    }

    /// Every object, ordered by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = (&Identity, &Object)> {
        self.objects.iter()
    }

    /// What is known of one object.
    pub fn get(&self, identity: &Identity) -> Option<&Object> {
        self.objects.get(identity)
    }

    /// The same with the identity as it lies here.
    pub fn entry(&self, identity: &Identity) -> Option<(&Identity, &Object)> {
        self.objects.get_key_value(identity)
    }

    /// What depends on what, as the server keeps it; empty unless it was read.
    pub fn dependencies(&self) -> impl Iterator<Item = (&Identity, &Identity)> {
        self.dependencies.iter().map(|(one, other)| (one, other))
    }

    /// Replaces what is known of an object and its parts by what `other` knows.
    pub fn take(&mut self, identity: &Identity, other: &Self) {
        let is_of = |own: &Identity, object: &Object| {
            own == identity || object.whole.as_ref() == Some(identity)
        };
        let known =
            |facts: &Self, own: &Identity| facts.get(own).is_some_and(|object| is_of(own, object));
        let mut dependencies = std::mem::take(&mut self.dependencies);
        dependencies.retain(|(one, _)| !known(self, one));
        dependencies
            .extend(other.dependencies.iter().filter(|(one, _)| known(other, one)).cloned());
        self.dependencies = dependencies;
        self.objects.retain(|own, object| !is_of(own, object));
        let taken = other.objects.iter().filter(|(own, object)| is_of(own, object));
        self.objects.extend(taken.map(|(own, object)| (own.clone(), object.clone())));
    }

    /// The same facts with other names and values of properties. What has parts keeps its name.
    #[must_use]
    pub fn map(
        &self,
        name: impl Fn(&Identity) -> String,
        value: impl Fn(&str, &str) -> String,
    ) -> Self {
        let renamed = |identity: &Identity| Identity { kind: identity.kind, name: name(identity) };
        let dependencies = self.dependencies.iter();
        let dependencies = dependencies.map(|(one, other)| (renamed(one), renamed(other)));
        let objects = self.objects.iter().map(|(identity, object)| {
            let identity = renamed(identity);
            let properties = object.properties.iter();
            let properties = properties.map(|(name, old)| (name.clone(), value(name, old)));
            (identity, Object { whole: object.whole.clone(), properties: properties.collect() })
        });
        let dependencies = dependencies.collect();
        Self { release: self.release, objects: objects.collect(), dependencies }
    }

    /// Facts of these objects, for tests of those who compare them.
    #[cfg(test)]
    pub fn of_objects(objects: impl IntoIterator<Item = (Identity, Object)>) -> Self {
        Self { objects: objects.into_iter().collect(), ..Self::default() }
    }

    /// The same as a server of this release has them.
    #[cfg(test)]
    #[must_use]
    pub fn of_release(mut self, release: u32) -> Self {
        self.release = release;
        self
    }

    /// The same with these dependencies.
    #[cfg(test)]
    #[must_use]
    pub fn with_dependencies(
        mut self,
        dependencies: impl IntoIterator<Item = (Identity, Identity)>,
    ) -> Self {
        self.dependencies = dependencies.into_iter().collect();
        self
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.label(), self.name)
    }
}
