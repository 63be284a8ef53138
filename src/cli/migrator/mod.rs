//! The verbs of `migrator`: they resolve values, run the command and print its report.

pub mod file;
pub(in crate::cli) mod settings;
mod verbs;

pub(super) use verbs::execute;
