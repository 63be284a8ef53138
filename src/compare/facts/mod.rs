//! The facts of a database: its schema, read from the catalogs in a form that can be compared.
//!
//! A fact describes an object by its kind, its name in SQL, the object that contains it, and its
//! properties. Facts contain nothing that is particular to one server: no OID, no `attnum` with
//! holes, no path, no value of a sequence. A property with its default value is no fact. An
//! explicit default and a missing one are therefore the same, and a major version with more
//! properties usually gives the same facts for the same schema.
//!
//! Facts do not cover the objects of the cluster (roles, tablespaces, privileges on settings), the
//! system's schemas, temporary schemas, the schema `hectic` except for the bundle's version, and
//! the members of extensions. They do cover privileges on these objects, and changes to extension
//! members that a dump would not contain. The SQL is in `sql/query/facts/*.sql`. Kinds and names
//! are those of `pg_identify_object`. Objects of a kind that db-tool does not model are listed as
//! [`Kind::Unmodelled`].

mod change;
mod definition;
mod kind;
pub mod property;
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

/// The description of a database that `drift` compares.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    release: u32,
    objects: BTreeMap<Identity, Object>,
    /// Pairs of a dependent object and the object that it depends on, if they were read.
    dependencies: BTreeSet<(Identity, Identity)>,
}

/// The identity of an object, equal on every server with the same schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    pub kind: Kind,
    /// Its name, qualified and quoted as SQL needs it: `shop.orders.id`, `shop.total(integer)`,
    /// `orders_pkey on shop.orders`.
    pub name: String,
}

/// The properties of an object.
#[derive(Debug, Clone, Default)]
pub struct Object {
    /// The object that contains it and is made and dropped with it: the table of a column, the
    /// constraint of an index.
    pub container: Option<Identity>,
    /// The properties that differ from their defaults.
    pub properties: BTreeMap<String, String>,
}

impl Object {
    /// The value of a property. `None` means the default value, or that the object has no such
    /// property.
    pub fn get(&self, property: &str) -> Option<&str> {
        self.properties.get(property).map(String::as_str)
    }
}

impl Facts {
    /// The major version of the server, or 0 if none was read.
    pub fn release(&self) -> u32 {
        self.release
    }

    /// Every object, ordered by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = (&Identity, &Object)> {
        self.objects.iter()
    }

    /// The properties of one object.
    pub fn get(&self, identity: &Identity) -> Option<&Object> {
        self.objects.get(identity)
    }

    /// The identity and the properties of one object.
    pub fn entry(&self, identity: &Identity) -> Option<(&Identity, &Object)> {
        self.objects.get_key_value(identity)
    }

    /// Pairs of a dependent object and the object that it depends on, from the server's catalog.
    /// Empty if they were not read.
    pub fn dependencies(&self) -> impl Iterator<Item = (&Identity, &Identity)> {
        self.dependencies.iter().map(|(one, other)| (one, other))
    }

    /// Replaces an object and its parts by those of `other`.
    pub fn take(&mut self, identity: &Identity, other: &Self) {
        let is_of = |own: &Identity, object: &Object| {
            own == identity || object.container.as_ref() == Some(identity)
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

    /// Copies the facts with other names and values of properties. Objects that have parts must
    /// keep their names.
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
            (
                identity,
                Object { container: object.container.clone(), properties: properties.collect() },
            )
        });
        let dependencies = dependencies.collect();
        Self { release: self.release, objects: objects.collect(), dependencies }
    }

    /// Facts of these objects, for tests.
    #[cfg(test)]
    pub fn of_objects(objects: impl IntoIterator<Item = (Identity, Object)>) -> Self {
        Self { objects: objects.into_iter().collect(), ..Self::default() }
    }

    /// Sets the release of the server.
    #[cfg(test)]
    #[must_use]
    pub fn of_release(mut self, release: u32) -> Self {
        self.release = release;
        self
    }

    /// Sets the dependencies.
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
