//! The order of operations: what has to come before what, and else by rank.

use std::collections::{BTreeMap, BTreeSet};

/// A directed graph of numbered things.
#[derive(Debug, Default)]
pub(super) struct Graph {
    before: BTreeMap<usize, BTreeSet<usize>>,
}

impl Graph {
    /// `one` comes before `other`; that something comes before itself says nothing.
    pub(super) fn edge(&mut self, one: usize, other: usize) {
        if one != other {
            self.before.entry(other).or_default().insert(one);
        }
    }

    /// All of `ranks` in an order that keeps the edges, the lowest rank first where there is a
    /// choice. In a circle the lowest rank goes first: the database then says what cannot be.
    pub(super) fn sorted<R: Ord>(&self, ranks: &[R]) -> Vec<usize> {
        let mut waiting: BTreeSet<(&R, usize)> = ranks.iter().zip(0..).collect();
        let mut done = BTreeSet::new();
        let mut sorted = Vec::with_capacity(ranks.len());
        while let Some(first) = waiting.first().copied() {
            let is_free =
                |at: usize| self.before.get(&at).is_none_or(|those| those.is_subset(&done));
            let next = waiting.iter().find(|(_, at)| is_free(*at)).copied().unwrap_or(first);
            waiting.remove(&next);
            done.insert(next.1);
            sorted.push(next.1);
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::Graph;

    #[test]
    fn edges_come_before_ranks_and_ranks_before_numbers() {
        let mut graph = Graph::default();
        graph.edge(0, 1);
        graph.edge(3, 0);
        graph.edge(2, 2);
        assert_eq!(graph.sorted(&[1, 1, 0, 2]), [2, 3, 0, 1]);
        assert_eq!(Graph::default().sorted(&[2, 1, 1]), [1, 2, 0]);
    }

    #[test]
    fn a_circle_ends() {
        let mut graph = Graph::default();
        graph.edge(0, 1);
        graph.edge(1, 0);
        assert_eq!(graph.sorted(&[2, 1, 3]), [2, 1, 0]);
    }
}
