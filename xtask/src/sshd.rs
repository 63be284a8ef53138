//! An ssh server that the tests start themselves: found on the machine, or unpacked without an
//! installation.
//!
//! Installing Debian's package would make host keys and start a service, but the tests need only
//! its files.

use std::path::PathBuf;

use crate::failure::{Failure, Result};
use crate::place;
use crate::unpack::unpack;

/// The variable that names the sshd to use.
pub(crate) const VARIABLE: &str = "DB_TOOL_TEST_SSHD";

/// The usual paths of sshd, which few people have in their `PATH`.
const USUAL: [&str; 3] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];

/// The package and the one library that a small system lacks.
const PACKAGES: [&str; 2] = ["openssh-server", "libwrap0"];

/// The path of an sshd.
pub(crate) fn provide() -> Result<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut usual = USUAL.iter().map(PathBuf::from);
    // sshd must be called by an absolute path; a Nix shell has it in its PATH
    let mut in_path = std::env::split_paths(&path).map(|place| place.join("sshd"));
    let found = usual.find(|sshd| sshd.is_file()).or_else(|| in_path.find(|sshd| sshd.is_file()));
    if let Some(found) = named.or(found) {
        return Ok(found);
    }
    let kept = place::kept("sshd")?;
    let sshd = kept.join("usr/sbin/sshd");
    if !sshd.is_file() {
        unpack(&kept, &PACKAGES, advice)?;
    }
    if sshd.is_file() { Ok(sshd) } else { Err(advice()) }
}

fn advice() -> Failure {
    Failure::new(format!(
        "the tests need sshd: install OpenSSH's server (`openssh-server`), or set {VARIABLE} to its path"
    ))
}
