//! The amount of a table's rows.

use serde::{Deserialize, Serialize};

use super::checksum::Checksum;

/// The amount of a table's rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// The number of rows.
    pub rows: u64,
    /// The number of bytes in the file.
    pub bytes: u64,
    /// The checksum of the rows that were read, after masking.
    pub checksum: Checksum,
}

impl Amount {
    /// Adds complete rows, each with its line end.
    pub(in crate::pull) fn add(&mut self, rows: &[u8], left_out: &[usize]) {
        let count = lines(rows);
        let mut add =
            |row: &[u8]| self.checksum.add(row.strip_suffix(b"\n").unwrap_or(row), left_out);
        match count {
            1 => add(rows),
            _ => rows.split_inclusive(|&byte| byte == b'\n').for_each(add),
        }
        self.rows += count;
        self.bytes += rows.len() as u64;
    }
}

/// Counts the rows of a chunk: its line ends, because `COPY` escapes line ends parents rows. The
/// inner sum is over bytes, so that the compiler can vectorize it: every pulled byte passes through
/// here.
fn lines(chunk: &[u8]) -> u64 {
    let ends = |piece: &[u8]| piece.iter().map(|&byte| u8::from(byte == b'\n')).sum::<u8>();
    chunk.chunks(u8::MAX.into()).map(|piece| u64::from(ends(piece))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_however_many() {
        assert_eq!([lines(b""), lines(b"a\nb\n"), lines(&[b'\n'; 1000])], [0, 2, 1000]);
    }
}
