//! `cargo x docs`: renews what the README takes from the program.
//!
//! The tables are the library's, on which this program does not depend; so the test that compares
//! them with the README is told to write them.

use crate::failure::Result;
use crate::program;

/// Rewrites the README's generated tables.
pub(crate) fn run() -> Result<()> {
    let mut cargo = program::cargo();
    cargo.args(["test", "--quiet", "--package", "db-tool", "--test", "docs"]);
    program::run(cargo.env("UPDATE_DOCS", "1"))
}
