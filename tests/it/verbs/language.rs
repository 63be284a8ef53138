//! A server with messages in another language: the programs understand its answers all the same.

use crate::support::{Sandbox, bindir, is_root, project, psql};

/// The sandbox's server, started by hand so that it speaks German: glibc takes translations from
/// `LANGUAGE` for every locale but `C` itself.
fn speaking_german(source: &str) -> Sandbox {
    let sandbox = project::deployed(source);
    let data = sandbox.path("pg/data").display().to_string();
    control(&sandbox, "", &["-w", "-D", &data, "-m", "fast", "stop"]);
    let options = "-c lc_messages=C.UTF-8";
    control(&sandbox, "de", &["-w", "-D", &data, "-l", "/dev/null", "-o", options, "start"]);
    let url = sandbox.url("app");
    let told = sandbox.run(&psql(), ["-Xc", "SELECT 1/0", "-d", &url]);
    assert!(
        told.stderr.contains("FEHLER:") || !is_translated(&sandbox),
        "the server must speak German: {told}"
    );
    sandbox
}

/// Runs `pg_ctl`, as `postgres` if root runs the tests, because it refuses to run as root.
fn control(sandbox: &Sandbox, language: &str, arguments: &[&str]) {
    let program = bindir().join("pg_ctl").display().to_string();
    let language = format!("LANGUAGE={language}");
    let mut all = vec!["env", &language, "LC_ALL=C.UTF-8", &program];
    if is_root() {
        all.splice(0..0, ["runuser", "-u", "postgres", "--"]);
    }
    all.extend(arguments);
    sandbox.run(all[0], &all[1..]).success();
}

/// Whether this PostgreSQL was installed with its translations.
fn is_translated(sandbox: &Sandbox) -> bool {
    let told = sandbox.run(bindir().join("pg_config").to_str().unwrap(), ["--localedir"]);
    let version = sandbox.ask("SELECT current_setting('server_version_num')::int / 10000");
    let file = format!("{}/de/LC_MESSAGES/postgres-{version}.mo", told.stdout.trim_end());
    std::path::Path::new(&file).exists()
}

const ITEM: &str = "CREATE TABLE item (id int) INHERITS (hectic.created_at);\n";

/// Runs the commands that could misread a message in another language.
#[track_caller]
fn is_understood(sandbox: &Sandbox) {
    let patch = |sql: &str| {
        sandbox.write("project/test-data.sql", sql);
        sandbox.database(["patch"])
    };
    let place = "project/test-data.sql:2";
    patch("SELECT 1;\nSELECT * FROM nosuch;\n").fails(1, ["ERROR 42P01", place]);
    patch("BEGIN;\n\\set ON_ERROR_STOP off\nSELECT 1/0;\n\\set ON_ERROR_STOP on\nCOMMIT;\n")
        .fails(1, ["test-data.sql:3"]);
    patch("\\set ON_ERROR_STOP off\nSELECT 1/0;\nSELECT 1;\n\\set ON_ERROR_STOP on\n").success();
    let told = patch("DROP TABLE IF EXISTS nosuch;\nINSERT INTO item (id) VALUES (1);\n").success();
    assert!(!told.stderr.contains("00000"), "{told}");
    let terminated = "SELECT 1;\nSELECT pg_terminate_backend(pg_backend_pid());\n";
    patch(terminated).fails(1, ["FATAL 57P01", place]);
}

#[test]
fn a_superuser_is_told_everything_in_english() {
    let sandbox = speaking_german(ITEM);
    is_understood(&sandbox);
    sandbox.write(
        "project/test-data.sql",
        "DO $$ BEGIN\n  RAISE NOTICE 'x';\n  PERFORM 1/0;\nEND $$;\n",
    );
    sandbox.database(["patch"]).fails(1, ["division by zero", "project/test-data.sql:3"]);
    sandbox.ask("ALTER ROLE dev SET lc_messages = 'C.UTF-8'; ALTER DATABASE app SET lc_messages = 'C.UTF-8'");
    sandbox.database(["patch"]).fails(1, ["division by zero", "project/test-data.sql:3"]);
    sandbox.database(["cleanup"]).success();
}

#[test]
fn the_log_of_a_server_is_in_english() {
    let mut sandbox = project::with_source(ITEM);
    sandbox.set("PG_CONF_FILE", sandbox.write("german.conf", "lc_messages = 'C.UTF-8'\n"));
    sandbox.database(["deploy", "--no-patch"]).success();
    assert_eq!(sandbox.ask("SELECT current_setting('lc_messages')"), "C");
}

#[test]
fn another_role_is_understood_in_german() {
    let sandbox = speaking_german(ITEM);
    sandbox.ask(
        "ALTER TABLE item OWNER TO dev; ALTER ROLE dev NOSUPERUSER; GRANT pg_signal_backend TO dev",
    );
    is_understood(&sandbox);
}
