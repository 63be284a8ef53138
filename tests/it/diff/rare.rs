//! Drafts of objects of rare kinds, and of objects that PostgreSQL makes together with others.

use super::draft::proven;

#[test]
fn objects_of_rare_kinds_are_made_and_dropped() {
    let [up, _] = proven(
        "CREATE TABLE t (b text) INHERITS (hectic.created_at);",
        "CREATE TABLE t (b text) INHERITS (hectic.created_at);
         CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY schema; END $$;
         CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watch();
         CREATE EVENT TRIGGER tables ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE')
           EXECUTE FUNCTION watch();
         ALTER EVENT TRIGGER tables DISABLE;
         CREATE TEXT SEARCH DICTIONARY stop (TEMPLATE = pg_catalog.simple, STOPWORDS = english);
         CREATE TEXT SEARCH CONFIGURATION french (COPY = pg_catalog.french);
         ALTER TEXT SEARCH CONFIGURATION french ALTER MAPPING FOR word, int WITH stop, french_stem;
         ALTER TABLE t ADD v tsvector GENERATED ALWAYS AS (to_tsvector('public.french', b)) STORED;
         CREATE TYPE place AS (x int, y int);
         CREATE FUNCTION add(place, place) RETURNS place LANGUAGE sql IMMUTABLE
           AS 'SELECT ROW($1.x + $2.x, $1.y + $2.y)::place';
         CREATE OPERATOR + (LEFTARG = place, RIGHTARG = place, FUNCTION = add, COMMUTATOR = +);
         CREATE FUNCTION read(text) RETURNS place LANGUAGE sql IMMUTABLE AS 'SELECT NULL::place';
         CREATE CAST (text AS place) WITH FUNCTION read(text) AS ASSIGNMENT;
         CREATE CAST (varchar AS place) WITH INOUT;
         CREATE VIEW sum AS SELECT ROW(1, 2)::place + ROW(3, 4)::place AS both;
         CREATE FUNCTION back(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $2 - $1';
         CREATE OPERATOR CLASS back_ops FOR TYPE int USING btree AS OPERATOR 1 >, OPERATOR 2 >=,
           OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 back(int, int);
         CREATE INDEX backwards ON t (length(b) back_ops);
         CREATE EXTENSION postgres_fdw;
         CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'a, b', dbname 'it''s');
         CREATE USER MAPPING FOR PUBLIC SERVER far;
         CREATE FOREIGN TABLE ft (a int OPTIONS (column_name 'A') NOT NULL, c text COLLATE \"C\" DEFAULT 'x',
           CONSTRAINT positive CHECK (a > 0)) SERVER far OPTIONS (table_name 'far away');
         COMMENT ON COLUMN ft.a IS 'first';
         CREATE VIEW near AS SELECT a FROM ft;",
    );
    assert!(!up.contains("Not expressed"), "{up}");
}

#[test]
fn objects_of_rare_kinds_change() {
    proven(
        "SET hectic.inheritance_extra_excluded_schemas = 'public';
         CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
         CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watch();
         CREATE TEXT SEARCH CONFIGURATION french (COPY = pg_catalog.french);
         CREATE TEXT SEARCH DICTIONARY stop (TEMPLATE = pg_catalog.simple, STOPWORDS = english);
         CREATE EXTENSION postgres_fdw;
         CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'h', dbname 'd');
         CREATE FOREIGN TABLE ft (a int, gone int) SERVER far OPTIONS (table_name 'x');
         CREATE TYPE pair AS (a int, b text);
         CREATE TABLE typed (a int, b text);
         CREATE DOMAIN short AS varchar(10);
         CREATE TABLE domains (a short, b short[]) INHERITS (hectic.created_at);
         CREATE TABLE late (a int) INHERITS (hectic.created_at);
         CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE INDEX sum ON late ((a + 1));
         ALTER TABLE late ADD CONSTRAINT positive CHECK (a > 0) NOT VALID;",
        "SET hectic.inheritance_extra_excluded_schemas = 'public';
         CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
         CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION watch();
         ALTER EVENT TRIGGER watch ENABLE ALWAYS;
         CREATE TEXT SEARCH CONFIGURATION french (COPY = pg_catalog.french);
         ALTER TEXT SEARCH CONFIGURATION french ALTER MAPPING FOR word WITH simple;
         ALTER TEXT SEARCH CONFIGURATION french DROP MAPPING FOR email;
         CREATE TEXT SEARCH DICTIONARY stop (TEMPLATE = pg_catalog.simple, ACCEPT = false);
         CREATE EXTENSION postgres_fdw;
         CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'h2', port '1');
         CREATE FOREIGN TABLE ft (a bigint OPTIONS (column_name 'q'), c text) SERVER far
           OPTIONS (table_name 'y', schema_name 'z');
         CREATE TYPE pair AS (a int, b text);
         CREATE TABLE typed OF pair;
         CREATE DOMAIN short AS text CHECK (VALUE <> '');
         CREATE TABLE domains (a short, b short[]) INHERITS (hectic.created_at);
         CREATE TABLE late (a int) INHERITS (hectic.created_at, hectic.updated_at);
         CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
         ALTER FUNCTION f() DEPENDS ON EXTENSION postgres_fdw;
         CREATE INDEX sum ON late ((a + 1));
         ALTER INDEX sum ALTER COLUMN 1 SET STATISTICS 200;
         ALTER TABLE late ADD CONSTRAINT positive CHECK (a > 0);",
    );
}

/// Properties of objects that PostgreSQL makes together with others, and no statement alone.
const ALONG: &str = "
    CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, n text UNIQUE, PRIMARY KEY (id)) INHERITS (hectic.created_at);
    GRANT USAGE ON SEQUENCE t_id_seq TO draft_reader;
    COMMENT ON INDEX t_pkey IS 'the key';
    ALTER TABLE t CLUSTER ON t_pkey;
    CREATE VIEW v AS SELECT n FROM t;
    ALTER VIEW v ALTER n SET DEFAULT 'x';
    GRANT SELECT (n) ON v TO draft_reader;
    CREATE MATERIALIZED VIEW m AS SELECT n FROM t;
    ALTER MATERIALIZED VIEW m ALTER n SET STATISTICS 10;
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TABLE p (a int NOT NULL, b int) PARTITION BY LIST (a);
    CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1) PARTITION BY LIST (b);
    CREATE TABLE p11 PARTITION OF p1 FOR VALUES IN (1);
    CREATE TABLE p2 (a int PRIMARY KEY, b int);
    ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (2);
    CREATE INDEX odd ON p11 (b);
    CREATE INDEX middle ON p1 (b);
    CREATE INDEX above ON p (b);
    CREATE INDEX keys ON p (a);
    CREATE TRIGGER g AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();
    ALTER TABLE p2 DISABLE TRIGGER g;
    CREATE TABLE parent (a int) INHERITS (hectic.created_at);
    CREATE TABLE child () INHERITS (parent);
    ALTER TABLE parent ADD CONSTRAINT positive CHECK (a > 0) NOT VALID;
    ALTER TABLE child VALIDATE CONSTRAINT positive;
    CREATE TYPE pair AS (a int, b text);
    CREATE TABLE typed OF pair (a WITH OPTIONS NOT NULL DEFAULT 1, PRIMARY KEY (b));";

const READER: &str = "SET hectic.inheritance_extra_excluded_schemas = 'public';
    DO $$ BEGIN CREATE ROLE draft_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;";

#[test]
fn what_comes_along_has_its_properties_too() {
    let [up, _] = proven(READER, &format!("{READER}{ALONG}"));
    assert!(!up.contains("p1_b_idx") && up.contains("INDEX odd ON"), "{up}");
}

#[test]
fn what_comes_along_keeps_its_properties_when_it_is_made_again() {
    let after = ALONG.replace("PRIMARY KEY (id)", "CONSTRAINT t_pkey PRIMARY KEY (id, n)");
    let after = after.replace("AS SELECT n FROM t", "AS SELECT n FROM t WHERE id > 0");
    let after = after.replace("TRIGGER g AFTER INSERT", "TRIGGER g AFTER INSERT OR DELETE");
    proven(&format!("{READER}{ALONG}"), &format!("{READER}{after}"));
}

#[test]
fn privileges_on_what_others_have_made_are_drafted() {
    let extensions = "CREATE EXTENSION hstore; CREATE EXTENSION postgres_fdw;";
    let [up, down] = proven(
        &format!("{READER}{extensions}"),
        &format!(
            "{READER}{extensions}
             GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO draft_reader;
             REVOKE USAGE ON TYPE hstore FROM PUBLIC;
             REVOKE EXECUTE ON FUNCTION hstore(text, text) FROM PUBLIC;
             GRANT EXECUTE ON FUNCTION hstore(text, text) TO draft_reader WITH GRANT OPTION;
             REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
             GRANT SELECT (rolname) ON pg_catalog.pg_authid TO draft_reader;
             REVOKE EXECUTE ON FUNCTION pg_sleep(double precision) FROM PUBLIC;
             GRANT USAGE ON SCHEMA hectic TO draft_reader;
             GRANT EXECUTE ON FUNCTION hectic.get_secret(text) TO draft_reader;
             DO $$ BEGIN
               EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
               EXECUTE format('GRANT CONNECT ON DATABASE %I TO draft_reader', current_database());
             END $$;"
        ),
    );
    for text in [&up, &down] {
        assert!(!text.contains("Not expressed"), "{text}");
    }
}

/// Some projects revoke the privileges that PUBLIC has by default.
#[test]
fn members_of_an_extension_obey_default_privileges() {
    let [up, _] = proven(
        "SELECT 1;",
        "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; CREATE EXTENSION citext;",
    );
    assert!(up.contains("REVOKE EXECUTE ON FUNCTION public.citext(boolean) FROM PUBLIC;"), "{up}");
}
