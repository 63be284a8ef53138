//! Whether commands use cached states of the database.

use super::Resolve;
use crate::sys::error::{Error, Result};
use crate::sys::shown::beginning;

impl Resolve {
    /// Whether a command uses cached states: not with `--no-cache` or `PG_CACHE=off`.
    pub fn caches(&self, refused: bool) -> Result<bool> {
        Ok(!refused && self.cache_setting()? != Some(false))
    }

    /// The same for a check. On a machine of continuous integration (`CI`), a check is expected to
    /// prove that the project works from nothing, so there only `PG_CACHE=on` turns the states on.
    pub fn caches_checks(&self, refused: bool) -> Result<bool> {
        let setting = self.cache_setting()?;
        Ok(!refused && setting.unwrap_or_else(|| !self.env.switch("CI")))
    }

    fn cache_setting(&self) -> Result<Option<bool>> {
        match self.env.text("PG_CACHE")? {
            None => Ok(None),
            Some("on") => Ok(Some(true)),
            Some("off") => Ok(Some(false)),
            Some(other) => {
                let what = format!("PG_CACHE is {}, neither on nor off", beginning(other));
                Err(Error::conflict(what).hint("on is the default"))
            }
        }
    }
}
