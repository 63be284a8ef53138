//! The verbs, one file each. A verb composes the nouns and returns data, which `cli/` prints.
//!
//! No verb parses arguments, prints, or reads the environment. A verb may call
//! `Content::apply`; otherwise verbs do not call each other.

pub mod backup;
pub mod bundle;
pub mod check;
pub mod cleanup;
pub mod clone;
pub mod content;
pub mod deploy;
pub mod diff;
pub mod doctor;
pub mod hydrate;
pub mod inventory;
pub mod log;
pub mod migrator;
pub mod new;
pub mod normalize_backup;
pub mod patch;
pub mod psql;
pub mod pull_staging;
pub mod restore;
pub mod schema;
pub mod secrets;
pub mod snapshot;
pub mod status;
pub mod test;
pub mod watch;
