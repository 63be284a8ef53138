//! Lines of a text that others wrote. Such a line may have a hundred megabytes.

use std::io::{BufRead, Result};

/// The bytes of a line that are kept.
pub const LINE_LIMIT: usize = 256 * 1024;

/// Reads one line into `line`, without its line end and cut at [`LINE_LIMIT`]. Returns false at the
/// end of the text.
pub fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = available.iter().position(|&byte| byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        let room = LINE_LIMIT - line.len();
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_whole_up_to_the_limit() {
        let long = "x".repeat(3 * LINE_LIMIT);
        let text = format!("one\n\n{long}\nlast");
        let mut reader = std::io::BufReader::with_capacity(100, text.as_bytes());
        let mut line = Vec::new();
        let mut lengths = Vec::new();
        while read_line(&mut reader, &mut line).expect("read") {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [3, 0, LINE_LIMIT, 4]);
    }
}
