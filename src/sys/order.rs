//! A topological sort.

use std::collections::BTreeSet;

/// Orders the nodes with these `ranks`, and returns their numbers. Each edge `(one, other)` puts
/// `one` before `other`; an edge may be given twice. If several nodes are possible, the one with
/// the lowest rank comes first. A cycle is cut before its node with the lowest rank.
pub fn sorted<R: Ord>(ranks: &[R], edges: impl IntoIterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut after = vec![BTreeSet::new(); ranks.len()];
    let mut missing = vec![0; ranks.len()];
    for (one, other) in edges {
        if one != other && after[one].insert(other) {
            missing[other] += 1;
        }
    }
    let mut waiting: BTreeSet<(&R, usize)> = ranks.iter().zip(0..).collect();
    let mut free: BTreeSet<_> =
        waiting.iter().filter(|(_, at)| missing[*at] == 0).copied().collect();
    let mut sorted = Vec::with_capacity(ranks.len());
    while let Some(next) = free.pop_first().or_else(|| waiting.first().copied()) {
        waiting.remove(&next);
        sorted.push(next.1);
        for other in &after[next.1] {
            missing[*other] -= 1;
            let other = (&ranks[*other], *other);
            if missing[other.1] == 0 && waiting.contains(&other) {
                free.insert(other);
            }
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::sorted;

    #[test]
    fn edges_come_before_ranks_and_ranks_before_numbers() {
        assert_eq!(sorted(&[1, 1, 0, 2], [(0, 1), (3, 0), (2, 2), (3, 0)]), [2, 3, 0, 1]);
        assert_eq!(sorted(&[2, 1, 1], []), [1, 2, 0]);
    }

    #[test]
    fn a_cycle_is_cut_at_its_lowest_rank() {
        assert_eq!(sorted(&["a", "b", "c"], [(1, 0), (0, 1), (0, 2)]), [0, 1, 2]);
        assert_eq!(sorted(&["b", "a"], [(1, 0), (0, 1)]), [1, 0]);
    }
}
