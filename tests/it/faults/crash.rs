//! A server that lost one of its processes recovers by itself, which takes a while.

use crate::support::{Sandbox, project, wait};

/// The pid of the server's process with this description.
fn process(sandbox: &Sandbox, what: &str) -> u32 {
    let sql = format!("SELECT pid FROM pg_stat_activity WHERE backend_type = '{what}'");
    sandbox.ask(&sql).parse().unwrap()
}

/// A stopped process delays the recovery: the postmaster gives it five seconds to end.
#[test]
fn init_waits_for_a_server_that_recovers_from_a_crash() {
    let sandbox = project::deployed("");
    let postmaster = sandbox.postmaster();
    let (stopped, killed) = (process(&sandbox, "walwriter"), process(&sandbox, "checkpointer"));
    wait::signal("STOP", stopped);
    wait::signal("KILL", killed);
    wait::wait_until("the server notices", || {
        let refused = sandbox.database(["psql", "-c", "SELECT 1"]);
        refused.stderr.contains("in recovery mode")
    });
    sandbox.init(["--keep-alive"]).success();
    assert_eq!(sandbox.postmaster(), postmaster);
    assert_eq!(sandbox.ask("SELECT 1"), "1");
}

/// The number of connections that the server has refused because it recovers.
fn refused(sandbox: &Sandbox) -> usize {
    let logs = sandbox.entries("pg/log").into_iter();
    let logs = logs.map(|name| sandbox.read(&format!("pg/log/{name}")));
    logs.map(|log| log.matches("the database system is in recovery mode").count()).sum()
}

#[test]
fn status_waits_a_moment_for_a_server_that_recovers_from_a_crash() {
    let sandbox = project::deployed("");
    let (stopped, killed) = (process(&sandbox, "walwriter"), process(&sandbox, "checkpointer"));
    wait::signal("STOP", stopped);
    wait::signal("KILL", killed);
    wait::wait_until("the server notices", || {
        let refused = sandbox.database(["psql", "-c", "SELECT 1"]);
        refused.stderr.contains("in recovery mode")
    });
    let before = refused(&sandbox);
    let status = sandbox.spawn("database", ["status"]);
    wait::wait_until("status is refused", || refused(&sandbox) > before);
    // nothing delays the recovery any longer
    wait::try_signal("KILL", stopped);
    crate::support::finish(status, None).success();
}

/// PostgreSQL hangs if it is told to stop just after a crash. Whether it does depends on the moment,
/// so there are a few rounds; a command must come to its end in each.
#[test]
fn a_server_that_hangs_in_its_shutdown_is_ended() {
    let sandbox = project::deployed("");
    for round in 0..6 {
        let sleeper = sandbox.spawn("database", ["psql", "-c", "SELECT pg_sleep(3600)"]);
        wait::wait_until("it sleeps", || {
            let sql = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'";
            sandbox.ask(sql) == "1"
        });
        let sql = "SELECT pid FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'";
        let (backend, postmaster) = (sandbox.ask(sql), sandbox.postmaster());
        wait::signal("KILL", backend);
        crate::support::finish(sleeper, None);
        // the crash is noticed within a millisecond, and the processes start anew some ten later
        let mut rounds = 0;
        wait::wait_until("the moment", || {
            rounds += 1;
            rounds > round
        });
        wait::try_signal("INT", postmaster);
        sandbox.init([]).success();
        assert_eq!(sandbox.ask("SELECT 1"), "1");
    }
}
