//! The arguments of `database schema`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SchemaVerb {
    /// Print the schema of the database as SQL, in an order that does not depend on its past
    Dump {
        /// Write this file instead; - is standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Compare the schema file with the database; exit 1 if it is stale
    Check {
        /// The file [default: schema_file of the section migrator in database.toml]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}
