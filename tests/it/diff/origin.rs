//! The origins of differences.

use serde_json::Value;

use super::support::{LiveProject, parsed};
use crate::support::project;

/// `kind name property: A | B` of each difference that has an origin.
fn origins(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |d: &Value| {
        let origin = &d["origin"];
        let property = d["property"].as_str().map(|p| format!(" {p}")).unwrap_or_default();
        let (a, b) = (text(&origin["a"]), text(&origin["b"]));
        format!("{} {}{property}: {a} | {b}", text(&d["kind"]), text(&d["name"]))
    };
    report["schema"].as_array().unwrap().iter().map(line).collect()
}

const MIGRATION: &str = "project/db/migration";

#[test]
fn sources_and_migrations_are_named() {
    let sandbox = project::with_source("\\ir shop/customer.sql\n\\ir shop/dynamic.sql\n");
    sandbox.write(
        "project/db/src/shop/customer.sql",
        "-- who buys\nCREATE SCHEMA shop;\n\nCREATE TABLE shop.customer (\n  id int PRIMARY KEY,\n  \
         mail text -- theirs\n) INHERITS (hectic.created_at);\n\
         ALTER TABLE shop.customer ADD COLUMN \"Nick Name\" text;\n\
         COMMENT ON COLUMN shop.customer.mail IS 'new';\n\
         GRANT SELECT ON shop.customer TO PUBLIC;\n",
    );
    sandbox.write(
        "project/db/src/shop/dynamic.sql",
        "\\set word answer\nCREATE FUNCTION shop.:word() RETURNS int LANGUAGE sql AS 'SELECT 42';\n\
         SELECT 'CREATE SCHEMA made' \\gexec\n\
         DO $$ BEGIN EXECUTE 'CREATE SCHEMA done'; END $$;\n",
    );
    sandbox.write(
        &format!("{MIGRATION}/20250101000000-first/up.sql"),
        "CREATE SCHEMA shop; CREATE TABLE shop.customer (id int PRIMARY KEY, mail text, old text) INHERITS (hectic.created_at);\n",
    );
    sandbox.write(
        &format!("{MIGRATION}/20250102000000-second/up.sql"),
        "DO $$ BEGIN EXECUTE 'CREATE INDEX by_mail ON shop.customer (mail)'; END $$;\n\
         COMMENT ON COLUMN shop.customer.mail IS 'old';\n",
    );
    let report = parsed(&sandbox.database(["diff", "--from-migrations", "--format", "json"]));
    let expected = [
        "schema done: - | db/src/shop/dynamic.sql:4",
        "schema made: - | db/src/shop/dynamic.sql",
        "function shop.answer(): - | db/src/shop/dynamic.sql",
        "table shop.customer acl: - | db/src/shop/customer.sql:10",
        "column shop.customer.\"Nick Name\": - | db/src/shop/customer.sql:8",
        "column shop.customer.mail comment: migration 20250102000000-second | db/src/shop/customer.sql:9",
        "column shop.customer.old: migration 20250101000000-first | -",
        "index shop.by_mail: migration 20250102000000-second | -",
    ];
    assert_eq!(origins(&report), expected, "{report:#}");
    // no trace of the collector
    assert!(!report.to_string().contains("collector"), "{report:#}");
}

#[test]
fn what_production_has_comes_from_its_history_or_the_backup() {
    let live = LiveProject::new("CREATE SCHEMA s;\n");
    live.write(
        &format!("{MIGRATION}/20250101000000-past/up.sql"),
        "CREATE TABLE s.past (id int PRIMARY KEY) INHERITS (hectic.created_at);\n",
    );
    live.database(["migrator", "migrate", "up"]).success();
    live.change("CREATE TABLE s.by_hand (id int PRIMARY KEY) INHERITS (hectic.created_at);");
    live.database(["backup"]).success();
    live.write(
        &format!("{MIGRATION}/20250102000000-pending/up.sql"),
        "ALTER TABLE s.past ADD COLUMN more text;\nCREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
    );
    live.write(&format!("{MIGRATION}/20250103000000-gone/up.sql"), "DROP TABLE s.by_hand;\n");
    live.source(
        "CREATE SCHEMA s;\nCREATE TABLE s.by_hand (id int PRIMARY KEY) INHERITS (hectic.created_at);\n\
         CREATE TABLE s.past (id int) INHERITS (hectic.created_at);\n",
    );
    let outcome = live.database(["diff", "--format", "json"]);
    let expected = [
        "function s.f(): migration 20250102000000-pending | -",
        "table s.by_hand: migration 20250103000000-gone | db/src/entrypoint.sql:2",
        "column s.past.id not null: migration 20250101000000-past | db/src/entrypoint.sql:3",
        "column s.past.more: migration 20250102000000-pending | -",
        // the server chose the name, so no statement contains it
        "constraint past_pkey on s.past: the backup | -",
    ];
    assert_eq!(origins(&parsed(&outcome)), expected, "{outcome}");
    assert!(outcome.stderr.contains("2 migrations behind"), "{outcome}");
    // no origin is known of objects that somebody made by hand
    std::fs::remove_dir_all(live.path(&format!("{MIGRATION}/20250103000000-gone"))).unwrap();
    live.source("CREATE SCHEMA s;\n");
    let text = live.database(["diff"]).fails(1, ["1 migration behind"]);
    assert!(text.stdout.contains("- table s.by_hand  [semantic]\n    A: the backup\n"), "{text}");
}

/// An object of a live database comes from the migration that made or altered it, not from a later
/// one that only mentions it.
#[test]
fn a_migration_that_mentions_an_object_does_not_define_it() {
    let live = LiveProject::new("CREATE SCHEMA s;\n");
    for (version, sql) in [
        (
            "20250101000000-made",
            "CREATE TABLE s.t (id int PRIMARY KEY, a int, b int) INHERITS (hectic.created_at);",
        ),
        ("20250102000000-altered", "ALTER TABLE s.t ALTER COLUMN b SET DEFAULT 1;"),
        ("20250103000000-commented", "COMMENT ON COLUMN s.t.a IS 'the b of it';"),
        (
            "20250104000000-mentioned",
            "CREATE INDEX i ON s.t (a, b);
             CREATE VIEW s.v AS SELECT a, b FROM s.t;
             ALTER TABLE s.t ADD CONSTRAINT k CHECK (a > b);
             COMMENT ON TABLE s.t IS 'a and b';",
        ),
    ] {
        live.write(&format!("{MIGRATION}/{version}/up.sql"), sql);
    }
    live.database(["migrator", "migrate", "up", "all"]).success();
    let live_origins = |source: &str| {
        live.source(source);
        origins(&live.report([]))
    };
    assert_eq!(
        live_origins("CREATE SCHEMA s;\n"),
        [
            "table s.t: migration 20250104000000-mentioned | -",
            "view s.v: migration 20250104000000-mentioned | -",
        ],
        "a constraint is added by altering the table"
    );
    let found = live_origins(
        "CREATE SCHEMA s;
         CREATE TABLE s.t (id int PRIMARY KEY, a bigint, b bigint) INHERITS (hectic.created_at);
         CREATE VIEW s.v AS SELECT 1 AS a, 2 AS b;",
    );
    let of_a = |prefix: &str| {
        let line = found.iter().find(|line| line.starts_with(prefix));
        line.unwrap_or_else(|| panic!("{prefix}: {found:#?}"))
            .split(" | ")
            .next()
            .unwrap()
            .to_owned()
    };
    let made = "migration 20250101000000-made";
    assert_eq!(of_a("column s.t.a type"), format!("column s.t.a type: {made}"));
    assert_eq!(
        of_a("column s.t.a comment"),
        "column s.t.a comment: migration 20250103000000-commented"
    );
    assert_eq!(of_a("column s.t.b type"), "column s.t.b type: migration 20250102000000-altered");
    assert_eq!(of_a("constraint k"), "constraint k on s.t: migration 20250104000000-mentioned");
    assert_eq!(of_a("index s.i"), "index s.i: migration 20250104000000-mentioned");
}
