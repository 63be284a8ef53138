//! Privileges on everything that has any.

use super::support::{Live, silent};
use crate::support::repository;

/// Columns of catalogs with privileges that are not compared, and why.
const APART: [(&str, &str); 4] = [
    ("pg_tablespace.spcacl", "it belongs to the cluster"),
    ("pg_parameter_acl.paracl", "it belongs to the cluster"),
    ("pg_largeobject_metadata.lomacl", "large objects have no names"),
    ("pg_init_privs.initprivs", "it is what the others are compared with"),
];

#[test]
fn every_catalog_with_privileges_is_read() {
    let live = Live::new("");
    let columns = live.ask(
        "SELECT string_agg(c.relname || '.' || a.attname, ' ') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE a.atttypid = 'aclitem[]'::regtype AND c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'",
    );
    let columns: Vec<&str> = columns.split_whitespace().collect();
    assert!(columns.len() > 10, "{columns:?}");
    let queries = ["facts-object.sql", "facts-loose.sql"]
        .map(|name| std::fs::read_to_string(repository().join("sql/query").join(name)).unwrap());
    let is_read = |column: &str| {
        let (catalog, name) = column.split_once('.').unwrap();
        queries.iter().any(|text| {
            text.contains(&format!(".{name}")) && text.contains(&format!("pg_catalog.{catalog} "))
        })
    };
    let is_apart = |column: &str| APART.iter().any(|(apart, _)| *apart == column);
    let forgotten: Vec<_> = columns.iter().filter(|c| !is_read(c) && !is_apart(c)).collect();
    assert!(forgotten.is_empty(), "whose privileges are these? {forgotten:?}");
}

#[test]
fn privileges_on_members_of_extensions_and_on_the_servers_objects_count() {
    let sql = "CREATE EXTENSION hstore; CREATE EXTENSION postgres_fdw; CREATE ROLE reader;";
    let live = Live::new(sql);
    live.silent();
    for (forth, back, expected) in [
        (
            "REVOKE USAGE ON LANGUAGE plpgsql FROM public",
            "GRANT USAGE ON LANGUAGE plpgsql TO public",
            "language plpgsql",
        ),
        (
            "GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO reader",
            "REVOKE USAGE ON FOREIGN DATA WRAPPER postgres_fdw FROM reader",
            "foreign-data wrapper postgres_fdw",
        ),
        (
            "REVOKE USAGE ON TYPE hstore FROM public",
            "GRANT USAGE ON TYPE hstore TO public",
            "type public.hstore",
        ),
        (
            "GRANT USAGE ON TYPE int4 TO reader",
            "REVOKE USAGE ON TYPE int4 FROM reader",
            "type integer",
        ),
        (
            "GRANT SELECT (rolname) ON pg_authid TO reader",
            "REVOKE SELECT (rolname) ON pg_authid FROM reader",
            "table column pg_catalog.pg_authid.rolname",
        ),
        (
            "GRANT CREATE ON SCHEMA pg_catalog TO reader",
            "REVOKE CREATE ON SCHEMA pg_catalog FROM reader",
            "schema pg_catalog",
        ),
    ] {
        live.change(&format!("{forth};"));
        assert_eq!(live.schema(), [format!("security - privileges on {expected}")]);
        live.change(&format!("{back};"));
    }
    live.silent();
}

/// The role that initdb made has another name in production.
#[test]
fn a_database_of_the_role_that_initdb_made_has_its_privileges() {
    let live = Live::new("");
    live.ask("CREATE DATABASE theirs");
    let url = live.live().replacen("/app?", "/theirs?", 1);
    live.run("database", ["--url", &url, "bundle", "upgrade"]).success();
    let found = live.run("database", ["diff", "--against", &url]).success();
    assert!(!found.stdout.contains("privileges on"), "{found}");
    live.query(&url, "GRANT SELECT ON pg_authid TO public");
    silent(&live.diff([]));
    live.run("database", ["diff", "--against", &url]).fails(1, ["1 difference that counts"]);
}
