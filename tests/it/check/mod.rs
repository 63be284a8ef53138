//! `database check`: a whole project in a private cluster, and nothing left of it.

mod flags;
mod keep;
mod private;
mod same;

use crate::support::trace::{nothing_left, own_cache};
use crate::support::{Sandbox, assert_golden};

#[test]
fn the_sample_project_passes_and_nothing_is_left() {
    let mut sandbox = Sandbox::with_project("nix/template");
    own_cache(&mut sandbox);
    let before = sandbox.entries("project");
    let checked = sandbox.database(["check"]).success();
    assert_golden("check-sample.txt", &checked.block(&sandbox));
    assert_eq!(sandbox.entries("project"), before);
    nothing_left(&sandbox);
}

#[test]
fn a_failing_statement_is_shown_with_its_place_and_the_servers_log() {
    let mut sandbox = Sandbox::with_project("tests/fixture/broken");
    own_cache(&mut sandbox);
    let failed = sandbox.database(["check"]).fails(
        1,
        [
            "db/src/warehouse/stock.sql:9:42",
            "the end of the server's log:",
            "database system is ready to accept connections",
        ],
    );
    assert_eq!(failed.stdout, "");
    nothing_left(&sandbox);
}
