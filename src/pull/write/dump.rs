//! A pull by `pg_dump` itself: for flags that only it knows.
//!
//! What it writes is what it writes: not in the order of keys, not to be loaded twice. The tables are
//! looked for first, so that a missing one is the same error as ever.

use super::file;
use super::file::Draft;
use super::state::State;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::postgres::toolchain::Toolchain;
use crate::pull::Flags;
use crate::pull::read::rows;
use crate::pull::select::table;
use crate::pull::select::table::Selection;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{StandardOutput, describe};
use std::path::Path;

/// How many lines of what `pg_dump` says an error keeps.
const KEPT: usize = 20;

/// Runs `pg_dump` with the flags as they were given, into `file`.
///
/// # Errors
/// `NoSuchTable` for a table that is not on staging; `ProgramMissing` without `pg_dump`; `Failed` with
/// what it said.
pub fn dump(
    mut session: Session,
    conninfo: &Conninfo,
    toolchain: &Toolchain,
    selection: &Selection,
    flags: &Flags,
    file: &Path,
) -> Result<()> {
    rows::begin(&mut session, None)?;
    table::find(&mut session, selection)?;
    drop(session);
    let mut command = toolchain.command("pg_dump")?.arg("--no-password").args(&flags.all);
    for pattern in &selection.include {
        command = command.arg("--table").arg(pattern.text());
    }
    command = command.envs(conninfo.variables());
    let mut draft = Draft::beside(file)?;
    let part = file::part(file)?;
    let output = part.as_file().try_clone().on("write", part.path())?;
    let mut said: Vec<String> = Vec::new();
    let status = command.stream(StandardOutput::File(output), |line| {
        said.push(String::from_utf8_lossy(line).into_owned());
        said.drain(..said.len().saturating_sub(KEPT));
    })?;
    if !status.success() {
        let failed = Error::failed(format!("cannot pull: pg_dump {}", describe(status)));
        let failed = failed.detail(said.join("\n"));
        // it never reads a server that is newer than itself
        return Err(match said.iter().any(|line| line.contains("version mismatch")) {
            true => failed.hint(format!(
                "set PG_BINDIR to a release as new as staging's, or leave out what only pg_dump knows: {}",
                flags.unknown.join(" ")
            )),
            false => failed,
        });
    }
    said.iter().for_each(|line| tracing::warn!("{line}"));
    file::append(&mut draft, part.as_file(), 0..u64::MAX)?;
    draft.publish(&[])?;
    State::forget(file);
    Ok(())
}
