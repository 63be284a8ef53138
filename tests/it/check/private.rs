//! Any number of checks at once, beside a development cluster that they neither need nor touch.

use crate::support::project::with_own_cache;
use crate::support::trace::nothing_left;
use crate::support::{finish, wait_until};

#[test]
fn checks_run_at_once_beside_a_running_cluster() {
    let sandbox = with_own_cache("CREATE TABLE t (x int) INHERITS (hectic.created_at);\n");
    sandbox.database(["deploy"]).success();
    let postmaster = sandbox.postmaster();
    sandbox.ask("INSERT INTO t (x) VALUES (1)");
    let running: Vec<_> = (0..4).map(|_| sandbox.spawn("database", ["check"])).collect();
    for check in running {
        finish(check, None).success();
    }
    assert_eq!(sandbox.postmaster(), postmaster, "not even restarted");
    assert_eq!(sandbox.ask("SELECT x FROM t"), "1");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    nothing_left(&sandbox);
}

/// Each of two checks waits for the other, which proves that they run at the same time.
#[test]
fn checks_do_not_wait_for_each_other() {
    let sandbox = with_own_cache(
        "\\! touch here-$$; until test $(ls -d here-* | wc -l) = 2; do sleep 0.02; done\n",
    );
    let one = sandbox.spawn("database", ["check"]);
    finish(sandbox.spawn("database", ["check"]), None).success();
    finish(one, None).success();
    nothing_left(&sandbox);
}

#[test]
fn a_cluster_may_come_and_go_during_a_check() {
    let sandbox =
        with_own_cache("\\! touch started; until test -e finish; do sleep 0.02; done\nSELECT 1;\n");
    let check = sandbox.spawn("database", ["check"]);
    wait_until("the check runs", || sandbox.path("project/started").exists());
    sandbox.init([]).success();
    sandbox.database(["cleanup"]).success();
    sandbox.write("project/finish", "");
    finish(check, None).success();
    nothing_left(&sandbox);
}

/// The project's connection string may lead to any cluster. A check never connects to it.
#[test]
fn the_projects_server_is_not_contacted() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    sandbox.set("DB_URL", "postgresql://dev:hush@db.invalid:6543/shop?sslmode=require");
    let checked = sandbox.database(["--verbose", "check"]).success();
    assert!(!checked.stderr.contains("hush"), "{checked}");
    sandbox.unset("DB_URL");
    sandbox.database(["check"]).success();
}
