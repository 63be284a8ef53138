//! The patch file: psql runs it after hydration, usually to insert test data.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::psql::script::Script;
use crate::postgres::toolchain::Toolchain;
use crate::project::closure::{self, Obstacle};
use crate::project::workspace::{Workspace, require_file};
use crate::pull;
use crate::pull::TableReceipt;
use crate::sys::error::{IoContext, Result};
use crate::sys::process::ActingAs;

/// The patch file of a project, ready to run.
#[derive(Debug, Clone)]
pub struct Patch {
    /// `None` if the default file is missing. That means the same as an empty file.
    script: Option<Script>,
}

impl Patch {
    /// Finds the patch file of `workspace`. Exits with 3 if `PATCH_SQL` names a path that does not
    /// exist or that is not a regular file.
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

    /// Whether there is a patch file.
    pub fn exists(&self) -> bool {
        self.script.is_some()
    }

    /// The digest of everything that decides what the patch file does. `None` if there is none.
    pub fn digest(&self) -> std::result::Result<Option<String>, Obstacle> {
        self.script.as_ref().map(closure::digest).transpose()
    }

    /// Runs the patch file and returns the rows that a pull wrote into it. Refuses a pulled file
    /// that somebody changed after the pull.
    pub fn apply(&self, toolchain: &Toolchain, conninfo: &Conninfo) -> Result<Vec<TableReceipt>> {
        let Some(script) = &self.script else { return Ok(Vec::new()) };
        let contents = pull::verify(&script.file)?;
        script.run(toolchain, conninfo).map(|()| contents)
    }
}

/// Creates an empty file if the default patch file is missing.
pub fn create_default(workspace: &Workspace) -> Result<()> {
    let file: &Path = &workspace.patch.file;
    if workspace.patch.named || file.exists() {
        return Ok(());
    }
    let _acting = ActingAs::controller_of(file)?;
    // not through a link that leads nowhere
    File::create_new(file).map(drop).on("create", file)
}
