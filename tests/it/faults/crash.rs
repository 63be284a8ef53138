//! A server that lost one of its processes recovers by itself, which takes a while.

use crate::support::{Sandbox, project, server, wait};

/// The pid of the server's process with this description.
fn process(sandbox: &Sandbox, what: &str) -> u32 {
    let sql = format!("SELECT pid FROM pg_stat_activity WHERE backend_type = '{what}'");
    sandbox.ask(&sql).parse().unwrap()
}

/// A stopped process delays the recovery: the postmaster gives it five seconds to end.
#[test]
fn init_waits_for_a_server_that_recovers_from_a_crash() {
    let sandbox = project::deployed("");
    let postmaster = server::postmaster(&sandbox.path("pg/data"));
    let (stopped, killed) = (process(&sandbox, "walwriter"), process(&sandbox, "checkpointer"));
    wait::signal("STOP", stopped);
    wait::signal("KILL", killed);
    wait::wait_until("the server notices", || {
        let refused = sandbox.database(["psql", "-c", "SELECT 1"]);
        refused.stderr.contains("in recovery mode")
    });
    sandbox.init(["--keep-alive"]).success();
    assert_eq!(server::postmaster(&sandbox.path("pg/data")), postmaster);
    assert_eq!(sandbox.ask("SELECT 1"), "1");
}
