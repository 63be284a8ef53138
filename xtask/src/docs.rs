//! `cargo x docs`: renews what the documents take from the programs.
//!
//! The commands, variables and exit codes are the library's, on which this program does not depend;
//! so the test that compares them with the documents is told to write them.

use crate::failure::Result;
use crate::program;

/// Rewrites the generated parts of the documents.
pub(crate) fn run() -> Result<()> {
    let mut cargo = program::cargo();
    cargo.args(["test", "--quiet", "--package", "db-tool", "--test", "docs"]);
    program::run(cargo.env("UPDATE_DOCS", "1"))
}
