//! `postgres-cleanup`: stops the development cluster. Made for traps, so nothing to do is success.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use clap::Parser;

use super::env::Env;
use super::resolve::Resolve;
use super::ui::{self, Voice};
use super::variables_help;
use crate::command::cleanup;
use crate::error::{Kind, Result};

/// Stops the development PostgreSQL cluster in PG_WORKING_DIR; its data stays.
///
/// Nothing to stop, a stale pid file or no directory at all are success, so that it can stand in a
/// trap.
#[derive(Debug, Parser)]
#[command(name = "postgres-cleanup", version, after_long_help = variables_help())]
pub(super) struct Arguments {
    #[command(flatten)]
    voice: Voice,
}

impl Arguments {
    pub(super) fn voice(&self) -> Voice {
        self.voice
    }
}

pub(super) fn execute(_: Arguments) -> Result<()> {
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
