//! `database diff --write-migration`: the request, and its result.

use crate::cli::migrator::settings;
use crate::cli::output::diff;
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::command::diff::{Outcome, Refusal, Writing};
use crate::compare::drift::Class;
use crate::sys::error::{Error, Result};

/// Builds the request from `--write-migration`.
pub(in crate::cli) fn wanted(
    resolve: &Resolve,
    name: Option<&String>,
    counting: &[Class],
) -> Result<Option<Writing>> {
    let Some(name) = name else { return Ok(None) };
    Ok(Some(Writing {
        description: name.clone(),
        layout: settings::layout(resolve)?,
        counting: counting.to_vec(),
    }))
}

/// Prints the result.
///
/// # Errors
/// `Failed`, with the draft, if it was not saved.
pub(in crate::cli) fn tell(outcome: Option<&Outcome>) -> Result<()> {
    match outcome {
        None => Ok(()),
        Some(Outcome::Needless) => {
            ui::status("no difference counts: no migration was written");
            Ok(())
        }
        Some(Outcome::Saved([up, down])) => {
            ui::status(&format!("wrote {} and {}", up.display(), down.display()));
            Ok(())
        }
        Some(Outcome::Refused(refusal)) => Err(refused(refusal)),
    }
}

fn refused(refusal: &Refusal) -> Error {
    let direction = refusal.direction;
    let error = match &refusal.failed {
        Some(failed) => {
            // remove the name of the temporary file that psql ran
            let message = failed.message();
            let failure = message.split_once(".sql: ").map_or(message, |(_, rest)| rest);
            let error =
                Error::failed(format!("the draft was not saved: its {direction} fails: {failure}"));
            failed.details().iter().fold(error, |error, detail| error.detail(detail))
        }
        None => {
            Error::failed(format!("the draft was not saved: its {direction} leaves differences"))
                .detail(diff::text(&refusal.left))
        }
    };
    error
        .detail(format!("The draft, up:\n\n{}", refusal.content.up))
        .detail(format!("The draft, down:\n\n{}", refusal.content.down))
        .hint("write the migration with `migrator create`, and reuse parts of the draft")
}
