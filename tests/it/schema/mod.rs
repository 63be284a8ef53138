//! `database schema`: the schema of a database as a file that people review.

mod check;
mod migrated;

use crate::support::{Sandbox, project, repository};

const DUMP: [&str; 2] = ["schema", "dump"];

/// The URL of a database for its owner.
fn url(sandbox: &Sandbox, database: &str) -> String {
    format!("postgresql://dev@localhost/{database}?host={}", sandbox.path("pg").display())
}

/// A running cluster with the bundle in the database `app`.
fn cluster() -> Sandbox {
    let sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    sandbox.database(["bundle", "upgrade"]).success();
    sandbox
}

/// The same server's empty database `name`, with the bundle. Returns its URL.
#[track_caller]
fn another(sandbox: &Sandbox, name: &str) -> String {
    sandbox.ask(&format!("CREATE DATABASE {name} OWNER dev"));
    let url = url(sandbox, name);
    sandbox.database(["--url", &url, "bundle", "upgrade"]).success();
    url
}

#[track_caller]
fn load(sandbox: &Sandbox, url: &str, sql: &str) {
    let file = sandbox.write("load.sql", sql);
    let psql = ["psql", "-Xqv", "ON_ERROR_STOP=1", "-1f", file.to_str().unwrap()];
    sandbox.run("database", ["--url", url].into_iter().chain(psql)).success();
}

#[track_caller]
fn dump(sandbox: &Sandbox, url: &str) -> String {
    sandbox.run("database", ["--url", url].into_iter().chain(DUMP)).success().stdout
}

/// Objects whose order in the catalogs could reach a dump, one statement each.
const OBJECTS: [&str; 16] = [
    "CREATE SCHEMA app;",
    "CREATE SCHEMA zoo;",
    "CREATE TYPE app.mood AS ENUM ('sad', 'happy');",
    "CREATE FUNCTION app.f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a';",
    "CREATE FUNCTION app.f(a text) RETURNS text LANGUAGE sql AS 'SELECT a';",
    "CREATE TABLE app.b (id integer CONSTRAINT same_name CHECK (id > 0)) INHERITS (hectic.created_at);",
    "CREATE TABLE app.a (id integer CONSTRAINT same_name CHECK (id > 0)) INHERITS (hectic.created_at);",
    "CREATE TABLE zoo.a (id integer, m app.mood) INHERITS (hectic.created_at);",
    "ALTER TABLE app.a ADD CONSTRAINT key PRIMARY KEY (id);",
    "ALTER TABLE app.b ADD CONSTRAINT app_key UNIQUE (id);",
    "CREATE INDEX some_index ON zoo.a (id);",
    "CREATE VIEW app.v AS SELECT id FROM app.a;",
    "CREATE VIEW app.w AS SELECT id FROM app.a;",
    "ALTER TABLE app.b ADD CONSTRAINT of_a FOREIGN KEY (id) REFERENCES app.a (id);",
    "GRANT SELECT ON app.a TO schema_reader;",
    "GRANT SELECT ON app.a TO schema_author;",
];

/// Another order that respects the dependencies.
const OTHER: [usize; 16] = [1, 0, 2, 4, 3, 7, 10, 6, 5, 9, 8, 15, 14, 12, 11, 13];

#[test]
fn the_order_of_creation_does_not_show() {
    let sandbox = cluster();
    sandbox.ask("CREATE ROLE schema_reader");
    sandbox.ask("CREATE ROLE schema_author");
    let other = another(&sandbox, "other");
    load(&sandbox, &url(&sandbox, "app"), &OBJECTS.join("\n"));
    load(&sandbox, &other, &OTHER.map(|at| OBJECTS[at]).join("\n"));
    let text = dump(&sandbox, &url(&sandbox, "app"));
    assert_same(&dump(&sandbox, &other), &text);
    for word in ["INHERITS (hectic.created_at)", "GRANT SELECT", "-- object: table app.a\n"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    for noise in ["restrict", "Dumped", "lock_timeout", "transaction_timeout", "OWNER TO dev"] {
        assert!(!text.contains(noise), "{noise}: {text}");
    }
    let ours = text.lines().filter(|line| line.contains("hectic"));
    assert!(ours.clone().all(|line| line.contains("INHERITS")), "{:?}", ours.collect::<Vec<_>>());
}

#[test]
fn a_loaded_dump_gives_the_same_dump() {
    let sandbox = cluster();
    for (number, fixture) in ["facts/rich.sql", "new/shop.sql"].into_iter().enumerate() {
        let sql = std::fs::read_to_string(repository().join("tests/fixture").join(fixture));
        // pg_dump takes a language for an extension if an extension owns its handler
        let sql = sql.unwrap();
        let lines: Vec<&str> = sql.lines().filter(|line| !line.contains("plcopy")).collect();
        // the tables of the shop inherit nothing, because they are older than the bundle
        let name = format!("first{number}");
        sandbox.ask(&format!("CREATE DATABASE {name} OWNER dev"));
        let first = url(&sandbox, &name);
        let apply = ["--url", &first, "bundle", "upgrade"];
        if fixture.starts_with("facts") {
            sandbox.database(apply).success();
        }
        load_without_transaction(&sandbox, &first, &lines.join("\n"));
        sandbox.database(apply).success();
        let text = dump(&sandbox, &first);
        assert!(!text.contains("hush"), "a secret: {text}");
        let second = another(&sandbox, &format!("second{number}"));
        load(&sandbox, &second, &text);
        assert_same(&dump(&sandbox, &second), &text);
    }
}

fn load_without_transaction(sandbox: &Sandbox, url: &str, sql: &str) {
    let file = sandbox.write("load.sql", sql);
    let psql = ["psql", "-Xqv", "ON_ERROR_STOP=1", "-f", file.to_str().unwrap()];
    sandbox.run("database", ["--url", url].into_iter().chain(psql)).success();
}

#[test]
fn partitions_and_a_missing_public_come_back() {
    let sandbox = cluster();
    let sql = "DROP SCHEMA public;\nCREATE SCHEMA app;\n\
        CREATE TABLE app.log (at date NOT NULL, created_at timestamptz NOT NULL DEFAULT now()) \
        PARTITION BY RANGE (at);\n\
        CREATE TABLE app.log_1 PARTITION OF app.log FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');\n";
    load(&sandbox, &url(&sandbox, "app"), sql);
    let text = dump(&sandbox, &url(&sandbox, "app"));
    let other = another(&sandbox, "other");
    load(&sandbox, &other, &text);
    assert_same(&dump(&sandbox, &other), &text);
    assert!(text.contains("DROP SCHEMA public;"), "{text}");
}

/// Checks that two dumps are the same, and shows the lines that differ.
#[track_caller]
fn assert_same(one: &str, other: &str) {
    let differ = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert!(one == other, "{differ:?}\n{one}\n-----\n{other}");
}
