//! Orders operations by the edges of a graph, and else by rank.

use std::collections::{BTreeMap, BTreeSet};

/// The strength of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// The database rejects the other order.
    Must,
    /// The database probably rejects the other order.
    Should,
    /// The database may reject the other order.
    Might,
}

/// A directed graph of numbered nodes.
#[derive(Debug, Default)]
pub(super) struct Graph {
    before: BTreeMap<usize, BTreeMap<usize, Strength>>,
}

impl Graph {
    /// Puts `one` before `other`. Ignores an edge from a node to itself.
    pub(super) fn edge(&mut self, one: usize, other: usize, tie: Strength) {
        if one != other {
            let known = self.before.entry(other).or_default().entry(one).or_insert(tie);
            *known = tie.min(*known);
        }
    }

    /// Orders the nodes with these `ranks` along the edges. If several nodes are possible, the one
    /// with the lowest rank comes first. An edge is ignored if it is in a cycle with stronger
    /// edges. In a cycle of the strongest edges, the lowest rank comes first, and the database will
    /// report the problem.
    pub(super) fn sorted<R: Ord>(mut self, ranks: &[R]) -> Vec<usize> {
        for tie in [Strength::Might, Strength::Should] {
            let circles = self.circles(ranks.len(), tie);
            for (other, those) in &mut self.before {
                those.retain(|one, own| *own != tie || circles[*one] != circles[*other]);
            }
        }
        let mut after = vec![Vec::new(); ranks.len()];
        let mut missing = vec![0; ranks.len()];
        for (other, those) in &self.before {
            missing[*other] = those.len();
            those.keys().for_each(|one| after[*one].push(*other));
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

    /// Returns the cycle of each node, as the number of a node in it. A node outside of all cycles
    /// has its own number. Edges weaker than `tie` do not count.
    pub(super) fn circles(&self, count: usize, tie: Strength) -> Vec<usize> {
        let mut after = vec![Vec::new(); count];
        let mut before = vec![Vec::new(); count];
        for (other, those) in &self.before {
            for (one, _) in those.iter().filter(|(_, own)| **own <= tie) {
                after[*one].push(*other);
                before[*other].push(*one);
            }
        }
        // Kosaraju's algorithm: the last node to be finished forwards begins a cycle backwards
        let mut seen = vec![None; count];
        let mut left = Vec::with_capacity(count);
        (0..count).for_each(|start| walk(start, start, &after, &mut seen, &mut left));
        let mut circles = vec![None; count];
        left.iter().rev().for_each(|at| walk(*at, *at, &before, &mut circles, &mut Vec::new()));
        circles.into_iter().zip(0..).map(|(circle, own)| circle.unwrap_or(own)).collect()
    }
}

/// Marks all reachable nodes without a mark. Appends the nodes to `left` in the order in which they
/// are finished.
fn walk(
    start: usize,
    mark: usize,
    next: &[Vec<usize>],
    marks: &mut [Option<usize>],
    left: &mut Vec<usize>,
) {
    let mut path = vec![(start, 0)];
    if marks[start].is_some() {
        return;
    }
    marks[start] = Some(mark);
    while let Some((at, tried)) = path.last_mut() {
        match next[*at].get(*tried) {
            Some(other) => {
                *tried += 1;
                if marks[*other].is_none() {
                    marks[*other] = Some(mark);
                    path.push((*other, 0));
                }
            }
            None => {
                left.push(*at);
                path.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Graph, Strength};

    #[test]
    fn edges_come_before_ranks_and_ranks_before_numbers() {
        let mut graph = Graph::default();
        graph.edge(0, 1, Strength::Must);
        graph.edge(3, 0, Strength::Must);
        graph.edge(2, 2, Strength::Must);
        assert_eq!(graph.sorted(&[1, 1, 0, 2]), [2, 3, 0, 1]);
        assert_eq!(Graph::default().sorted(&[2, 1, 1]), [1, 2, 0]);
    }

    #[test]
    fn a_circle_ends() {
        let mut graph = Graph::default();
        graph.edge(0, 1, Strength::Must);
        graph.edge(1, 0, Strength::Must);
        assert_eq!(graph.circles(3, Strength::Must), [0, 0, 2]);
        assert_eq!(graph.sorted(&[2, 1, 3]), [2, 1, 0]);
    }

    #[test]
    fn weak_edges_give_way_in_a_circle_only() {
        let mut graph = Graph::default();
        graph.edge(0, 1, Strength::Must);
        graph.edge(1, 2, Strength::Should);
        graph.edge(2, 0, Strength::Might);
        graph.edge(3, 0, Strength::Might);
        assert_eq!(graph.sorted(&[3, 2, 1, 4]), [3, 0, 1, 2]);
    }
}
