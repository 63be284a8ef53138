//! The arguments of `database cache`.

use std::path::PathBuf;

use clap::Subcommand;

use super::diff::DiffFormat;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CacheVerb {
    /// List the templates and states, the most recently used first
    List {
        /// The format
        #[arg(id = "cache-format", long = "format", value_name = "FORMAT", default_value = "text")]
        format: DiffFormat,
    },
    /// Remove templates and states
    Rm {
        /// The name of one, or the beginning of it
        #[arg(required_unless_present = "all")]
        names: Vec<String>,
        /// Remove all of them
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
    /// Remove what has not been used for long or does not fit
    Gc,
    /// Print the directory of the cache, for the cache of a continuous integration
    Path,
    /// Write the states of this project into a file, without those that hold secrets
    Export {
        /// The file, which must not exist
        file: PathBuf,
    },
    /// Take in the states of a file. Use only files of people whom you trust
    Import {
        /// The file
        file: PathBuf,
    },
}
