//! The arguments that choose the bundle.

use clap::{Args, Subcommand, ValueEnum};

/// The kind of the hectic bundle that a database gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Bundle {
    /// Everything
    Full,
    /// The history of migrations and the secrets, without rules for tables
    History,
    /// Nothing
    Off,
}

/// The choice on the command line.
#[derive(Debug, Default, Clone, Copy, Args)]
pub(in crate::cli) struct BundleArguments {
    /// The kind of the hectic bundle to apply [default: the setting bundle, then full]
    #[arg(long, value_name = "KIND")]
    pub(in crate::cli) bundle: Option<Bundle>,
    /// Do not apply the hectic bundle, as --bundle off does
    #[arg(long)]
    pub(in crate::cli) no_hook: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BundleVerb {
    /// Show the bundle's version in the database
    Status,
    /// Upgrade the bundle to this tool's version; --bundle adds what is missing
    Upgrade {
        #[command(flatten)]
        bundle: BundleArguments,
    },
}
