//! `database diff --write-migration`: what is wanted, and what became of it.

use crate::cli::migrator::settings;
use crate::cli::output::diff;
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::command::diff::{Outcome, Refusal, Writing};
use crate::compare::drift::Class;
use crate::sys::error::{Error, Result};

/// The migration that `--write-migration` names.
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

/// Says what became of it.
///
/// # Errors
/// `Failed` with the draft, when it was not saved.
pub(in crate::cli) fn tell(outcome: Option<&Outcome>) -> Result<()> {
    match outcome {
        None => Ok(()),
        Some(Outcome::Needless) => {
            ui::status("nothing differs that counts: no migration was written");
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
            // what psql was given is nobody's file
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
        .hint("write the migration with `migrator create`, and take from the draft what serves")
}
