//! `--write-migration`: a migration that is saved does what it says, forward and back.

use crate::support::project::with_own_cache;
use crate::support::trace::nothing_left;
use crate::support::{Outcome, Sandbox};

pub(super) const FIRST: &str = "project/db/migration/20250101000000-first";

/// The down of the first migration, which these tests do not examine.
pub(super) const EVERYTHING: &str = "DROP SCHEMA public CASCADE;
    CREATE SCHEMA public AUTHORIZATION pg_database_owner;
    GRANT USAGE ON SCHEMA public TO public;
    COMMENT ON SCHEMA public IS 'standard public schema';
    DROP SCHEMA IF EXISTS gone;
    DO $$ BEGIN DROP OWNED BY draft_reader; EXCEPTION WHEN undefined_object THEN NULL; END $$;\n";

/// A project whose only migration is `before` and whose only source is `after`.
pub(super) fn project(before: &str, after: &str) -> Sandbox {
    let sandbox = with_own_cache(after);
    sandbox.write(&format!("{FIRST}/up.sql"), before);
    sandbox.write(&format!("{FIRST}/down.sql"), "DO $$ BEGIN RAISE 'no way back'; END $$;\n");
    sandbox
}

pub(super) fn write(sandbox: &Sandbox, name: &str) -> Outcome {
    sandbox.database(["diff", "--from-migrations", "--write-migration", name])
}

/// The names of all migrations on disk except the first.
pub(super) fn written(sandbox: &Sandbox) -> Vec<String> {
    let mut all = sandbox.entries("project/db/migration");
    all.retain(|name| !name.ends_with("-first"));
    all
}

/// Writes a migration. Fails the test unless the project then shows no difference and the migration
/// can be undone. Returns both texts.
#[track_caller]
pub(super) fn proven(before: &str, after: &str) -> [String; 2] {
    let sandbox = project(before, after);
    let outcome = write(&sandbox, "the rest").fails(1, ["wrote ", "up.sql and ", "that count"]);
    nothing_left(&sandbox);
    let all = written(&sandbox);
    assert!(all.len() == 1 && all[0].ends_with("-the rest"), "{all:?}\n{outcome}");
    let text = |file| sandbox.read(&format!("project/db/migration/{}/{file}.sql", all[0]));
    let texts = [text("up"), text("down")];
    let said = sandbox.database(["diff", "--from-migrations"]);
    assert_eq!(said.code, Some(0), "{said}\n{}", texts[0]);
    sandbox.write(&format!("{FIRST}/down.sql"), EVERYTHING);
    let verified = sandbox.run("migrator", ["verify"]);
    let line = format!("ok      {}", all[0]);
    assert!(verified.stdout.contains(&line), "{verified}\n{}\n{}", texts[0], texts[1]);
    texts
}

#[test]
fn a_table_comes_with_all_that_is_said_of_it() {
    let [up, down] = proven(
        "CREATE TABLE customer (id int PRIMARY KEY) INHERITS (hectic.created_at);",
        "CREATE TABLE customer (id int PRIMARY KEY) INHERITS (hectic.created_at);
         CREATE SCHEMA shop;
         COMMENT ON SCHEMA shop IS 'it''s new';
         CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         CREATE FUNCTION shop.base() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE TABLE shop.orders (
           id bigint GENERATED ALWAYS AS IDENTITY (START 10) PRIMARY KEY,
           number serial UNIQUE,
           customer int NOT NULL REFERENCES customer ON DELETE CASCADE,
           total numeric(10,2) DEFAULT shop.base() CONSTRAINT positive CHECK (total > 0),
           double numeric GENERATED ALWAYS AS (total * 2) STORED,
           \"Odd \"\"Name\"\"\" text COLLATE \"C\" NOT NULL DEFAULT 'a\\b'
         ) INHERITS (hectic.created_at, hectic.updated_at) WITH (fillfactor = 70);
         ALTER TABLE shop.orders ALTER COLUMN \"Odd \"\"Name\"\"\" SET STATISTICS 200, ALTER total SET STORAGE MAIN;
         ALTER TABLE shop.orders REPLICA IDENTITY FULL;
         COMMENT ON TABLE shop.orders IS 'what was sold';
         COMMENT ON COLUMN shop.orders.total IS 'in cents';
         CREATE INDEX orders_total ON shop.orders (total DESC) WHERE total > 5;
         CREATE STATISTICS shop.more ON total, customer FROM shop.orders;
         CREATE TRIGGER touch BEFORE UPDATE OF total ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
         COMMENT ON TRIGGER touch ON shop.orders IS 'fresh';
         ALTER TABLE shop.orders DISABLE TRIGGER touch;
         CREATE RULE kept AS ON DELETE TO shop.orders DO INSTEAD NOTHING;
         CREATE TABLE shop.log (at date NOT NULL, what text, created_at timestamptz NOT NULL DEFAULT now(),
           PRIMARY KEY (at, what)) PARTITION BY RANGE (at);
         CREATE TABLE shop.log_1 PARTITION OF shop.log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
         CREATE INDEX log_at ON shop.log (at);",
    );
    assert!(up.contains("COMMENT ON TABLE shop.orders IS 'what was sold';"), "{up}");
    assert!(down.contains("-- loses data\nDROP TABLE shop.orders;"), "{down}");
}

#[test]
fn columns_change() {
    let [up, _] = proven(
        "CREATE TABLE t (id int PRIMARY KEY, gone text, a int DEFAULT 1, b text NOT NULL, c int, d int,
           e text, f serial, g int, CHECK (a > 0)) INHERITS (hectic.created_at);
         CREATE INDEX t_a ON t (a);
         CREATE VIEW v AS SELECT a, b FROM t;
         CREATE VIEW w AS SELECT a + 1 AS more FROM v;
         GRANT SELECT ON v TO public;
         ALTER TABLE t ALTER b SET STORAGE EXTERNAL;
         CREATE TABLE u (x int) INHERITS (hectic.created_at);",
        "CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'x', b text DEFAULT 'y', c int NOT NULL,
           d int GENERATED BY DEFAULT AS IDENTITY, e text COLLATE \"C\", f int NOT NULL, g int,
           added timestamptz DEFAULT now(), n serial, CHECK (length(a) > 0)) INHERITS (hectic.created_at);
         CREATE INDEX t_a ON t (a);
         CREATE VIEW v AS SELECT a, b FROM t;
         CREATE VIEW w AS SELECT length(a) + 1 AS more FROM v;
         GRANT SELECT ON v TO public;
         CREATE TABLE u (x int) INHERITS (hectic.created_at, hectic.immutable);",
    );
    assert!(up.contains("-- loses data\nALTER TABLE public.t DROP COLUMN gone;"), "{up}");
    assert!(up.contains("TYPE text USING a::text;"), "{up}");
}

#[test]
fn functions_are_replaced_or_made_again_with_what_stands_on_them() {
    let [up, _] = proven(
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a';
         CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION gone() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE TABLE t (a int DEFAULT gone(), CONSTRAINT c CHECK (f(a) > 0)) INHERITS (hectic.created_at);
         CREATE VIEW v AS SELECT f(a) FROM t;
         CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';",
        "CREATE FUNCTION f(a int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT a';
         CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 2';
         COMMENT ON FUNCTION g() IS 'two';
         CREATE FUNCTION fresh(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
         REVOKE EXECUTE ON FUNCTION fresh(text) FROM public;
         CREATE TABLE t (a int DEFAULT fresh('x'), CONSTRAINT c CHECK (f(a) > 0)) INHERITS (hectic.created_at);
         CREATE FUNCTION of_t(t) RETURNS int LANGUAGE sql RETURN 1;
         CREATE VIEW v AS SELECT f(a) FROM t;
         CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';",
    );
    assert!(up.contains("CREATE OR REPLACE FUNCTION public.g()"), "{up}");
    assert!(up.contains("DROP FUNCTION public.f("), "{up}");
}

#[test]
fn views_follow_each_other() {
    proven(
        "CREATE TABLE t (a int, b int) INHERITS (hectic.created_at);
         CREATE VIEW z AS SELECT a, b FROM t;
         CREATE VIEW y AS SELECT a FROM z;
         CREATE MATERIALIZED VIEW x AS SELECT a FROM y;
         CREATE UNIQUE INDEX x_a ON x (a);
         COMMENT ON VIEW y IS 'kept';
         COMMENT ON COLUMN y.a IS 'kept too';",
        "CREATE TABLE t (a int, b int) INHERITS (hectic.created_at);
         CREATE VIEW a AS SELECT a * 2 AS a FROM t;
         CREATE VIEW z AS SELECT a FROM a;
         CREATE VIEW y WITH (security_barrier = true) AS SELECT a FROM z;
         CREATE MATERIALIZED VIEW x AS SELECT a FROM y;
         CREATE UNIQUE INDEX x_a ON x (a);
         COMMENT ON VIEW y IS 'kept';
         COMMENT ON COLUMN y.a IS 'kept too';",
    );
}

#[test]
fn labels_are_added_and_taken_away() {
    let used = "CREATE TABLE t (a mood DEFAULT 'ok', b mood[], CONSTRAINT c CHECK (a <> 'bad')) INHERITS (hectic.created_at);
                CREATE INDEX i ON t (a) WHERE a = 'ok';
                CREATE VIEW v AS SELECT a FROM t WHERE a = 'ok';
                CREATE FUNCTION f(mood) RETURNS mood LANGUAGE sql AS 'SELECT $1';
                COMMENT ON TYPE mood IS 'how it feels';";
    let [up, down] = proven(
        &format!("CREATE TYPE mood AS ENUM ('bad', 'ok'); {used}"),
        &format!("CREATE TYPE mood AS ENUM ('worst', 'bad', 'so, so', 'ok', 'it''s good'); {used}"),
    );
    assert!(up.contains("ADD VALUE 'worst' BEFORE 'bad';"), "{up}");
    assert!(down.contains("RENAME TO \"mood old\";"), "{down}");
    // a transaction that adds a label may not use it
    proven(
        &format!("CREATE TYPE mood AS ENUM ('bad', 'ok'); {used}"),
        &format!(
            "CREATE TYPE mood AS ENUM ('new', 'bad', 'ok'); {}",
            used.replace("DEFAULT 'ok'", "DEFAULT 'new'")
        ),
    );
}

#[test]
fn types_domains_and_sequences_change() {
    proven(
        "CREATE DOMAIN amount AS numeric CHECK (VALUE > 0);
         CREATE DOMAIN gone AS text;
         CREATE TYPE pair AS (a int, b text);
         CREATE SEQUENCE s;
         CREATE TABLE t (a amount, p pair) INHERITS (hectic.created_at);
         CREATE UNLOGGED TABLE cache (a int) INHERITS (hectic.created_at);",
        "CREATE DOMAIN amount AS numeric DEFAULT 1 NOT NULL CONSTRAINT small CHECK (VALUE < 9);
         CREATE TYPE pair AS (a int, b text);
         CREATE TYPE three AS (a int, \"B\" amount);
         CREATE TYPE span AS RANGE (subtype = numeric);
         CREATE SEQUENCE s INCREMENT 5 MAXVALUE 1000 CYCLE;
         CREATE TABLE t (a amount, p pair, s span) INHERITS (hectic.created_at);
         CREATE TABLE cache (a int) INHERITS (hectic.created_at);
         CREATE EXTENSION hstore;",
    );
}

#[test]
fn policies_and_privileges_change() {
    let roles = "DO $$ BEGIN CREATE ROLE draft_reader; CREATE ROLE \"Draft, Writer\"; EXCEPTION WHEN duplicate_object THEN NULL; END $$;";
    let [up, _] = proven(
        &format!(
            "{roles} CREATE TABLE t (a int, b int) INHERITS (hectic.created_at);
             CREATE SCHEMA gone;
             ALTER DEFAULT PRIVILEGES IN SCHEMA gone GRANT SELECT ON TABLES TO draft_reader;
             GRANT SELECT, UPDATE ON t TO draft_reader;
             CREATE POLICY old ON t USING (a > 0);
             CREATE POLICY kept ON t FOR SELECT TO draft_reader USING (a > 1);
             ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO draft_reader;
             CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        ),
        &format!(
            "{roles} CREATE TABLE t (a int, b int) INHERITS (hectic.created_at);
             GRANT SELECT ON t TO draft_reader WITH GRANT OPTION;
             GRANT INSERT (b), SELECT (a) ON t TO \"Draft, Writer\";
             ALTER TABLE t ENABLE ROW LEVEL SECURITY;
             ALTER TABLE t FORCE ROW LEVEL SECURITY;
             CREATE POLICY kept ON t AS RESTRICTIVE FOR ALL TO draft_reader, \"Draft, Writer\" USING (a > 2) WITH CHECK (b > 0);
             CREATE TABLE unread (a int) INHERITS (hectic.created_at);
             ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO \"Draft, Writer\";
             CREATE TABLE u (a int) INHERITS (hectic.created_at);
             ALTER TABLE u OWNER TO draft_reader;
             CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
             REVOKE EXECUTE ON FUNCTION f() FROM public;"
        ),
    );
    assert!(up.contains("REVOKE SELECT ON TABLE public.unread FROM \"draft_reader\";"), "{up}");
    assert!(up.contains("ENABLE ROW LEVEL SECURITY"), "{up}");
}

#[test]
fn rows_of_immutable_tables_are_written() {
    let table = "CREATE TABLE \"Odd\" (\"Key\" text PRIMARY KEY, n int, j json, jb jsonb, b bytea, arr text[], at timestamptz)
                 INHERITS (hectic.created_at, hectic.immutable);
                 CREATE TABLE plain (a int, j json) INHERITS (hectic.created_at, hectic.immutable);
";
    let child = "CREATE TABLE child (id serial PRIMARY KEY, code text UNIQUE NOT NULL, k text REFERENCES \"Odd\")
                 INHERITS (hectic.created_at, hectic.immutable);";
    let columns = "SET hectic.migration_mode = on; INSERT INTO \"Odd\" (\"Key\", n, j, jb, b, arr, at) VALUES";
    let [up, down] = proven(
        &format!(
            "{table} {columns} ('a', 1, '{{\"x\": 1}}', '{{}}', '\\x00ff', '{{a,\"b c\"}}', '2024-01-01 00:00Z'),
             ('gone', 2, NULL, NULL, NULL, NULL, NULL), ('same', 3, NULL, NULL, NULL, NULL, NULL);
             SET hectic.migration_mode = on; INSERT INTO plain (a, j) VALUES (1, '[1]'), (1, '[1]'), (2, NULL);"
        ),
        &format!(
            "{table} {child} {columns} ('a', NULL, '{{\"x\":  2}}', '{{\"y\": null}}', '\\x5c27', '{{NULL,\"NULL\"}}', '2024-06-01 12:00+02'),
             ('it''s \\ new', 5, '[]', NULL, '', '{{}}', NULL), ('same', 3, NULL, NULL, NULL, NULL, NULL);
             SET hectic.migration_mode = on; INSERT INTO child (code, k) VALUES ('one', 'a'), ('two', 'it''s \\ new');
             SET hectic.migration_mode = on; INSERT INTO plain (a, j) VALUES (1, '[1]'), (2, '{{}}');"
        ),
    );
    assert!(up.contains("DELETE FROM ONLY public.\"Odd\" WHERE \"Key\" = 'gone';"), "{up}");
    assert!(down.contains("INSERT INTO public.\"Odd\""), "{down}");
}

/// Side A lacks this column, so only the comparison after the draft can see its values.
#[test]
fn a_new_column_of_an_immutable_table_comes_with_its_values() {
    let table = |columns: &str, values: &str| {
        format!(
            "CREATE TABLE currency ({columns}) INHERITS (hectic.created_at, hectic.immutable);
             SET LOCAL hectic.migration_mode = 'on'; {values}"
        )
    };
    let before = table(
        "code text PRIMARY KEY, old int",
        "INSERT INTO currency (code, old) VALUES ('EUR', 1), ('JPY', NULL);",
    );
    let after = table(
        "code text PRIMARY KEY, digits int",
        "INSERT INTO currency (code, digits) VALUES ('EUR', 2), ('JPY', 0), ('CHF', 2);",
    );
    let [up, down] = proven(&before, &format!("BEGIN; {after} COMMIT;"));
    assert!(up.contains("UPDATE ") && down.contains("UPDATE "), "{up}{down}");
}

/// The draft does not change an object that a rule of `diff-ignore.toml` sets aside.
#[test]
fn what_a_rule_sets_aside_is_not_drafted() {
    let sandbox = project(
        "CREATE TABLE t (a int) INHERITS (hectic.created_at); CREATE INDEX by_hand ON t (a);",
        "CREATE TABLE t (a int, b int) INHERITS (hectic.created_at);",
    );
    sandbox.write(
        "project/db/diff-ignore.toml",
        "[[ignore]]\nobject = \"index public.by_hand\"\nreason = \"fast\"\n",
    );
    write(&sandbox, "more").fails(1, ["wrote "]);
    let all = written(&sandbox);
    let up = sandbox.read(&format!("project/db/migration/{}/up.sql", all[0]));
    assert!(up.contains("ADD COLUMN b") && !up.contains("by_hand"), "{up}");
}

#[test]
fn nothing_is_written_without_a_difference_that_counts() {
    let table = "CREATE TABLE t (a int) INHERITS (hectic.created_at);";
    let sandbox = project(table, &format!("{table} COMMENT ON TABLE t IS 'x';"));
    let said = write(&sandbox, "x").success();
    assert!(said.stderr.contains("no migration was written"), "{said}");
    assert_eq!(written(&sandbox), [""; 0]);
    let all = ["diff", "--from-migrations", "--fail-on", "cosmetic", "--write-migration", "x"];
    sandbox.database(all).fails(1, ["wrote "]);
    assert_eq!(written(&sandbox).len(), 1);
}

#[test]
fn names_are_those_of_migrations() {
    let table = "CREATE TABLE t (a int) INHERITS (hectic.created_at);";
    let sandbox = project(table, &format!("{table} CREATE SCHEMA s;"));
    for bad in ["", " ", "a/b", "a\nb"] {
        write(&sandbox, bad).fails(2, ["the name"]);
    }
    sandbox.database(["diff", "--from-migrations", "--write-migration"]).fails(3, []);
    let url = sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    let against = ["diff", "--against", &url, "--write-migration", "x"];
    sandbox.database(against).fails(2, ["against an existing database", "--from-migrations"]);
    // an existing migration may have the same name, but not the same version
    write(&sandbox, "first").fails(1, ["wrote "]);
    let all = sandbox.entries("project/db/migration");
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.iter().all(|name| name.ends_with("-first")), "{all:?}");
    assert_eq!(sandbox.read(&format!("{FIRST}/up.sql")), table);
}

#[test]
fn neighbours_decide_how_it_lies_on_disk() {
    let table = "CREATE TABLE t (a int) INHERITS (hectic.created_at);";
    let sandbox = with_own_cache(&format!("{table} CREATE SCHEMA s;"));
    sandbox.write("project/db/migration/V000001__First.sql", table);
    sandbox.write("project/db/migration/U000001__First.sql", "DROP TABLE t;");
    write(&sandbox, "a schema").fails(1, ["V000002__a_schema.sql and ", "U000002__a_schema.sql"]);
    sandbox.database(["diff", "--from-migrations"]).success();
    sandbox.run("migrator", ["verify"]).success();
}
