//! The arguments of `migrator`, and of `database migrator`, which is the same program.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};

use super::bundle::{Bundle, BundleArguments};
use crate::cli::output::ui::Voice;
use crate::cli::variables_help;
use crate::migration::import::tool::Tool;

/// The commands, for the error about two commands.
const COMMANDS: [&str; 18] = [
    "new",
    "init",
    "initialize",
    "create",
    "migrate",
    "apply",
    "list",
    "info",
    "history",
    "validate",
    "abort",
    "repair",
    "clean",
    "baseline",
    "verify",
    "fetch",
    "import",
    "help",
];

/// The commands of `migrate`.
pub(in crate::cli) const MIGRATE_COMMANDS: [&str; 4] = ["up", "down", "to", "redo"];

/// The commands of `apply`.
pub(in crate::cli) const APPLY_COMMANDS: [&str; 3] = ["all", "next", "until"];

/// The error for two commands of `migrate`.
pub(in crate::cli) const AMBIGUOUS_MIGRATE: &str = "ambiguous migrate subcommand";

/// The error for two commands of `apply`.
pub(in crate::cli) const AMBIGUOUS_APPLY: &str = "ambiguous apply subcommand";

/// Applies, reverts, verifies and repairs the migrations of a PostgreSQL database.
#[derive(Debug, Parser)]
#[command(name = "migrator", version, after_long_help = variables_help())]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    pub(in crate::cli) global: Global,
    #[command(subcommand)]
    pub(in crate::cli) verb: Verb,
}

#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Global {
    /// The database: URL or key=value conninfo [default: DB_URL, then PGURL]
    // `database` calls it --url
    #[arg(short = 'u', long, alias = "url", global = true, value_name = "URL")]
    pub(in crate::cli) db_url: Option<String>,
    /// The migration directory [default: MIGRATION_DIR, then migration]
    #[arg(short = 'd', long, global = true, value_name = "DIR")]
    pub(in crate::cli) migration_dir: Option<PathBuf>,
    /// A file of settings; the environment overrides it [default: migrator.toml, if it exists]
    #[arg(short = 'c', long, global = true, value_name = "FILE")]
    pub(in crate::cli) config_file: Option<PathBuf>,
    /// The migration set, if several share the database [default: default]
    #[arg(long, global = true, value_name = "SET")]
    pub(in crate::cli) migration_set: Option<String>,
    /// Set a psql variable for this run; with create, -v sets the version
    #[arg(
        short = 'v',
        long = "set",
        visible_alias = "define",
        global = true,
        value_name = "NAME=VALUE"
    )]
    pub(in crate::cli) set: Vec<String>,
    /// Print the plan; change nothing
    #[arg(long, global = true)]
    pub(in crate::cli) dry_run: bool,
    /// Apply late migrations of a merged branch, on top of later ones
    #[arg(long, global = true)]
    pub(in crate::cli) out_of_order: bool,
    /// Apply or revert migrations although the history and the files do not match
    #[arg(short, long, global = true)]
    pub(in crate::cli) force: bool,
    /// Time limit for a migration to wait for a lock, such as 5s [default: no limit]
    #[arg(long, global = true, value_name = "DURATION")]
    pub(in crate::cli) lock_timeout: Option<String>,
    /// Time limit for one statement, such as 10min [default: no limit]
    #[arg(long, global = true, value_name = "DURATION")]
    pub(in crate::cli) statement_timeout: Option<String>,
    /// Time to wait for another migrator, and for a server that is starting [default: 5min for the
    /// migrator]
    #[arg(long, global = true, value_name = "DURATION", num_args = 0..=1, default_missing_value = "5min")]
    pub(in crate::cli) wait: Option<String>,
    /// Do not write the schema file that the setting schema_file names
    #[arg(long, global = true)]
    pub(in crate::cli) no_schema_file: bool,
    /// Do not ask for confirmation
    #[arg(short, long, global = true)]
    pub(in crate::cli) yes: bool,
    /// The kind of the hectic bundle for a database without one [default: the setting bundle, then
    /// full]
    #[arg(long, global = true, value_name = "KIND")]
    pub(in crate::cli) bundle: Option<Bundle>,
    /// Do not apply the hectic bundle, as --bundle off does
    #[arg(long, global = true)]
    pub(in crate::cli) no_hook: bool,
    /// Print data as JSON
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
    /// A table that must exist (deprecated: the bundle enforces inheritance)
    #[arg(short, long, global = true, value_name = "TABLE")]
    pub(in crate::cli) inherits: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) voice: Voice,
}

impl Global {
    /// The choice of the bundle.
    pub(in crate::cli) fn bundle(&self) -> BundleArguments {
        BundleArguments { bundle: self.bundle, no_hook: self.no_hook }
    }
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Verb {
    /// Create a migration project in an empty directory
    New {
        /// The project's directory
        directory: PathBuf,
    },
    /// Apply the hectic bundle
    #[command(visible_alias = "initialize")]
    Init,
    /// Create a migration, up and down, and print its path
    Create {
        /// A description, which becomes a part of the name [default: a made-up word]
        description: Option<String>,
        /// The description
        #[arg(short, long, conflicts_with = "description")]
        name: Option<String>,
    },
    /// Apply or revert migrations
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Migrate {
        #[command(subcommand)]
        verb: MigrateVerb,
    },
    /// Apply migrations: all, next, or until TARGET
    Apply {
        #[command(subcommand)]
        verb: Option<ApplyVerb>,
    },
    /// List the migrations on disk and their missing files
    List {
        /// Print names only
        #[arg(short, long)]
        raw: bool,
    },
    /// Show the state of every migration
    Info,
    /// Show all events of the history
    History,
    /// Check names, checksums and order; apply nothing
    Validate,
    /// Mark a migration as failed after its migrator died; undo none of its SQL
    Abort,
    /// Record changed checksums and missing files in the history
    Repair {
        /// Record this migration as applied instead
        #[arg(long, value_name = "NAME")]
        applied: Vec<String>,
        /// Record this migration as not applied instead
        #[arg(long, value_name = "NAME")]
        reverted: Vec<String>,
    },
    /// Drop the migrator's own objects, including the history
    Clean,
    /// Record everything up to NAME as applied, without running it
    Baseline {
        /// A name, a version, or latest
        name: String,
    },
    /// Prove in a private cluster that each down undoes its up
    Verify {
        /// First hydrate the private cluster from the project's sources, as `database check` does
        #[arg(long)]
        after_hydrate: bool,
    },
    /// Restore the migration directory from the history
    Fetch,
    /// Take over the migrations of another tool
    Import(Import),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// The other tool [default: guessed from names and marks]
    #[arg(long, value_name = "TOOL", value_parser = PossibleValuesParser::new(Tool::ALL.map(Tool::name)))]
    pub(in crate::cli) from: Option<String>,
    /// Record what the other tool's table in the database has as applied
    #[arg(long)]
    pub(in crate::cli) history: bool,
    /// The directory of the other tool [default: the usual places below the current directory]
    pub(in crate::cli) source: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum MigrateVerb {
    /// Apply N migrations (1), or all
    Up {
        /// A number, or all (also latest, head, last)
        count: Option<String>,
    },
    /// Revert N migrations (1), or all
    Down {
        /// A number, or all
        count: Option<String>,
    },
    /// Apply or revert until NAME, the latest, or 0 is reached
    To {
        /// A name or version, latest, head, last, or 0
        name: String,
    },
    /// Revert N migrations (1) and apply them again
    Redo {
        /// A number
        count: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ApplyVerb {
    /// Apply all pending migrations
    All,
    /// Apply the next migration
    Next,
    /// Apply everything up to and including TARGET
    Until {
        /// A name or version, or latest
        target: String,
    },
}

impl Arguments {
    pub(in crate::cli) fn voice(&self) -> Voice {
        self.global.voice
    }
}

/// The error for two commands where one is expected. It says at which level. `words` are the
/// arguments as the user typed them.
pub(in crate::cli) fn ambiguity(error: &clap::Error, words: &[OsString]) -> Option<&'static str> {
    let context = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return None,
    };
    let Some(ContextValue::String(word)) = error.get(context) else { return None };
    let typed: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    for (command, verbs, message) in [
        ("migrate", &MIGRATE_COMMANDS[..], AMBIGUOUS_MIGRATE),
        ("apply", &APPLY_COMMANDS, AMBIGUOUS_APPLY),
    ] {
        let Some(at) = typed.iter().position(|word| *word == command) else { continue };
        // for `migrate up to NAME`, clap took the second command as the number of the first one
        let mut known = typed[at + 1..].iter().filter(|word| verbs.contains(word));
        if known.next().is_some() && known.next().is_some() {
            return Some(message);
        }
    }
    // `migrator up` has no second command, only an unknown one
    let is_first = !typed.contains(&"migrate") && MIGRATE_COMMANDS.contains(&word.as_str());
    if is_first { None } else { ambiguous(word) }
}

/// The error for a command in a wrong place. `None` if `word` is not a command.
pub(in crate::cli) fn ambiguous(word: &str) -> Option<&'static str> {
    if MIGRATE_COMMANDS.contains(&word) {
        Some(AMBIGUOUS_MIGRATE)
    } else if COMMANDS.contains(&word) {
        Some("ambiguous subcommand")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_tree_is_sound_and_every_command_is_listed() {
        let command = Arguments::command();
        command.clone().debug_assert();
        for verb in command.get_subcommands() {
            assert!(COMMANDS.contains(&verb.get_name()), "{}", verb.get_name());
        }
    }
}
