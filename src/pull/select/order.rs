//! The order in which tables are loaded: referenced tables come first.

use std::collections::{BTreeMap, BTreeSet};

use crate::sys::order::sorted;

/// Orders items so that each comes after the items that it refers to. Other items are in ascending
/// order. A cycle is cut at its smallest item, which comes first: its constraint must be checked
/// later.
pub fn order<T: Ord + Clone>(references: &BTreeMap<T, BTreeSet<T>>) -> Vec<T> {
    let items: Vec<&T> = references.keys().collect();
    let place = |item: &T| items.binary_search(&item).ok();
    let edges = references.iter().flat_map(|(item, referenced)| {
        referenced.iter().filter_map(move |to| Some((place(to)?, place(item)?)))
    });
    sorted(&items, edges).into_iter().map(|at| items[at].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(references: &[(&str, &[&str])]) -> String {
        let references = references.iter();
        order(&references.map(|(from, to)| (*from, to.iter().copied().collect())).collect())
            .concat()
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        assert_eq!(ordered(&[("a", &["c", "b"]), ("b", &["c"]), ("c", &[])]), "cba");
        assert_eq!(ordered(&[("b", &[]), ("a", &["x"])]), "ab");
    }

    #[test]
    fn cycles_are_cut_at_the_smallest() {
        assert_eq!(ordered(&[("a", &["b"]), ("b", &["a"]), ("c", &["c", "a"])]), "abc");
    }
}
