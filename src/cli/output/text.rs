//! Sizes and times, as people say them.

use std::time::Duration;

use crate::cluster::{self, Usage};
use crate::environment::lease::Holder;
use crate::sys::steps::Steps;

/// Formats a size in a suitable unit.
pub(in crate::cli) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

/// Formats a span of time in its largest unit.
pub(in crate::cli) fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// The time of all steps together, and that of each.
pub(in crate::cli) fn timing(steps: &Steps) -> String {
    format!(" in {} ms ({})", steps.elapsed().as_millis(), steps.summary())
}

/// Formats seconds since the epoch as a date and a time, with `between` in the middle and `end` at
/// the end.
pub(in crate::cli) fn time_of(epoch: u64, between: char, end: &str) -> String {
    let epoch = i64::try_from(epoch).unwrap_or_default();
    let time = time::OffsetDateTime::from_unix_timestamp(epoch);
    let time = time.unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = time.to_hms();
    format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}{end}")
}

/// The size of the template cache and its limit.
pub(in crate::cli) fn templates(used: Usage) -> String {
    let limit = size(used.limit);
    format!("templates: {}, {} of at most {limit}", used.count, size(used.bytes))
}

/// The size of the logs and its limit, which the next start enforces.
pub(in crate::cli) fn logs(used: Usage) -> String {
    let (files, limit) = (cluster::LOG_LIMIT, size(used.limit));
    format!("files: {} of at most {files}, {} of at most {limit}", used.count, size(used.bytes))
}

/// The processes with a lease, and whether the server stops with the last of them.
pub(in crate::cli) fn leases(holders: &[Holder], ends_with_last: bool) -> String {
    let name = |holder: &Holder| match &holder.program {
        Some(program) => format!("{program} (pid {})", holder.pid),
        None => format!("pid {} of another container", holder.pid),
    };
    let names: Vec<_> = holders.iter().map(name).collect();
    let names = names.join(", ");
    match ends_with_last {
        true => format!("{names}; the server stops with the last one"),
        false => format!("{names}; the server goes on without them"),
    }
}
