//! The choice of the bundle.

use super::Resolve;
use crate::bundle::Kind;
use crate::cli::args::bundle::{Bundle, BundleArguments};
use crate::cli::config::{BUNDLE, word};
use crate::sys::error::{Error, Result};
use crate::sys::shown::beginning;

impl Resolve {
    /// The bundle that databases get: the choice on the command line, then `HECTIC_BUNDLE`. `None` for
    /// none.
    pub fn bundle(&self, chosen: BundleArguments) -> Result<Option<Kind>> {
        let of_choice = |choice| match choice {
            Bundle::Full => Some(Kind::Full),
            Bundle::History => Some(Kind::History),
            Bundle::Off => None,
        };
        match (chosen.bundle.map(of_choice), chosen.no_hook) {
            (None | Some(None), true) => Ok(None),
            (Some(Some(kind)), true) => {
                Err(Error::conflict(format!("--no-hook and --bundle {kind} exclude each other"))
                    .hint("--no-hook means --bundle off"))
            }
            (Some(choice), false) => Ok(choice),
            (None, false) => self.bundle_setting(),
        }
    }

    fn bundle_setting(&self) -> Result<Option<Kind>> {
        Ok(match self.env.text("HECTIC_BUNDLE")? {
            None | Some("full") => Some(Kind::Full),
            Some("history") => Some(Kind::History),
            Some("off") => None,
            Some(other) => {
                let words = word::choice(&BUNDLE);
                let what = format!("HECTIC_BUNDLE is {}, not {words}", beginning(other));
                let hint = word::suggestion(&BUNDLE, other);
                let hint = hint.unwrap_or_else(|| "full is the default".to_owned());
                return Err(Error::conflict(what).hint(hint));
            }
        })
    }
}
