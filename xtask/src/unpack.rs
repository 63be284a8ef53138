//! Debian's packages for the tests, unpacked without an installation.

use std::path::Path;

use crate::failure::{Failure, Result};
use crate::program;

/// Fetches packages and unpacks them into the current directory.
const UNPACK: &str = "\
{ apt-get download \"$@\" || { apt-get update -qq && apt-get download \"$@\"; }; } \
&& for package in *.deb; do dpkg -x \"$package\" .; done && rm *.deb";

/// Unpacks `packages` into `kept`. The first is the one that people know. If that fails, the error
/// is `advice`.
pub(crate) fn unpack(
    kept: &Path,
    packages: &[&str],
    advice: impl FnOnce() -> Failure,
) -> Result<()> {
    eprintln!("Unpacking the distribution's package `{}` for the tests.", packages[0]);
    let mut shell = program::new("sh");
    shell.args(["-c", UNPACK, "sh"]).args(packages).current_dir(kept);
    program::run_aside(&mut shell).map_err(|_| advice())
}
