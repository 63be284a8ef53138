//! The major version of a data directory.

use std::path::{Path, PathBuf};

use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Result};
use crate::sys::shell;

/// Refuses a data directory of another major version than that of `toolchain`.
pub(in crate::cluster) fn check_major(data: &Path, toolchain: &Toolchain) -> Result<()> {
    let path = data.join("PG_VERSION");
    let Ok(text) = crate::sys::process::read_text(&path) else {
        return Ok(()); // damaged: the start reports it
    };
    let (found, version) = (text.trim(), toolchain.version()?);
    // up to 9.6 a major version has two numbers; a text that is no number means damage
    let is_number = !found.is_empty() && found.chars().all(|c| c.is_ascii_digit() || c == '.');
    if !is_number || found == version.major.to_string() {
        return Ok(());
    }
    let refused = Error::conflict(format!(
        "{} is a cluster of PostgreSQL {found}, but the programs in {} are PostgreSQL {}",
        data.display(),
        toolchain.bindir().display(),
        version.major
    ));
    let Some(old) = last_bindir(data) else {
        return Err(refused.hint(format!("use the programs of {found} (PG_BINDIR)")));
    };
    let directory = shell::quote(&old.to_string_lossy());
    Err(refused.hint(format!("go on with it: export PG_BINDIR={directory}")).hint(format!(
        "or take the data along: eval \"$(PG_BINDIR={directory} postgres-init --export \
         sh)\" && {directory}/pg_dumpall -d \"$PGURL\" -f dump.sql && database cleanup"
    )))
}

/// The directory of the programs that last ran the cluster, if it still exists. The server records
/// the command that started it in `postmaster.opts`. With Nix, a newer version does not remove that
/// path.
fn last_bindir(data: &Path) -> Option<PathBuf> {
    let noted = crate::sys::process::read_text(data.join("postmaster.opts")).ok()?;
    let server = Path::new(noted.split(" \"").next()?.trim_end());
    server.is_file().then(|| server.parent().map(Path::to_owned)).flatten()
}
