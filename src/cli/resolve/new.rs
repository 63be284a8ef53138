//! Settings that do not depend on a project that the environment names.

use std::path::Path;

use super::Resolve;
use crate::cli::env::Env;
use crate::sys::error::Result;

impl Resolve {
    /// Takes the settings of the project in `root`, whatever the environment says about another one.
    pub fn of_project(root: &Path) -> Result<Self> {
        Ok(Self { url_variables: &["DB_URL"], ..Self::of(Env::of_project(root)?) })
    }

    /// Takes the settings of this machine only.
    pub fn of_no_project() -> Result<Self> {
        Ok(Self::of(Env::of_no_project()?))
    }
}
