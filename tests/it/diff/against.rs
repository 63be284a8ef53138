//! Live databases: with a role that may only read, on a standby, and under constant change.

use super::support::{LiveProject, immutable, silent, url, write};
use crate::support::{bindir, finish, is_root, wait_until};

const TABLE: &str = "CREATE TABLE t (a int) INHERITS (hectic.created_at);\n";

#[test]
fn who_may_read_everything_may_compare() {
    let live = LiveProject::new(&[TABLE, &immutable("r", "a int PRIMARY KEY", "(1)")].concat());
    live.ask("CREATE ROLE reader LOGIN");
    live.ask("GRANT pg_read_all_data TO reader");
    silent(&live.database(["diff", "--against", &url(&live, "reader")]));
    live.change(&write("INSERT INTO r VALUES (2)"));
    let found = live.database(["diff", "--against", &url(&live, "reader")]).fails(1, ["1 diff"]);
    assert!(found.stdout.contains("- a=2"), "{found}");
}

#[test]
fn triggers_with_the_names_of_older_bundles_are_no_difference() {
    let live = LiveProject::new(&immutable("r", "a int PRIMARY KEY", "(1)"));
    for (new, old) in [("dml", "rows"), ("truncate", "statements")] {
        live.change(&format!(
            "ALTER TRIGGER hectic_block_immutable_{new} ON r RENAME TO hectic_block_immutable_{old}"
        ));
    }
    silent(&live.database(["diff", "--against", &live.live()]));
    live.change("DROP TRIGGER hectic_block_immutable_rows ON r");
    let words = ["hectic_block_immutable_dml", "sync_inherited_triggers()"];
    let found = live.database(["diff", "--against", &live.live()]).fails(1, []);
    assert!(words.iter().all(|word| found.stdout.contains(word)), "{found}");
}

/// The programs of PostgreSQL refuse to serve root.
fn as_server(live: &LiveProject, program: &str, arguments: &[&str]) {
    let program = bindir().join(program).display().to_string();
    let all = match is_root() {
        true => [&["runuser", "-u", "postgres", "--", &program], arguments].concat(),
        false => [&[&*program], arguments].concat(),
    };
    live.run(all[0], &all[1..]).success();
}

#[test]
fn a_standby_is_as_good() {
    let live = LiveProject::new(&[TABLE, &immutable("r", "a int PRIMARY KEY", "(1)")].concat());
    let [socket, place] =
        ["pg/sock", "tmp/standby"].map(|name| live.path(name).display().to_string());
    let user = crate::support::whoami();
    as_server(
        &live,
        "pg_basebackup",
        &["-R", "-c", "fast", "-h", &socket, "-U", &user, "-D", &place],
    );
    let options = format!("-k {place} -p 5433 -c fsync=off");
    let log = format!("{place}/log.txt");
    as_server(&live, "pg_ctl", &["-w", "-D", &place, "-o", &options, "-l", &log, "start"]);
    let standby = format!("postgresql://dev@localhost:5433/app?host={place}");
    assert_eq!(live.query(&standby, "SELECT pg_is_in_recovery()"), "t");
    silent(&live.database(["diff", "--against", &standby]));
    live.change("ALTER TABLE t ADD b int;");
    let seen = "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'b'";
    wait_until("the standby has it", || live.query(&standby, seen) == "1");
    live.database(["diff", "--against", &standby]).fails(1, ["1 difference"]);
    as_server(&live, "pg_ctl", &["-w", "-D", &place, "-m", "immediate", "stop"]);
}

/// Objects come and go beside the tables that diff has locked.
#[test]
fn a_database_that_is_being_altered_is_read_as_of_a_moment() {
    let live = LiveProject::new(TABLE);
    let busy = live.holding(
        "DO $$ BEGIN
           FOR i IN 1 .. 100000 LOOP
             CREATE TABLE busy (a int PRIMARY KEY, b int DEFAULT 1 CHECK (b > 0), c text) INHERITS (hectic.created_at);
             CREATE INDEX ON busy (lower(c)); CREATE VIEW seen AS SELECT * FROM busy;
             CREATE RULE r AS ON DELETE TO busy DO INSTEAD NOTHING; CREATE POLICY p ON busy USING (a > 0);
             CREATE STATISTICS s ON a, b FROM busy; CREATE SEQUENCE q; CREATE TYPE e AS ENUM ('x');
             CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
             CREATE TRIGGER g AFTER INSERT ON busy FOR EACH ROW EXECUTE FUNCTION f();
             COMMENT ON TABLE busy IS 'x'; GRANT SELECT ON busy TO public;
             COMMIT;
             DROP TABLE busy CASCADE; DROP FUNCTION f; DROP SEQUENCE q; DROP TYPE e;
             COMMIT;
           END LOOP;
         END $$",
    );
    for _ in 0..4 {
        let found = live.diff([]);
        assert!([Some(0), Some(1)].contains(&found.code), "{found}");
        assert!(found.stdout.is_empty() || found.stdout.contains("- table public.busy"), "{found}");
    }
    live.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO $$%'");
    finish(busy, None);
}

/// No lock keeps a view in place while diff reads it.
#[test]
fn what_goes_while_it_is_read_is_read_anew() {
    let live = LiveProject::new(TABLE);
    let busy = live.holding(
        "DO $$ BEGIN
           FOR i IN 1 .. 100000 LOOP
             CREATE VIEW seen AS SELECT * FROM t; COMMIT; PERFORM pg_sleep(0.02);
             DROP VIEW seen; COMMIT; PERFORM pg_sleep(0.2);
           END LOOP;
         END $$",
    );
    for _ in 0..4 {
        let found = live.diff([]);
        assert!([Some(0), Some(1)].contains(&found.code), "{found}");
    }
    live.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO $$%'");
    finish(busy, None);
}

/// A database that was made without this tool.
#[test]
fn a_database_without_the_bundle_lacks_one_thing() {
    let live = LiveProject::new("CREATE SEQUENCE one;");
    live.ask("CREATE DATABASE bare OWNER dev");
    let bare = live.live().replacen("/app?", "/bare?", 1);
    live.query(&bare, "CREATE SEQUENCE one");
    let diff = |arguments: &[&str]| {
        live.run("database", ["diff", "--against", &bare].iter().chain(arguments))
    };
    let found = diff(&[]).fails(1, ["1 difference that counts, 0 others"]);
    assert!(found.stdout.contains("+ bundle hectic  [bundle]\n"), "{found}");
    assert!(found.stdout.contains("database --url URL bundle upgrade"), "{found}");
    assert!(!found.stdout.contains("entrypoint"), "{found}");
    diff(&["--fail-on", "semantic,security,extension"]).success();
    diff(&["--fail-on", "bundle"]).fails(1, []);
    live.run("database", ["--url", &bare, "bundle", "upgrade"]).success();
    silent(&diff(&[]));
}

/// `pg_dump -s` leaves such a view unpopulated.
#[test]
fn a_materialised_view_need_not_be_filled() {
    let live = LiveProject::new("CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;");
    live.source("CREATE MATERIALIZED VIEW m AS SELECT 1 AS a WITH NO DATA;");
    let found = live.diff([]).success();
    assert!(
        found.stdout.contains("~ materialized view public.m: populated  [environment]"),
        "{found}"
    );
}
