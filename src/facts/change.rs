//! What differs between two readings; pure.

use std::collections::BTreeSet;
use std::fmt;

use super::{Facts, Identity, Object};

/// How much of a value is shown, in characters, and how much of that before the first difference.
const EXCERPT: (usize, usize) = (60, 20);

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is that changed.
    pub identity: Identity,
    /// How.
    pub what: What,
}

/// How an object differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// A property is another one.
    Changed {
        /// Its name, such as `type` or `comment`.
        property: String,
        /// None: as by default, or not at all.
        before: Option<String>,
        /// None: as by default, or not at all.
        after: Option<String>,
    },
}

/// All differences, ordered by kind, name and property.
///
/// Neither the properties of an object that was added or removed are listed, nor its parts: a table
/// stands for its columns, constraints, indexes, triggers.
pub fn changes(before: &Facts, after: &Facts) -> Vec<Change> {
    let identities: BTreeSet<&Identity> =
        before.objects.keys().chain(after.objects.keys()).collect();
    let mut found = Vec::new();
    for identity in identities {
        let mut add = |what| found.push(Change { identity: identity.clone(), what });
        match (before.objects.get(identity), after.objects.get(identity)) {
            (Some(object), None) if !goes_with_its_whole(object, after) => add(What::Removed),
            (None, Some(object)) if !goes_with_its_whole(object, before) => add(What::Added),
            (Some(before), Some(after)) => properties(before, after).for_each(add),
            _ => {}
        }
    }
    found
}

/// Whether what the object is part of is missing on the other side too.
fn goes_with_its_whole(object: &Object, other: &Facts) -> bool {
    object.whole.as_ref().is_some_and(|whole| !other.objects.contains_key(whole))
}

fn properties<'a>(before: &'a Object, after: &'a Object) -> impl Iterator<Item = What> + 'a {
    let names: BTreeSet<_> = before.properties.keys().chain(after.properties.keys()).collect();
    names.into_iter().filter_map(|name| {
        let (before, after) = (before.properties.get(name), after.properties.get(name));
        (before != after).then(|| What::Changed {
            property: name.clone(),
            before: before.cloned(),
            after: after.cloned(),
        })
    })
}

impl fmt::Display for Change {
    /// One line: `+ table shop.orders`, `~ column shop.orders.total: type integer → bigint`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Added => write!(f, "+ {}", self.identity),
            What::Removed => write!(f, "- {}", self.identity),
            What::Changed { property, before, after } => {
                let (before, after) = (shown(before.as_deref()), shown(after.as_deref()));
                let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
                let long = before.len().max(after.len()) > EXCERPT.0;
                let start = if long { same.saturating_sub(EXCERPT.1) } else { 0 };
                let (before, after) = (excerpt(&before, start), excerpt(&after, start));
                write!(f, "~ {}: {property} {before} → {after}", self.identity)
            }
        }
    }
}

/// A value on one line.
fn shown(value: Option<&str>) -> Vec<char> {
    value.unwrap_or("none").replace('\n', "\\n").chars().collect()
}

/// A part of a value, from `start` on.
fn excerpt(value: &[char], start: usize) -> String {
    let end = value.len().min(start + EXCERPT.0);
    let part: String = value[start..end].iter().collect();
    let dots = |cut| if cut { "…" } else { "" };
    format!("{}{part}{}", dots(start > 0), dots(end < value.len()))
}
