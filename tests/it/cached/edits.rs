//! Random edits: a database from the cache equals the one of a fresh run, each time.

use super::project;
use crate::support::Sandbox;

/// The number of edits; `DB_TOOL_TEST_EDITS` sets another one.
const EDITS: u64 = 12;

/// A small generator of numbers (xorshift64), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn edit(sandbox: &mut Sandbox, random: &mut Random) -> String {
    let number = random.below(3);
    match random.below(6) {
        0 => {
            let table = format!(
                "CREATE SCHEMA app;\nCREATE TABLE app.t (id int, n{number} int) INHERITS (hectic.created_at);\n\
                 CREATE SEQUENCE app.s{number}; SELECT nextval('app.s{number}');\n"
            );
            sandbox.write("project/db/src/table.sql", table);
            format!("column n{number}")
        }
        1 => {
            let rows = format!("INSERT INTO app.t (id) SELECT generate_series(1, {number});\n");
            sandbox.write("project/test-data.sql", rows);
            format!("{number} rows")
        }
        2 => {
            sandbox.set("HECTIC_DOTENV_CONTENT", format!("TOKEN={number}"));
            format!("secret {number}")
        }
        3 => {
            // psql reads the variable; nobody sets it
            let text = format!(
                "\\ir table.sql\n\\if :{{?USE_MOCK}}\nSELECT 1;\n\\endif\n\
                 CREATE UNLOGGED TABLE app.u (n int) INHERITS (hectic.created_at);\n\
                 INSERT INTO app.u (n) VALUES ({number});\n"
            );
            sandbox.write("project/db/src/entrypoint.sql", text);
            format!("unlogged {number}")
        }
        4 => {
            sandbox.set("HECTIC_INHERITANCE_EXCLUDED_SCHEMAS", format!("plain{number}"));
            format!("excluded {number}")
        }
        _ => "nothing".to_owned(),
    }
}

/// Everything in the database that a fresh run makes the same each time.
fn content(sandbox: &Sandbox) -> String {
    sandbox.ask(
        "SELECT string_agg(x, ' ') FROM ( \
           SELECT 't ' || string_agg(id::text, ',' ORDER BY id) AS x FROM app.t \
           UNION ALL SELECT 'secret ' || coalesce(max(hectic.get_secret('TOKEN')), '-') \
             FROM hectic.secret \
           UNION ALL SELECT c.relname || ' ' || c.relpersistence::text || ' ' || coalesce( \
             (SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute a \
               WHERE a.attrelid = c.oid AND a.attnum > 0), '') \
             FROM pg_class c WHERE c.relnamespace = 'app'::regnamespace \
           UNION ALL SELECT sequencename || ' ' || last_value FROM pg_sequences \
             WHERE schemaname = 'app' \
           ORDER BY 1) AS parts",
    )
}

#[test]
fn a_cached_database_equals_a_fresh_one() {
    let edits = std::env::var("DB_TOOL_TEST_EDITS").map_or(EDITS, |text| text.parse().unwrap());
    let mut sandbox = project();
    sandbox.set("PG_WORKING_DIR", sandbox.path("pg"));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut story = Vec::new();
    for _ in 0..edits {
        story.push(edit(&mut sandbox, &mut random));
        if random.below(2) == 0 {
            sandbox.database(["check"]).success();
        }
        let cached = sandbox.database(["deploy"]).success();
        let with_cache = content(&sandbox);
        let fresh = sandbox.database(["deploy", "--no-cache"]).success();
        assert_eq!(content(&sandbox), with_cache, "{story:?}\n{cached}{fresh}");
    }
}
