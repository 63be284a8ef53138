//! The order in which tables are loaded: referenced tables come first.

use std::collections::{BTreeMap, BTreeSet};

/// Orders items so that each comes after the items that it refers to. Other items are in ascending
/// order. A cycle is cut at its smallest item, which comes first: its constraint must be checked
/// later.
pub fn order<T: Ord + Clone>(references: &BTreeMap<T, BTreeSet<T>>) -> Vec<T> {
    let mut open: BTreeMap<&T, BTreeSet<&T>> = references
        .iter()
        .map(|(item, to)| {
            (item, to.iter().filter(|to| *to != item && references.contains_key(to)).collect())
        })
        .collect();
    let mut ordered = Vec::with_capacity(open.len());
    while let Some(first) = open.keys().next().copied() {
        let ready = open.iter().find(|(_, to)| to.is_empty()).map(|(item, _)| *item);
        let next = ready.unwrap_or(first);
        open.remove(next);
        open.values_mut().for_each(|to| {
            to.remove(next);
        });
        ordered.push(next.clone());
    }
    ordered
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
