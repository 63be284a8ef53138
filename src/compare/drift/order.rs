//! The order of columns.
//!
//! If only one side has a column, the positions of all later columns differ, although their order
//! does not. So only columns that both sides have are compared.

use crate::compare::facts::property;
use std::collections::BTreeMap;

use super::{Difference, difference};
use crate::compare::facts::{Facts, Identity, Kind, What};

/// The property that stands for the order of columns.
pub const ORDER: &str = "order of columns";

/// The property of a column with its position.
pub const POSITION: &str = property::POSITION;

/// Returns a difference for each table whose columns have another order.
pub fn differences(a: &Facts, b: &Facts) -> Vec<Difference> {
    let (before, after) = (orders(a, b), orders(b, a));
    let pairs = before
        .into_iter()
        .filter_map(|(container, names)| Some((container, names, after.get(container)?)));
    let moved = pairs.filter(|(_, before, after)| before != *after);
    moved.map(|(container, before, after)| moved_in(container, before, after)).collect()
}

fn moved_in(container: &Identity, before: Vec<&str>, after: &[&str]) -> Difference {
    let (before, after) = (Some(before.join(", ")), Some(after.join(", ")));
    difference(container, What::Changed { property: ORDER.to_owned(), before, after })
}

/// The columns of each table that `other` has, too, in order.
fn orders<'a>(facts: &'a Facts, other: &Facts) -> BTreeMap<&'a Identity, Vec<&'a str>> {
    let mut tables: BTreeMap<&Identity, Vec<(usize, &str)>> = BTreeMap::new();
    for (identity, object) in facts.iter().filter(|(identity, _)| identity.kind == Kind::Column) {
        let position = object.properties.get(POSITION).and_then(|text| text.parse().ok());
        if let (Some(container), Some(position), Some(_)) =
            (&object.container, position, other.get(identity))
        {
            let name = identity.name.get(container.name.len() + 1..).unwrap_or(&identity.name);
            tables.entry(container).or_default().push((position, name));
        }
    }
    let sorted = tables.into_iter().map(|(container, mut columns)| {
        columns.sort_unstable();
        (container, columns.into_iter().map(|(_, name)| name).collect())
    });
    sorted.collect()
}
