//! The figures of a soak.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::kill::Victim;

/// The counts of a soak: commands, kills and rows.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) runs: usize,
    pub(super) kills: BTreeMap<Victim, usize>,
    pub(super) verbs: BTreeMap<String, usize>,
    pub(super) acknowledged: u64,
    pub(super) found: u64,
    /// The directories for sockets that lie outside the soak's own directory.
    pub(super) sockets: Vec<PathBuf>,
}

impl Tally {
    /// Adds the figures of another worker.
    pub(super) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.acknowledged += other.acknowledged;
        self.found += other.found;
        self.sockets.extend(other.sockets);
        for (victim, count) in other.kills {
            *self.kills.entry(victim).or_default() += count;
        }
        for (verb, count) in other.verbs {
            *self.verbs.entry(verb).or_default() += count;
        }
    }

    /// The number of all kills.
    pub(super) fn killed(&self) -> usize {
        self.kills.values().sum()
    }

    /// The summary.
    pub(super) fn summary(&self, seed: u64, took: Duration) -> Summary<'_> {
        Summary { tally: self, seed, took }
    }
}

/// The tally as text.
pub(super) struct Summary<'a> {
    tally: &'a Tally,
    seed: u64,
    took: Duration,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = |counts: Vec<(&str, usize)>| {
            let words = counts.iter().map(|(name, count)| format!("{name} {count}"));
            words.collect::<Vec<_>>().join(", ")
        };
        let tally = self.tally;
        let verbs = tally.verbs.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        let kills = tally.kills.iter().map(|(victim, count)| (victim.name(), *count)).collect();
        writeln!(f, "runs:  {} in {} s, seed {}", tally.runs, self.took.as_secs(), self.seed)?;
        writeln!(f, "verbs: {}", counts(verbs))?;
        writeln!(f, "kills: {} ({})", tally.killed(), counts(kills))?;
        write!(f, "rows:  {} acknowledged, {} found again", tally.acknowledged, tally.found)
    }
}
