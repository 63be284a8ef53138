//! Privileges on objects of all kinds.

use super::draft::proven;
use super::support::{LiveProject, silent};
use crate::support::repository;

/// Columns of catalogs with privileges that diff does not compare, each with the reason.
const APART: [(&str, &str); 4] = [
    ("pg_tablespace.spcacl", "it belongs to the cluster"),
    ("pg_parameter_acl.paracl", "it belongs to the cluster"),
    ("pg_largeobject_metadata.lomacl", "large objects have no names"),
    ("pg_init_privs.initprivs", "it is what the others are compared with"),
];

#[test]
fn every_catalog_with_privileges_is_read() {
    let live = LiveProject::new("");
    let columns = live.ask(
        "SELECT string_agg(c.relname || '.' || a.attname, ' ') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE a.atttypid = 'aclitem[]'::regtype AND c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'",
    );
    let columns: Vec<&str> = columns.split_whitespace().collect();
    assert!(columns.len() > 10, "{columns:?}");
    let queries = ["object.sql", "loose.sql"].map(|name| {
        std::fs::read_to_string(repository().join("sql/query/facts").join(name)).unwrap()
    });
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
    let live = LiveProject::new(sql);
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
    let live = LiveProject::new("");
    live.ask("CREATE DATABASE theirs");
    let url = live.live().replacen("/app?", "/theirs?", 1);
    live.run("database", ["--url", &url, "bundle", "upgrade"]).success();
    let found = live.run("database", ["diff", "--against", &url]).success();
    assert!(!found.stdout.contains("privileges on"), "{found}");
    live.query(&url, "GRANT SELECT ON pg_authid TO public");
    silent(&live.diff([]));
    live.run("database", ["diff", "--against", &url]).fails(1, ["1 difference that counts"]);
}

#[test]
fn privileges_on_the_bundle_count_whoever_loses_them() {
    let live = LiveProject::new("CREATE ROLE reader;");
    live.silent();
    for (forth, back, expected) in [
        (
            "REVOKE EXECUTE ON FUNCTION hectic.with_ancestors(oid) FROM public",
            "GRANT EXECUTE ON FUNCTION hectic.with_ancestors(oid) TO public",
            "function hectic.with_ancestors(",
        ),
        (
            "GRANT USAGE ON SCHEMA hectic TO reader",
            "REVOKE USAGE ON SCHEMA hectic FROM reader",
            "schema hectic",
        ),
        (
            "REVOKE SELECT ON hectic.created_at FROM CURRENT_USER",
            "GRANT SELECT ON hectic.created_at TO CURRENT_USER",
            "table hectic.created_at",
        ),
    ] {
        live.change(&format!("{forth};"));

        let found = live.schema();
        assert_eq!(found.len(), 1, "{found:?}");
        let head = format!("security - privileges on {expected}");
        assert!(found[0].starts_with(&head), "{found:?}");
        live.change(&format!("{back};"));
    }
    live.silent();
    live.change("REVOKE EXECUTE ON FUNCTION hectic.with_ancestors(oid) FROM public; DROP SCHEMA hectic CASCADE;");
    assert_eq!(live.schema(), ["bundle + bundle hectic"]);
}

/// PostgreSQL 17 adds MAINTAIN to the owner's privileges.
#[test]
fn what_an_owner_loses_is_drafted() {
    let table = "SET hectic.inheritance_extra_excluded_schemas = 'public'; CREATE TABLE t (a int);";
    for taken in [
        "REVOKE ALL ON t FROM CURRENT_USER;",
        "REVOKE ALL ON t FROM CURRENT_USER; GRANT SELECT ON t TO CURRENT_USER;",
        "ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM CURRENT_USER;",
    ] {
        proven(table, &format!("{table}{taken}"));
        proven(&format!("{table}{taken}"), table);
    }
    let live = LiveProject::new(table);
    if live.ask("SELECT current_setting('server_version_num')::int >= 170000") == "t" {
        let taken = "REVOKE MAINTAIN ON t FROM CURRENT_USER;";
        let [up, down] = proven(table, &format!("{table}{taken}"));
        assert!(up.contains("REVOKE MAINTAIN ON TABLE public.t FROM CURRENT_USER;"), "{up}");
        assert!(down.contains("GRANT MAINTAIN ON TABLE public.t TO CURRENT_USER;"), "{down}");
        live.change(taken);
        assert_eq!(live.schema(), ["security ~ table public.t acl"]);
    }
}
