//! `database check`: a whole project in a private cluster, and nothing left of it.

use crate::support::{Sandbox, assert_golden, server};

fn nothing_left(sandbox: &Sandbox) {
    assert_eq!(sandbox.entries("tmp"), Vec::<String>::new());
    assert_eq!(server::processes_below(&sandbox.path("")), Vec::<u32>::new());
}

#[test]
fn the_sample_project_passes_and_nothing_is_left() {
    let sandbox = Sandbox::with_project("nix/template");
    let before = sandbox.entries("project");
    let checked = sandbox.database(["check"]).success();
    assert_golden("check-sample.txt", &checked.block(&sandbox));
    assert_eq!(sandbox.entries("project"), before);
    nothing_left(&sandbox);
}

#[test]
fn a_failing_statement_is_shown_with_its_place() {
    let sandbox = Sandbox::with_project("tests/fixture/broken");
    let failed = sandbox.database(["check"]).fails(1, ["db/src/warehouse/stock.sql:9:42"]);
    assert_eq!(failed.stdout, "");
    nothing_left(&sandbox);
}
