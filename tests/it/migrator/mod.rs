//! `migrator`: its commands and its rules, one process at a time.

mod commands;
mod create;
mod layout;
mod migrate;
mod support;
