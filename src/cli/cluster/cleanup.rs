//! `postgres-cleanup`: stops the development cluster. Made for traps, so nothing to do is success.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use clap::Parser;

use crate::cli::env::Env;
use crate::cli::output::ui;
use crate::cli::output::ui::Voice;
use crate::cli::resolve::Resolve;
use crate::cli::variables_help;
use crate::command::cleanup;
use crate::sys::error::{Kind, Result};

/// Stops the development PostgreSQL cluster in PG_WORKING_DIR; its data stays.
///
/// Nothing to stop, a stale pid file or no directory at all are success, so that it can stand in a
/// trap.
#[derive(Debug, Parser)]
#[command(name = "postgres-cleanup", version, after_long_help = variables_help())]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    voice: Voice,
}

impl Arguments {
    pub(in crate::cli) fn voice(&self) -> Voice {
        self.voice
    }
}

pub(in crate::cli) fn execute(_: Arguments) -> Result<()> {
    let resolve = Resolve { env: Env::capture()?, url: None, url_variables: &["DB_URL"] };
    let layout = match resolve.layout() {
        Ok(layout) => layout,
        // no directory, or one that can hold no cluster
        Err(error) if matches!(error.kind(), Kind::Missing | Kind::Conflict) => {
            tracing::debug!("nothing to stop: {error}");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if cleanup::stop(&layout)? {
        ui::status(&format!("PostgreSQL stopped: {}", layout.working_directory().display()));
    }
    Ok(())
}
