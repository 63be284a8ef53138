//! The arguments of `database secrets`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Subcommand;

use super::bundle::BundleArguments;

/// The formats in which secrets are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Language {
    /// `NAME='value'` lines.
    Dotenv,
    /// `export NAME='value'` lines, for `eval` in a POSIX shell.
    Sh,
    /// One JSON object.
    Json,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SecretsVerb {
    /// Replace all secrets by those of a dotenv
    Load {
        /// The dotenv, plain or sealed [default: HECTIC_DOTENV_CONTENT, HECTIC_DOTENV_FILE, .env.$ENVIRONMENT]
        #[arg(short = 'f', long, value_name = "FILE")]
        dotenv_file: Option<PathBuf>,
        /// Accept a dotenv without entries, which removes all secrets
        #[arg(long)]
        allow_empty: bool,
        #[command(flatten)]
        bundle: BundleArguments,
    },
    /// List names and times of change; decrypts nothing
    List {
        /// Print the list as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a value
    Get {
        /// The secret's name
        name: String,
    },
    /// Store a value from standard input or a prompt
    Set {
        /// The secret's name
        name: String,
    },
    /// Remove a secret
    Unset {
        /// The secret's name
        name: String,
    },
    /// Add a key and seal all secrets of the cluster with it
    Rotate {
        /// Remove the old keys after all secrets are sealed with the new one
        #[arg(long)]
        drop_old: bool,
    },
    /// Print all secrets
    Export {
        /// The output format
        #[arg(id = "language", long = "format", value_name = "FORMAT", default_value = "dotenv")]
        format: Language,
    },
    /// Make a key file for the project
    Keygen {
        /// The file [default: HECTIC_SECRET_KEY_FILE]
        file: Option<PathBuf>,
    },
    /// Seal a dotenv for the repository; values that have not changed keep their lines
    Seal {
        /// The dotenv
        file: PathBuf,
        /// The sealed dotenv [default: FILE.sealed]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Run a command that gets the secrets in its environment
    Run {
        /// The command and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
}
