//! The processes that a soak kills.

use std::path::Path;
use std::time::Duration;

use super::process::{Process, Server, all, descendants};
use super::random::Random;

/// The kinds of victims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Victim {
    /// The program of db-tool that was started.
    Tool,
    /// A psql that it runs.
    Psql,
    /// The postmaster of the project's cluster, or of a private cluster.
    Postmaster,
    /// One of the other processes of such a server.
    Backend,
    /// All processes of such a server at once, as the removal of a container kills them.
    Server,
}

impl Victim {
    /// The kinds, and how often each is drawn.
    const KINDS: [(Self, u64); 5] = [
        (Self::Tool, 40),
        (Self::Psql, 15),
        (Self::Postmaster, 15),
        (Self::Backend, 20),
        (Self::Server, 10),
    ];

    /// Its name in the summary.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Psql => "psql",
            Self::Postmaster => "postmaster",
            Self::Backend => "backend",
            Self::Server => "whole server",
        }
    }

    /// Whether a server loses processes.
    pub(super) fn is_of_a_server(self) -> bool {
        matches!(self, Self::Postmaster | Self::Backend | Self::Server)
    }
}

/// A kill that was drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kill {
    pub(super) victim: Victim,
    /// The time from the start of the command.
    pub(super) after: Duration,
    /// Chooses among the processes of this kind.
    choice: u64,
}

/// The place in which servers are killed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    /// The soak's own directory.
    pub(super) ground: &'a Path,
    /// The data directory of the project's cluster, in it.
    pub(super) data: &'a Path,
}

impl Kill {
    /// Draws the kill of a command that usually takes `usual`.
    pub(super) fn draw(random: &mut Random, usual: Duration) -> Option<Self> {
        let (victim, _) = *random.pick(&Victim::KINDS, |(_, weight)| *weight)?;
        let limit = u64::try_from(usual.as_micros()).unwrap_or(u64::MAX);
        let after = Duration::from_micros(random.below(limit));
        Some(Self { victim, after, choice: random.below(1 << 32) })
    }

    /// Kills, if there is such a process now. `tool` is the running command. Nothing is killed but
    /// `tool`, a psql that it runs, and servers whose data directories lie below the soak's own.
    pub(super) fn strike(&self, tool: &mut std::process::Child, at: &Target<'_>) -> bool {
        if self.victim == Victim::Tool {
            return tool.kill().is_ok();
        }
        let all = all();
        if self.victim == Victim::Psql {
            let mut psql = descendants(&all, tool.id());
            psql.retain(|process| process.name == "psql");
            return self.choose(&psql).is_some_and(Process::kill);
        }
        let mut servers = Server::run_by(&all, tool.id(), at.ground);
        servers.extend(Server::of(&all, at.data));
        let Some(server) = self.choose(&servers) else { return false };
        match self.victim {
            Victim::Postmaster => server.postmaster().is_some_and(Process::kill),
            Victim::Backend => self.choose(server.backends()).is_some_and(Process::kill),
            _ => server.members().iter().filter(|process| process.kill()).count() > 0,
        }
    }

    fn choose<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        let number = self.choice.checked_rem(u64::try_from(from.len()).ok()?)?;
        from.get(usize::try_from(number).ok()?)
    }
}
