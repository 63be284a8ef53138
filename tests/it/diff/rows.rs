//! Differences of rows.

use super::support::{LiveProject, immutable, parsed, rows, silent, write};
use crate::support::{Sandbox, program};

#[test]
fn cells_are_added_removed_and_changed() {
    let live = LiveProject::new(&immutable(
        "t",
        "id int PRIMARY KEY, a text, b int",
        "(1, 'x', 1), (2, NULL, 2), (10, 'z', 3)",
    ));
    live.silent();
    live.change(&write("DELETE FROM t WHERE id = 1; UPDATE t SET a = 'y', b = NULL WHERE id = 2; INSERT INTO t VALUES (3, 'new', NULL)"));
    let report = live.report([]);
    assert_eq!(
        rows(&report),
        [
            "public.t + id=1 a=x b=1",
            "public.t ~ id=2: a y → NULL, b NULL → 2",
            "public.t - id=3 a=new b=NULL",
        ]
    );
    assert_eq!(report["counting"], 1);
    let text = live.diff([]).fails(1, ["1 difference that counts"]).stdout;
    assert!(text.contains("\n--- IMMUTABLE TABLE DATA ---\n~ public.t\n"), "{text}");
}

/// For some of these tables, a sum of the cells' hashes would be the same on both sides.
#[test]
fn two_rows_that_exchange_a_cell_are_seen_in_every_table() {
    let table = |n: u32| {
        immutable(
            &format!("t{n}"),
            "id int PRIMARY KEY, a text",
            &format!("({n}, 'one'), (-{n}, 'two')"),
        )
    };
    let live = LiveProject::new(&(1..=24).map(table).collect::<String>());
    live.silent();
    let exchange =
        |n: u32| write(&format!("UPDATE t{n} SET a = CASE a WHEN 'one' THEN 'two' ELSE 'one' END"));
    live.change(&(1..=24).map(exchange).collect::<String>());
    assert_eq!(live.report([])["rows"].as_array().unwrap().len(), 24);
}

/// Such values differ only in their place, and their columns have different collations.
#[test]
fn values_that_change_places_are_seen() {
    let live = LiveProject::new(&immutable(
        "t",
        "id int PRIMARY KEY, a text COLLATE \"C\", b text COLLATE \"POSIX\"",
        "(1, 'x', NULL), (2, 'y', NULL), (3, '', NULL)",
    ));
    live.silent();
    live.change(&write("UPDATE t SET a = b, b = a WHERE id = 1"));
    assert_eq!(rows(&live.report([])), ["public.t ~ id=1: a NULL → x, b x → NULL"]);
    live.change(&write("UPDATE t SET a = CASE id WHEN 1 THEN 'y' ELSE 'x' END, b = NULL"));
    assert_eq!(rows(&live.report([])).len(), 3);
    live.change(&write("UPDATE t SET a = CASE id WHEN 1 THEN 'x' WHEN 2 THEN 'y' END"));
    assert_eq!(rows(&live.report([])), ["public.t ~ id=3: a NULL → "]);
}

#[test]
fn without_a_key_rows_are_counted() {
    let live = LiveProject::new(&immutable(
        "t",
        "a int, b text",
        "(1, 'x'), (1, 'x'), (1, 'x'), (2, NULL), (2, NULL)",
    ));
    live.silent();
    live.change(&write("TRUNCATE t; INSERT INTO t VALUES (2, NULL), (2, NULL), (1, 'x'), (3, '')"));
    let report = live.report([]);
    assert_eq!(report["rows"][0]["key"], serde_json::json!([]));
    let found = rows(&report);
    assert_eq!(found, ["public.t + a=1 b=x", "public.t + a=1 b=x", "public.t - a=3 b="]);
}

#[test]
fn the_key_is_what_was_not_made_up_by_the_server() {
    let sql = [
        // the primary key is drawn at insertion, so the unique code identifies the rows
        immutable("t", "id serial PRIMARY KEY, code text UNIQUE NOT NULL, maybe text UNIQUE, a int", ""),
        immutable("u", "id uuid PRIMARY KEY DEFAULT gen_random_uuid(), a int", ""),
        immutable("i", "id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(), a int, twice int GENERATED ALWAYS AS (a * 2) STORED", ""),
        write("INSERT INTO t (code, a) VALUES ('x', 1), ('y', 2)"),
        write("INSERT INTO u (a) VALUES (1), (2)"),
        write("INSERT INTO i (a) VALUES (1), (2)"),
    ]
    .concat();
    let live = LiveProject::new(&sql);
    live.change(&write("UPDATE t SET id = id + 100; UPDATE u SET id = gen_random_uuid(); UPDATE i SET at = now() - interval '1 day'"));
    live.silent();
    live.change(&write("UPDATE t SET a = 3 WHERE code = 'y'; UPDATE u SET a = 3 WHERE a = 2"));
    assert_eq!(
        rows(&live.report([])),
        ["public.t ~ code=y: a 3 → 2", "public.u + a=2", "public.u - a=3"]
    );
    let all = live.report(["--all-columns"]);
    let keys: Vec<_> =
        all["rows"].as_array().unwrap().iter().map(|table| table["key"].to_string()).collect();
    assert_eq!(keys, [r#"["id"]"#, r#"["id"]"#, r#"["id"]"#]);
    assert!(all["rows"][0]["changes"][0]["cells"].to_string().contains("\"at\""), "{all}");
}

#[test]
fn any_name_and_any_type() {
    let odd = r#""Odd ""Schema"".x"."T ""able""#;
    let types = "k text PRIMARY KEY, j json, jb jsonb, f float8, r real, n numeric, b bytea, ia int[], ta text[], c pair,
                 ca pair[], s tstzrange, m nummultirange, d date, iv interval, bit bit(3), u uuid, x xml, ch char(5), bo bool";
    let values = r#"('full', '{"b": 1,  "a": 2}', '{"b": 1, "a": 2}', 0.1, 1.5e-30, 1.10, '\x00ff', '{1,NULL,3}', '{"a b",NULL,"\"q\""}',
                     ROW(1, 'x y'), ARRAY[ROW(1, NULL)::pair], '[2024-01-01 00:00+01,)', '{[1,2), [3,4)}', '2024-02-29', '1 mon 2 days', '101',
                     '00000000-0000-0000-0000-000000000001', '<a>1</a>', 'ab', true),
                    ('', NULL, NULL, 'NaN', '-Infinity', 'NaN', NULL, '{}', '{}', NULL, NULL, 'empty', '{}', 'infinity', NULL, NULL, NULL, NULL, NULL, NULL),
                    ('é„ü', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"#;
    let odd_table = immutable(
        odd,
        r#""Key" int PRIMARY KEY, "say ""it""" text, "a@b@c" text, "select" text"#,
        "(1, 'x', 'y', 'z')",
    );
    let sql = format!(
        "CREATE TYPE pair AS (a int, b text); CREATE SCHEMA \"Odd \"\"Schema\"\".x\";\n{}{}",
        immutable("t", types, values),
        odd_table.replace("'public'", "'\"Odd \"\"Schema\"\".x\"'"),
    );
    let live = LiveProject::new(&sql);
    live.silent();
    // no matter which settings the role has for its sessions
    live.change("ALTER ROLE dev SET timezone = 'Asia/Tokyo'; ALTER ROLE dev SET datestyle = 'German'; ALTER ROLE dev SET bytea_output = 'escape';
                 ALTER ROLE dev SET intervalstyle = 'iso_8601'; ALTER ROLE dev SET extra_float_digits = -3;");
    live.silent();
    live.change(&write(&format!(
        "UPDATE {odd} SET \"say \"\"it\"\"\" = NULL, \"a@b@c\" = E'new\\nline'"
    )));
    live.change(&write("UPDATE t SET b = '\\x00', f = 0.30000000000000004, s = NULL, ca = ARRAY[ROW(1, '')::pair] WHERE k = 'full'; UPDATE t SET k = 'É' WHERE k = 'é„ü'"));
    assert_eq!(
        rows(&live.report([])),
        [
            "\"Odd \"\"Schema\"\".x\".\"T \"\"able\" ~ Key=1: say \"it\" NULL → x, a@b@c new\nline → y",
            "public.t ~ k=full: f 0.30000000000000004 → 0.1, b \\x00 → \\x00ff, ca {\"(1,\\\"\\\")\"} → {\"(1,)\"}, s NULL → [\"2023-12-31 23:00:00+00\",)",
            "public.t - k=É j=NULL jb=NULL f=NULL r=NULL n=NULL b=NULL ia=NULL ta=NULL c=NULL ca=NULL s=NULL m=NULL d=NULL iv=NULL bit=NULL u=NULL x=NULL ch=NULL bo=NULL",
            "public.t + k=é„ü j=NULL jb=NULL f=NULL r=NULL n=NULL b=NULL ia=NULL ta=NULL c=NULL ca=NULL s=NULL m=NULL d=NULL iv=NULL bit=NULL u=NULL x=NULL ch=NULL bo=NULL",
        ]
    );
    // the report distinguishes quotes and line ends from text that looks like them
    let text = live.diff([]).stdout;
    assert!(text.contains(r"say "), "{text}");
    assert!(text.contains(r"a@b@c: 'new\nline' → y"), "{text}");
}

#[test]
fn tables_on_one_side_and_those_that_only_one_side_calls_immutable() {
    let here = immutable("here", "a int PRIMARY KEY", "(1)");
    let live = LiveProject::new(
        &[
            &immutable("there", "a int PRIMARY KEY", "(1), (2)"),
            &immutable("t", "a int PRIMARY KEY, b int", "(1, 1), (2, 2)"),
        ]
        .map(String::as_str)
        .concat(),
    );
    live.source(&[here, immutable("t", "a int PRIMARY KEY, b int", "(1, 1), (2, 3)")].concat());
    let report = live.report([]);
    assert_eq!(
        rows(&report),
        [
            "public.here + a=1",
            "public.t ~ a=2: b 2 → 3",
            "public.there - a=1",
            "public.there - a=2"
        ]
    );
    let sides: Vec<_> =
        report["rows"].as_array().unwrap().iter().map(|t| t["only_on"].clone()).collect();
    assert_eq!(sides, ["B".into(), serde_json::Value::Null, "A".into()]);
    live.change("DROP TABLE there; ALTER TABLE t NO INHERIT hectic.immutable;");
    live.source(&immutable("t", "a int PRIMARY KEY, b int", "(1, 1), (2, 3)"));
    let report = live.report([]);
    assert_eq!(rows(&report), ["public.t ~ a=2: b 2 → 3"], "its rows are compared with its rows");
    live.source("SET hectic.inheritance_extra_excluded_schemas = 'public'; CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t VALUES (1, 1);");
    live.change("ALTER TABLE t INHERIT hectic.immutable;");
    assert_eq!(rows(&live.report([])), ["public.t - a=2 b=2"]);
}

#[test]
fn descendants_at_any_depth_each_with_its_own_rows() {
    let sql = [
        immutable("parent", "a int PRIMARY KEY", "(1)"),
        "SET hectic.inheritance_extra_excluded_schemas = 'public'; CREATE TABLE child (PRIMARY KEY (a)) INHERITS (parent); CREATE TABLE grandchild (b int) INHERITS (child);".into(),
        write("INSERT INTO child VALUES (2); INSERT INTO grandchild VALUES (3, 3)"),
    ];
    let live = LiveProject::new(&sql.concat());
    live.silent();
    live.change(&write("INSERT INTO grandchild VALUES (4, NULL)"));
    assert_eq!(rows(&live.report([])), ["public.grandchild - a=4 b=NULL"]);
}

#[test]
fn tables_that_are_named_are_compared_too() {
    let sql = "CREATE SCHEMA \"S\"; CREATE SCHEMA p;
        CREATE TABLE \"S\".\"Plain\" (id int PRIMARY KEY, a int) INHERITS (hectic.created_at);
        CREATE TABLE p.part (id int, a int, created_at timestamptz NOT NULL DEFAULT now()) PARTITION BY LIST (id);
        CREATE TABLE p.one PARTITION OF p.part FOR VALUES IN (1); CREATE TABLE p.rest PARTITION OF p.part DEFAULT;
        CREATE VIEW p.view AS SELECT 1 AS one;";
    let exempt = "ALTER DATABASE app SET hectic.inheritance_extra_excluded_schemas = 'p'; SET hectic.inheritance_extra_excluded_schemas = 'p';";
    let live = LiveProject::new(&[exempt, sql].concat());
    live.change("INSERT INTO \"S\".\"Plain\" VALUES (now(), 1, 1); INSERT INTO p.part VALUES (1, 1), (2, 2);");
    live.silent();
    let found = rows(&live.report(["--tables", "\"S\".\"Plain\",p.part"]));
    // neither the column that the plain table inherits counts nor the one that partitions declare
    assert_eq!(found, ["\"S\".\"Plain\" - id=1 a=1", "p.one - id=1 a=1", "p.rest - id=2 a=2"]);
    assert_eq!(rows(&live.report(["--tables", "p.one"])), ["p.one - id=1 a=1"]);
    for absent in ["p.absent", "S.Plain", "Plain", "p.view", "no such", "a.b.c.d", "\"", "absent.t"]
    {
        let failed = live.diff(["--tables", absent]).fails(5, []);
        assert!(failed.stdout.is_empty() && failed.stderr.contains("hint: "), "{failed}");
    }
}

#[test]
fn many_rows_do_not_matter() {
    let many = [
        immutable("t", "id int PRIMARY KEY, a text", ""),
        // without a key, and with everything that is hard to compare
        immutable("u", "a int, f float8, j json, b bytea, l int[], r numrange", ""),
        write("INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 100000) n"),
        write(
            "INSERT INTO u SELECT n / 2, (ARRAY['NaN', '-0', '1e-300', NULL]::float8[])[n % 4 + 1],
               CASE WHEN n % 3 > 0 THEN '{\"b\": 1,  \"a\": null}'::json END, CASE WHEN n % 5 > 0 THEN '\\x00ff'::bytea END,
               CASE WHEN n % 7 > 0 THEN ARRAY[n, NULL] END, CASE WHEN n % 11 > 0 THEN numrange(n, NULL) END
             FROM generate_series(1, 20000) n",
        ),
    ];
    let live = LiveProject::new(&many.concat());
    live.silent();
    live.change(&write("UPDATE t SET a = '' WHERE id % 50 = 0; DELETE FROM t WHERE id = 77;
                        UPDATE u SET f = '0' WHERE a = 500; INSERT INTO u SELECT * FROM u WHERE a = 700"));
    let url = live.live();
    let measured = [
        "-f",
        "%M",
        "-o",
        "peak",
        &program("database"),
        "diff",
        "--against",
        &url,
        "--format",
        "json",
    ];
    let outcome = live.run("/usr/bin/time", measured);
    let report = parsed(&outcome);
    let table = &report["rows"][0];
    assert_eq!((table["changes"].as_array().unwrap().len(), &table["more"]), (1000, &1001.into()));
    assert_eq!(
        rows(&serde_json::json!({ "rows": [report["rows"][1]] })),
        [
            r#"public.u + a=500 f=-0 j={"b": 1,  "a": null} b=\x00ff l=NULL r=NULL"#,
            r#"public.u - a=500 f=0 j={"b": 1,  "a": null} b=NULL l={1000,NULL} r=[1000,)"#,
            r#"public.u - a=500 f=0 j={"b": 1,  "a": null} b=\x00ff l=NULL r=NULL"#,
            r#"public.u + a=500 f=NaN j={"b": 1,  "a": null} b=NULL l={1000,NULL} r=[1000,)"#,
            r#"public.u - a=700 f=-0 j=NULL b=\x00ff l={1401,NULL} r=[1401,)"#,
            r#"public.u - a=700 f=NaN j={"b": 1,  "a": null} b=NULL l=NULL r=[1400,)"#,
        ]
    );
    let peak: u64 = live.read("peak").lines().last().unwrap().parse().unwrap();
    assert!(peak < 40_000, "{peak} kB");
    let text = live.diff([]).stdout;
    assert!(text.contains("\n    … and 1001 more rows\n"), "{}", text.len());
}

#[test]
fn a_column_that_one_side_lacks_is_the_schemas_affair() {
    let live = LiveProject::new(&immutable("t", "id int PRIMARY KEY, a int, old int", "(1, 1, 1)"));
    live.source(&immutable("t", "new int, a int, id int PRIMARY KEY", "(2, 1, 1)"));
    let report = live.report([]);
    assert!(rows(&report).is_empty(), "{report}");
    assert_eq!(report["schema"].as_array().unwrap().len(), 3, "{report}");
    // the keys of the sides differ, so diff counts whole rows
    live.source(&immutable("t", "id int, a int PRIMARY KEY, old int", "(2, 1, 1)"));
    let found = rows(&live.report([]));
    assert_eq!(found, ["public.t - id=1 a=1 old=1", "public.t + id=2 a=1 old=1"]);
}

#[test]
fn migrations_have_rows_too() {
    let sandbox: Sandbox =
        crate::support::project::with_source(&immutable("t", "id int PRIMARY KEY", "(1), (2)"));
    let up = immutable("t", "id int PRIMARY KEY", "").replace(
        "BEGIN; SET LOCAL hectic.migration_mode = 'on';  COMMIT;",
        "INSERT INTO t VALUES (1);",
    );
    sandbox.write("project/db/migration/20250101000000-t/up.sql", up);
    sandbox.write("project/db/migration/20250101000000-t/down.sql", "DROP TABLE t;");
    let found = sandbox.database(["diff", "--from-migrations", "--format", "json"]);
    assert_eq!(rows(&parsed(&found)), ["public.t + id=2"]);
    sandbox.write("project/db/migration/20250102000000-more/up.sql", "INSERT INTO t VALUES (2);");
    sandbox
        .write("project/db/migration/20250102000000-more/down.sql", "DELETE FROM t WHERE id = 2;");
    silent(&sandbox.database(["diff", "--from-migrations"]));
}
