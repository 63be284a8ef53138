//! Bad input, interrupts and concurrent sessions: exit code 1 means differences and nothing else.

use super::support::{LiveProject, silent};
use crate::support::project::with_own_cache;
use crate::support::trace::{interrupt, nothing_left};
use crate::support::{Sandbox, finish, wait_until};

const TABLE: &str = "CREATE TABLE t (a int) INHERITS (hectic.created_at);\n";
const BROKEN: &str = "CREATE TABLE t (a int);\nSELECT nonsense;\n";

fn migration(sandbox: &Sandbox, up: &str) {
    sandbox.write("project/db/migration/20250101000000-t/up.sql", up);
    sandbox.write("project/db/migration/20250101000000-t/down.sql", "DROP TABLE t;\n");
}

/// A project with one source and one migration.
fn project(source: &str, up: &str) -> Sandbox {
    let sandbox = with_own_cache(source);
    migration(&sandbox, up);
    sandbox
}

#[test]
fn sql_that_fails_is_4_whichever_side_it_is_on() {
    let sandbox = project(BROKEN, TABLE);
    let words = ["cannot prepare the sources' side", "db/src/entrypoint.sql:1"];
    sandbox.database(["diff", "--from-migrations"]).fails(4, words);
    nothing_left(&sandbox);
    let sandbox = project(TABLE, "SELECT nonsense;\n");
    let words = ["cannot prepare the other side", "up.sql:1:8", "nonsense"];
    let failed = sandbox.database(["diff", "--from-migrations"]).fails(4, words);
    assert_eq!(failed.stdout, "");
    nothing_left(&sandbox);
    let sandbox = project("\\ir absent.sql\n", TABLE);
    sandbox.database(["diff", "--from-migrations"]).fails(4, ["absent.sql"]);
    let sandbox = project(BROKEN, "SELECT nonsense;\n");
    sandbox.database(["diff", "--from-migrations", "-o", "out"]).fails(4, []);
    assert!(!sandbox.path("out").exists());
    nothing_left(&sandbox);
}

#[test]
fn what_cannot_be_reached_or_read_is_13() {
    let sandbox = project(TABLE, TABLE);
    for url in [
        "postgresql://dev@localhost/app?host=/nowhere",
        "postgresql://dev@127.0.0.1:1/app",
        "postgresql://dev@db.invalid/app",
    ] {
        sandbox.database(["diff", "--against", url]).fails(13, ["error: ", "hint: "]);
        nothing_left(&sandbox);
    }
    let live = LiveProject::new(
        "CREATE ROLE stranger LOGIN; CREATE TABLE t (a int PRIMARY KEY) INHERITS (hectic.created_at, hectic.immutable);",
    );
    let url = super::support::url(&live, "stranger");
    live.database(["diff", "--against", &url]).fails(13, ["permission denied", "t"]);
    let url = super::support::url(&live, "nobody");
    live.database(["diff", "--against", &url]).fails(13, ["nobody"]);
}

#[test]
fn what_is_missing_is_3_and_what_contradicts_is_2() {
    let mut sandbox = project(TABLE, TABLE);
    sandbox.database(["diff"]).fails(3, ["--from-migrations", "--against URL"]);
    sandbox.database(["diff", "--against"]).fails(3, []);
    sandbox.database(["diff", "--from-migrations", "--against", "host=/x"]).fails(2, []);
    sandbox.database(["diff", "--from-migrations", "--format", "xml"]).fails(2, []);
    sandbox.database(["diff", "--nonsense"]).fails(9, []);
    sandbox.database(["diff", "--from-migrations", "--fail-on", "all"]).fails(9, ["\"all\""]);
    sandbox.unset("LOCAL_DIR");
    sandbox.database(["diff", "--from-migrations"]).fails(3, ["LOCAL_DIR"]);
    sandbox.set("LOCAL_DIR", "/nowhere");
    sandbox.database(["diff", "--from-migrations"]).fails(3, ["/nowhere"]);
    let sandbox = Sandbox::new();
    sandbox.database(["diff", "--from-migrations"]).fails(3, ["LOCAL_DIR"]);
}

#[test]
fn an_interrupt_leaves_nothing() {
    // a migration may not start programs, but it may write files
    let here = "\\copy (SELECT 1) TO 'started'\n";
    let sleep = "SELECT pg_sleep(3600);\n";
    let sleeping = [here, sleep].concat();
    for (source, up, name, number) in [
        (&*sleeping, TABLE, "INT", 2),
        (TABLE, &*sleeping, "TERM", 15),
        (sleep, &*sleeping, "TERM", 15),
    ] {
        let sandbox = project(source, up);
        let diff = sandbox.spawn("database", ["diff", "--from-migrations"]);
        let started = || sandbox.path("project/started").exists();
        let outcome = interrupt(diff, name, started);
        assert_eq!(outcome.signal, Some(number), "{outcome}");
        assert!(outcome.stderr.contains("interrupted") && outcome.stdout.is_empty(), "{outcome}");
        nothing_left(&sandbox);
    }
}

#[test]
fn comparisons_run_at_once_and_leave_nothing() {
    let sandbox = project(TABLE, TABLE);
    let running: Vec<_> =
        (0..3).map(|_| sandbox.spawn("database", ["diff", "--from-migrations"])).collect();
    for diff in running {
        silent(&finish(diff, None));
    }
    nothing_left(&sandbox);
    assert_eq!(sandbox.entries("project/db"), ["migration", "src"]);
}

#[test]
fn the_live_side_is_only_read() {
    let live = LiveProject::new(&format!(
        "{TABLE}CREATE SEQUENCE s; CREATE TABLE u (a int PRIMARY KEY) INHERITS (hectic.created_at, hectic.immutable);"
    ));
    // a transaction that writes gets a number
    let next = "SELECT pg_snapshot_xmax(pg_current_snapshot())";
    let before = live.ask(next);
    silent(&live.diff([]));
    silent(&live.diff(["--tables", "public.t", "--all-columns"]));
    assert_eq!(live.ask(next), before);
    live.change("ALTER ROLE dev SET default_transaction_read_only = on;");
    silent(&live.diff([]));
}

/// The number of sessions that wait for a table.
fn waiting(live: &LiveProject) -> String {
    live.ask("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'")
}

#[test]
fn a_table_that_is_being_dropped_is_waited_for() {
    let live = LiveProject::new(
        &[TABLE, "CREATE TABLE other (a int) INHERITS (hectic.created_at);"].concat(),
    );
    live.source(TABLE);
    let held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = to_regclass('other')";
    let drop = live
        .holding("BEGIN; DROP TABLE other; SELECT pg_sleep(3600) FROM pg_class LIMIT 1; COMMIT;");
    wait_until("the table is being dropped", || live.ask(held) == "1");
    let url = live.live();
    let diff = live.spawn("database", ["diff", "--against", &url]);
    wait_until("the comparison waits", || waiting(&live) == "1");
    // the server rolls the DROP back, and the comparison goes on
    let release =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; DROP%'";
    live.ask(release);
    finish(drop, None);
    let found = finish(diff, None).fails(1, ["1 difference that counts"]);
    assert!(found.stdout.contains("- table public.other"), "it was not dropped: {found}");
    // the next comparison waits for a lock, and goes on when the holder ends
    let gate = live.holding("SELECT pg_advisory_lock(7), pg_sleep(3600)");
    let closed = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    wait_until("the gate is closed", || live.ask(closed) == "1");
    let drop = live.holding("BEGIN; DROP TABLE other; SELECT pg_advisory_lock(7); COMMIT;");
    wait_until("the table is being dropped", || live.ask(held) == "1");
    let diff = live.spawn("database", ["diff", "--against", &url]);
    wait_until("the comparison waits", || waiting(&live) == "1");
    live.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_advisory_lock(7), %'");
    finish(gate, None);
    finish(drop, None).success();
    silent(&finish(diff, None));
}

#[test]
fn a_wait_for_a_lock_can_be_interrupted() {
    let live = LiveProject::new(TABLE);
    let holder = live.holding("BEGIN; LOCK TABLE t; SELECT pg_sleep(3600); COMMIT;");
    wait_until("the lock is held", || {
        live.ask("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = to_regclass('t')") == "1"
    });
    let url = live.live();
    let diff = live.spawn("database", ["diff", "--against", &url]);
    let outcome = interrupt(diff, "TERM", || waiting(&live) == "1");
    assert_eq!(outcome.signal, Some(15), "{outcome}");
    assert_eq!(live.entries("tmp"), Vec::<String>::new());
    let mut holder = holder;
    let _ = holder.kill();
    finish(holder, None);
    live.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'",
    );
}
