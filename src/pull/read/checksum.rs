//! A checksum of rows in any order: the sum of the digests of all rows.
//!
//! Each row is digested (XXH3, 128 bits) in the format of `COPY`. Equal rows do not cancel each
//! other in a sum, as they would in an exclusive or. The checksum finds accidents, not forgeries: a
//! cryptographic digest of every row would take longer than reading the row.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// The sum of the digests so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum(u128);

impl Checksum {
    /// Adds a row. `row` has no line end; the cells at the indexes `left_out` do not count.
    pub(in crate::pull) fn add(&mut self, row: &[u8], left_out: &[usize]) {
        let digest = if left_out.is_empty() { xxh3_128(row) } else { of_others(row, left_out) };
        self.0 = self.0.wrapping_add(digest);
    }
}

fn of_others(row: &[u8], left_out: &[usize]) -> u128 {
    let cells = row.split(|byte| *byte == b'\t').enumerate();
    let kept: Vec<&[u8]> =
        cells.filter(|(place, _)| !left_out.contains(place)).map(|(_, cell)| cell).collect();
    xxh3_128(&kept.join(&b'\t'))
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
