//! `cargo x docs`: renews the generated parts of the documents.
//!
//! The commands, variables and exit codes belong to the library, on which this program does not
//! depend. So it tells the test that compares them with the documents to write them.

use crate::failure::Result;
use crate::program;

/// Rewrites the generated parts of the documents.
pub(crate) fn run() -> Result<()> {
    let mut cargo = program::cargo();
    cargo.args(["test", "--quiet", "--package", "db-tool", "--test", "docs"]);
    program::run(cargo.env("UPDATE_DOCS", "1"))
}
