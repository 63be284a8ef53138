//! PostgreSQL development databases: ephemeral clusters, hydration, patches, checks.
//!
//! ```text
//! argv + environment
//!    └─ cli/        parse, resolve once, print, exit code      ← the only place that talks to a person
//!         └─ command/   one verb per file; composes the nouns  ← no clap, no printing, no environment
//!              └─ nouns    environment · project · compare · migration · backup · pull · secret · bundle · cluster
//!                   └─ postgres/   what PostgreSQL offers: connections, psql, SQL text, errors, programs
//!                        └─ sys/   what Unix offers: processes, signals, files, the error type
//! ```
//!
//! Arrows point down only, and `tests/tidy/layer.rs` lists them. A verb returns data; `cli/` turns it
//! into text or JSON. Nothing below `cli/` prints, reads the environment or exits.
//! `ARCHITECTURE.md` tells what happens in `database check` and other verbs, from end to end.

/// The text of `sql/query/NAME.sql`, where `NAME` is `room/query`. The path starts at the package,
/// so that a Rust file may move without its queries.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/query/", $name, ".sql"))
    };
}

mod backup;
mod bundle;
pub mod cli;
mod cluster;
mod command;
mod compare;
mod environment;
mod migration;
mod postgres;
mod project;
mod pull;
mod secret;
mod sys;
