//! Changes that belong together: an editor that saves a file causes several events, and a checkout
//! of another branch thousands.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A burst ends when nothing has changed for this long.
const QUIET: Duration = Duration::from_millis(60);

/// A burst ends at the latest after this time.
const LONGEST: Duration = Duration::from_secs(1);

/// The changes since the last burst.
#[derive(Debug, Default)]
pub struct Burst {
    paths: BTreeSet<PathBuf>,
    /// The times of the first and the latest change.
    span: Option<(Instant, Instant)>,
}

impl Burst {
    /// Adds changes that were seen at `now`.
    pub fn add(&mut self, paths: impl IntoIterator<Item = PathBuf>, now: Instant) {
        self.paths.extend(paths);
        self.span = Some((self.span.map_or(now, |(first, _)| first), now));
    }

    /// The time at which the burst ends if no further change comes. `None` without a change.
    pub fn end(&self) -> Option<Instant> {
        self.span.map(|(first, latest)| (latest + QUIET).min(first + LONGEST))
    }

    /// The changed paths, once the burst has ended at `now`. The next change begins a new burst.
    pub fn take(&mut self, now: Instant) -> Option<BTreeSet<PathBuf>> {
        self.end().filter(|end| *end <= now)?;
        self.span = None;
        Some(std::mem::take(&mut self.paths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> [PathBuf; 1] {
        [name.into()]
    }

    #[test]
    fn a_burst_ends_after_quiet_time() {
        let (mut burst, start) = (Burst::default(), Instant::now());
        assert_eq!((burst.end(), burst.take(start)), (None, None));
        burst.add(path("a"), start);
        burst.add(path("b"), start + QUIET / 2);
        assert_eq!(burst.end(), Some(start + QUIET / 2 + QUIET));
        assert_eq!(burst.take(start + QUIET), None, "b came meanwhile");
        let taken = burst.take(start + QUIET * 2).expect("ended");
        assert_eq!(taken, BTreeSet::from(["a".into(), "b".into()]));
        assert_eq!(burst.end(), None);
    }

    #[test]
    fn a_burst_without_a_pause_ends_at_its_limit() {
        let (mut burst, start) = (Burst::default(), Instant::now());
        let mut now = start;
        while now < start + LONGEST {
            assert_eq!(burst.take(now), None);
            burst.add(path("a"), now);
            now += QUIET / 3;
        }
        assert!(burst.take(start + LONGEST).is_some());
    }

    #[test]
    fn a_change_of_an_unknown_file_counts() {
        let (mut burst, start) = (Burst::default(), Instant::now());
        burst.add([], start);
        assert_eq!(burst.take(start + QUIET), Some(BTreeSet::new()));
    }
}
