//! The commands of db-tool that a soak runs.

use std::time::Duration;

/// Whether the server of a project's cluster runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It runs, and nobody has a lease on it.
    Up,
    /// It does not run.
    Down,
    /// Somebody was killed, so both are possible.
    Unknown,
}

/// What a command needs of the cluster's server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// A server that runs.
    Server,
    /// Nothing: the command works after every kill.
    Nothing,
}

/// The state of the server after a successful command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// As before.
    Same,
    /// It runs.
    Up,
    /// It is stopped.
    Down,
}

/// The commands that need more than their arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// None of them.
    No,
    /// Inserts a row, and success acknowledges it.
    Insert,
    /// The patch inserts a row, and success acknowledges it.
    Patch,
    /// A short-lived process holds a lease.
    Lease,
    /// Success says that all acknowledged rows are there.
    Count,
    /// Saves a snapshot under a new name.
    Save,
    /// Removes a snapshot that was saved.
    Remove,
}

/// A command.
#[derive(Debug)]
pub(super) struct Verb {
    /// Program and arguments.
    pub(super) words: &'static [&'static str],
    /// How often it is drawn.
    weight: u64,
    /// The milliseconds that it usually takes: a kill comes within them.
    usual: u64,
    pub(super) needs: Needs,
    pub(super) after: After,
    pub(super) special: Special,
}

impl Verb {
    const fn new(words: &'static [&'static str], weight: u64, usual: u64) -> Self {
        let (needs, after, special) = (Needs::Nothing, After::Same, Special::No);
        Self { words, weight, usual, needs, after, special }
    }

    const fn needs_server(mut self) -> Self {
        self.needs = Needs::Server;
        self
    }

    const fn after(mut self, after: After) -> Self {
        self.after = after;
        self
    }

    const fn special(mut self, special: Special) -> Self {
        self.special = special;
        self
    }

    /// The time that it usually takes.
    pub(super) fn usual(&self) -> Duration {
        Duration::from_millis(self.usual)
    }

    /// How often it is drawn in this state: 0 for a command that may fail in it. In an unknown
    /// state, only a command runs that works after every kill.
    pub(super) fn weight(&self, state: State) -> u64 {
        match (self.needs, self.after) {
            _ if state == State::Up => self.weight,
            (Needs::Server, _) => 0,
            // soon again, because most commands need a server
            (Needs::Nothing, After::Up) => 5 * self.weight,
            (Needs::Nothing, _) => self.weight,
        }
    }
}

/// Starts the cluster for good, whatever happened before.
pub(super) const START: Verb =
    Verb::new(&["database", "init", "--keep-alive"], 5, 250).after(After::Up);

/// Inserts one row.
const INSERT: &[&str] = &["database", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c"];
/// The same with a cluster that runs only meanwhile, if it does not run anyway.
const RUN_INSERT: &[&str] =
    &["database", "run", "--", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c"];

/// The commands for a cluster whose rows have to stay.
pub(super) const KEPT: &[Verb] = &[
    START,
    Verb::new(&["postgres-init", "--keep-alive"], 4, 250).after(After::Up),
    Verb::new(&["postgres-cleanup"], 5, 150).after(After::Down),
    Verb::new(&["database", "hydrate"], 8, 300).needs_server(),
    Verb::new(&["database", "patch"], 8, 100).needs_server().special(Special::Patch),
    Verb::new(&["database", "test"], 8, 100).needs_server(),
    Verb::new(&["database", "check"], 8, 800),
    Verb::new(&["database", "diff", "--from-migrations"], 4, 1500),
    Verb::new(&["database", "status"], 3, 60),
    Verb::new(&["database", "status", "--all"], 3, 100),
    Verb::new(&["database", "gc"], 3, 100),
    Verb::new(&["database", "doctor"], 2, 150).needs_server(),
    Verb::new(&["database", "url"], 2, 20),
    Verb::new(INSERT, 25, 60).needs_server().special(Special::Insert),
    Verb::new(RUN_INSERT, 6, 300).special(Special::Insert),
    Verb::new(&["database", "clone", "--ttl", "5s"], 8, 200).needs_server(),
    Verb::new(&["database", "clone", "drop", "--all"], 4, 100).needs_server(),
    Verb::new(&["database", "run", "--clone", "--", "true"], 4, 400),
    Verb::new(&["database", "init", "--lease"], 6, 250).special(Special::Lease),
    Verb::new(&["database", "psql", "-XqAt", "-c"], 6, 60).needs_server().special(Special::Count),
    Verb::new(&["database", "snapshot", "save"], 4, 300).special(Special::Save),
    Verb::new(&["database", "snapshot", "rm"], 4, 50).special(Special::Remove),
    Verb::new(&["database", "backup"], 4, 800).needs_server(),
    Verb::new(&["migrator", "migrate", "up", "all"], 6, 150).needs_server(),
    Verb::new(&["migrator", "migrate", "down", "all"], 4, 120).needs_server(),
    Verb::new(&["migrator", "info"], 3, 60).needs_server(),
];

/// The commands for a cluster whose data may go.
pub(super) const SCRATCH: &[Verb] = &[
    START,
    Verb::new(&["database", "deploy"], 8, 900).after(After::Up),
    Verb::new(&["database", "init", "--fresh", "--keep-alive"], 6, 500).after(After::Up),
    Verb::new(&["database", "cleanup"], 5, 150).after(After::Down),
    Verb::new(&["database", "restore"], 5, 1000).after(After::Up),
    Verb::new(&["database", "snapshot", "restore", "base"], 6, 500),
    Verb::new(&["database", "snapshot", "save", "--replace", "other"], 4, 350).needs_server(),
    Verb::new(&["database", "status"], 3, 60),
    Verb::new(&["database", "gc"], 2, 100),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_commands_that_start_the_server() {
        for verbs in [KEPT, SCRATCH] {
            for state in [State::Up, State::Down, State::Unknown] {
                let starts = |verb: &Verb| verb.after == After::Up && verb.weight(state) > 0;
                assert!(verbs.iter().any(starts));
            }
        }
    }
}
