//! PostgreSQL development databases: ephemeral clusters, hydration, patches, checks.
//!
//! ```text
//! argv + environment
//!    └─ cli/        parse, resolve once, print, exit code      ← the only place that talks to a person
//!         └─ command/   one verb per file; composes the nouns  ← no clap, no printing, no environment
//!              └─ nouns    workspace · cluster · bundle · source · patch · secret
//!                   └─ postgres/   what PostgreSQL offers: toolchain, url, session, psql script, SQL error
//!                        └─ process · signal · error           what Unix offers
//! ```
//!
//! Arrows point down only. A verb returns data; `cli/` turns it into text or JSON. Nothing below
//! `cli/` prints, reads the environment or exits. `clippy.toml` and `tests/tidy.rs` hold the rules.

pub mod bundle;
pub mod cli;
pub mod cluster;
pub mod command;
pub mod development;
pub mod error;
pub mod inherits;
pub mod patch;
pub mod postgres;
pub mod process;
pub mod secret;
pub mod signal;
pub mod source;
pub mod steps;
pub mod tap;
pub mod workspace;
