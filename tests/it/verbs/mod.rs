//! `database`, verb by verb; `check` has a module of its own.

mod bundle;
mod cleanup;
mod deploy;
mod doctor;
mod ending;
mod hydrate;
mod init;
mod language;
mod log;
mod output;
mod patch;
mod psql;
mod status;
mod swap;
mod test;
mod url;
