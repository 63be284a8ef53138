//! Runs the main file of the tests, `test/test.sql`, and passes its output on.

use std::io::Write;

use crate::bundle::inherits;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::psql::script::Script;
use crate::postgres::toolchain::Toolchain;
use crate::project::tap::Tap;
use crate::project::workspace::{Workspace, require_file};
use crate::sys::error::{Context, Error, Result};

/// Runs the tests on the database of `conninfo`. Copies their output to `output`.
///
/// # Errors
/// `Failed` if a test is `not ok` or the stream does not keep its plan; `Sql` if a statement fails.
pub fn run(
    toolchain: &Toolchain,
    conninfo: &Conninfo,
    workspace: &Workspace,
    inherits: &[String],
    output: &mut (dyn Write + Send),
) -> Result<Tap> {
    require_file(&workspace.test, "the test file", "create it, or set DATABASE_DIR")?;
    inherits::check(conninfo, inherits)?;
    let script = Script {
        file: workspace.test.clone(),
        variables: Vec::new(),
        directory: workspace.root.clone(),
        log: None,
    };
    let mut tap = Tap::default();
    script
        .run_lines(toolchain, conninfo, &mut |line| {
            tap.read(&String::from_utf8_lossy(line));
            // tests do not fail because the reader of their output has gone
            let _ = output.write_all(line).and_then(|()| output.write_all(b"\n"));
        })
        .context("testing failed")?;
    match tap.verdict() {
        Ok(()) => Ok(tap),
        Err(reason) => Err(Error::failed(format!("tests failed: {reason}"))
            .detail(tap.failed.join("\n"))
            .hint(format!("see the output above; the tests are in {}", workspace.test.display()))),
    }
}
