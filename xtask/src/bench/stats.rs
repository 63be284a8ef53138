//! Medians and ratios, and the table that shows them.

use std::time::Duration;

/// The head of the Markdown table.
pub(super) const HEADER: &str = "\
| Case | What | db-tool | Shell pipeline | Ratio of medians | Pairwise ratios | Target |
|---|---|---:|---:|---:|---:|---:|";

/// The times of both sides, pair by pair.
#[derive(Default)]
pub(super) struct Comparison {
    pairs: Vec<(f64, f64)>,
}

impl Comparison {
    /// Adds one run of each side.
    pub(super) fn push(&mut self, ours: Duration, theirs: Duration) {
        self.pairs.push((ours.as_secs_f64(), theirs.as_secs_f64()));
    }

    /// The pipeline's median over ours: how many times faster we are.
    pub(super) fn ratio(&self) -> f64 {
        self.theirs() / self.ours()
    }

    /// A line of the table.
    pub(super) fn row(&self, name: &str, what: &str, target: f64) -> String {
        let ratios = || self.pairs.iter().map(|(ours, theirs)| theirs / ours);
        let least = ratios().fold(f64::INFINITY, f64::min);
        let most = ratios().fold(0.0, f64::max);
        format!(
            "| {name} | {what} | {:.0} ms | {:.0} ms | {:.1}× | {least:.1}–{most:.1}× | ≥ {target}× |",
            self.ours() * 1000.0,
            self.theirs() * 1000.0,
            self.ratio(),
        )
    }

    fn ours(&self) -> f64 {
        median(self.pairs.iter().map(|pair| pair.0).collect())
    }

    fn theirs(&self) -> f64 {
        median(self.pairs.iter().map(|pair| pair.1).collect())
    }
}

/// The middle value; of an even number the mean of the middle two; NaN of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 9.0]) - 3.0).abs() < 1e-9);
        assert!(median(vec![]).is_nan());
    }

    #[test]
    fn an_outlier_moves_the_range_and_not_the_ratio() {
        let mut comparison = Comparison::default();
        for (ours, theirs) in [(100, 800), (100, 1000), (1000, 900)] {
            comparison.push(Duration::from_millis(ours), Duration::from_millis(theirs));
        }
        let row = comparison.row("init", "a, against b", 8.0);
        let expected = "| init | a, against b | 100 ms | 900 ms | 9.0× | 0.9–10.0× | ≥ 8× |";
        assert_eq!(row, expected);
    }
}
