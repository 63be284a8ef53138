//! Unusual data and shapes: a pull loads exactly the rows of staging, in both formats, twice.

use super::support::PullProject;

const FORMATS: [&str; 3] = ["", "--column-inserts", "--rows-per-insert=7"];

/// A pull of the schema `wild` only. Both sides have its tables, and staging has rows in them.
#[track_caller]
pub fn wild(schema: &str, rows: &str) -> PullProject {
    let mut pull = PullProject::new();
    let free = "SET hectic.inheritance_extra_excluded_schemas = 'wild'";
    let schema = format!("{free}; CREATE SCHEMA wild; {schema}");
    pull.file("app", &schema);
    pull.file(
        "staging",
        &format!("{schema}; BEGIN; SET LOCAL hectic.migration_mode = 'on'; {rows}; COMMIT"),
    );
    pull.set("STAGING_DUMP_TABLES", "wild.*");
    pull
}

/// Pulls and loads in every format, twice, and compares every table.
#[track_caller]
fn arrives(pull: &mut PullProject) {
    let tables = "SELECT string_agg(oid::regclass::text, E'\\x01' ORDER BY oid) FROM pg_class WHERE relnamespace = 'wild'::regnamespace AND relkind IN ('r', 'p')";
    let tables = pull.on_staging(tables);
    for flags in FORMATS {
        pull.set("STAGING_DUMP_FLAGS", flags);
        pull.pull([]).success();
        for _ in 0..2 {
            let loaded = pull.database(["patch"]).success();
            assert!(!loaded.stderr.contains("WARNING"), "{loaded}");
            tables
                .split('\x01')
                .filter(|table| *table != "wild.empty")
                .for_each(|table| pull.same(table));
        }
    }
    let invalid = "SELECT count(*) FROM pg_constraint WHERE NOT convalidated";
    assert_eq!(pull.ask(invalid), pull.on_staging(invalid));
}

/// A value of every type whose text can be read back. Arrays, ranges and multiranges of them follow.
const VALUES: &str = "
bool true|bytea \\x00ff5c|char x|name it's|int8 -9223372036854775808|int2 7|int2vector 1 2|int4 -1|regproc pg_catalog.now
text a'b|oid 12|tid (1,2)|xid 3|cid 4|oidvector 1 2|json {\"a\" : \"\\\\\"}|xml <a>&amp;</a>|point (0.1,2)|lseg [(1,2),(3,4)]
path ((1,2),(3,4))|box (3,4),(1,2)|polygon ((1,2),(3,4))|circle <(1,2),3>|line {1,2,3}|float4 0.1|float8 0.30000000000000004|money -$12.50
macaddr 08:00:2b:01:02:03|inet ::1/64|cidr 10.0.0.0/8|macaddr8 08:00:2b:ff:fe:01:02:03|aclitem =r/dev|bpchar ab |varchar it's
date 0044-03-15 BC|time 24:00:00|timestamp infinity|timestamptz 2020-01-01 10:00:00.123456+02|interval -1 mons +2 days -00:00:01.5
timetz 10:00:00+05:30|bit 1|varbit 101|numeric NaN|refcursor c|regprocedure pg_catalog.abs(integer)|regoper pg_catalog.!!
regoperator pg_catalog.+(integer,integer)|regclass pg_catalog.pg_class|regtype integer[]|uuid 00000000-0000-0000-0000-00000000000a
pg_lsn 16/B374D848|tsvector 'a''b':1A 'c':2|tsquery 'a' & !'b'|regconfig pg_catalog.simple|regdictionary pg_catalog.simple|jsonb {\"a\": \"\\u00fc\"}
txid_snapshot 10:20:10,14|regnamespace pg_catalog|regrole dev|regcollation pg_catalog.\"C\"|jsonpath $.\"a\"?(@ > 1)|pg_snapshot 10:20:10,14|xid8 42
int4range [1,5)|numrange (1.5,)|tsrange [2020-01-01,)|tstzrange empty|daterange (,2020-01-01)|int8range [1,2)
int4multirange {[1,3),[5,7)}|nummultirange {}|tsmultirange {[2020-01-01,)}|tstzmultirange {}|datemultirange {(,2020-01-01)}|int8multirange {[1,2)}";

/// Types without an input function, of which nobody has columns.
const WITHOUT_INPUT: &str = "pg_node_tree gtsvector pg_ndistinct pg_dependencies pg_mcv_list pg_brin_bloom_summary pg_brin_minmax_multi_summary";

#[test]
fn every_type_arrives() {
    let values = VALUES.split(['|', '\n']).filter(|one| !one.is_empty());
    let values: Vec<(&str, &str)> = values.map(|one| one.split_once(' ').unwrap()).collect();
    let known: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    let column = |(name, _): &(&str, &str)| {
        format!("\"{name}\" pg_catalog.\"{name}\", \"_{name}\" pg_catalog.\"{name}\"[]")
    };
    let columns: Vec<String> = values.iter().map(column).collect();
    let literal = |(name, value): &(&str, &str)| {
        let value = format!("'{}'::pg_catalog.\"{name}\"", value.replace('\'', "''"));
        format!("{value}, ARRAY[{value}, NULL]")
    };
    let literals: Vec<String> = values.iter().map(literal).collect();
    let schema = format!("CREATE TABLE wild.types (id int PRIMARY KEY, {})", columns.join(", "));
    let rows = format!(
        "INSERT INTO wild.types VALUES (1, {}); INSERT INTO wild.types (id) VALUES (2)",
        literals.join(", ")
    );
    let mut pull = wild(&schema, &rows);
    let types = "SELECT string_agg(typname, ' ') FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typelem = 0";
    for name in pull.on_staging(types).split(' ') {
        let told = known.contains(&name) || WITHOUT_INPUT.split(' ').any(|other| other == name);
        assert!(told, "a type without a value here: {name}");
    }
    arrives(&mut pull);
}

#[test]
fn every_text_arrives() {
    let schema = r#"CREATE TYPE wild."mo'o""d" AS ENUM ('it''s', 'a"b', 'back\slash', '', ' ', E'new\nline');
        CREATE TYPE wild.pair AS (a int, "B b" text, c wild."mo'o""d");
        CREATE DOMAIN wild.pairs AS wild.pair[] CHECK (cardinality(VALUE) < 9);
        CREATE DOMAIN wild.numbers AS int[];
        CREATE TABLE wild.line (id int PRIMARY KEY, t text, c char(9), b bytea, p wild.pair, ps wild.pairs, n wild.numbers, e wild."mo'o""d", es wild."mo'o""d"[], v varchar(5)[][])"#;
    let rows = r#"INSERT INTO wild.line (id, t) SELECT row_number() OVER (), t FROM unnest(ARRAY['\.', E'a\n\\.\nb', '\', '\\', '\N', 'NULL', '', ' ', E'\r', E'a\r\nb\r', E'\n', E'\t', E'\b\f\v\x01\x7f',
          '''', '"', ';', '--', '/*', '*/', '$$', ':a :''a'' :"a"', '\copy x', E'\\! false', E'x\n\\! false\n\\q\n', '@where@ @limit@ @cells@', '%s %I %%', E'\u0085\u2028\ufeff', '🐘', repeat('x', 1000000), repeat(E'\\\n', 500000)]) AS t;
        UPDATE wild.line SET c = left(t, 9), b = convert_to(t, 'UTF8'), n = ARRAY[id, NULL], e = 'a"b', es = enum_range(NULL::wild."mo'o""d"), v = ARRAY[ARRAY[left(t, 5), NULL], ARRAY['', 'NULL']] WHERE id < 28;
        UPDATE wild.line SET p = ROW(id, t, e), ps = ARRAY[ROW(id, t, e), NULL, ROW(NULL, '', NULL)]::wild.pair[] WHERE id < 28"#;
    arrives(&mut wild(schema, rows));
}

#[test]
fn every_name_arrives() {
    let long = "n".repeat(63);
    let names = [
        "Mixed \"q\" 'q'",
        "new\nline",
        "--",
        "@cells@ @table@",
        "%I %s",
        "select",
        "ünï",
        "a.b",
        "*",
        "back\\slash",
        long.as_str(),
        "pulled",
        "pg_temp",
    ];
    let quoted = names.map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
    let columns = quoted.iter().map(|name| format!("{name} int")).collect::<Vec<_>>().join(", ");
    let table = |name: &String| {
        format!(
            "CREATE TABLE wild.{name} ({columns}, id int GENERATED ALWAYS AS IDENTITY, t text, p text, PRIMARY KEY ({}, id))",
            quoted[0]
        )
    };
    let row = |name: &String| {
        format!(
            "INSERT INTO wild.{name} SELECT {} FROM generate_series(1, 3) n",
            vec!["n"; names.len()].join(", ")
        )
    };
    let schema = quoted.iter().map(table).collect::<Vec<_>>().join(";");
    let rows = quoted.iter().map(row).collect::<Vec<_>>().join(";");
    arrives(&mut wild(&schema, &rows));
}

#[test]
fn every_shape_arrives() {
    let wide = (1..1600).map(|n| format!("c{n} int")).collect::<Vec<_>>().join(", ");
    let schema = format!(
        r#"CREATE TABLE wild.wide (id int PRIMARY KEY, {wide});
        CREATE TABLE wild.nothing ();
        CREATE TABLE wild.made (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, d int GENERATED ALWAYS AS (id * 2) STORED, n int GENERATED ALWAYS AS IDENTITY (INCREMENT -1));
        CREATE TABLE wild.only_made (d int GENERATED ALWAYS AS (1) STORED);
        CREATE TABLE wild.composite (a text COLLATE "C", b uuid, c numeric, v int, PRIMARY KEY (b, a, c) INCLUDE (v));
        CREATE TABLE wild.nullable (a int UNIQUE, b text);
        CREATE TABLE wild.partly (a int, b boolean); CREATE UNIQUE INDEX ON wild.partly (a) WHERE b;
        CREATE TABLE wild.expressed (a text NOT NULL); CREATE UNIQUE INDEX ON wild.expressed (lower(a));
        CREATE TABLE wild.odd_key (f float8, c char(5), j jsonb, PRIMARY KEY (f, c, j));
        CREATE TABLE wild.documents (j json, x xml, p point);
        CREATE TABLE wild.deferred (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, a int UNIQUE DEFERRABLE);
        CREATE TABLE wild.tree (id int PRIMARY KEY, parent int REFERENCES wild.tree DEFERRABLE INITIALLY DEFERRED, other int REFERENCES wild.tree ON DELETE CASCADE ON UPDATE SET NULL);
        CREATE TABLE wild.apart (id int PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&));
        CREATE TABLE wild.parent (id int PRIMARY KEY, t text); CREATE TABLE wild.child (own int, PRIMARY KEY (id)) INHERITS (wild.parent);
        CREATE TABLE wild.parted (id int, k text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
        CREATE TABLE wild.parted_a PARTITION OF wild.parted FOR VALUES IN ('a') PARTITION BY HASH (id);
        CREATE TABLE wild.parted_a0 PARTITION OF wild.parted_a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE wild.parted_a1 (k text NOT NULL, dropped int, id int NOT NULL); ALTER TABLE wild.parted_a1 DROP COLUMN dropped;
        ALTER TABLE wild.parted_a ATTACH PARTITION wild.parted_a1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE wild.parted_rest PARTITION OF wild.parted DEFAULT;
        CREATE TABLE wild.refers (id int PRIMARY KEY, a int, k text, FOREIGN KEY (a, k) REFERENCES wild.parted);
        CREATE TABLE wild.fixed (code text PRIMARY KEY) INHERITS (hectic.immutable);
        CREATE UNLOGGED TABLE wild.unlogged (id serial PRIMARY KEY); CREATE TABLE wild.empty (id int PRIMARY KEY)"#
    );
    let rows = r#"INSERT INTO wild.wide (id, c1, c1599) VALUES (1, 2, 3), (4, 5, 6);
        INSERT INTO wild.nothing DEFAULT VALUES; INSERT INTO wild.nothing DEFAULT VALUES;
        INSERT INTO wild.made DEFAULT VALUES; INSERT INTO wild.made DEFAULT VALUES; INSERT INTO wild.only_made DEFAULT VALUES;
        INSERT INTO wild.composite SELECT chr(64 + n), md5(n::text)::uuid, n / 7.0, n FROM generate_series(1, 50) n;
        INSERT INTO wild.nullable VALUES (1, 'a'), (NULL, 'b'), (NULL, 'b'); INSERT INTO wild.partly VALUES (1, true), (1, false), (1, NULL), (NULL, NULL);
        INSERT INTO wild.expressed VALUES ('A'), ('b'); INSERT INTO wild.odd_key VALUES ('NaN', '', '[1.0]'), ('-0', 'a', '{}'), ('Infinity', 'b  ', 'null');
        INSERT INTO wild.documents VALUES ('{"a":1,"a":2}', '<a/>', '(1,2)'), (NULL, NULL, NULL), (NULL, NULL, NULL);
        INSERT INTO wild.deferred VALUES (1, 2), (2, 1); INSERT INTO wild.tree VALUES (1, 3, 2), (2, 1, 2), (3, 3, 1); INSERT INTO wild.apart VALUES (1, '[1,5)'), (2, '[5,9)');
        INSERT INTO wild.parent VALUES (1, 'p'), (2, 'q'); INSERT INTO wild.child VALUES (1, 'c', 2); INSERT INTO wild.parted SELECT n, chr(96 + n % 3) FROM generate_series(1, 20) n;
        INSERT INTO wild.refers SELECT id, id, k FROM wild.parted; INSERT INTO wild.fixed VALUES ('x'), ('Y'); INSERT INTO wild.unlogged DEFAULT VALUES"#;
    arrives(&mut wild(&schema, rows));
}

#[test]
fn sequences_stand_where_they_stood() {
    let schema = r#"CREATE SEQUENCE wild.down INCREMENT -3 MINVALUE -100 MAXVALUE 50 START 50 CACHE 10 CYCLE;
        CREATE TABLE wild.counted (id bigserial PRIMARY KEY, "Old Name" serial, d int DEFAULT nextval('wild.down'), i int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME wild."Odd ""Name"), s smallserial);
        ALTER SEQUENCE wild.down OWNED BY wild.counted.d; ALTER TABLE wild.counted RENAME COLUMN "Old Name" TO "New";
        CREATE TABLE wild.unused (id serial PRIMARY KEY); CREATE SEQUENCE wild.free"#;
    let rows = "INSERT INTO wild.counted SELECT FROM generate_series(1, 7); SELECT setval('wild.free', 99)";
    let mut pull = wild(schema, rows);
    pull.pull([]).success();
    let state = "SELECT string_agg(sequencename || ' ' || COALESCE(last_value::text, 'unused'), ',' ORDER BY sequencename) FROM pg_sequences WHERE schemaname = 'wild' AND sequencename <> 'free'";
    for _ in 0..2 {
        pull.database(["patch"]).success();
        assert_eq!(pull.ask(state), pull.on_staging(state));
    }
    assert_eq!(pull.ask("SELECT last_value FROM wild.free"), "1", "nobody's sequence is nobody's");
    let next = "INSERT INTO wild.counted DEFAULT VALUES RETURNING counted::text";
    assert_eq!(pull.ask(next), pull.on_staging(next));
    pull.set("STAGING_DUMP_FLAGS", "");
}

#[test]
fn settings_of_staging_change_nothing() {
    let pull = PullProject::new();
    pull.pull([]).success();
    let patch = pull.patch();
    for setting in [
        "datestyle = 'German, DMY'",
        "timezone = 'Asia/Kathmandu'",
        "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'",
        "extra_float_digits = -15",
        "client_encoding = 'LATIN1'",
        "standard_conforming_strings = off",
        "backslash_quote = off",
        "xmlbinary = 'hex'",
        "xmloption = 'document'",
        "search_path = 'shop, hectic'",
        "quote_all_identifiers = on",
        "row_security = off",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_read_only = on",
        "default_transaction_deferrable = on",
        "statement_timeout = '200ms'",
        "idle_in_transaction_session_timeout = '1ms'",
        "lock_timeout = '1ms'",
        "enable_indexscan = off",
        "array_nulls = off",
        "escape_string_warning = off",
        "enable_sort = off",
        "transform_null_equals = on",
    ] {
        pull.ask_in("postgres", &format!("ALTER DATABASE staging SET {setting}"));
    }
    for jobs in ["1", "3"] {
        pull.pull(["--jobs", jobs]).success();
        assert!(pull.patch() == patch, "the file differs");
    }
}

#[test]
fn other_encodings_arrive() {
    let mut pull = wild("CREATE TABLE wild.word (id int PRIMARY KEY, w text)", "");
    for (encoding, word) in [("LATIN1", "ünïçødé ÿ"), ("SQL_ASCII", "ünïçødé 🐘")] {
        let (name, postgres) = (encoding.to_lowercase(), pull.url("postgres"));
        pull.query(&postgres, &format!("CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"));
        let url = pull.url(&name);
        pull.file(&name, &format!("SET client_encoding = '{}'; CREATE SCHEMA wild; CREATE TABLE wild.word (id int PRIMARY KEY, w text); INSERT INTO wild.word VALUES (1, '{word}')", if encoding == "LATIN1" { "UTF8" } else { encoding }));
        pull.set("STAGING_DB_URL", &url);
        pull.pull([]).success();
        pull.database(["patch"]).success();
        assert_eq!(pull.ask("SELECT w FROM wild.word"), word, "{encoding}");
        pull.query(&url, "INSERT INTO wild.word VALUES (2, E'\\xff')");
        if encoding == "SQL_ASCII" {
            pull.pull([]).fails(1, ["wild.word", "invalid byte sequence"]);
        }
    }
}

#[test]
fn what_is_no_table_is_told() {
    let mut pull = wild(
        "CREATE VIEW wild.looked AS SELECT 1 AS a; CREATE MATERIALIZED VIEW wild.seen AS SELECT 1 AS a; CREATE SEQUENCE wild.counted",
        "SELECT 1",
    );
    for name in ["wild.looked", "wild.seen", "wild.counted"] {
        pull.set("STAGING_DUMP_TABLES", name);
        pull.pull([]).fails(5, [name, "view"]);
    }
}
