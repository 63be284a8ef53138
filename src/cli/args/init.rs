//! The arguments of `postgres-init`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use clap::{Args, Parser};

use crate::cli::output::export::Format;
use crate::cli::output::ui::Voice;
use crate::cli::resolve::Listen;
use crate::cli::variables_help;

/// Starts the development PostgreSQL cluster in PG_WORKING_DIR.
///
/// A cluster that is there is kept: it is started, or found running. The role and the database that
/// DB_URL names are created. The server keeps running when this program ends; `postgres-cleanup`
/// stops it.
#[derive(Debug, Parser)]
#[command(name = "postgres-init", version, after_long_help = variables_help())]
pub(in crate::cli) struct Arguments {
    /// Print the connection variables for a shell, a program or a file
    #[arg(long, value_name = "FORMAT")]
    pub(in crate::cli) export: Option<Format>,
    /// Make the cluster anew; its data is lost. Attach to it instead if others work in it
    #[arg(long)]
    pub(in crate::cli) fresh: bool,
    #[command(flatten)]
    pub(in crate::cli) listen: ListenArguments,
    #[command(flatten)]
    pub(in crate::cli) lease: LeaseArguments,
    #[command(flatten)]
    pub(in crate::cli) voice: Voice,
}

/// The address of the server for TCP connections.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct ListenArguments {
    /// Accept TCP connections on this address; an empty one: on no address [default: PG_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) listen: Option<String>,
    /// Allow an address that other machines can reach
    #[arg(long)]
    pub(in crate::cli) listen_public: bool,
}

impl From<ListenArguments> for Listen {
    fn from(arguments: ListenArguments) -> Self {
        Self { address: arguments.listen, public: arguments.listen_public }
    }
}

/// How long the server runs.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct LeaseArguments {
    /// Stop the server, and keep its data, when this process and all others with a lease have ended
    #[arg(long, value_name = "PID")]
    pub(in crate::cli) lease: Option<u32>,
    /// Let the server run until somebody stops it, even if it has been leased
    #[arg(long, conflicts_with = "lease")]
    pub(in crate::cli) keep_alive: bool,
}

impl Arguments {
    pub(in crate::cli) fn voice(&self) -> Voice {
        self.voice
    }
}
