//! The behaviour of the programs with real servers. Each capability has a module.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests start programs and wait for them")]

mod backup;
mod blocked;
mod bundle;
mod bundle_choice;
mod cached;
mod check;
mod clock;
mod clone;
mod codes;
mod connections;
mod diff;
mod dotenv;
mod durable;
mod examples;
mod faults;
mod full_disk;
mod init;
mod input;
mod large;
mod leaks;
mod lease;
mod listen;
mod machine;
mod memory;
mod migrator;
mod migrator_crash;
mod new;
mod project_file;
mod pull;
mod remote;
mod removal;
mod runner;
mod schema;
mod secret;
mod secrets;
mod sessions;
mod signals;
mod snapshot;
mod stop;
mod support;
mod trust;
mod variables;
mod verbs;
mod watch;
