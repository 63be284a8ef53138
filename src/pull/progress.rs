//! Progress messages about the table that is being read.

use std::time::{Duration, Instant};

use super::read::amount::Amount;
use crate::sys::steps::PROGRESS;

/// The interval between messages.
const EVERY: Duration = Duration::from_millis(200);

/// The number of bytes between looks at the clock. Looking after each row would cost more than
/// reading the row.
const LOOK: u64 = 1 << 14;

/// Reports how much of a table was read.
pub(super) struct Progress<'a> {
    table: &'a str,
    /// The estimated number of rows.
    estimate: Option<u64>,
    started: Instant,
    told: Instant,
    /// The number of bytes at which `Progress` looks at the clock again.
    next: u64,
}

impl<'a> Progress<'a> {
    /// Starts the clock.
    pub(super) fn of(table: &'a str, estimate: Option<u64>) -> Self {
        let now = Instant::now();
        Self { table, estimate, started: now, told: now, next: 0 }
    }

    /// Reports the amount, unless the last message is too recent.
    pub(super) fn update(&mut self, amount: Amount) {
        if amount.bytes < self.next {
            return;
        }
        self.next = amount.bytes + LOOK;
        if self.told.elapsed() < EVERY {
            return;
        }
        self.told = Instant::now();
        let text = describe(self.table, amount, self.started.elapsed(), self.estimate);
        tracing::info!(target: PROGRESS, "{text}");
    }
}

/// Makes a message: `shop.orders, 1200000 rows, 80 MB, 40 MB/s, about 12 s left`
fn describe(table: &str, amount: Amount, elapsed: Duration, estimate: Option<u64>) -> String {
    const MEGA: u64 = 1_000_000;
    let Amount { rows, bytes, .. } = amount;
    let rate = u128::from(bytes) * 1000 / elapsed.as_millis().max(1);
    let mut text =
        format!("{table}, {rows} rows, {} MB, {} MB/s", bytes / MEGA, rate / u128::from(MEGA));
    if let Some(open) = estimate.and_then(|all| all.checked_sub(rows)).filter(|_| rows > 0) {
        let left = elapsed.as_millis() * u128::from(open) / u128::from(rows) / 1000;
        text += &format!(", about {left} s left");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_rest_are_told() {
        let at = |rows, estimate| {
            let amount = Amount { rows, bytes: 80_000_000, ..Amount::default() };
            describe("shop.a", amount, Duration::from_secs(2), estimate)
        };
        assert_eq!(at(10, Some(70)), "shop.a, 10 rows, 80 MB, 40 MB/s, about 12 s left");
        assert_eq!(at(10, Some(5)), "shop.a, 10 rows, 80 MB, 40 MB/s");
        assert_eq!(at(0, None), "shop.a, 0 rows, 80 MB, 40 MB/s");
    }
}
