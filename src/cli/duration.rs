//! Durations as PostgreSQL writes them: `30s`, `5 min`.

use std::time::Duration;

use crate::sys::error::{Error, Result};
use crate::sys::shown::beginning;

/// Parses a number with one of PostgreSQL's units of time. Without a unit, it means milliseconds.
pub(in crate::cli) fn duration(name: &str, text: &str) -> Result<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds: Option<u64> = match unit.trim() {
        "" | "ms" => Some(1),
        "s" => Some(1000),
        "min" | "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let parsed = number.parse::<u64>().ok().zip(milliseconds).and_then(|(n, ms)| n.checked_mul(ms));
    // the server counts milliseconds in 31 bits
    parsed.filter(|ms| i32::try_from(*ms).is_ok()).map(Duration::from_millis).ok_or_else(|| {
        Error::conflict(format!("{name} is {}, which is not a duration", beginning(text)))
            .hint("write a whole number with ms, s, min or h, such as 30s")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let read = |text| duration("wait", text).ok().map(|d| d.as_millis());
        assert_eq!(read("250"), Some(250));
        assert_eq!(read("5s"), Some(5000));
        assert_eq!(read("2 min"), Some(120_000));
        for bad in ["", "s", "-1s", "5 days", "1.5s", "99999999999h"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
