//! `postgres-cleanup`: stops the development cluster. It is meant for traps, so it succeeds if no
//! server runs.

use crate::cli::args::cleanup::Arguments;
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::command::cleanup;
use crate::sys::error::{Kind, Result};

pub(in crate::cli) fn execute(_: Arguments) -> Result<()> {
    let resolve = Resolve::new(None, &["DB_URL"])?;
    let layout = match resolve.layout() {
        Ok(layout) => layout,
        // there is no directory, or it cannot contain a cluster
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
