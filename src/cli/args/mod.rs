//! The arguments of the programs, as clap reads them.

pub(in crate::cli) mod database;
pub(in crate::cli) mod migrator;
