//! Medians, their comparison, and the table of results.

use std::time::Duration;

use super::cases::Target;

/// The head of the Markdown table.
pub(super) const HEADER: &str = "\
| Case | What | db-tool | The other | Medians compared | Pair by pair | Target |
|---|---|---:|---:|---:|---:|---:|";

/// The times of both sides, pair by pair.
#[derive(Default)]
pub(super) struct Comparison {
    pairs: Vec<(f64, f64)>,
}

impl Comparison {
    /// Adds one run of each side.
    pub(super) fn push(&mut self, ours: Duration, theirs: Duration) {
        self.pairs.push((ours.as_secs_f64() * 1000.0, theirs.as_secs_f64() * 1000.0));
    }

    /// Whether the medians satisfy the target.
    pub(super) fn meets(&self, target: Target) -> bool {
        let value = target.compare(self.ours(), self.theirs());
        match target {
            Target::Ratio(least) => value >= least,
            Target::Within(most) => value < most,
        }
    }

    /// A line of the table.
    pub(super) fn row(&self, name: &str, what: &str, target: Target) -> String {
        let each = || self.pairs.iter().map(|(ours, theirs)| target.compare(*ours, *theirs));
        let least = each().fold(f64::INFINITY, f64::min);
        let most = each().fold(f64::NEG_INFINITY, f64::max);
        format!(
            "| {name} | {what} | {:.0} ms | {:.0} ms | {} | {} to {} | {} |",
            self.ours(),
            self.theirs(),
            target.show(target.compare(self.ours(), self.theirs())),
            target.show(least),
            target.show(most),
            target.limit(),
        )
    }

    fn ours(&self) -> f64 {
        median(self.pairs.iter().map(|pair| pair.0).collect())
    }

    fn theirs(&self) -> f64 {
        median(self.pairs.iter().map(|pair| pair.1).collect())
    }
}

impl Target {
    /// The factor by which db-tool is faster, or the time that it takes longer.
    fn compare(self, ours: f64, theirs: f64) -> f64 {
        match self {
            Self::Ratio(_) => theirs / ours,
            Self::Within(_) => ours - theirs,
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::Ratio(_) if value < 2.0 => format!("{value:.2}×"),
            Self::Ratio(_) => format!("{value:.1}×"),
            Self::Within(_) => format!("{value:+.0} ms"),
        }
    }

    fn limit(self) -> String {
        match self {
            Self::Ratio(least) => format!("≥ {}", self.show(least)),
            Self::Within(most) => format!("< {}", self.show(most)),
        }
    }
}

/// The median: the middle value, or the mean of the middle two. It is NaN if there are no values.
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

    fn comparison(pairs: [(u64, u64); 3]) -> Comparison {
        let mut comparison = Comparison::default();
        for (ours, theirs) in pairs {
            comparison.push(Duration::from_millis(ours), Duration::from_millis(theirs));
        }
        comparison
    }

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 9.0]) - 3.0).abs() < 1e-9);
        assert!(median(vec![]).is_nan());
    }

    #[test]
    fn an_outlier_moves_the_range_and_not_the_ratio() {
        let comparison = comparison([(100, 800), (100, 1000), (500, 900)]);
        let row = comparison.row("init", "a, against b", Target::Ratio(8.0));
        let expected = "| init | a, against b | 100 ms | 900 ms | 9.0× | 1.80× to 10.0× | ≥ 8.0× |";
        assert_eq!(row, expected);
        assert!(comparison.meets(Target::Ratio(9.0)) && !comparison.meets(Target::Ratio(9.1)));
    }

    #[test]
    fn what_may_take_a_little_longer_is_shown_with_how_much() {
        let comparison = comparison([(50, 30), (60, 40), (45, 50)]);
        let row = comparison.row("noop", "a, against b", Target::Within(50.0));
        let expected =
            "| noop | a, against b | 50 ms | 40 ms | +10 ms | -5 ms to +20 ms | < +50 ms |";
        assert_eq!(row, expected);
        assert!(comparison.meets(Target::Within(11.0)) && !comparison.meets(Target::Within(10.0)));
    }
}
