//! A pull by `pg_dump`, for flags that only `pg_dump` can obey.
//!
//! Its output is not in the order of keys and cannot be loaded twice. db-tool looks for the tables
//! first, so that a missing table causes the same error as in other pulls.

use super::file;
use super::file::Draft;
use super::state::State;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::postgres::toolchain::Toolchain;
use crate::pull::Flags;
use crate::pull::read::rows;
use crate::pull::select::find;
use crate::pull::select::find::Selection;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{StandardOutput, describe};
use std::path::Path;

/// The number of lines of `pg_dump`'s messages that an error keeps.
const KEPT: usize = 20;

/// Runs `pg_dump` with the user's flags and writes `file`.
///
/// # Errors
/// `NoSuchTable` for a table that does not exist on staging; `ProgramMissing` without `pg_dump`;
/// `Failed`, with its messages, if `pg_dump` fails.
pub fn dump(
    mut session: Session,
    conninfo: &Conninfo,
    toolchain: &Toolchain,
    selection: &Selection,
    flags: &Flags,
    file: &Path,
) -> Result<()> {
    rows::begin(&mut session, None)?;
    find::find(&mut session, selection)?;
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
        // pg_dump does not read servers of a newer major version
        return Err(match said.iter().any(|line| line.contains("version mismatch")) {
            true => failed.hint(format!(
                "set PG_BINDIR to a release as new as staging's, or remove the flags that only pg_dump can obey: {}",
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
