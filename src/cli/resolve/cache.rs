//! Whether commands use cached states of the database.

use std::io::IsTerminal;

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

    /// Whether a check leaves the saving of its states to a process in the background. By default, it
    /// does so if a person waits for it. A script may look for what the check has left behind, and a
    /// machine of continuous integration may end all processes together with it.
    pub(super) fn detaches(&self) -> Result<bool> {
        let by_default = || !self.env.switch("CI") && std::io::stderr().is_terminal();
        Ok(self
            .on_or_off("PG_CACHE_DETACH", "by default, it is on at a terminal")?
            .unwrap_or_else(by_default))
    }

    fn cache_setting(&self) -> Result<Option<bool>> {
        self.on_or_off("PG_CACHE", "on is the default")
    }

    pub(super) fn on_or_off(&self, name: &'static str, hint: &str) -> Result<Option<bool>> {
        match self.env.text(name)? {
            None => Ok(None),
            Some("on") => Ok(Some(true)),
            Some("off") => Ok(Some(false)),
            Some(other) => {
                let what = format!("{name} is {}, neither on nor off", beginning(other));
                Err(Error::conflict(what).hint(hint))
            }
        }
    }
}
