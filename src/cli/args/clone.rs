//! The arguments of `database clone` and `database run`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use std::ffi::OsString;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct CloneArguments {
    #[command(subcommand)]
    pub(in crate::cli) verb: Option<CloneVerb>,
    /// The name of the new database [default: a name that db-tool makes up]
    #[arg(long)]
    pub(in crate::cli) name: Option<String>,
    /// Let the next command drop it after this time, such as 10min [default: 1h]
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) ttl: Option<String>,
    /// Let it stay until somebody drops it
    #[arg(long, conflicts_with_all = ["ttl", "owner"])]
    pub(in crate::cli) keep: bool,
    /// Let the next command drop it when this process has ended; only then, without --ttl
    #[arg(long, value_name = "PID")]
    pub(in crate::cli) owner: Option<u32>,
    #[command(flatten)]
    pub(in crate::cli) parts: CloneParts,
}

/// The content of clones.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(in crate::cli) struct CloneParts {
    /// Run the patch file, too
    #[arg(long)]
    pub(in crate::cli) patch: bool,
    /// Set the psql variable USE_MOCK=1
    #[arg(short, long)]
    pub(in crate::cli) mock: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CloneVerb {
    /// List the clones
    List {
        /// Print the list as JSON
        #[arg(long)]
        json: bool,
    },
    /// Drop clones, and end their sessions
    Drop {
        /// The names of the clones
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        names: Vec<String>,
        /// Drop all clones
        #[arg(long)]
        all: bool,
    },
    /// Let clones stay for a while, also when their owner ends
    Keep {
        /// The names of the clones
        #[arg(required = true)]
        names: Vec<String>,
        /// Let the next command drop them after this time [default: 1h]
        // not `ttl`, because `clone` itself has that
        #[arg(id = "keep-ttl", long = "ttl", value_name = "TIME")]
        ttl: Option<String>,
    },
    /// Drop the clones whose time is over or whose owner has ended
    Prune,
    /// Print the name of the template of clones, after building it if a source has changed
    Template {
        #[command(flatten)]
        parts: CloneParts,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RunArguments {
    /// Let the server run until somebody stops it
    #[arg(long)]
    pub(in crate::cli) keep_alive: bool,
    /// Give the command a copy of the database, and drop that afterwards
    #[arg(long)]
    pub(in crate::cli) clone: bool,
    /// Let the clone of a command that fails stay, and print its URL
    #[arg(long, requires = "clone")]
    pub(in crate::cli) keep_failed: bool,
    /// Drop the clone of a command that fails after this time [default: 1h]
    #[arg(long, requires = "keep_failed", value_name = "TIME")]
    pub(in crate::cli) ttl: Option<String>,
    /// Run the patch file in the clone, too
    #[arg(long, requires = "clone")]
    pub(in crate::cli) patch: bool,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    pub(in crate::cli) command: Vec<OsString>,
}
