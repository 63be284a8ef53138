//! `database patch`: runs the patch, or opens it in an editor.

use crate::bundle::inherits;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::toolchain::Toolchain;
use crate::project::patch;
use crate::project::patch::Patch;
use crate::project::workspace::Workspace;
use crate::pull;
use crate::pull::Contained;
use crate::sys::error::{Context, Error, Result};
use crate::sys::process::{Command, Environment};
use crate::sys::steps::Steps;

/// Runs the patch on the database of `conninfo`, creating an empty default file when there is none.
/// Returns what rows of staging it has loaded, which its own procedures have compared.
pub fn run(
    toolchain: &Toolchain,
    conninfo: &Conninfo,
    workspace: &Workspace,
    inherits: &[String],
) -> Result<(Steps, Vec<Contained>)> {
    patch::create_default(workspace)?;
    let patch = Patch::of(workspace, workspace.patch_log.clone())?;
    inherits::check(conninfo, inherits)?;
    let mut steps = Steps::default();
    let loaded = steps.run("patch", || patch.apply(toolchain, &durability::bulk(conninfo)));
    let loaded = loaded.context("patching failed")?;
    steps.run("flush", || durability::flush(conninfo))?;
    Ok((steps, loaded))
}

/// Whether the patch file came from staging.
pub fn was_pulled(workspace: &Workspace) -> bool {
    pull::was_pulled(&workspace.patch.file)
}

/// Becomes the editor on the patch file; returns only when that failed. `editor` is a command line
/// as a shell reads it.
pub fn edit(workspace: &Workspace, editor: &str, environment: &Environment) -> Error {
    if let Err(error) = patch::create_default(workspace) {
        return error;
    }
    Command::on_file(editor, &workspace.patch.file, environment)
        .replace_process()
        .hint("set EDITOR to the editor to use")
}
