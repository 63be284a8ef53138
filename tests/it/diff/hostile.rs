//! Unusual tables, and databases with unusual settings.

use super::support::{LiveProject, immutable, parsed, rows, silent, write};
use crate::support::{finish, wait_until};

#[test]
fn names_hold_anything() {
    let names = ["a'b", "a\nb", "100%", "%s", "back\\slash", "@cells@", "$1", "--", "ünï\t", " "];
    let quoted = |name: &str| format!("\"{name}\"");
    let tables = names.map(|name| {
        let columns = format!("{} int PRIMARY KEY, a text", quoted(name));
        immutable(&quoted(name), &columns, "(1, 'x')")
    });
    let live = LiveProject::new(&tables.concat());
    live.silent();
    let change = names.map(|name| format!("UPDATE {} SET a = 'y'", quoted(name))).join(";");
    live.change(&write(&change));
    let mut expected = names.map(|name| format!("public.{} ~ {name}=1: a y → x", quoted(name)));
    let mut found = rows(&live.report([]));
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let text = live.diff([]).fails(1, ["10 differences"]).stdout;
    assert!(!text.contains("\"a\nb\""), "a name stays on its line: {text}");
}

#[test]
fn an_index_that_does_not_tell_rows_apart_is_no_key() {
    let columns = "a int NOT NULL, b int, c text NOT NULL";
    let of = |name: &str, index: &str, values: &str| {
        [
            immutable(name, columns, ""),
            index.into(),
            write(&format!("INSERT INTO {name} VALUES {values}")),
        ]
        .concat()
    };
    let sql = [
        of(
            "partial",
            "CREATE UNIQUE INDEX ON partial (a) WHERE b > 0;\n",
            "(1, 0, 'x'), (1, 0, 'y')",
        ),
        of(
            "expression",
            "CREATE UNIQUE INDEX ON expression ((a + b));\n",
            "(1, 1, 'x'), (1, 2, 'y')",
        ),
        of("nulls", "CREATE UNIQUE INDEX ON nulls (b) NULLS NOT DISTINCT;\n", "(1, NULL, 'x')"),
        of(
            "invalid",
            "CREATE UNIQUE INDEX i ON invalid (a);\nSET allow_system_table_mods = on;\n\
                       UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass;\n",
            "(1, 1, 'x')",
        ),
        of(
            "later",
            "ALTER TABLE later ADD UNIQUE (a) DEFERRABLE INITIALLY DEFERRED;\n",
            "(1, 1, 'x')",
        ),
        of(
            "blind",
            "SELECT count(*) > 0 AS icu FROM pg_collation WHERE collname = 'und-x-icu' \\gset\n\\if :icu\n\
             CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);\n\
             \\else\nCREATE COLLATION blind FROM \"C\";\n\\endif\n\
             ALTER TABLE blind ALTER c TYPE text COLLATE blind, ADD UNIQUE (c);\n",
            "(1, 1, 'x'), (2, 1, 'B')",
        ),
        of(
            "several",
            "CREATE UNIQUE INDEX ON several (a, c) INCLUDE (b);\n",
            "(1, 1, 'x'), (1, 2, 'y')",
        ),
    ];
    let live = LiveProject::new(&sql.concat());
    live.silent();
    live.change(&write("UPDATE partial SET b = -1 WHERE c = 'y'; UPDATE expression SET b = 5 WHERE c = 'y'; UPDATE nulls SET b = 5;
        UPDATE invalid SET b = 5; UPDATE later SET b = 5; UPDATE several SET b = 5 WHERE c = 'y';
        UPDATE blind SET c = 'X' WHERE a = 1; UPDATE blind SET b = 5 WHERE a = 2"));
    let report = live.report([]);
    assert_eq!(
        rows(&report),
        [
            "public.blind ~ c=B: b 5 → 1",
            "public.blind - c=X a=1 b=1",
            "public.blind + c=x a=1 b=1",
            "public.expression + a=1 b=2 c=y",
            "public.expression - a=1 b=5 c=y",
            "public.invalid + a=1 b=1 c=x",
            "public.invalid - a=1 b=5 c=x",
            // the delayed rows are complete when other sessions see them
            "public.later ~ a=1: b 5 → 1",
            "public.nulls + a=1 b=NULL c=x",
            "public.nulls - a=1 b=5 c=x",
            "public.partial - a=1 b=-1 c=y",
            "public.partial + a=1 b=0 c=y",
            "public.several ~ a=1 c=y: b 5 → 2",
        ]
    );
}

#[test]
fn defaults_are_known_by_what_they_call() {
    let sql = [
        "CREATE DOMAIN stamp AS timestamptz DEFAULT clock_timestamp();
         CREATE DOMAIN chance AS float8 DEFAULT random();
         CREATE DOMAIN fixed AS int DEFAULT 7;
         CREATE FUNCTION roll() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT (random() * 1e9)::int';\n",
        &immutable(
            "t",
            "id int PRIMARY KEY, at stamp, luck chance, seven fixed, dice int DEFAULT roll() + 1,
             day date DEFAULT CURRENT_DATE, ago timestamptz DEFAULT now() - interval '1 day',
             told text DEFAULT 'random() and now() and CURRENT_DATE', said text DEFAULT upper('localtime')",
            "",
        ),
        &write("INSERT INTO t (id) VALUES (1)"),
    ];
    let live = LiveProject::new(&sql.concat());
    live.silent();
    live.change(&write("UPDATE t SET at = NULL, luck = 2, dice = 0, day = NULL, ago = NULL"));
    live.silent();
    live.change(&write("UPDATE t SET told = 'x', said = 'y', seven = 8"));
    assert_eq!(
        rows(&live.report([])),
        [
            "public.t ~ id=1: seven 8 → 7, told x → random() and now() and CURRENT_DATE, said y → LOCALTIME"
        ]
    );
}

#[test]
fn tables_of_any_shape() {
    let exempt = "SET hectic.inheritance_extra_excluded_schemas = 'public';\n";
    let sql = [
        "CREATE TABLE nothing () INHERITS (hectic.immutable);",
        "CREATE UNLOGGED TABLE fast (a int PRIMARY KEY) INHERITS (hectic.immutable);",
        "CREATE TABLE one (a int) INHERITS (hectic.immutable); CREATE TABLE two () INHERITS (one);",
        "CREATE TABLE three () INHERITS (two); CREATE TABLE four (PRIMARY KEY (a)) INHERITS (three);",
        "CREATE TABLE holes (x int, a int PRIMARY KEY, y int, b text) INHERITS (hectic.immutable);",
        "ALTER TABLE holes DROP x, DROP y, ADD x text, ADD z int GENERATED ALWAYS AS (a * 2) STORED;",
        &write("INSERT INTO nothing DEFAULT VALUES; INSERT INTO fast VALUES (1); INSERT INTO four VALUES (4);
                INSERT INTO holes VALUES (1, 'b', 'x')"),
    ];
    let sql = [exempt, &sql.concat()].concat();
    let live = LiveProject::new(&sql);
    live.silent();
    // temporary tables of other sessions do not belong to the schema
    let temporary = "BEGIN; SET LOCAL hectic.migration_mode = 'on'; SET hectic.inheritance_extra_excluded_schemas = 'pg_temp'; \
                     CREATE TEMP TABLE mine (a int) INHERITS (hectic.immutable); \
                     INSERT INTO mine VALUES (1); COMMIT; SELECT pg_sleep(3600)";
    let mut session = live.holding(temporary);
    wait_until("the table is there", || {
        live.ask("SELECT count(*) FROM pg_class WHERE relname = 'mine'") == "1"
    });
    let beside = live.diff([]);
    let _ = session.kill();
    finish(session, None);
    live.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)'",
    );
    silent(&beside);
    live.change(&write(
        "INSERT INTO nothing DEFAULT VALUES; UPDATE fast SET a = 2; UPDATE four SET a = 5;
                        UPDATE holes SET x = NULL",
    ));
    assert_eq!(
        rows(&live.report([])),
        [
            "public.fast + a=1",
            "public.fast - a=2",
            "public.four + a=4",
            "public.four - a=5",
            "public.holes ~ a=1: x NULL → x",
            "public.nothing - ",
        ]
    );
}

/// In this encoding, the bytes of a text sort in another way than those of UTF-8.
#[test]
fn rows_of_another_encoding() {
    let mut live = LiveProject::new(
        &[
            &immutable("t", "code text PRIMARY KEY, a text", ""),
            &*write("INSERT INTO t VALUES ('€', 'euro'), ('é', 'e'), ('z', 'Ž')"),
        ]
        .concat(),
    );
    live.ask("CREATE DATABASE windows TEMPLATE template0 ENCODING 'WIN1252' LOCALE 'C' OWNER dev");
    let url = live.live().replace("/app?", "/windows?");
    live.database(["--url", &url, "hydrate"]).success();
    let diff = |live: &LiveProject| live.database(["diff", "--against", &url, "--format", "json"]);
    silent(&live.database(["diff", "--against", &url]));
    live.set("PGCLIENTENCODING", "UTF8");
    let delete = write("DELETE FROM t WHERE code = '€'; UPDATE t SET a = 'é' WHERE code = 'z'");
    live.query(&url, &delete);
    assert_eq!(
        rows(&parsed(&diff(&live))),
        ["public.t ~ code=z: a é → Ž", "public.t + code=€ a=euro"]
    );
    live.ask("CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' OWNER dev");
    let url = live.live().replace("/app?", "/bytes?");
    live.database(["--url", &url, "hydrate"]).success();
    silent(&live.database(["diff", "--against", &url]));
    live.query(&url, &write("UPDATE t SET a = E'\\xff' WHERE code = 'z'"));
    let words = ["the rows of public.t", "invalid byte sequence"];
    live.database(["diff", "--against", &url]).fails(13, words);
}
