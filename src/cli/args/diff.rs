//! The arguments of `database diff`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use std::path::PathBuf;

use clap::Args;

/// How the differences are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum DiffFormat {
    /// For a person.
    Text,
    /// For a program.
    Json,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DiffArguments {
    /// A backup to restore and migrate for the other side [default: as for backup]
    pub(in crate::cli) backup: Option<PathBuf>,
    /// Compare with this database, which is only read
    #[arg(long, value_name = "URL", conflicts_with = "backup")]
    pub(in crate::cli) against: Option<String>,
    /// Compare with the bundle and all migrations, from nothing
    #[arg(long, conflicts_with_all = ["against", "backup"])]
    pub(in crate::cli) from_migrations: bool,
    /// Compare the rows of these tables too
    #[arg(long, value_name = "TABLES", value_delimiter = ',')]
    pub(in crate::cli) tables: Vec<String>,
    /// Compare generated columns and those with a volatile default too
    #[arg(long)]
    pub(in crate::cli) all_columns: bool,
    /// How the differences are written
    #[arg(id = "diff_format", long = "format", value_name = "FORMAT", default_value = "text")]
    pub(in crate::cli) format: DiffFormat,
    /// Write them to a file instead
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Which classes count [default: semantic,security,extension,bundle]
    #[arg(long, value_name = "CLASSES", value_delimiter = ',')]
    pub(in crate::cli) fail_on: Vec<String>,
    /// The order of columns counts too
    #[arg(long)]
    pub(in crate::cli) strict_order: bool,
    /// Compare the backup even if one of its migrations fails
    #[arg(long)]
    pub(in crate::cli) ignore_migration_fail: bool,
    /// Rules about differences that do not count [default: diff-ignore.toml in DATABASE_DIR]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) ignore_file: Option<PathBuf>,
    /// Leave the private clusters running
    #[arg(long)]
    pub(in crate::cli) keep: bool,
    /// Draft a migration that makes A what B is, and save it if it does so on a copy
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) write_migration: Option<String>,
    /// Set the psql variable USE_MOCK=1
    #[arg(short, long)]
    pub(in crate::cli) mock: bool,
}
