//! The arguments of `migrator`, and of `database migrator`, which is the same program.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};

use crate::cli::output::ui::Voice;
use crate::cli::variables_help;

/// The commands, for the message about two of them.
const COMMANDS: [&str; 17] = [
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
    "help",
];

/// The commands of `migrate`.
const MIGRATE_COMMANDS: [&str; 4] = ["up", "down", "to", "redo"];

/// Applies, reverts, proves and repairs the migrations of a PostgreSQL database.
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
    /// Where the database is: URL or key=value conninfo [default: DB_URL, then PGURL]
    #[arg(short = 'u', long, global = true, value_name = "URL")]
    pub(in crate::cli) db_url: Option<String>,
    /// Where the migrations are [default: MIGRATION_DIR, then migration]
    #[arg(short = 'd', long, global = true, value_name = "DIR")]
    pub(in crate::cli) migration_dir: Option<PathBuf>,
    /// A file of settings, below the environment [default: migrator.toml, if it is there]
    #[arg(short = 'c', long, global = true, value_name = "FILE")]
    pub(in crate::cli) config_file: Option<PathBuf>,
    /// Names independent migrations that share a database [default: default]
    #[arg(long, global = true, value_name = "SET")]
    pub(in crate::cli) migration_set: Option<String>,
    /// Set a psql variable for this run; with create, -v is the version
    #[arg(
        short = 'v',
        long = "set",
        visible_alias = "define",
        global = true,
        value_name = "NAME=VALUE"
    )]
    pub(in crate::cli) set: Vec<String>,
    /// Print what would be done; change nothing
    #[arg(long, global = true)]
    pub(in crate::cli) dry_run: bool,
    /// Apply late files of a merged branch after later ones
    #[arg(long, global = true)]
    pub(in crate::cli) out_of_order: bool,
    /// How long a migration may wait for a lock, such as 5s [default: no limit]
    #[arg(long, global = true, value_name = "DURATION")]
    pub(in crate::cli) lock_timeout: Option<String>,
    /// How long one statement may run, such as 10min [default: no limit]
    #[arg(long, global = true, value_name = "DURATION")]
    pub(in crate::cli) statement_timeout: Option<String>,
    /// How long to wait for another migrator, and for a server that is starting [default: 5min for the migrator]
    #[arg(long, global = true, value_name = "DURATION", num_args = 0..=1, default_missing_value = "5min")]
    pub(in crate::cli) wait: Option<String>,
    /// Print data as JSON
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
    /// A table that has to exist (deprecated: the bundle enforces inheritance)
    #[arg(short, long, global = true, value_name = "TABLE")]
    pub(in crate::cli) inherits: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) voice: Voice,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Verb {
    /// Make a migration project in an empty place
    New {
        /// Its directory
        directory: PathBuf,
    },
    /// Apply the hectic bundle
    #[command(visible_alias = "initialize")]
    Init,
    /// Make a migration, up and down, and print its path
    Create {
        /// What it is about; a part of its name
        description: Option<String>,
        /// The same
        #[arg(short, long, conflicts_with = "description")]
        name: Option<String>,
    },
    /// Move forward or back
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Migrate {
        #[command(subcommand)]
        verb: MigrateVerb,
    },
    /// Move forward: all, next, or until TARGET
    Apply {
        #[command(subcommand)]
        verb: Option<ApplyVerb>,
    },
    /// Show the migrations on disk and what they lack
    List {
        /// Names only
        #[arg(long)]
        raw: bool,
    },
    /// Show the state of every migration
    Info,
    /// Show the log of everything that was done
    History,
    /// Check names, checksums and order; apply nothing
    Validate,
    /// Set a migration whose migrator has died from Running to Error; undoes no SQL
    Abort,
    /// Make the history agree with the files: changed checksums, missing files
    Repair {
        /// Record this migration as applied instead
        #[arg(long, value_name = "NAME")]
        applied: Vec<String>,
        /// Record this migration as not applied instead
        #[arg(long, value_name = "NAME")]
        reverted: Vec<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Drop the migrator's own objects; the history is lost
    Clean {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Record everything up to NAME as applied, without running it
    Baseline {
        /// A name, a version, or latest
        name: String,
    },
    /// Prove in a private cluster that every down undoes its up
    Verify,
    /// Write the migration directory anew from the history
    Fetch,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum MigrateVerb {
    /// Forward by N (1), or all
    Up {
        /// A number, or all
        count: Option<String>,
    },
    /// Back by N (1), or all
    Down {
        /// A number, or all
        count: Option<String>,
    },
    /// Forward or back to NAME, to the latest, or to 0
    To {
        /// A name or version, latest, head, last, or 0
        name: String,
    },
    /// Back by N (1) and forward again
    Redo {
        /// A number
        count: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ApplyVerb {
    /// Everything that is pending
    All,
    /// The next one
    Next,
    /// Everything up to TARGET, with it
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

/// `--wait` may stand without a value, but not swallow a command.
pub(in crate::cli) fn prepare(mut words: Vec<OsString>) -> Vec<OsString> {
    for at in 0..words.len() {
        let next = words.get(at + 1).and_then(|next| next.to_str());
        let is_value = next.is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()));
        if words[at] == "--wait" && !is_value {
            words[at] = "--wait=5min".into();
        }
    }
    words
}

/// `database [options] migrator …` as `migrator [options] …`: options that both know have the same
/// meaning there; `None` for another verb.
pub(in crate::cli) fn from_database(words: &[OsString]) -> Option<Vec<OsString>> {
    let mut ours: Vec<OsString> = vec!["migrator".into()];
    let mut at = 1;
    loop {
        let word = words.get(at)?;
        at += 1;
        match word.to_str()? {
            "migrator" => break,
            "-u" | "--url" => ours.push("--db-url".into()),
            url if url.starts_with("--url=") => {
                ours.push(url.replacen("--url", "--db-url", 1).into());
                continue;
            }
            "-i" | "--inherits" | "--log-format" => ours.push(word.clone()),
            option if option.starts_with('-') => {
                ours.push(word.clone());
                continue;
            }
            _ => return None,
        }
        ours.push(words.get(at)?.clone());
        at += 1;
    }
    ours.extend_from_slice(&words[at..]);
    Some(ours)
}

/// Two commands where one is expected: which level is ambiguous. `words` is what was typed.
pub(in crate::cli) fn ambiguity(error: &clap::Error, words: &[OsString]) -> Option<&'static str> {
    let context = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return None,
    };
    let Some(ContextValue::String(word)) = error.get(context) else { return None };
    // `migrate up to NAME`: the second command was taken for the first one's number
    let typed: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let after =
        typed.iter().position(|word| *word == "migrate").map_or(&[][..], |at| &typed[at + 1..]);
    let known = |at: usize| after.get(at).is_some_and(|word| MIGRATE_COMMANDS.contains(word));
    if known(0) && known(1) {
        return ambiguous(after[1]);
    }
    // `migrator up` is no second command but an unknown one
    if after.is_empty() && MIGRATE_COMMANDS.contains(&word.as_str()) {
        return None;
    }
    ambiguous(word)
}

/// Whether a word that stands where none belongs is a command.
pub(in crate::cli) fn ambiguous(word: &str) -> Option<&'static str> {
    if MIGRATE_COMMANDS.contains(&word) {
        Some("ambiguous migrate subcommand")
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

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_tree_is_sound_and_every_command_is_listed() {
        let command = Arguments::command();
        command.clone().debug_assert();
        for verb in command.get_subcommands() {
            assert!(COMMANDS.contains(&verb.get_name()), "{}", verb.get_name());
        }
    }

    #[test]
    fn database_hands_its_options_over() {
        for (given, expected) in [
            ("database migrator list", Some("migrator list")),
            ("database -u x -q migrator list --raw", Some("migrator --db-url x -q list --raw")),
            ("database --url=x migrator info", Some("migrator --db-url=x info")),
            ("database log migrator", None),
            ("database --version", None),
            ("database -u", None),
        ] {
            assert_eq!(from_database(&words(given)), expected.map(words), "{given}");
        }
    }

    #[test]
    fn wait_does_not_swallow_a_command() {
        assert_eq!(
            prepare(words("migrator --wait migrate up")),
            words("migrator --wait=5min migrate up")
        );
        assert_eq!(prepare(words("migrator --wait 5s info")), words("migrator --wait 5s info"));
    }
}
