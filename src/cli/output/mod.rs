//! Output for people and programs: text, tables, progress, JSON.

pub(in crate::cli) mod diff;
pub(in crate::cli) mod export;
pub(in crate::cli) mod migrator;
pub(in crate::cli) mod pager;
pub(in crate::cli) mod table;
pub(in crate::cli) mod test;
pub(in crate::cli) mod text;
pub(in crate::cli) mod ui;
