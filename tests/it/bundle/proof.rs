//! The event triggers examine a table only if a cheap proof fails. No table escapes by the proof.
//! Each statement runs in a session of its own, so that the counters that the proof reads are
//! either 0 or the result of the statements before it.

use super::vanilla;
use crate::support::{Sandbox, psql};

const TABLES: &str = "
    CREATE SCHEMA etl;
    CREATE FOREIGN DATA WRAPPER nowhere;
    CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
    CREATE TYPE shape AS (id int, created_at timestamptz);
    CREATE TABLE plain (id int, updated_at timestamptz NOT NULL DEFAULT now())
      INHERITS (hectic.created_at);
    CREATE TABLE child () INHERITS (plain);
    CREATE TABLE current () INHERITS (hectic.created_at, hectic.updated_at);
    CREATE TABLE frozen () INHERITS (hectic.created_at, hectic.immutable);
    CREATE TABLE parted (id int, created_at timestamptz NOT NULL DEFAULT now()) PARTITION BY LIST (id);
    CREATE TABLE part PARTITION OF parted FOR VALUES IN (1);
    CREATE TABLE typed OF shape (created_at WITH OPTIONS NOT NULL DEFAULT now());
    CREATE FOREIGN TABLE far (id int, updated_at timestamptz NOT NULL DEFAULT now()) SERVER nowhere;
    SET hectic.inheritance_extra_excluded_schemas = 'etl';
    CREATE TABLE etl.free (id int, updated_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE etl.mid () INHERITS (hectic.created_at);
    CREATE TABLE leaf () INHERITS (etl.mid);";

const NOTHING: &str = "SELECT";
const EXEMPT: &str = "SET hectic.inheritance_extra_excluded_schemas = 'etl'";
const UNCOUNTED: &str = "SET track_counts = off";
/// Raises the counters by statements that have nothing to do with the next one.
const BUSY: &str = "
    CREATE TABLE made (a int DEFAULT 1, b serial, c int GENERATED ALWAYS AS (1) STORED,
      d int GENERATED ALWAYS AS IDENTITY, e text DEFAULT 'x' NOT NULL) INHERITS (hectic.created_at);
    ALTER TABLE made ALTER a SET DEFAULT 4;
    CREATE TABLE more (id int DEFAULT 7 PRIMARY KEY) INHERITS (hectic.created_at);
    ALTER TABLE more ADD COLUMN made int DEFAULT random()";
/// Raises only the counters that every table with a default raises.
const DEFAULTS: &str =
    "CREATE TABLE made (a int DEFAULT 1, b int DEFAULT 2) INHERITS (hectic.created_at)";

const UPDATED: &str = "hectic_set_updated_at";
const IMMUTABLE: &str = "hectic_block_immutable_dml hectic_block_immutable_truncate";

/// Runs statements in a session of their own, in a transaction that is rolled back. Returns the
/// SQLSTATE of the error, or else the result of the query.
fn outcome(sandbox: &Sandbox, before: &str, statement: &str, query: &str) -> String {
    let script = format!(
        "\\set VERBOSITY sqlstate\nSET client_min_messages = error;\nBEGIN;\n{before};\n\
         {statement};\n{query};\nROLLBACK;\n"
    );
    let url = sandbox.url("app");
    let arguments = ["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", &url];
    let outcome = sandbox.run_with_input(&psql(), arguments, &script);
    let text = if outcome.stdout.is_empty() { &outcome.stderr } else { &outcome.stdout };
    text.trim().rsplit("ERROR:").next().unwrap_or_default().trim().to_owned()
}

/// The ways in which a session can execute a statement.
fn ways(statement: &str) -> Vec<String> {
    let nested = format!("DO $do$ BEGIN EXECUTE $x${statement}$x$; END $do$");
    let in_function = format!(
        "CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN BEGIN PERFORM 1/0; \
         EXCEPTION WHEN division_by_zero THEN EXECUTE $x${statement}$x$; END; END $f$; \
         SELECT pg_temp.f()"
    );
    let with_others = format!("SET x.y = 1\\; {statement}\\; SET x.y = 2");
    let undone = BUSY.replace("TABLE made", "TABLE undone").replace("TABLE more", "TABLE undone2");
    let rolled_back = format!("SAVEPOINT s; {undone}; ROLLBACK TO s; {statement}");
    let mut ways = vec![statement.to_owned(), with_others, rolled_back];
    // EXECUTE refuses SELECT
    if !statement.starts_with("SELECT") {
        ways.extend([nested, in_function]);
    }
    ways
}

/// The server refuses the statement, no matter which statements its session ran before.
#[track_caller]
fn refused(sandbox: &Sandbox, before: &[&str], statement: &str) {
    for before in before {
        for way in ways(statement) {
            let told = outcome(sandbox, before, &way, NOTHING);
            assert_eq!(told, "42P16", "{before}; {way}");
        }
    }
}

/// The table has these triggers after the statement.
#[track_caller]
fn triggers(sandbox: &Sandbox, statement: &str, table: &str, expected: &str) {
    let query = format!(
        "SELECT 'has ' || coalesce(string_agg(tgname, ' ' ORDER BY tgname), '') FROM pg_trigger \
         WHERE tgrelid = '{table}'::regclass AND NOT tgisinternal"
    );
    for before in [NOTHING, UNCOUNTED, DEFAULTS, BUSY, EXEMPT] {
        let told = outcome(sandbox, before, statement, &query);
        assert_eq!(told, format!("has {expected}").trim(), "{before}; {statement}");
    }
}

fn watched() -> Sandbox {
    let sandbox = vanilla();
    sandbox.database(["-u", &sandbox.url("app"), "bundle", "upgrade"]).success();
    sandbox.ask(TABLES);
    sandbox
}

const ANY: &[&str] = &[NOTHING, EXEMPT, UNCOUNTED, DEFAULTS, BUSY];

#[test]
fn new_tables_do_not_slip_through() {
    let sandbox = watched();
    for statement in [
        "CREATE TABLE t (id int)",
        "CREATE TABLE t (id serial PRIMARY KEY)",
        "CREATE TABLE t () INHERITS (etl.free)",
        "CREATE TABLE t OF shape",
        "CREATE TABLE t (LIKE plain INCLUDING ALL)",
        "CREATE SCHEMA s CREATE TABLE t (id int)",
        "CREATE SCHEMA s CREATE VIEW v AS SELECT 1 AS id CREATE TABLE t (id int)",
        "CREATE TABLE t AS SELECT 1 AS id",
        "SELECT 1 AS id INTO t",
    ] {
        refused(&sandbox, ANY, statement);
    }
    let schemas = "CREATE SCHEMA a; CREATE SCHEMA b";
    let befores = [schemas, &format!("{schemas}; {UNCOUNTED}")];
    refused(&sandbox, &befores, "CREATE SCHEMA s CREATE TABLE t ()");
    refused(&sandbox, &[NOTHING, DEFAULTS], "CREATE TABLE etl.t (id int)");
    for (statement, table, expected) in [
        ("CREATE TABLE t () INHERITS (current)", "t", UPDATED),
        ("CREATE TABLE t () INHERITS (hectic.created_at, frozen)", "t", IMMUTABLE),
        ("CREATE TABLE t () INHERITS (plain)", "t", ""),
        ("CREATE TEMP TABLE t () INHERITS (hectic.immutable)", "t", IMMUTABLE),
        ("CREATE FOREIGN TABLE t () INHERITS (current) SERVER nowhere", "t", UPDATED),
        ("CREATE SCHEMA s CREATE TABLE t () INHERITS (current)", "s.t", UPDATED),
        ("CREATE TABLE t PARTITION OF parted FOR VALUES IN (2)", "t", ""),
    ] {
        triggers(&sandbox, statement, table, expected);
    }
}

#[test]
fn inheritance_that_changes_is_seen() {
    let sandbox = watched();
    for statement in [
        "ALTER TABLE plain NO INHERIT hectic.created_at",
        "ALTER TABLE child NO INHERIT plain",
        "ALTER TABLE etl.mid NO INHERIT hectic.created_at",
    ] {
        refused(&sandbox, ANY, statement);
    }
    for (statement, table, expected) in [
        ("ALTER TABLE plain INHERIT hectic.updated_at", "child", UPDATED),
        ("ALTER TABLE child INHERIT hectic.immutable", "child", IMMUTABLE),
        ("ALTER TABLE child INHERIT frozen", "child", IMMUTABLE),
        ("ALTER TABLE etl.free INHERIT hectic.updated_at", "etl.free", UPDATED),
        ("ALTER TABLE current NO INHERIT hectic.updated_at", "current", ""),
        ("ALTER TABLE frozen NO INHERIT hectic.immutable", "frozen", ""),
        ("ALTER FOREIGN TABLE far INHERIT hectic.updated_at", "far", UPDATED),
        (
            "ALTER TABLE current NO INHERIT hectic.updated_at, INHERIT hectic.immutable",
            "current",
            IMMUTABLE,
        ),
    ] {
        triggers(&sandbox, statement, table, expected);
    }
}

#[test]
fn what_cannot_inherit_keeps_its_column() {
    let sandbox = watched();
    for statement in [
        "ALTER TABLE parted ALTER created_at DROP DEFAULT",
        "ALTER TABLE parted ALTER created_at SET DEFAULT '-infinity'",
        "ALTER TABLE parted ALTER created_at DROP NOT NULL",
        "ALTER TABLE parted RENAME created_at TO made_at",
        "ALTER TABLE parted DROP created_at",
        "ALTER TABLE parted ALTER created_at TYPE timestamp",
        "ALTER TABLE typed ALTER created_at DROP DEFAULT",
        "ALTER TABLE typed ALTER created_at SET DEFAULT '-infinity'",
        "ALTER TABLE typed ALTER created_at DROP NOT NULL",
        "ALTER TABLE typed NOT OF",
    ] {
        refused(&sandbox, ANY, statement);
    }
}

#[test]
fn a_table_that_moves_is_seen() {
    let sandbox = watched();
    for before in ANY {
        let before = format!("{EXEMPT}; {before}");
        refused(&sandbox, &[&before], "ALTER TABLE etl.free SET SCHEMA public");
        refused(&sandbox, &[&before], "ALTER SCHEMA etl RENAME TO parlour");
    }
}

/// With this setting, PostgreSQL does not count some scans of the catalog that it otherwise counts.
#[test]
fn catalogs_without_indexes_are_seen() {
    let mut sandbox = watched();
    sandbox.set("PGOPTIONS", "-c ignore_system_indexes=on");
    let statement = "ALTER TABLE child INHERIT hectic.immutable";
    let has_triggers =
        "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'child'::regclass AND NOT tgisinternal";
    assert_eq!(outcome(&sandbox, NOTHING, statement, has_triggers), "2");
}

/// The purpose of the proof: no function examines these tables.
#[test]
fn plain_statements_are_not_examined() {
    let sandbox = watched();
    let calls = "SELECT string_agg(funcname || ' ' || calls, ' ') FROM pg_stat_xact_user_functions \
                 WHERE schemaname = 'hectic' AND NOT funcname ~ '^examine_(new|altered)_(tables|schemas)$'";
    let before = format!("{EXEMPT}; SET track_functions = 'all'");
    for statement in [
        "CREATE TABLE etl.t (id serial PRIMARY KEY); ALTER TABLE etl.t ADD COLUMN more int NOT NULL",
        "CREATE TABLE t (id serial PRIMARY KEY, at timestamptz DEFAULT now()) INHERITS (hectic.created_at);
         ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES t; ALTER TABLE t ADD CHECK (id > 0)",
        "CREATE TABLE t () INHERITS (hectic.created_at); CREATE TEMP TABLE tmp (id int)",
        "CREATE TEMP TABLE tmp (id int)",
        "CREATE SCHEMA s; CREATE SCHEMA t",
        "CREATE INDEX ON plain (id); COMMENT ON TABLE plain IS 'x'; GRANT SELECT ON plain TO PUBLIC",
    ] {
        assert_eq!(outcome(&sandbox, &before, statement, calls), "", "{statement}");
    }
    // for less plain statements, one query shows that the tables are in order
    let calls = format!("{calls} AND funcname <> 'altered_tables_need_examination'");
    for statement in [
        "ALTER TABLE plain ALTER id SET NOT NULL",
        "ALTER TABLE plain RENAME id TO number",
        "ALTER TABLE etl.free ADD COLUMN more int DEFAULT 5",
        "ALTER TABLE etl.free DROP COLUMN id",
    ] {
        assert_eq!(outcome(&sandbox, &before, statement, &calls), "", "{statement}");
    }
}

#[test]
fn no_search_path_gets_in_between() {
    let sandbox = watched();
    super::psql(&sandbox, "support/hostile.sql").success();
    let before = format!("{EXEMPT}; SET search_path = hostile, pg_catalog, public");
    assert_eq!(outcome(&sandbox, &before, NOTHING, "SELECT lower('A')"), "P0001");
    for (statement, expected) in [
        ("CREATE TABLE etl.t (id int)", ""),
        ("CREATE TABLE etl.t AS SELECT 1 AS id", ""),
        ("CREATE TABLE public.t AS SELECT 1 AS id", "42P16"),
        ("ALTER SCHEMA etl RENAME TO parlour", "42P16"),
        ("CREATE TABLE public.t (id int)", "42P16"),
        ("CREATE TABLE public.t PARTITION OF public.parted FOR VALUES IN (2)", ""),
        ("CREATE TABLE public.t () INHERITS (hectic.created_at)", ""),
        ("CREATE TABLE public.t () INHERITS (hectic.created_at, hectic.updated_at)", ""),
        ("CREATE SCHEMA s", ""),
        ("CREATE SCHEMA s CREATE TABLE t (id int)", "42P16"),
        ("ALTER TABLE public.plain ADD COLUMN more int", ""),
        ("ALTER TABLE public.plain ALTER id SET NOT NULL", ""),
        ("ALTER TABLE etl.free ALTER id SET NOT NULL", ""),
        ("ALTER TABLE public.parted DETACH PARTITION public.part", ""),
        ("ALTER TABLE public.parted ALTER created_at DROP DEFAULT", "42P16"),
        ("ALTER TABLE public.plain NO INHERIT hectic.created_at", "42P16"),
        ("ALTER TABLE etl.free SET SCHEMA public", "42P16"),
    ] {
        assert_eq!(outcome(&sandbox, &before, statement, NOTHING), expected, "{statement}");
    }
}
