//! libfaketime, with which tests change the clock of a program: found on the machine, or unpacked.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::place;
use crate::unpack::unpack;

/// The variable that names the library to use.
pub(crate) const VARIABLE: &str = "DB_TOOL_TEST_FAKETIME";

/// The library for programs with threads.
const NAME: &str = "faketime/libfaketimeMT.so.1";

/// The path of the library. `None` on systems that load it in another way; the tests do without it
/// there.
pub(crate) fn provide() -> Result<Option<PathBuf>> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    if let Some(found) = named.or_else(|| library_below(Path::new("/"))) {
        return Ok(Some(found));
    }
    let kept = place::kept("faketime")?;
    if library_below(&kept).is_none() {
        unpack(&kept, &["libfaketime"], advice)?;
    }
    library_below(&kept).map(Some).ok_or_else(advice)
}

/// The path of the library below `root`, on Debian and elsewhere.
fn library_below(root: &Path) -> Option<PathBuf> {
    let debian = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let places = [debian.as_str(), "usr/lib64", "usr/lib"];
    places.iter().map(|place| root.join(place).join(NAME)).find(|library| library.is_file())
}

fn advice() -> Failure {
    Failure::new(format!(
        "the tests need libfaketime: install it (`libfaketime`), or set {VARIABLE} to the path of \
         libfaketimeMT.so.1"
    ))
}
