//! How two schemas differ, and how much that matters; pure.
//!
//! Facts are compared object by object. A constraint or an index is its definition first and its name
//! second: one that is there under another name has been renamed. Each difference has a class, and a
//! few classes decide on the exit code; the others are told.

mod class;
mod ignore;
mod name;
mod order;
mod release;
mod role;
mod tokens;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use class::Class;
pub use ignore::{Day, Rules};
pub use role::Roles;

use crate::compare::facts::{Facts, Identity, Kind, Object, What};
use crate::compare::origin::Origin;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How much it matters.
    pub class: Class,
    /// What differs; as it is called on side A, if it is there.
    pub identity: Identity,
    /// How.
    pub what: What,
    /// What to do about it, where that is not plain.
    pub hint: Option<&'static str>,
    /// Where it comes from; whoever knows more than facts fills it in.
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
            // an index of a constraint is called as the constraint is
            if !name::goes_with_a_constraint(object) {
                found.push(difference(identity, rename(identity, other)));
            }
            found.extend(
                b.get(other).into_iter().flat_map(|to| properties(identity, object, to, true)),
            );
        } else if let Some(other) = b.get(identity).filter(|_| !new_names.contains(identity)) {
            found.extend(properties(identity, object, other, false));
        } else if !goes_with_its_whole(object, &b) {
            found.push(difference(identity, What::Removed));
        }
    }
    for (identity, object) in b.iter() {
        let is_new = a.get(identity).is_none() || renamed.contains_key(identity);
        if is_new && !new_names.contains(identity) && !goes_with_its_whole(object, &a) {
            found.push(difference(identity, What::Added));
        }
    }
    found.extend(order::differences(&a, &b));
    found.sort_by(|one, other| one.identity.cmp(&other.identity));
    found
}

/// Whether what the object is part of is missing on the other side too.
fn goes_with_its_whole(object: &Object, other: &Facts) -> bool {
    object.whole.as_ref().is_some_and(|whole| other.get(whole).is_none())
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
            // of positions, the order counts
            _ if property == order::POSITION => true,
            // another version of an extension has other functions
            _ if property == "functions" && before.get("version") != after.get("version") => true,
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
            "a table inherits hectic.immutable without its triggers: SELECT hectic.sync_inherited_triggers()",
        ),
        Kind::Bundle if what == What::Added => {
            Some("that database lacks the bundle: database --url URL bundle upgrade")
        }
        _ => None,
    };
    let class = class::of(identity, &what);
    Difference { class, identity: identity.clone(), what, hint, origin: Origin::default() }
}

/// The differences of each object together, in order.
pub fn by_object(differences: &[Difference]) -> BTreeMap<&Identity, Vec<&Difference>> {
    let mut objects: BTreeMap<&Identity, Vec<&Difference>> = BTreeMap::new();
    for difference in differences {
        objects.entry(&difference.identity).or_default().push(difference);
    }
    objects
}
