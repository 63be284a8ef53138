//! `database patch`: runs the patch file, or opens it in an editor.

use crate::bundle::inherits;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::toolchain::Toolchain;
use crate::project::patch;
use crate::project::patch::Patch;
use crate::project::workspace::Workspace;
use crate::pull;
use crate::pull::TableReceipt;
use crate::sys::error::{Context, Error, Result};
use crate::sys::process::{Command, Environment};
use crate::sys::steps::Steps;

/// Runs the patch file on the database of `conninfo`. Creates an empty default file if there is
/// none. Returns the rows of staging that the file loaded; the file's own procedures compared them
/// with the pull.
pub fn run(
    toolchain: &Toolchain,
    conninfo: &Conninfo,
    workspace: &Workspace,
    inherits: &[String],
) -> Result<(Steps, Vec<TableReceipt>)> {
    patch::create_default(workspace)?;
    let patch = Patch::of(workspace, workspace.patch_log.clone())?;
    inherits::check(conninfo, inherits)?;
    let mut steps = Steps::default();
    let loaded = steps.run("patch", || patch.apply(toolchain, &durability::bulk(conninfo)));
    let loaded = loaded.context("patching failed")?;
    steps.run("flush", || durability::flush(conninfo))?;
    Ok((steps, loaded))
}

/// Checks whether `pull_staging` wrote the patch file.
pub fn was_pulled(workspace: &Workspace) -> bool {
    pull::was_pulled(&workspace.patch.file)
}

/// Replaces this process by the editor, which opens the patch file. Returns only if that fails.
/// `editor` is a command line in a shell's syntax.
pub fn edit(workspace: &Workspace, editor: &str, environment: &Environment) -> Error {
    if let Err(error) = patch::create_default(workspace) {
        return error;
    }
    Command::on_file(editor, &workspace.patch.file, environment)
        .replace_process()
        .hint("set EDITOR to the editor to use")
}
