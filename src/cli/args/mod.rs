//! The arguments of the programs, parsed by clap.

pub(in crate::cli) mod bundle;
pub(in crate::cli) mod cache;
pub(in crate::cli) mod cleanup;
pub(in crate::cli) mod clone;
pub(in crate::cli) mod database;
pub(in crate::cli) mod diff;
pub(in crate::cli) mod init;
pub(in crate::cli) mod keeper;
pub(in crate::cli) mod migrator;
pub(in crate::cli) mod pull;
pub(in crate::cli) mod schema;
pub(in crate::cli) mod secrets;
pub(in crate::cli) mod snapshot;
pub(in crate::cli) mod test;
pub(in crate::cli) mod words;
