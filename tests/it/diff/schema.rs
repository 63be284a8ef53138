//! Differences of the schema, and the class of each.

use crate::support::project::copy;

use super::support::{LiveProject, rows, schema, silent, url};

#[test]
fn names_blanks_and_comments_are_told_and_do_not_count() {
    let live = LiveProject::new(
        "CREATE TABLE t (a int PRIMARY KEY, b text) INHERITS (hectic.created_at);
         CREATE INDEX t_b ON t (b);
         CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
         CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT 'a b' $$;",
    );
    live.silent();
    live.change(
        "ALTER TABLE t RENAME CONSTRAINT t_pkey TO t_key;
         ALTER INDEX t_b RENAME TO \"of B\";
         CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$
           -- the first number
           BEGIN RETURN /* it */ 1;
           END $$;",
    );
    let found = live.diff([]).success();
    assert_eq!(found.stderr, "no difference that counts, 3 others\n");
    assert_eq!(
        live.schema(),
        [
            "cosmetic ~ function public.f() definition",
            "name-only ~ constraint t_key on public.t name",
            "name-only ~ index public.\"of B\" name",
        ]
    );
    live.change("CREATE OR REPLACE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT 'a  b' $$;");
    live.diff([]).fails(1, ["1 difference that counts, 3 others"]);
}

#[test]
fn the_order_of_columns_counts_when_asked_for_and_that_of_labels_always() {
    let live =
        LiveProject::new("CREATE TABLE t (a int, b int, c int) INHERITS (hectic.created_at);");
    live.source("CREATE TABLE t (c int, x int, a int, b int) INHERITS (hectic.created_at);");
    let report = live.report([]);
    assert_eq!(
        schema(&report),
        ["order ~ table public.t order of columns", "semantic + column public.t.x"]
    );
    let order = (&report["schema"][0]["before"], &report["schema"][0]["after"]);
    assert_eq!(order, (&"created_at, a, b, c".into(), &"created_at, c, a, b".into()));
    live.source("CREATE TABLE t (c int, a int, b int) INHERITS (hectic.created_at);");
    live.diff([]).success();
    live.diff(["--strict-order"]).fails(1, ["1 difference that counts, 0 others"]);
    live.diff(["--fail-on", "order"]).fails(1, []);
    live.source("CREATE TYPE e AS ENUM ('x', 'y');");
    live.change("DROP TABLE t; CREATE TYPE e AS ENUM ('y', 'x');");
    assert_eq!(live.schema(), ["semantic ~ enum public.e labels"]);
    live.diff([]).fails(1, []);
}

#[test]
fn classes_decide_what_counts() {
    let live =
        LiveProject::new("CREATE ROLE reader; CREATE TABLE t () INHERITS (hectic.created_at);");
    live.change(
        "GRANT SELECT ON t TO reader; COMMENT ON TABLE t IS 'x'; ALTER DATABASE app SET work_mem = '5MB';",
    );
    live.diff([]).fails(1, ["1 difference that counts, 2 others"]);
    live.diff(["--fail-on", "semantic"]).success();
    live.diff(["--fail-on", "semantic, cosmetic,environment"]).fails(1, ["2 differences"]);
    live.diff(["--fail-on", "semantics"]).fails(9, ["\"sema…\"", "semantic, order, name-only"]);
    live.diff(["--fail-on", ""]).fails(9, []);
}

/// In production, another role owns the database than in development.
#[test]
fn owners_of_the_databases_are_one() {
    let sql = "CREATE ROLE reader;
        CREATE TABLE t (a int) INHERITS (hectic.created_at);
        GRANT SELECT ON t TO reader; GRANT SELECT (a) ON t TO reader;
        ALTER TABLE t ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON t TO reader, CURRENT_USER USING (true);
        ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader;
        ALTER ROLE CURRENT_USER IN DATABASE app SET work_mem = '5MB';
        CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
        REVOKE EXECUTE ON FUNCTION f() FROM public;";
    let mut live = LiveProject::new(sql);
    for role in ["zoe", "Ann \"B\""] {
        let url = url(&live, role);
        live.set("DB_URL", url);
        live.silent();
    }
    live.change("ALTER TABLE t OWNER TO reader;");
    assert_eq!(
        live.schema(),
        [
            "security ~ table public.t acl",
            "owner ~ table public.t owner",
            "security ~ column public.t.a acl",
        ]
    );
}

#[test]
fn a_project_without_a_difference_is_silent_also_from_its_migrations() {
    let mut live = LiveProject::of("nix/template");
    live.silent();
    live.database(["deploy"]).success();
    live.silent();
    let up = "project/db/migration/20250101000000-all/up";
    copy(&live.path("project/db/src"), &live.path(up));
    live.write("project/db/migration/20250101000000-all/down/entrypoint.sql", "SELECT 1;");
    let data = format!("{up}/reference/data.sql");
    live.write(&data, live.read(&data).replace("BEGIN;", "").replace("COMMIT;", ""));
    live.write(&format!("{up}/mock/mock.sql"), "");
    live.unset("DB_URL");
    silent(&live.database(["diff", "--from-migrations"]));
    let entrypoint = format!("{up}/entrypoint.sql");
    live.write(&entrypoint, live.read(&entrypoint) + "DROP VIEW shop.order_summary;\n");
    let changed = live.read("project/db/src/reference/data.sql").replace("'Euro'", "'euro'");
    live.write("project/db/src/reference/data.sql", changed);
    let found = live.database(["diff", "--from-migrations"]).fails(1, ["2 differences that count"]);
    assert!(found.stdout.contains("+ view shop.order_summary"), "{found}");
    assert!(found.stdout.contains("~ code=EUR; name: Euro → euro"), "{found}");
}

/// Names with all kinds of characters, partitions, and the objects that the tests of the bundle
/// leave.
#[test]
fn every_fixture_is_the_same_as_itself() {
    LiveProject::of("tests/fixture/legacy").silent();
    let found = LiveProject::of_bundle_fixtures().diff([]).success();
    assert_eq!(found.stdout, "", "{found}");
    // they try statements that have to fail
    assert!(found.stderr.lines().all(|line| line.contains("ON_ERROR_STOP is off")), "{found}");
}

/// With an old bundle, a table became immutable without getting the triggers.
#[test]
fn an_immutable_table_without_its_triggers_is_pointed_out() {
    let live = LiveProject::new(
        "CREATE TABLE t (a int PRIMARY KEY) INHERITS (hectic.created_at, hectic.immutable);",
    );
    live.change(
        "DO $$ DECLARE t name; BEGIN
           FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 't'::regclass AND tgname LIKE 'hectic%' LOOP
             EXECUTE format('DROP TRIGGER %I ON t', t);
           END LOOP;
         END $$;",
    );
    let found = live.diff([]).fails(1, ["2 differences that count"]);
    assert!(found.stdout.contains("SELECT hectic.sync_inherited_triggers()"), "{found}");
    live.change("SELECT hectic.sync_inherited_triggers();");
    live.silent();
    assert!(rows(&live.report([])).is_empty());
}
