//! The arguments of `database diff`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use std::path::PathBuf;

use clap::Args;

use super::bundle::BundleArguments;

/// The format of the differences.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum DiffFormat {
    /// Text for people.
    #[default]
    Text,
    /// JSON for programs.
    Json,
}

#[derive(Debug, Default, Args)]
pub(in crate::cli) struct DiffArguments {
    /// A backup to restore and migrate as side A [default: as for backup]
    pub(in crate::cli) backup: Option<PathBuf>,
    /// Compare with this database, which is only read
    #[arg(long, value_name = "URL", conflicts_with = "backup")]
    pub(in crate::cli) against: Option<String>,
    /// Compare with a new database with the bundle and all migrations
    #[arg(long, conflicts_with_all = ["against", "backup"])]
    pub(in crate::cli) from_migrations: bool,
    /// Compare the rows of these tables too
    #[arg(long, value_name = "TABLES", value_delimiter = ',')]
    pub(in crate::cli) tables: Vec<String>,
    /// Compare also generated columns and those with a volatile default
    #[arg(long)]
    pub(in crate::cli) all_columns: bool,
    /// The format of the differences
    #[arg(id = "diff_format", long = "format", value_name = "FORMAT", default_value = "text")]
    pub(in crate::cli) format: DiffFormat,
    /// Write the differences to a file
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// The classes of differences that count [default: semantic,security,extension,bundle]
    #[arg(long, value_name = "CLASSES", value_delimiter = ',')]
    pub(in crate::cli) fail_on: Vec<String>,
    /// The order of columns counts, too
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
    /// Neither use nor make cached states of the databases
    #[arg(long)]
    pub(in crate::cli) no_cache: bool,
    /// Draft a migration that makes A equal to B, try it on a copy, and save it
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) write_migration: Option<String>,
    /// Let the draft make the roles that A lacks, without passwords
    #[arg(long, requires = "write_migration")]
    pub(in crate::cli) with_roles: bool,
    #[command(flatten)]
    pub(in crate::cli) bundle: BundleArguments,
    /// Set the psql variable USE_MOCK=1
    #[arg(short, long)]
    pub(in crate::cli) mock: bool,
}
