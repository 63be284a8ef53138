//! pgTAP, with which tests prove that its output is read: found on the machine, or unpacked.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::place;
use crate::unpack::unpack;

/// The variable that names the directory below which the package lies, such as `/`.
pub(crate) const VARIABLE: &str = "DB_TOOL_TEST_PGTAP";

/// The parent of the directories of Debian's servers, one for each major version.
const SERVERS: &str = "/usr/lib/postgresql";

/// The major version of the package for a server that is not Debian's. pgTAP is SQL, which every
/// server runs.
const ANY: &str = "15";

/// The directory with the package for the server whose programs are in `bindir`.
pub(crate) fn provide(bindir: &Path) -> Result<PathBuf> {
    let major = bindir.strip_prefix(SERVERS).ok().and_then(|rest| rest.iter().next()?.to_str());
    let major = major.unwrap_or(ANY);
    let (package, shared) = (
        format!("postgresql-{major}-pgtap"),
        format!("usr/share/postgresql/{major}/extension/pgtap.control"),
    );
    let is_below = |root: &PathBuf| root.join(&shared).is_file();
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    if let Some(found) = named.or_else(|| Some(Path::new("/").to_owned()).filter(is_below)) {
        return Ok(found);
    }
    let kept = place::kept("pgtap")?;
    let advice = || {
        Failure::new(format!(
            "the tests need pgTAP: install it (`{package}`), or set {VARIABLE} to the directory \
             below which {shared} lies"
        ))
    };
    if !is_below(&kept) {
        unpack(&kept, &[&package], advice)?;
    }
    Some(kept).filter(is_below).ok_or_else(advice)
}
