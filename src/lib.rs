//! PostgreSQL development databases: ephemeral clusters, hydration, patches, checks.
//!
//! ```text
//! argv + environment
//!    └─ cli/        parse, resolve once, print, exit code      ← the only place that talks to a person
//!         └─ command/   one verb per file; composes the nouns  ← no clap, no printing, no environment
//!              └─ nouns    workspace · development · cluster · bundle · source · patch · migration · secret · facts · drift · draft · origin · rows · both · private · backup · staging · scratch · tap
//!                   └─ postgres/   what PostgreSQL offers: toolchain, url, session, psql script, SQL error
//!                        └─ process · signal · error           what Unix offers
//! ```
//!
//! Arrows point down only. A verb returns data; `cli/` turns it into text or JSON. Nothing below
//! `cli/` prints, reads the environment or exits. `clippy.toml` and `tests/tidy.rs` hold the rules.
//!
//! `database check`, from end to end:
//!
//! 1. `cli` catches signals, parses the arguments and captures the environment. `cli::resolve` makes
//!    values of both: `Workspace` (exit 3 without it), `ClusterSpec`, `Toolchain` (exit 127).
//! 2. `command::check` claims a `Throwaway`: a private directory with an entry that outlives a
//!    killed process. The `ClusterSpec` becomes a `Cluster` (a clone of a template, else what
//!    `initdb` makes, of which the template is made meanwhile) and then `Running`.
//! 3. Role, database and `bundle` are a `Seed`: planted once, part of the template from then on.
//! 4. `command::deploy::apply` puts the `Content` in: secrets (a `Supply`, sealed here), `Source`, `Patch`, each a step of
//!    `Steps` and each through a `Conninfo`, by a `Session` or by psql (`Script`).
//! 5. The `Throwaway` is removed, also after an error, a signal or a panic. An error keeps its kind
//!    on the way up, and the kind is the exit code; the first error wins.
//!
//! `init` and `deploy` provide a `Development` instead: the cluster in `PG_WORKING_DIR`, which
//! `cluster::provision` keeps, starts, replaces or refuses. `hydrate`, `patch` and `test` work on
//! whatever database their `Conninfo` means.

/// The text of `sql/query/NAME.sql`, where `NAME` is `room/query`. The path starts at the package,
/// so that a Rust file may move without its queries.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/query/", $name, ".sql"))
    };
}

pub mod backup;
pub mod both;
pub mod bundle;
pub mod cli;
pub mod cluster;
pub mod command;
pub mod development;
pub mod draft;
pub mod drift;
pub mod durability;
pub mod error;
pub mod facts;
pub mod inherits;
pub mod migration;
pub mod origin;
pub mod patch;
pub mod postgres;
pub mod private;
pub mod process;
pub mod rows;
pub mod scratch;
pub mod secret;
pub mod shell;
pub mod signal;
pub mod source;
pub mod staging;
pub mod steps;
pub mod tap;
pub mod workspace;
