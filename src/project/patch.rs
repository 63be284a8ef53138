//! The patch: SQL run after hydration, usually test data.

use std::path::{Path, PathBuf};

use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::psql::script::Script;
use crate::postgres::toolchain::Toolchain;
use crate::project::workspace::{Workspace, require_file};
use crate::pull;
use crate::pull::Contained;
use crate::sys::error::{IoContext, Result};

/// The patch of a project.
#[derive(Debug, Clone)]
pub struct Patch {
    /// `None` when the default file is missing, which is the same as an empty one.
    script: Option<Script>,
}

impl Patch {
    /// The patch of `workspace`; exit 3 when `PATCH_SQL` names a file that is not there, or it
    /// is no file.
    pub fn of(workspace: &Workspace, log: Option<PathBuf>) -> Result<Self> {
        let file = &workspace.patch.file;
        if workspace.patch.named || file.exists() {
            require_file(file, "PATCH_SQL", "create it, or unset PATCH_SQL for test-data.sql")?;
        }
        let script = file.exists().then(|| Script {
            file: file.clone(),
            variables: Vec::new(),
            directory: workspace.root.clone(),
            log,
        });
        Ok(Self { script })
    }

    /// Runs the patch. One that was pulled has to be as it was pulled; what rows it has brought is
    /// returned.
    pub fn apply(&self, toolchain: &Toolchain, conninfo: &Conninfo) -> Result<Vec<Contained>> {
        let Some(script) = &self.script else { return Ok(Vec::new()) };
        let contents = pull::verify(&script.file)?;
        script.run(toolchain, conninfo).map(|()| contents)
    }
}

/// Creates the default patch file, empty, when it is missing.
pub fn create_default(workspace: &Workspace) -> Result<()> {
    let file: &Path = &workspace.patch.file;
    if workspace.patch.named || file.exists() {
        return Ok(());
    }
    std::fs::write(file, "").on("create", file)
}
