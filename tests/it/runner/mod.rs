//! The test runner: `database test` with several files, and `check --test`.

mod check;
mod choice;
mod clones;
mod failing;
mod pgtap;
mod report;

use std::path::PathBuf;

use crate::support::{Outcome, Sandbox, project};

/// A source with a table that every test may fill.
const TABLE: &str = "CREATE TABLE work (n int PRIMARY KEY) INHERITS (hectic.created_at);\n";

/// A deployed project with these files below `db/test`.
fn with_tests(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = project::deployed(TABLE);
    write(&sandbox, files);
    sandbox
}

fn write(sandbox: &Sandbox, files: &[(&str, &str)]) {
    for (name, text) in files {
        sandbox.write(&format!("project/db/test/{name}"), text);
    }
}

/// A file whose TAP passes.
const PASSES: &str = "\\echo 1..1\n\\echo ok 1 - fine\n";

/// A file whose TAP does not pass.
const FAILS: &str = "\\echo 1..1\n\\echo not ok 1 - bad\n";

/// The names of the files that ran, in the order of the report.
fn ran(outcome: &Outcome) -> Vec<&str> {
    let lines = outcome.stdout.lines().filter(|line| line.starts_with(['o', 'n']));
    let names = lines.filter_map(|line| line.split_whitespace().find(|word| word.contains(".sql")));
    names.map(|name| name.trim_end_matches(':')).collect()
}

/// The JSON report of a run.
fn json(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome}"))
}

/// The directory with the package of pgTAP that `cargo x test` has found or unpacked.
fn package() -> PathBuf {
    let named = std::env::var_os("DB_TOOL_TEST_PGTAP").map(PathBuf::from);
    let unpacked = crate::support::repository().join("target/pgtap");
    let found = named.or_else(|| Some(unpacked).filter(|place| place.is_dir()));
    found.expect("DB_TOOL_TEST_PGTAP is unset: run the tests with `cargo x test`")
}
