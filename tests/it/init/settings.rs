//! The settings of a fresh cluster, which do not depend on the caller's environment.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};

use crate::support::{Sandbox, bindir, wait_until, whoami};

const PROMISED: &str = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) \
    FROM pg_settings WHERE name IN ('listen_addresses', 'unix_socket_permissions', 'wal_level', \
    'fsync', 'synchronous_commit', 'full_page_writes')";

#[test]
fn a_cluster_is_local_and_durable_and_can_be_backed_up() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    assert_eq!(
        sandbox.ask_in("postgres", PROMISED),
        "fsync=on full_page_writes=on listen_addresses= synchronous_commit=on \
         unix_socket_permissions=0700 wal_level=replica"
    );
    assert_ne!(sandbox.ask_in("postgres", "SHOW max_wal_senders"), "0");
    for socket in ["pg/sock/.s.PGSQL.5432", "pg/.s.PGSQL.5432"] {
        let facts = sandbox.path(socket).metadata().unwrap();
        assert!(facts.file_type().is_socket(), "{socket}");
        assert_eq!(facts.permissions().mode() & 0o777, 0o700, "{socket}");
    }
}

#[test]
fn encoding_and_locale_do_not_depend_on_the_caller() {
    let mut sandbox = Sandbox::with_cluster();
    let foreign = [
        ("LANG", "C"),
        ("LC_ALL", "POSIX"),
        ("PGHOST", "nowhere.invalid"),
        ("PGPORT", "1"),
        ("PGUSER", "stranger"),
        ("PGDATABASE", "elsewhere"),
        ("PGDATA", "/nowhere"),
        ("PGOPTIONS", "-c nonsense=1"),
        ("PGSSLMODE", "verify-full"),
        ("PGCLIENTENCODING", "LATIN1"),
        ("PGTZ", "Asia/Tokyo"),
    ];
    for (name, value) in foreign {
        sandbox.set(name, value);
    }
    sandbox.init([]).success();
    for (name, _) in foreign {
        sandbox.unset(name);
    }
    let databases = "SELECT DISTINCT pg_encoding_to_char(encoding), datcollate, datctype \
                     FROM pg_database";
    assert_eq!(sandbox.ask_in("postgres", databases), "UTF8|C|C");
    assert_eq!(sandbox.ask_in("postgres", "SHOW timezone"), "UTC");
    let names = "SELECT count(*) FROM pg_database WHERE datname IN ('testdb', 'elsewhere')";
    assert_eq!(sandbox.ask_in("postgres", names), "1");
}

#[test]
fn only_local_connections_are_trusted() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    let rules = "SELECT string_agg(concat_ws(' ', type, database::text, auth_method), '; ' \
                 ORDER BY line_number) FROM pg_hba_file_rules";
    assert_eq!(sandbox.ask_in("postgres", rules), "local {all} trust; local {replication} trust");
}

#[test]
fn a_base_backup_works_and_carries_no_logs() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    let program = bindir().join("pg_basebackup");
    let (sock, out) = (sandbox.path("pg/sock"), sandbox.path("backup"));
    let user = whoami();
    let arguments = ["-h", sock.to_str().unwrap(), "-U", &user, "-c", "fast", "-D"];
    let arguments = arguments.into_iter().chain([out.to_str().unwrap()]);
    sandbox.run(program.to_str().unwrap(), arguments).success();
    let copied = sandbox.entries("backup");
    assert!(copied.contains(&"PG_VERSION".to_owned()), "{copied:?}");
    assert!(!copied.iter().any(|name| name == "log" || name.ends_with(".log")), "{copied:?}");
}

#[test]
fn the_working_directory_ignores_itself_in_git() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    assert_eq!(sandbox.read("pg/.gitignore"), "*\n");
    sandbox.write("pg/.gitignore", "mine\n");
    sandbox.init([]).success();
    assert_eq!(sandbox.read("pg/.gitignore"), "mine\n", "an existing one is the user's");
}

#[test]
fn logs_are_outside_the_data_directory() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    sandbox.ask_in("postgres", "DO $$ BEGIN RAISE LOG 'hello log'; END $$");
    // the logging collector may write later
    wait_until("it is logged", || logs(&sandbox, "pg/log").contains("hello log"));
    let data = sandbox.entries("pg/data");
    assert!(!data.iter().any(|name| name == "log"), "{data:?}");
}

#[test]
fn logs_go_where_they_are_told_to() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_LOG_PATH", sandbox.path("my logs/é"));
    sandbox.init([]).success();
    sandbox.ask_in("postgres", "DO $$ BEGIN RAISE LOG 'hello log'; END $$");
    wait_until("it is logged", || logs(&sandbox, "my logs/é").contains("hello log"));
    assert!(!sandbox.path("pg/log").exists());
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.write("file", "mine");
    sandbox.set("PG_LOG_PATH", sandbox.path("file"));
    sandbox.init([]).fails(2, ["PG_LOG_PATH", "which is a file"]);
    assert_eq!(sandbox.read("file"), "mine");
}

#[test]
fn without_the_collector_logs_stay_in_the_same_place() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_DISABLE_LOGGING", "1");
    sandbox.init([]).success();
    assert_eq!(sandbox.ask_in("postgres", "SHOW logging_collector"), "off");
    sandbox.ask_in("postgres", "DO $$ BEGIN RAISE LOG 'hello log'; END $$");
    assert!(sandbox.read("pg/log/server.log").contains("hello log"));
    sandbox.set("PG_DISABLE_LOGGING", "0");
    sandbox.init(["--fresh"]).success();
    assert_eq!(sandbox.ask_in("postgres", "SHOW logging_collector"), "on");
}

#[test]
fn a_configuration_file_replaces_the_generated_one() {
    let mut sandbox = Sandbox::with_cluster();
    let own =
        "work_mem = '7MB'\nlisten_addresses = ''\nport = 1\nunix_socket_directories = '/nowhere'\n";
    sandbox.set("PG_CONF_FILE", sandbox.write("my own.conf", own));
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "nonesuch");
    sandbox.set("PG_DISABLE_LOGGING", "1");
    sandbox.init([]).success();
    assert_eq!(sandbox.ask_in("postgres", "SHOW work_mem"), "7MB");
    assert_eq!(sandbox.ask_in("postgres", "SHOW port"), "5432");
    assert_eq!(sandbox.ask_in("postgres", "SHOW shared_preload_libraries"), "");
    assert_eq!(
        sandbox.ask_in("postgres", "SHOW logging_collector"),
        "off",
        "PostgreSQL's own default"
    );
    assert_eq!(
        sandbox.ask_in("postgres", "SHOW synchronous_commit"),
        "on",
        "nothing of the generated one"
    );
    let written = sandbox.read("pg/data/postgresql.conf");
    assert!(written.starts_with(own), "{written}");
    let names = written.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<_> = names.filter_map(|line| line.split(" = ").next()).collect();
    assert_eq!(
        names,
        [
            "work_mem",
            "listen_addresses",
            "port",
            "unix_socket_directories",
            "port",
            "unix_socket_directories"
        ]
    );
}

#[test]
fn a_configuration_file_counts_on_a_fresh_cluster_only() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.set(
        "PG_CONF_FILE",
        sandbox.write("own.conf", "work_mem = '7MB'\nlisten_addresses = ''\n"),
    );
    sandbox.set("PG_REUSE", "1");
    sandbox.set("PG_PORT", "6543");
    sandbox.init([]).success();
    let url = format!("{} port=6543", sandbox.url("postgres"));
    assert_ne!(sandbox.query(&url, "SHOW work_mem"), "7MB");
    assert_eq!(sandbox.query(&url, "SHOW port"), "6543", "still overridden at runtime");
}

#[test]
fn a_missing_configuration_file_is_named() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_CONF_FILE", sandbox.path("absent.conf"));
    sandbox.init([]).fails(3, ["PG_CONF_FILE", "absent.conf"]);
    assert!(!sandbox.path("pg/data").exists());
}

fn logs(sandbox: &Sandbox, directory: &str) -> String {
    let names = sandbox.entries(directory);
    names.iter().map(|name| sandbox.read(&format!("{directory}/{name}"))).collect()
}
