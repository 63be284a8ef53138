//! The differences between two schemas and their classes. Pure.
//!
//! Facts are compared object by object. A constraint or an index is identified by its definition
//! rather than by its name, so the same definition under another name counts as a renaming. Each
//! difference has a class. Only the classes that count decide on the exit code; reports list the
//! others, too.

mod class;
mod ignore;
mod name;
mod order;
mod release;
mod role;
mod tokens;

#[cfg(test)]
mod tests;

use crate::compare::facts::property;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use class::Class;
pub use ignore::Rules;
pub use role::Roles;

use crate::compare::facts::{Facts, Identity, Kind, Object, What};
use crate::compare::origin::Origin;

/// A difference between two databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its class.
    pub class: Class,
    /// The object, with its name on side A if it exists there.
    pub identity: Identity,
    /// The kind of difference.
    pub what: What,
    /// An advice, if the difference needs an explanation.
    pub hint: Option<&'static str>,
    /// The origin, which the caller adds.
    pub origin: Origin,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what.line(&self.identity))
    }
}

impl Difference {
    /// The object as it is called on side B.
    pub fn identity_on_b(&self) -> Identity {
        match &self.what {
            What::Changed { property, after: Some(name), .. } if property == name::NAME => {
                Identity { kind: self.identity.kind, name: name.clone() }
            }
            _ => self.identity.clone(),
        }
    }
}

/// All differences from `a` to `b`, ordered by kind, name and property.
pub fn compare(a: &Facts, b: &Facts, roles: &Roles) -> Vec<Difference> {
    let (a, b) = release::aligned(roles.apply_a(a), roles.apply_b(b));
    let renamed = name::renamed(&a, &b);
    let new_names: BTreeSet<&Identity> = renamed.values().copied().collect();
    let mut found = Vec::new();
    for (identity, object) in a.iter() {
        if let Some(other) = renamed.get(identity) {
            // the index of a constraint is renamed with the constraint
            if !name::goes_with_a_constraint(object) {
                found.push(difference(identity, rename(identity, other)));
            }
            found.extend(
                b.get(other).into_iter().flat_map(|to| properties(identity, object, to, true)),
            );
        } else if let Some(other) = b.get(identity).filter(|_| !new_names.contains(identity)) {
            found.extend(properties(identity, object, other, false));
        } else if !goes_with_its_container(object, &b) {
            found.push(difference(identity, What::Removed));
        }
    }
    for (identity, object) in b.iter() {
        let is_new = a.get(identity).is_none() || renamed.contains_key(identity);
        if is_new && !new_names.contains(identity) && !goes_with_its_container(object, &a) {
            found.push(difference(identity, What::Added));
        }
    }
    found.extend(order::differences(&a, &b));
    found.sort_by(|one, other| one.identity.cmp(&other.identity));
    found
}

/// Checks whether the other side lacks the object that contains this one, too.
fn goes_with_its_container(object: &Object, other: &Facts) -> bool {
    object.container.as_ref().is_some_and(|container| other.get(container).is_none())
}

fn rename(identity: &Identity, other: &Identity) -> What {
    What::Changed {
        property: name::NAME.to_owned(),
        before: Some(identity.name.clone()),
        after: Some(other.name.clone()),
    }
}

fn properties(
    identity: &Identity,
    before: &Object,
    after: &Object,
    is_renamed: bool,
) -> Vec<Difference> {
    let names: BTreeSet<&String> =
        before.properties.keys().chain(after.properties.keys()).collect();
    let changed = names.into_iter().filter_map(|property| {
        let (old, new) = (before.properties.get(property), after.properties.get(property));
        let is_same = match (old, new) {
            // `order::differences` compares positions
            _ if property == order::POSITION => true,
            _ if [property::INITIAL, property::MEMBER_OF].contains(&property.as_str()) => true,
            // another version of an extension has other functions
            _ if property == property::FUNCTIONS
                && before.get(property::VERSION) != after.get(property::VERSION) =>
            {
                true
            }
            _ if property == name::NOT_NULL => name::is_same_not_null(old, new),
            (Some(old), Some(new)) if is_renamed => name::is_same(identity, property, old, new),
            _ => old == new,
        };
        (!is_same).then(|| What::Changed {
            property: property.clone(),
            before: old.cloned(),
            after: new.cloned(),
        })
    });
    changed.map(|what| difference(identity, what)).collect()
}

fn difference(identity: &Identity, what: What) -> Difference {
    let hint = match identity.kind {
        Kind::Trigger if identity.name.starts_with("hectic_block_immutable") => Some(
            "a table inherits hectic.immutable but lacks its triggers: SELECT hectic.sync_inherited_triggers()",
        ),
        Kind::Bundle if what == What::Added => {
            Some("that database lacks the bundle: database --url URL bundle upgrade")
        }
        Kind::Bundle => bundle_hint(&what),
        _ => None,
    };
    let class = class::of(identity, &what);
    Difference { class, identity: identity.clone(), what, hint, origin: Origin::default() }
}

/// The hint for databases with different kinds of the bundle.
fn bundle_hint(what: &What) -> Option<&'static str> {
    let What::Changed { property, after, .. } = what else { return None };
    (property == property::KIND).then_some(match after.as_deref() {
        Some("full") => {
            "that database lacks the rules for tables: database --url URL bundle upgrade --bundle full"
        }
        _ => "the project's bundle has no rules for tables, but nothing removes them there",
    })
}

/// The differences of each object together, in order.
pub fn by_object(differences: &[Difference]) -> BTreeMap<&Identity, Vec<&Difference>> {
    let mut objects: BTreeMap<&Identity, Vec<&Difference>> = BTreeMap::new();
    for difference in differences {
        objects.entry(&difference.identity).or_default().push(difference);
    }
    objects
}
