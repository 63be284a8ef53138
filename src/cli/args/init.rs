//! The arguments of `postgres-init`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use clap::Parser;

use crate::cli::output::export::Format;
use crate::cli::output::ui::Voice;
use crate::cli::variables_help;

/// Starts the development PostgreSQL cluster in PG_WORKING_DIR.
///
/// The cluster is made anew unless PG_REUSE is set or other sessions are connected. The role and
/// the database that DB_URL names are created. The server keeps running when this program ends;
/// `postgres-cleanup` stops it.
#[derive(Debug, Parser)]
#[command(name = "postgres-init", version, after_long_help = variables_help())]
pub(in crate::cli) struct Arguments {
    /// Print the connection variables for a shell, a program or a file
    #[arg(long, value_name = "FORMAT")]
    pub(in crate::cli) export: Option<Format>,
    #[command(flatten)]
    pub(in crate::cli) voice: Voice,
}

impl Arguments {
    pub(in crate::cli) fn voice(&self) -> Voice {
        self.voice
    }
}
