//! The arguments of `database snapshot`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SnapshotVerb {
    /// Save the cluster as it is now
    Save {
        /// The snapshot's name
        name: String,
        /// Replace a snapshot with the same name
        #[arg(long)]
        replace: bool,
    },
    /// Replace the cluster by a snapshot
    Restore {
        /// The snapshot's name
        name: String,
    },
    /// List the snapshots, the oldest first
    List {
        /// Print the list as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a snapshot
    Rm {
        /// The snapshot's name
        name: String,
    },
}
