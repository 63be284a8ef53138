//! The verbs of `database`: values resolved, the command run, its report printed.

pub(in crate::cli) mod backup;
pub(in crate::cli) mod diff;
pub(in crate::cli) mod doctor;
pub(in crate::cli) mod draft;
pub(in crate::cli) mod pull;
pub(in crate::cli) mod pull_check;
pub(in crate::cli) mod pull_scan;
pub(in crate::cli) mod secrets;
pub(in crate::cli) mod share;
pub(in crate::cli) mod snapshot;
pub(in crate::cli) mod verbs;
