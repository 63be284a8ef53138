//! How entries of a dump become files.

use super::*;

fn entry(kind: &str, schema: &str, name: &str, statement: &str) -> Entry {
    Entry {
        kind: kind.to_owned(),
        name: name.to_owned(),
        schema: Some(schema.to_owned()).filter(|schema| schema != "-"),
        statements: vec![statement.to_owned()],
        access_method: None,
    }
}

fn paths(entries: &[Entry]) -> Vec<String> {
    files(entries).into_iter().map(|file| file.path).collect()
}

#[test]
fn tables_and_views_go_apart() {
    let entries = [
        entry("SCHEMA", "-", "app", "CREATE SCHEMA app;"),
        entry("TYPE", "app", "mood", "CREATE TYPE app.mood AS ENUM ();"),
        entry("TABLE", "app", "a", "CREATE TABLE app.a (m app.mood);"),
        entry("COMMENT", "app", "TABLE a", "COMMENT ON TABLE app.a IS 'x';"),
        entry("VIEW", "app", "b", "CREATE VIEW app.b AS SELECT a.m FROM app.a;"),
        entry("TABLE", "app", "c", "CREATE TABLE app.c ();"),
        entry("FUNCTION", "app", "d(app.b)", "CREATE FUNCTION app.d(app.b) …;"),
        entry("VIEW", "app", "e", "CREATE VIEW app.e AS SELECT app.d(b.*) FROM app.b;"),
        entry("CONSTRAINT", "app", "a a_pkey", "ALTER TABLE app.a …;"),
        entry("RULE", "app", "b _RETURN", "CREATE OR REPLACE VIEW app.b AS …;"),
    ];
    let files = files(&entries);
    let found: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
    let expected = [
        "schemas.sql",
        "app/types.sql",
        "app/tables.sql",
        "app/views.sql",
        "app/functions.sql",
        "app/views-2.sql",
        "app/constraints.sql",
        "app/views-3.sql",
    ];
    assert_eq!(found, expected);
    let tables = "CREATE TABLE app.a (m app.mood);\n\nCOMMENT ON TABLE app.a IS 'x';\n\n\
                  CREATE TABLE app.c ();\n";
    assert_eq!(files[2].text, tables);
    let after: Vec<_> = files.iter().map(|file| file.is_after_rows).collect();
    assert_eq!(after, [false, false, false, false, false, false, true, true]);
}

#[test]
fn nothing_moves_across_an_operator() {
    let entries = [
        entry("VIEW", "app", "a", "CREATE VIEW app.a AS SELECT 1;"),
        entry("OPERATOR", "app", "+", "CREATE OPERATOR app.+ (…);"),
        entry("TABLE", "app", "b", "CREATE TABLE app.b ();"),
    ];
    assert_eq!(paths(&entries), ["app/views.sql", "app/operators.sql", "app/tables.sql"]);
}

#[test]
fn privileges_of_a_schema_stand_together() {
    let grant = |schema: &str, on: &str| entry("ACL", schema, on, "GRANT …;");
    let entries = [grant("-", "SCHEMA a"), grant("a", "x"), grant("b", "y"), grant("a", "z")];
    assert_eq!(paths(&entries), ["grants.sql", "a/grants.sql", "b/grants.sql"]);
}

#[test]
fn odd_names_of_schemas_make_different_directories() {
    let table = |schema: &str| entry("TABLE", schema, "t", "CREATE TABLE …;");
    let entries = ["a/b", "a b", "A_b", "..", "größe"].map(table);
    let found = paths(&entries).into_iter().map(|path| path.to_lowercase());
    let found: std::collections::BTreeSet<String> = found.collect();
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(found.contains("größe/tables.sql") && !found.iter().any(|path| path.contains("..")));
}

#[test]
fn a_table_of_another_access_method_sets_it() {
    let table = Entry {
        access_method: Some("columnar".to_owned()),
        ..entry("TABLE", "a", "t", "CREATE TABLE a.t ();")
    };
    let text = &files(&[table])[0].text;
    assert!(text.starts_with("SET default_table_access_method = columnar;"), "{text}");
    assert!(text.ends_with("RESET default_table_access_method;\n"), "{text}");
}
