//! A checksum of rows in any order: the sum of what each row is digested to.
//!
//! A row is digested as `COPY` writes it. In a sum, unlike in an exclusive or, two equal rows do not
//! cancel each other.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The sum so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum(u128);

impl Checksum {
    /// Adds a row, without its end and without the cells at the places `left_out`.
    pub(super) fn add(&mut self, row: &[u8], left_out: &[usize]) {
        let digest = if left_out.is_empty() {
            Sha256::digest(row)
        } else {
            let mut digest = Sha256::new();
            let cells = row.split(|byte| *byte == b'\t').enumerate();
            let kept = cells.filter(|(place, _)| !left_out.contains(place));
            for (count, (_, cell)) in kept.enumerate() {
                if count > 0 {
                    digest.update(b"\t");
                }
                digest.update(cell);
            }
            digest.finalize()
        };
        let (half, _) = digest.split_at(size_of::<u128>());
        let half = half.try_into().map(u128::from_be_bytes).unwrap_or_default();
        self.0 = self.0.wrapping_add(half);
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str], left_out: &[usize]) -> Checksum {
        let mut sum = Checksum::default();
        rows.iter().for_each(|row| sum.add(row.as_bytes(), left_out));
        sum
    }

    #[test]
    fn the_order_of_rows_does_not_count_and_everything_else_does() {
        assert_eq!(of(&["a\tb", "c"], &[]), of(&["c", "a\tb"], &[]));
        assert_ne!(of(&["a", "a"], &[]), of(&["b", "b"], &[]));
        assert_ne!(of(&["a", "a"], &[]), of(&[], &[]));
        assert_ne!(of(&["a\tb", "c\td"], &[]), of(&["a\td", "c\tb"], &[]));
    }

    #[test]
    fn cells_are_left_out_as_if_they_were_not_read() {
        assert_eq!(of(&["a\tb\tc"], &[1]), of(&["a\tc"], &[]));
        assert_eq!(of(&["a\tb\tc"], &[0, 2]), of(&["b"], &[]));
        assert_eq!(of(&["a"], &[0]), of(&[""], &[]));
    }
}
