//! The arguments of `database`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::bundle::{Bundle, BundleArguments, BundleVerb};
use super::cache::CacheVerb;
use super::clone::{CloneArguments, RunArguments};
use super::diff::{DiffArguments, DiffFormat};
use super::init::{LeaseArguments, ListenArguments};
use super::pull::PullArguments;
use super::schema::SchemaVerb;
use super::secrets::SecretsVerb;
use super::snapshot::SnapshotVerb;
use super::test::{CheckTestArguments, TestArguments};
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
    /// The database: URL or key=value conninfo [default: DB_URL, then PGURL]
    #[arg(short, long, global = true, value_name = "URL")]
    pub(in crate::cli) url: Option<String>,
    /// A table that must exist (deprecated: the bundle enforces inheritance)
    #[arg(short, long, global = true, value_name = "TABLE")]
    pub(in crate::cli) inherits: Vec<String>,
    /// Allow hydrate, patch, test, secrets and bundle to change a database on another machine
    #[arg(long, global = true)]
    pub(in crate::cli) remote: bool,
    #[command(flatten)]
    pub(in crate::cli) voice: Voice,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Verb {
    /// Write a new project
    New(NewArguments),
    /// Start the development cluster, or make one if there is none
    Init {
        /// Make the cluster anew; its data is lost. Attach to it instead if others work in it
        #[arg(long)]
        fresh: bool,
        /// Print the connection variables
        #[arg(long, value_name = "FORMAT")]
        export: Option<Format>,
        #[command(flatten)]
        listen: ListenArguments,
        #[command(flatten)]
        lease: LeaseArguments,
    },
    /// Run a command with the development cluster, and stop the server after it
    Run(RunArguments),
    /// Make a copy of the database for one test, and print its URL
    Clone(CloneArguments),
    /// Hydrate and patch a new cluster, then put it in the place of the old one
    Deploy(DeployArguments),
    /// Apply the bundle, load the secrets, run the sources
    Hydrate(HydrateArguments),
    /// Run the patch file
    Patch {
        /// Open the patch file in the editor instead
        #[arg(short, long)]
        edit: bool,
    },
    /// Run the project's tests; a `not ok` in their TAP output fails
    Test(TestArguments),
    /// Deploy the project into a private cluster that is removed afterwards
    Check(CheckArguments),
    /// Run check, deploy or test again after each change of the project's files
    Watch(WatchArguments),
    /// Compare the sources with a backup, the migrations or a database
    Diff(DiffArguments),
    /// Write the schema of the database to a file, or check that such a file is up to date
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Schema {
        #[command(subcommand)]
        verb: SchemaVerb,
    },
    /// Show a log: the newest one, or by number, name or part of a name
    Log {
        /// `list`, a number from the list, a name, or a part of a name
        which: Option<String>,
    },
    /// Stop the development cluster and remove it
    Cleanup,
    /// Take a physical backup and verify it
    Backup {
        /// The backup's directory [default: $LOCAL_DIR/focus/postgresql-backup]
        path: Option<PathBuf>,
    },
    /// Replace the development cluster by a backup, after the backup has proved to work
    Restore(RestoreArguments),
    /// Adapt a backup for the team and pack it again
    NormalizeBackup(NormalizeArguments),
    /// Copy rows of the staging database into the patch file or into the database
    #[command(name = "pull_staging", alias = "pull-staging")]
    PullStaging(PullArguments),
    /// Save and restore named copies of the development cluster
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Snapshot {
        #[command(subcommand)]
        verb: SnapshotVerb,
    },
    /// Print every setting with its value and its origin
    Config {
        /// The format
        #[arg(
            id = "config-format",
            long = "format",
            value_name = "FORMAT",
            default_value = "text"
        )]
        format: DiffFormat,
    },
    /// Show whether the development cluster runs, since when, its size and its users
    Status {
        /// Show all clusters, snapshots and templates of this user on this machine
        #[arg(long)]
        all: bool,
        /// The format
        #[arg(
            id = "status-format",
            long = "format",
            value_name = "FORMAT",
            default_value = "text"
        )]
        format: DiffFormat,
        /// Print the status as JSON, as `--format json`
        #[arg(long)]
        json: bool,
    },
    /// Remove what dead commands, servers and projects have left on this machine
    Gc {
        /// Only show what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Apply, revert, verify and repair migrations; see `database migrator --help`
    #[command(disable_help_flag = true)]
    Migrator {
        /// Arguments for migrator
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Open psql on the database; psql gets all further arguments
    Psql {
        /// Arguments for psql
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Print the database's URL, without a password
    Url,
    /// Load, show, change and rotate the secrets, which the database stores sealed
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Secrets {
        #[command(subcommand)]
        verb: SecretsVerb,
    },
    /// Show and remove cached templates and states of databases
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Cache {
        #[command(subcommand)]
        verb: CacheVerb,
    },
    /// Check every precondition and say how to meet it
    Doctor {
        /// The format
        #[arg(
            id = "doctor-format",
            long = "format",
            value_name = "FORMAT",
            default_value = "text"
        )]
        format: DiffFormat,
    },
    /// Show or upgrade the hectic bundle in the database
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Bundle {
        #[command(subcommand)]
        verb: BundleVerb,
    },
    /// Write completions for bash, zsh and fish, and man pages, of all programs
    Share {
        /// The directory, such as /usr/share or ~/.local/share
        directory: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct NewArguments {
    /// The project's directory, which may exist [default: the current directory]
    #[arg(value_name = "DIR")]
    pub(in crate::cli) directory: Option<PathBuf>,
    /// Write a flake.nix too
    #[arg(long)]
    pub(in crate::cli) nix: bool,
    /// Take the schema of this database, which is only read: URL or key=value conninfo
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) from: Option<String>,
    /// Take the rows of this table too; may be given several times
    #[arg(long, value_name = "TABLE", requires = "from")]
    pub(in crate::cli) data: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct HydrateArguments {
    /// The kind of the hectic bundle to apply [default: the setting bundle, then full]
    #[arg(long, value_name = "KIND")]
    pub(in crate::cli) bundle: Option<Bundle>,
    /// Do not apply the hectic bundle, as --bundle off does
    #[arg(short = 'H', long)]
    pub(in crate::cli) no_hook: bool,
    /// Set the psql variable USE_MOCK=1
    #[arg(short, long)]
    pub(in crate::cli) mock: bool,
    /// Load the secrets from this dotenv
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(in crate::cli) dotenv_file: Option<PathBuf>,
}

impl HydrateArguments {
    /// The choice of the bundle.
    pub(in crate::cli) fn bundle(&self) -> BundleArguments {
        BundleArguments { bundle: self.bundle, no_hook: self.no_hook }
    }
}

/// The parts of the project that go into the database.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Parts {
    /// Do not run the patch file
    #[arg(short = 'P', long)]
    pub(in crate::cli) no_patch: bool,
    /// Do not hydrate
    #[arg(short = 'H', long)]
    pub(in crate::cli) no_hydrate: bool,
    #[command(flatten)]
    pub(in crate::cli) bundle: BundleArguments,
    /// Set the psql variable USE_MOCK=1
    #[arg(short, long)]
    pub(in crate::cli) mock: bool,
    /// Load the secrets from this dotenv
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(in crate::cli) dotenv_file: Option<PathBuf>,
    /// Neither use nor make cached states of the database
    #[arg(long)]
    pub(in crate::cli) no_cache: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DeployArguments {
    #[command(flatten)]
    pub(in crate::cli) parts: Parts,
    /// Stop the server after success; its data stays
    #[arg(short, long)]
    pub(in crate::cli) cleanup: bool,
    /// Only start the cluster, or attach to it if it runs; implies -H -P
    #[arg(long)]
    pub(in crate::cli) reuse: bool,
    #[command(flatten)]
    pub(in crate::cli) listen: ListenArguments,
}

#[derive(Debug, Default, Args)]
pub(in crate::cli) struct CheckArguments {
    #[command(flatten)]
    pub(in crate::cli) parts: Parts,
    #[command(flatten)]
    pub(in crate::cli) tests: CheckTestArguments,
    /// Leave the cluster running and print how to connect to it
    #[arg(long)]
    pub(in crate::cli) keep: bool,
    /// Only db-tool itself gives this option: save states in the background
    #[arg(long, hide = true, value_name = "JOB")]
    pub(in crate::cli) save_states: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct WatchArguments {
    /// The verb to run
    #[arg(default_value = "check", value_name = "VERB")]
    pub(in crate::cli) verb: WatchedVerb,
    /// Arguments for the verb
    #[arg(last = true)]
    pub(in crate::cli) arguments: Vec<OsString>,
}

/// The verbs of `watch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum WatchedVerb {
    Check,
    Deploy,
    Test,
}

impl WatchedVerb {
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Deploy => "deploy",
            Self::Test => "test",
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RestoreArguments {
    /// The backup's directory [default: $LOCAL_DIR/focus/postgresql-backup]
    pub(in crate::cli) path: Option<PathBuf>,
    /// The base archive, under any name; the other archives are in its directory
    #[arg(long, value_name = "FILE", conflicts_with = "path")]
    pub(in crate::cli) archive: Option<PathBuf>,
    /// Rebuild indexes whose collation has another version here
    #[arg(long)]
    pub(in crate::cli) reindex: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct NormalizeArguments {
    /// The backup's directory [default: $LOCAL_DIR/focus/postgresql-backup]
    pub(in crate::cli) path: Option<PathBuf>,
    /// The directory for the normalised backup [default: PATH with `-normalized` at its end]
    #[arg(short, long, value_name = "DIR")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// The role that owns the database and may log in [default: that of DB_URL]
    #[arg(long, value_name = "ROLE")]
    pub(in crate::cli) role: Option<String>,
    /// The project's database [default: that of DB_URL, else the only one]
    #[arg(long, value_name = "DATABASE")]
    pub(in crate::cli) database: Option<String>,
    /// A superuser that may log in [default: postgres]
    #[arg(long, value_name = "ROLE")]
    pub(in crate::cli) admin_role: Option<String>,
    /// The compression of the normalised backup [default: that of the backup]
    #[arg(long, value_name = "METHOD")]
    pub(in crate::cli) compress: Option<Compress>,
}

/// The compressions of `normalize-backup --compress`.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(in crate::cli) enum Compress {
    Zstd,
    Gzip,
    None,
}

impl Arguments {
    pub(in crate::cli) fn voice(&self) -> Voice {
        self.global.voice
    }
}
