//! The verbs of `migrator`: values resolved, the command run, its report printed.

pub(in crate::cli) mod settings;
mod verbs;

pub(super) use verbs::execute;
