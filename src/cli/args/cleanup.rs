//! The arguments of `postgres-cleanup`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use clap::Parser;

use crate::cli::output::ui::Voice;
use crate::cli::variables_help;

/// Stops the development PostgreSQL cluster in PG_WORKING_DIR; its data stays.
///
/// It succeeds if no server runs, if the pid file is stale, or if there is no directory, so that it
/// can be used in a trap.
#[derive(Debug, Parser)]
#[command(name = "postgres-cleanup", version, after_long_help = variables_help())]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    pub(in crate::cli) voice: Voice,
}

impl Arguments {
    pub(in crate::cli) fn voice(&self) -> Voice {
        self.voice
    }
}
