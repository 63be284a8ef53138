//! The arguments of `database pull_staging`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(in crate::cli) struct PullArguments {
    /// Connect without ssh, as with STAGING_SSH_HOST=-
    #[arg(long)]
    pub(in crate::cli) direct: bool,
    /// Read this many tables at the same time
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(in crate::cli) jobs: u16,
    /// The SQL form of rows [default: copy, unless STAGING_DUMP_FLAGS says otherwise]
    #[arg(long = "format", id = "row_format", value_name = "FORMAT")]
    pub(in crate::cli) format: Option<Format>,
    /// Pull only rows that meet an SQL condition
    #[arg(long = "where", value_name = "TABLE=CONDITION")]
    pub(in crate::cli) conditions: Vec<String>,
    /// Pull at most this many rows, the first by key
    #[arg(long = "limit", value_name = "TABLE=N")]
    pub(in crate::cli) limits: Vec<String>,
    /// Pull only rows that are new since the last pull, by this column
    #[arg(long, value_name = "COLUMN", conflicts_with = "incremental")]
    pub(in crate::cli) since: Option<String>,
    /// Pull only rows that are new since the last pull, by a column such as updated_at
    #[arg(long)]
    pub(in crate::cli) incremental: bool,
    /// Continue an interrupted pull: keep the tables that it has read
    #[arg(long)]
    pub(in crate::cli) resume: bool,
    /// Pull also the rows that pulled rows refer to by foreign keys, in any table
    #[arg(long, conflicts_with_all = ["since", "incremental"])]
    pub(in crate::cli) closure: bool,
    /// Propose a staging.toml on standard output, from names and samples of values
    #[arg(long, conflicts_with_all = ["conditions", "limits", "row_format"])]
    pub(in crate::cli) scan: bool,
    /// Check whether a pull would work and estimate its duration; change nothing
    #[arg(long, conflicts_with = "scan")]
    pub(in crate::cli) check: bool,
    /// Load into the database in one transaction, instead of writing the patch file
    #[arg(long)]
    pub(in crate::cli) into_database: bool,
    /// Time limit in seconds for a connection, or for a lock on staging
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(in crate::cli) timeout: u32,
}

/// The SQL form of rows.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Format {
    /// Data of COPY
    Copy,
    /// INSERT statements
    Inserts,
}
