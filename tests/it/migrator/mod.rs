//! `migrator`: its commands and its rules, one process at a time.

mod alone;
mod commands;
mod create;
mod downs;
mod fetch;
mod history;
mod import;
mod import_more;
mod input;
mod layout;
mod migrate;
mod preflight;
mod project;
mod repair;
mod session;
mod sets;
mod variables;
mod verify;
mod verify_hydrated;
