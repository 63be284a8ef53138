//! `--write-migration`: the draft drops dependent objects first and creates them again afterwards,
//! in an order that works.

use super::draft::{EVERYTHING, FIRST, project, proven, write, written};

/// Exempts tables from inheriting `created_at`.
const EXEMPT: &str = "SET hectic.inheritance_extra_excluded_schemas = 'public';\n";

fn pair(before: &str, after: &str) -> [String; 2] {
    [before, after].map(|sql| format!("{EXEMPT}{sql}"))
}

#[test]
fn what_stands_on_functions_and_columns_comes_back() {
    let calls = "CREATE TABLE called (i int CHECK (ok(i)), d boolean DEFAULT ok(1),
                   g boolean GENERATED ALWAYS AS (ok(i)) STORED);
                 CREATE INDEX called_ok ON called (ok(i));
                 CREATE POLICY p ON called USING (ok(i));
                 CREATE VIEW of_calls AS SELECT ok(i) FROM called;
                 CREATE DOMAIN dom AS boolean DEFAULT ok(3);
                 CREATE FUNCTION parsed() RETURNS boolean LANGUAGE sql RETURN ok(2);
                 INSERT INTO called (i) VALUES (1);";
    let function = |arguments: &str| {
        format!(
            "CREATE FUNCTION ok({arguments}) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';"
        )
    };
    let [before, after] = pair(
        &format!("{} {calls}", function("a int")),
        &format!("{} {calls}", function("a int, b int DEFAULT 1")),
    );
    let [up, _] = proven(&before, &after);
    assert!(up.contains("CREATE POLICY p ON public.called"), "{up}");
    let generated = |expression: &str, kind: &str, base: &str| {
        format!(
            "CREATE TABLE made (a {base}, b int, g {kind} GENERATED ALWAYS AS ({expression}) STORED, CHECK (g > 0),
               w int GENERATED ALWAYS AS (b * 2) STORED, x numeric GENERATED ALWAYS AS (a) STORED);
             CREATE INDEX made_g ON made (g);
             CREATE VIEW of_made AS SELECT g FROM made;
             COMMENT ON COLUMN made.g IS 'kept';
             GRANT SELECT (g) ON made TO pg_monitor;
             INSERT INTO made (a, b) VALUES (1, 1);"
        )
    };
    let keys = "CREATE TABLE child (p int REFERENCES parent (id));
                CREATE TABLE letters (k {kind} PRIMARY KEY, up {kind} REFERENCES letters);
                CREATE TABLE words (k {kind} REFERENCES letters);";
    let [before, after] = pair(
        &format!(
            "CREATE TABLE parent (id int NOT NULL UNIQUE); {} {}
             CREATE TABLE plain (a int, g int GENERATED ALWAYS AS (a * 2) STORED);
             CREATE TABLE granted (a int, b int); GRANT UPDATE ON granted TO pg_monitor;
             CREATE TABLE log_a (id int PRIMARY KEY, b int); CREATE TABLE log_b (id int PRIMARY KEY REFERENCES log_a);
             ALTER TABLE log_a ADD FOREIGN KEY (b) REFERENCES log_b;
             CREATE TABLE log_c (id int PRIMARY KEY); CREATE TABLE log_d (id int REFERENCES log_c);",
            keys.replace("{kind}", "int"),
            generated("b * 2", "int", "int"),
        ),
        &format!(
            "CREATE TABLE parent (id int PRIMARY KEY); {} {}
             CREATE TABLE plain (a int, g bigint GENERATED ALWAYS AS (a * 2) STORED);
             CREATE TABLE granted (a int, b int); GRANT UPDATE (a) ON granted TO pg_monitor;
             CREATE UNLOGGED TABLE log_a (id int PRIMARY KEY, b int);
             CREATE UNLOGGED TABLE log_b (id int PRIMARY KEY REFERENCES log_a);
             ALTER TABLE log_a ADD FOREIGN KEY (b) REFERENCES log_b;
             CREATE UNLOGGED TABLE log_c (id int PRIMARY KEY); CREATE UNLOGGED TABLE log_d (id int REFERENCES log_c);",
            keys.replace("{kind}", "text"),
            generated("b * 3", "bigint", "numeric"),
        ),
    );
    proven(&before, &after);
}

/// The same text means another expression on a column of another type.
#[test]
fn an_expression_on_a_column_that_changes_its_type_is_drafted_as_it_was() {
    let table = |kind: &str| {
        format!(
            "CREATE TABLE made (n {kind}, twice {kind} GENERATED ALWAYS AS (n * 2) STORED, CHECK (n * 3 > 0));
             INSERT INTO made (n) VALUES (1);"
        )
    };
    let [before, after] = pair(&table("int"), &table("numeric"));
    let [_, down] = proven(&before, &after);
    assert!(down.contains("(n * 2)") && !down.contains("(2)::numeric"), "{down}");
}

#[test]
fn circles_are_opened() {
    let [before, after] = pair(
        "CREATE TABLE old (i int); INSERT INTO old VALUES (1);",
        "CREATE EXTENSION citext;
         CREATE TABLE org (id int PRIMARY KEY, owner_id int, slug citext);
         CREATE TABLE member (id int PRIMARY KEY, org_id int REFERENCES org);
         ALTER TABLE org ADD FOREIGN KEY (owner_id) REFERENCES member;
         CREATE POLICY p ON org USING (id IN (SELECT org_id FROM member));
         CREATE TABLE read (i int);
         CREATE VIEW reads AS SELECT i FROM read;
         CREATE POLICY p ON read USING (i IN (SELECT i FROM reads));
         CREATE TABLE rowed (a int, b int);
         CREATE FUNCTION row_of(rowed) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
         ALTER TABLE rowed ALTER a SET DEFAULT row_of(NULL), ADD CHECK (row_of(rowed) > 0);
         CREATE FUNCTION z() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
         CREATE FUNCTION b() RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN Z(); END';
         CREATE FUNCTION a() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.b()';
         CREATE TABLE old (i int, n int DEFAULT a(), g int GENERATED ALWAYS AS (a() + i) STORED);
         CREATE INDEX old_a ON old ((i + a()));
         CREATE MATERIALIZED VIEW seen AS SELECT a() AS a;
         CREATE DOMAIN price AS numeric CONSTRAINT fair CHECK (VALUE > 0);
         COMMENT ON CONSTRAINT fair ON DOMAIN price IS 'no gifts';
         CREATE DOMAIN low AS price CHECK (VALUE < 10);
         CREATE TYPE item AS (p price);
         CREATE TABLE sold (i item, l low[]);
         CREATE DOMAIN self AS int;
         CREATE FUNCTION is_self(self) RETURNS boolean LANGUAGE sql AS 'SELECT true';
         ALTER DOMAIN self ADD CHECK (is_self(VALUE));
         CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', PARALLEL = SAFE);
         CREATE AGGREGATE rows(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
         COMMENT ON AGGREGATE rows(*) IS 'how many';
         CREATE AGGREGATE mid(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal,
           FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
         CREATE COLLATION plain (provider = libc, locale = 'C');
         CREATE TABLE spelled (s text COLLATE plain);
         CREATE VIEW totals AS SELECT total(i), rows(*), mid(0.5) WITHIN GROUP (ORDER BY i) FROM old;",
    );
    let [_, down] = proven(&before, &after);
    assert!(!down.contains("CASCADE"), "{down}");
}

#[test]
fn types_are_made_anew_below_others() {
    let with = |check: &str, kind: &str| {
        format!(
            "CREATE DOMAIN price AS numeric {check};
             CREATE TYPE item AS (p price, n {kind});
             CREATE TABLE sold (id int PRIMARY KEY, one price, more price[], item item);
             INSERT INTO sold VALUES (1, 2, '{{3,4}}', '(5,6)');
             CREATE VIEW of_sold AS SELECT more, (item).n FROM sold;
             CREATE FUNCTION twice(price) RETURNS price LANGUAGE sql AS 'SELECT $1 * 2';"
        )
    };
    let [before, after] = pair(&with("", "int"), &with("NOT NULL CHECK (VALUE > 0)", "bigint"));
    let [up, down] = proven(&before, &after);
    assert!(up.contains("ALTER TYPE public.price RENAME TO \"price old\";"), "{up}");
    assert!(down.contains("ALTER TYPE public.item RENAME TO \"item old\";"), "{down}");
}

/// Columns of tables with rows get a sequence.
#[test]
fn numbers_go_on_after_the_rows() {
    let rows = "INSERT INTO plain VALUES (1), (2); INSERT INTO to_serial VALUES (7), (8);
                INSERT INTO serial DEFAULT VALUES; INSERT INTO serial DEFAULT VALUES;
                INSERT INTO identity DEFAULT VALUES; INSERT INTO identity DEFAULT VALUES;
                INSERT INTO other DEFAULT VALUES; INSERT INTO other DEFAULT VALUES;
                INSERT INTO renamed DEFAULT VALUES; INSERT INTO renamed DEFAULT VALUES;
                INSERT INTO bounded DEFAULT VALUES; INSERT INTO bounded DEFAULT VALUES;
                INSERT INTO falling VALUES (-1), (-2); INSERT INTO parted VALUES (5);";
    let tables = "CREATE TABLE parted (id int NOT NULL {parted}, PRIMARY KEY (id)) PARTITION BY RANGE (id);
                  CREATE TABLE parted_1 PARTITION OF parted DEFAULT;
                  CREATE TABLE plain (id int PRIMARY KEY {plain}); CREATE TABLE empty (id int PRIMARY KEY {plain});
                  CREATE TABLE falling (id int PRIMARY KEY {falling});
                  CREATE TABLE bounded (id int GENERATED BY DEFAULT AS IDENTITY {bounds} PRIMARY KEY);
                  CREATE TABLE renamed (id int GENERATED BY DEFAULT AS IDENTITY {name} PRIMARY KEY);
                  CREATE TABLE other (id int DEFAULT nextval('{sequence}') PRIMARY KEY);";
    let filled = |values: [&str; 6]| {
        let names = ["{parted}", "{plain}", "{falling}", "{bounds}", "{name}", "{sequence}"];
        let pairs = names.iter().zip(values);
        pairs.fold(tables.to_owned(), |text, (name, value)| text.replace(name, value))
    };
    let identity = "GENERATED BY DEFAULT AS IDENTITY";
    let falling = format!("{identity} (INCREMENT -1)");
    let [before, after] = pair(
        &format!(
            "CREATE SEQUENCE one; CREATE SEQUENCE free; {}
             CREATE TABLE to_serial (id int PRIMARY KEY);
             CREATE TABLE serial (id serial PRIMARY KEY);
             CREATE TABLE identity (id int {identity} PRIMARY KEY); {rows}",
            filled(["", "", "", "", "", "one"])
        ),
        &format!(
            "CREATE SEQUENCE two; CREATE SEQUENCE free MINVALUE 100 START 150; {}
             CREATE TABLE to_serial (id serial PRIMARY KEY);
             CREATE TABLE serial (id int {identity} PRIMARY KEY);
             CREATE TABLE identity (id serial PRIMARY KEY);",
            filled([
                identity,
                identity,
                &falling,
                "(MINVALUE 2 MAXVALUE 100)",
                "(SEQUENCE NAME mine)",
                "two"
            ])
        ),
    );
    proven(&before, &after);
    let sandbox = project(&before, &after);
    write(&sandbox, "numbers").fails(1, ["wrote "]);
    sandbox.write(&format!("{FIRST}/down.sql"), EVERYTHING);
    let up = sandbox.read(&format!("project/db/migration/{}/up.sql", written(&sandbox)[0]));
    sandbox.database(["init"]).success();
    sandbox.run("migrator", ["migrate", "up", "all"]).success();
    let tables = [
        "plain",
        "to_serial",
        "serial",
        "identity",
        "other",
        "renamed",
        "bounded",
        "falling",
        "parted",
        "empty",
    ];
    let next = tables.map(|table| {
        let insert = format!("INSERT INTO {table} DEFAULT VALUES RETURNING id");
        sandbox.ask(&insert).lines().next().unwrap_or_default().to_owned()
    });
    assert_eq!(next, ["3", "9", "3", "3", "3", "3", "3", "-3", "6", "1"], "{up}");
    assert_eq!(sandbox.ask("SELECT nextval('free')"), "150", "{up}");
}
