//! The arguments of `database`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::diff::DiffArguments;
use super::pull::PullArguments;
use super::secrets::SecretsVerb;
use crate::cli::output::export::Format;
use crate::cli::output::ui::Voice;
use crate::cli::variables_help;

/// Manages a project's PostgreSQL development database.
#[derive(Debug, Parser)]
#[command(name = "database", version, after_long_help = variables_help())]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    pub(in crate::cli) global: Global,
    #[command(subcommand)]
    pub(in crate::cli) verb: Verb,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Global {
    /// Where the database is: URL or key=value conninfo [default: DB_URL, then PGURL]
    #[arg(short, long, global = true, value_name = "URL")]
    pub(in crate::cli) url: Option<String>,
    /// A table that has to exist (deprecated: the bundle enforces inheritance)
    #[arg(short, long, global = true, value_name = "TABLE")]
    pub(in crate::cli) inherits: Vec<String>,
    #[command(flatten)]
    voice: Voice,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Verb {
    /// Start the development cluster, making it anew unless PG_REUSE is set
    Init {
        /// Print the connection variables
        #[arg(long, value_name = "FORMAT")]
        export: Option<Format>,
    },
    /// Start the cluster, hydrate and patch
    Deploy(DeployArguments),
    /// Apply the bundle, load the secrets, run the sources
    Hydrate {
        /// Leave the hectic bundle out
        #[arg(short = 'H', long)]
        no_hook: bool,
        /// Set the psql variable USE_MOCK=1
        #[arg(short, long)]
        mock: bool,
        /// Load the secrets from this dotenv
        #[arg(short = 'f', long, value_name = "FILE")]
        dotenv_file: Option<PathBuf>,
    },
    /// Run the patch file
    Patch {
        /// Open the patch file in the editor instead
        #[arg(short, long)]
        edit: bool,
    },
    /// Run test/test.sql; a `not ok` in its TAP output fails
    Test,
    /// Try the whole project in a private cluster that is removed afterwards
    Check(CheckArguments),
    /// Compare the sources with a backup, the migrations or a database
    Diff(DiffArguments),
    /// Show a log: the newest, or by number, name or part of a name
    Log {
        /// `list`, a number from it, a name, or a part of one
        which: Option<String>,
    },
    /// Stop the cluster and remove it
    Cleanup,
    /// Take a physical backup and check it
    Backup {
        /// Its directory [default: $LOCAL_DIR/focus/postgresql-backup]
        path: Option<PathBuf>,
    },
    /// Let a backup take the place of the development cluster, once it is proven
    Restore(RestoreArguments),
    /// Adapt a backup for the team and pack it again
    NormalizeBackup(NormalizeArguments),
    /// Bring rows of the staging database into the patch file
    #[command(name = "pull_staging", alias = "pull-staging")]
    PullStaging(PullArguments),
    /// Save named states of the development cluster, and come back to them
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Snapshot {
        #[command(subcommand)]
        verb: SnapshotVerb,
    },
    /// Tell what runs, since when, how large, for whom
    Status {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Apply, revert, prove and repair migrations; see `database migrator --help`
    #[command(disable_help_flag = true)]
    Migrator {
        /// Arguments for migrator
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Open psql on the database; arguments are psql's
    Psql {
        /// Arguments for psql
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Print the database's URL, without a password
    Url,
    /// Load, show, change and rotate the secrets, which rest sealed
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Secrets {
        #[command(subcommand)]
        verb: SecretsVerb,
    },
    /// Look at every precondition and say what to do about it
    Doctor,
    /// Show or upgrade the hectic bundle in the database
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Bundle {
        #[command(subcommand)]
        verb: BundleVerb,
    },
    /// Write completions for bash, zsh and fish, and man pages, for all programs
    Share {
        /// A directory like /usr/share; ~/.local/share will do
        directory: PathBuf,
    },
}

/// Which parts of the project go into the database.
#[derive(Debug, Args)]
pub(in crate::cli) struct Parts {
    /// Leave the patch out
    #[arg(short = 'P', long)]
    pub(in crate::cli) no_patch: bool,
    /// Leave hydration out
    #[arg(short = 'H', long)]
    pub(in crate::cli) no_hydrate: bool,
    /// Set the psql variable USE_MOCK=1
    #[arg(short, long)]
    pub(in crate::cli) mock: bool,
    /// Load the secrets from this dotenv
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(in crate::cli) dotenv_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DeployArguments {
    #[command(flatten)]
    pub(in crate::cli) parts: Parts,
    /// Stop the server after success; the data stays
    #[arg(short, long)]
    pub(in crate::cli) cleanup: bool,
    /// Only start the cluster or find it running; implies -H -P
    #[arg(long)]
    pub(in crate::cli) reuse: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArguments {
    #[command(flatten)]
    pub(in crate::cli) parts: Parts,
    /// Leave the cluster running and say how to open it
    #[arg(long)]
    pub(in crate::cli) keep: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RestoreArguments {
    /// The backup's directory [default: $LOCAL_DIR/focus/postgresql-backup]
    pub(in crate::cli) path: Option<PathBuf>,
    /// The base archive, whatever its name; the others stand beside it
    #[arg(long, value_name = "FILE", conflicts_with = "path")]
    pub(in crate::cli) archive: Option<PathBuf>,
    /// Build indexes anew whose collation has another version here
    #[arg(long)]
    pub(in crate::cli) reindex: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct NormalizeArguments {
    /// The backup's directory [default: $LOCAL_DIR/focus/postgresql-backup]
    pub(in crate::cli) path: Option<PathBuf>,
    /// Where the normalised backup goes [default: PATH with `-normalized` at its end]
    #[arg(short, long, value_name = "DIR")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// The role that owns the database and may log in [default: that of DB_URL]
    #[arg(long, value_name = "ROLE")]
    pub(in crate::cli) role: Option<String>,
    /// The database that counts [default: that of DB_URL, else the only one]
    #[arg(long, value_name = "DATABASE")]
    pub(in crate::cli) database: Option<String>,
    /// A superuser that may log in [default: postgres]
    #[arg(long, value_name = "ROLE")]
    pub(in crate::cli) admin_role: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BundleVerb {
    /// Show the version in the database
    Status,
    /// Bring the database to this tool's version
    Upgrade,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SnapshotVerb {
    /// Save the cluster as it is now
    Save {
        /// The state's name
        name: String,
        /// Let it take the place of a snapshot with the same name
        #[arg(long)]
        replace: bool,
    },
    /// Let a saved state take the place of the cluster
    Restore {
        /// The state's name
        name: String,
    },
    /// List the snapshots, the oldest first
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a snapshot
    Rm {
        /// The state's name
        name: String,
    },
}

impl Arguments {
    pub(in crate::cli) fn voice(&self) -> Voice {
        self.global.voice
    }
}

/// What stands behind `psql` is psql's, even where we have an option of the same name.
pub(in crate::cli) fn for_psql(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let mut at = 1;
    while let Some(argument) = arguments.get(at).and_then(|argument| argument.to_str()) {
        match argument {
            "psql" => {
                if arguments.get(at + 1).is_some_and(|next| next != "--" && next != "--help") {
                    arguments.insert(at + 1, "--".into());
                }
                break;
            }
            "-u" | "--url" | "-i" | "--inherits" | "--log-format" => at += 2,
            option if option.starts_with('-') => at += 1,
            _ => break,
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_psql_is_psqls() {
        let given = |words: &str| {
            let words = words.split(' ').map(OsString::from).collect();
            let words: Vec<_> = for_psql(words);
            words
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(given("database psql -q -c x"), "database psql -- -q -c x");
        assert_eq!(given("database -q -u psql psql -h"), "database -q -u psql psql -- -h");
        assert_eq!(given("database psql -- -q"), "database psql -- -q");
        assert_eq!(given("database psql"), "database psql");
        assert_eq!(given("database psql --help"), "database psql --help");
        assert_eq!(given("database log psql -x"), "database log psql -x");
    }
}
