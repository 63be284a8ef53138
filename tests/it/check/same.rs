//! To the sources, a check's cluster looks like the development cluster.

use std::collections::BTreeMap;

use crate::support::Sandbox;
use crate::support::project::with_source;

/// The settings that differ between a development cluster and the private cluster of a check: its
/// place, and `fsync`.
const DIFFERENT: [&str; 9] = [
    "config_file",
    "data_directory",
    "fsync",
    "full_page_writes",
    "hba_file",
    "ident_file",
    "log_directory",
    "logging_collector",
    "unix_socket_directories",
];

const SETTINGS: &str = "\\pset format unaligned\n\\pset tuples_only on\n\\o observed\n\
    SELECT name, setting FROM pg_settings ORDER BY name;\n\
    SELECT '(role)', current_user, rolsuper, rolcanlogin FROM pg_roles WHERE rolname = current_user;\n\
    SELECT '(database)', current_database(), datdba::regrole, encoding, datcollate FROM pg_database \
    WHERE datname = current_database();\n\
    SELECT '(roles)', string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles;\n\
    SELECT '(databases)', string_agg(datname, ',' ORDER BY datname) FROM pg_database;\n\
    SELECT '(path)', current_setting('search_path');\n\
    SELECT '(application)', application_name FROM pg_stat_activity WHERE pid = pg_backend_pid();\n";

/// The settings that the source saw, by name.
fn observed(sandbox: &Sandbox, verb: &str) -> BTreeMap<String, String> {
    sandbox.database([verb]).success();
    let text = sandbox.read("project/observed");
    let split = |line: &str| line.split_once('|').map(|(n, v)| (n.to_owned(), v.to_owned()));
    let settings: BTreeMap<_, _> = text.lines().filter_map(split).collect();
    assert!(settings.len() > 300, "{text}");
    settings
}

fn differences(sandbox: &Sandbox) -> Vec<String> {
    let check = observed(sandbox, "check");
    let kept = observed(sandbox, "deploy");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let names = kept.keys().chain(check.keys().filter(|name| !kept.contains_key(*name)));
    names.filter(|name| kept.get(*name) != check.get(*name)).cloned().collect()
}

#[test]
fn only_the_place_and_durability_differ() {
    let sandbox = with_source(SETTINGS);
    assert_eq!(differences(&sandbox), DIFFERENT);
}

#[test]
fn a_preload_list_is_the_same() {
    let mut sandbox = with_source(SETTINGS);
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "auto_explain");
    assert_eq!(differences(&sandbox), DIFFERENT);
    let observed = sandbox.read("project/observed");
    assert!(observed.contains("shared_preload_libraries|auto_explain\n"), "{observed}");
}

#[test]
fn a_configuration_file_is_the_same() {
    let mut sandbox = with_source(SETTINGS);
    let conf = "wal_level = logical\nmax_connections = 17\nwork_mem = '5MB'\n\
                unix_socket_permissions = 0700\nlisten_addresses = ''\n\
                shared_preload_libraries = 'auto_explain'\n";
    let conf = sandbox.write("own.conf", conf);
    sandbox.set("PG_CONF_FILE", conf);
    let different = differences(&sandbox);
    // the user's file has no settings of logs
    let expected: Vec<_> = DIFFERENT
        .into_iter()
        .filter(|n| !["log_directory", "logging_collector"].contains(n))
        .collect();
    assert_eq!(different, expected);
    let observed = sandbox.read("project/observed");
    for setting in
        ["wal_level|logical", "max_connections|17", "shared_preload_libraries|auto_explain"]
    {
        assert!(observed.contains(setting), "{setting}\n{observed}");
    }
}

#[test]
fn role_and_database_are_those_of_the_url() {
    let mut sandbox = with_source(SETTINGS);
    let url =
        format!("postgresql://M%C3%BCller@localhost/my%20db?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", url);
    let observed = observed(&sandbox, "check");
    assert_eq!(observed["(role)"], "Müller|t|t");
    assert!(observed["(database)"].starts_with("my db|"), "{:?}", observed["(database)"]);
    assert_eq!(observed["wal_level"], "replica");
}

#[test]
fn an_absent_library_fails_as_it_does_for_a_kept_cluster() {
    let mut sandbox = with_source("SELECT 1;\n");
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "no_such_library");
    sandbox.database(["check"]).fails(127, ["no_such_library", "PG_SHARED_PRELOAD_LIBRARIES"]);
    assert_eq!(sandbox.entries("tmp"), Vec::<String>::new());
}
