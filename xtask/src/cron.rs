//! `pg_cron`, with whose jobs tests keep a server awake: found on the machine, or unpacked.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::place;
use crate::unpack::unpack;

/// The variable that names the directory below which the package lies, such as `/`.
pub(crate) const VARIABLE: &str = "DB_TOOL_TEST_CRON";

/// The parent of the directories of Debian's servers, one for each major version.
const SERVERS: &str = "/usr/lib/postgresql";

/// The directory with the package for the server whose programs are in `bindir`. `None` for a server
/// that is not Debian's: there is no package for it, and the tests do without `pg_cron`.
pub(crate) fn provide(bindir: &Path) -> Result<Option<PathBuf>> {
    let major = bindir.strip_prefix(SERVERS).ok().and_then(|rest| rest.iter().next()?.to_str());
    let Some(major) = major else { return Ok(None) };
    let library = format!("usr/lib/postgresql/{major}/lib/pg_cron.so");
    let is_below = |root: &PathBuf| root.join(&library).is_file();
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    if let Some(found) = named.or_else(|| Some(PathBuf::from("/")).filter(is_below)) {
        return Ok(Some(found));
    }
    let (kept, package) = (place::kept("cron")?, format!("postgresql-{major}-cron"));
    let advice = || {
        Failure::new(format!(
            "the tests need pg_cron: install it (`{package}`), or set {VARIABLE} to the directory \
             below which {library} lies"
        ))
    };
    if !is_below(&kept) {
        unpack(&kept, &[&package], advice)?;
    }
    Some(kept).filter(is_below).map(Some).ok_or_else(advice)
}
