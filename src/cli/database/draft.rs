//! `database diff --write-migration`: the request, and its result.

use crate::cli::migrator::settings;
use crate::cli::output::diff;
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::command::diff::{Outcome, Refusal, Writing};
use crate::compare::drift::Class;
use crate::migration::rejected;
use crate::sys::error::{Error, Result};

/// Builds the request from `--write-migration`.
pub(in crate::cli) fn wanted(
    resolve: &Resolve,
    name: Option<&String>,
    with_roles: bool,
    counting: &[Class],
) -> Result<Option<Writing>> {
    let Some(name) = name else { return Ok(None) };
    Ok(Some(Writing {
        description: name.clone(),
        layout: settings::layout(resolve)?,
        counting: counting.to_vec(),
        with_roles,
    }))
}

/// Prints the result.
///
/// # Errors
/// `Failed` if the draft failed its proof. It is saved beside the migrations, with the reason.
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

/// The number of lines of differences that stderr shows. The file with the reason has all.
const SHOWN: usize = 12;

/// Saves the draft beside the migrations. Returns the error that tells why.
fn refused(refusal: &Refusal) -> Error {
    let direction = refusal.direction;
    let (why, details) = match &refusal.failed {
        Some(failed) => {
            // remove the name of the temporary file that psql ran
            let message = failed.message();
            let failure = message.split_once(".sql: ").map_or(message, |(_, rest)| rest);
            (format!("its {direction} fails: {failure}"), failed.details().to_vec())
        }
        None => (format!("its {direction} leaves differences"), vec![diff::text(&refusal.left)]),
    };
    let reason = format!("The draft was not proven: {why}\n\n{}\n", details.join("\n"));
    let (description, content) = (&refusal.description, &refusal.content);
    let saved = rejected::save(&refusal.directory, description, content, &reason);
    let error = Error::failed(format!("the draft did not become a migration: {why}"));
    let shown = |detail: &String| {
        let all = detail.lines().count();
        let mut lines: Vec<&str> = detail.lines().take(SHOWN).collect();
        let more = format!("… {} lines more in reason.txt", all.saturating_sub(SHOWN));
        lines.extend((all > SHOWN).then_some(more.as_str()));
        lines.join("\n")
    };
    let error = details.iter().fold(error, |error, detail| error.detail(shown(detail)));
    let hints = refusal.failed.iter().flat_map(Error::hints);
    let error = hints.fold(error, |error, hint| error.hint(hint.clone()));
    let use_it = "write the migration with `migrator create`, and reuse parts of the draft";
    // the reason is worth more than the failure to save it
    match saved {
        Ok(path) => {
            error.hint(format!("{} has the draft and the reason", path.display())).hint(use_it)
        }
        Err(also) => error.detail(format!("and the draft could not be saved: {also}")),
    }
}
