//! `cargo x test`: all checks, the flake, PostgreSQL, all tests.
//!
//! Nothing is printed after cargo's last line, so that the outcome is what one sees.

use crate::failure::Result;
use crate::{check, nix, place, postgres, program, sshd};

/// Where the tests find the server's programs.
const BINDIR: &str = "DB_TOOL_TEST_PG_BINDIR";
/// A cache directory that the tests share and that survives between runs: an initdb less for each.
const CACHE: &str = "DB_TOOL_TEST_CACHE";

/// Runs the tests that `filters` match, or the checks and then every test.
pub(crate) fn run(pg: Option<u32>, filters: &[String]) -> Result<()> {
    let (bindir, sshd) = (postgres::provide(pg)?, sshd::provide()?);
    if filters.is_empty() {
        check::run()?;
        nix::run_if_possible()?;
    }
    let mut cargo = program::cargo();
    cargo.args(["test", "--workspace", "--no-fail-fast", "--"]).args(filters);
    cargo.env(sshd::VARIABLE, &sshd);
    program::run(cargo.env(BINDIR, &bindir).env(CACHE, place::kept("test-cache")?))
}
