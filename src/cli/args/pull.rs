//! The arguments of `database pull_staging`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(in crate::cli) struct PullArguments {
    /// Connect without ssh, as STAGING_SSH_HOST=- does
    #[arg(long)]
    pub(in crate::cli) direct: bool,
    /// Read this many tables at once
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(in crate::cli) jobs: u16,
    /// How rows are written [default: copy, unless STAGING_DUMP_FLAGS says otherwise]
    #[arg(long = "format", id = "row_format", value_name = "FORMAT")]
    pub(in crate::cli) format: Option<Format>,
    /// Pull only rows that meet an SQL condition
    #[arg(long = "where", value_name = "TABLE=CONDITION")]
    pub(in crate::cli) conditions: Vec<String>,
    /// Pull at most this many rows, the first by key
    #[arg(long = "limit", value_name = "TABLE=N")]
    pub(in crate::cli) limits: Vec<String>,
    /// Pull only what is new since the last pull, as this column tells where a table has it
    #[arg(long, value_name = "COLUMN", conflicts_with = "incremental")]
    pub(in crate::cli) since: Option<String>,
    /// Pull only what is new since the last pull, as columns like updated_at tell
    #[arg(long)]
    pub(in crate::cli) incremental: bool,
    /// Keep the tables that an interrupted pull has read, and read the others
    #[arg(long)]
    pub(in crate::cli) resume: bool,
    /// Pull also the rows that pulled rows refer to by foreign keys, of any table
    #[arg(long, conflicts_with_all = ["since", "incremental"])]
    pub(in crate::cli) closure: bool,
    /// Propose a staging.toml on standard output, from names and counts of sampled values
    #[arg(long, conflicts_with_all = ["conditions", "limits", "row_format"])]
    pub(in crate::cli) scan: bool,
    /// Say whether a pull would work and about how long it would take; changes nothing
    #[arg(long, conflicts_with = "scan")]
    pub(in crate::cli) check: bool,
    /// Load into the database here, in one transaction, instead of writing the patch file
    #[arg(long)]
    pub(in crate::cli) into_database: bool,
    /// How long a connection, or a lock on staging, may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(in crate::cli) timeout: u32,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Format {
    /// Data of COPY
    Copy,
    /// INSERT statements
    Inserts,
}
