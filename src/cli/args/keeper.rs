//! The arguments of a keeper. Only db-tool itself gives them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Stops a server when nobody uses it any more. db-tool starts this process for itself.
#[derive(Debug, Parser)]
#[command(name = "keeper")]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    pub(in crate::cli) task: Task,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Task {
    /// Keep the lease of a process until the process ends
    Lease {
        #[command(flatten)]
        place: Place,
        /// The process that holds the lease
        #[arg(long)]
        pid: u32,
        /// The time at which the process started
        #[arg(long)]
        started: u64,
    },
    /// Make a spare of a template
    Spare {
        /// The directory of the template
        #[arg(long)]
        template: PathBuf,
        /// The user id to whom the spare belongs
        #[arg(long)]
        uid: u32,
        /// Its group id
        #[arg(long)]
        gid: u32,
        /// The command that has cloned the template
        #[arg(long)]
        pid: u32,
        /// The time at which the command started
        #[arg(long)]
        started: u64,
    },
    /// Stop a server that has had no session for a while
    Idle {
        #[command(flatten)]
        place: Place,
        /// The postmaster
        #[arg(long)]
        pid: u32,
        /// The time at which the postmaster started
        #[arg(long)]
        started: u64,
        /// The time without a session, in milliseconds
        #[arg(long)]
        limit: u64,
    },
}

/// The cluster that a keeper works for.
#[derive(Debug, Args)]
pub(in crate::cli) struct Place {
    /// The working directory
    #[arg(long)]
    pub(in crate::cli) directory: PathBuf,
    /// The directory of the server's log
    #[arg(long)]
    pub(in crate::cli) log_directory: PathBuf,
    /// The user id that the server runs as
    #[arg(long)]
    pub(in crate::cli) owner: u32,
}
