//! Roles, databases and their settings as production had them: after a restore, the project's role
//! can connect.

use super::{backed_up, fails_and_touches_nothing, with_row};
use crate::support::Sandbox;

/// Runs these statements one by one as the superuser in the database `postgres`, and takes a backup
/// as the same role.
fn backed_up_after(sandbox: &Sandbox, statements: &[&str]) {
    for statement in statements {
        sandbox.ask_in("postgres", statement);
    }
    sandbox.run("database", ["-u", &sandbox.url("postgres"), "backup"]).success();
}

#[track_caller]
fn restored(sandbox: &Sandbox, told: &[&str]) -> String {
    let outcome = sandbox.database(["restore"]).success();
    for words in told {
        assert!(outcome.stderr.contains(words), "expected {words:?}: {outcome}");
    }
    outcome.stderr
}

/// Runs `sql` as the role of `DB_URL`, over the URL that restore has printed, and returns psql's
/// output.
#[track_caller]
fn ask_as_dev(sandbox: &Sandbox, sql: &str) -> String {
    sandbox.database(["psql", "-XAtc", sql]).success().stdout.trim_end().to_owned()
}

#[test]
fn the_role_that_the_url_names_is_let_in() {
    let sandbox = with_row();
    backed_up_after(
        &sandbox,
        &[
            "CREATE ROLE owner",
            "ALTER DATABASE app OWNER TO owner",
            "REVOKE CONNECT ON DATABASE app FROM PUBLIC",
            "ALTER DATABASE app WITH ALLOW_CONNECTIONS false CONNECTION LIMIT 0",
            "ALTER ROLE dev NOSUPERUSER NOLOGIN CONNECTION LIMIT 0 VALID UNTIL '2001-01-01'",
        ],
    );
    let told = restored(
        &sandbox,
        &[
            "let the role dev log in",
            "lifted the connection limit of the role dev",
            "let connections to the database app in",
            "lifted the connection limit of the database app",
            "granted the role dev to connect to the database app",
        ],
    );
    assert!(told.contains("restored: postgresql://dev@localhost/app"), "{told}");
    assert_eq!(ask_as_dev(&sandbox, "SELECT current_user"), "dev");
    let told = restored(&sandbox, &[]);
    assert!(told.contains("let the role dev"), "the backup is as it was: {told}");
}

#[test]
fn settings_of_roles_and_databases_are_left_out_like_those_of_the_cluster() {
    let sandbox = with_row();
    backed_up_after(
        &sandbox,
        &[
            "CREATE ROLE \"Odd; one\"",
            "CREATE ROLE other",
            "ALTER ROLE other SET role = \"Odd; one\"",
            "ALTER ROLE dev SET work_mem = '5MB'",
            "ALTER ROLE dev SET local_preload_libraries = 'nonesuch'",
            "ALTER ROLE dev IN DATABASE app SET default_transaction_read_only = on",
            "ALTER ROLE ALL SET shop.\"Key_File\" = '/etc/key'",
            "ALTER DATABASE app SET role = \"Odd; one\"",
            "ALTER DATABASE app SET session_preload_libraries = 'plpgsql', 'nonesuch'",
            "ALTER DATABASE template1 SET session_preload_libraries = '/opt/none'",
        ],
    );
    restored(
        &sandbox,
        &[
            "left out of the settings of all roles: shop.key_file\n",
            "left out of the settings of the database app: role (Odd; one), session_preload_libraries (nonesuch)\n",
            "left out of the settings of the database template1: session_preload_libraries (/opt/none)\n",
            "left out of the settings of the role dev: local_preload_libraries (nonesuch)\n",
            "left out of the settings of the role dev in the database app: default_transaction_read_only\n",
        ],
    );
    assert_eq!(ask_as_dev(&sandbox, "SELECT current_user"), "dev");
    for (name, value) in [
        ("work_mem", "5MB"),
        ("session_preload_libraries", "plpgsql"),
        ("default_transaction_read_only", "off"),
    ] {
        assert_eq!(ask_as_dev(&sandbox, &format!("SHOW {name}")), value, "{name}");
    }
    let kept = "SELECT setconfig FROM pg_db_role_setting s WHERE setrole = 'other'::regrole";
    assert_eq!(sandbox.ask(kept), "{\"role=Odd; one\"}", "nobody connects as that");
}

#[test]
fn a_time_limit_of_a_database_does_not_reach_the_restore() {
    let sandbox = with_row();
    sandbox.ask(
        "CREATE FUNCTION slow(text) RETURNS text IMMUTABLE LANGUAGE plpgsql \
         AS 'BEGIN PERFORM pg_sleep(0.3); RETURN $1; END'",
    );
    sandbox.ask("CREATE INDEX by_state ON work (slow(state))");
    sandbox.ask("UPDATE pg_database SET datcollversion = '0.1' WHERE datname = 'app'");
    backed_up_after(&sandbox, &["ALTER DATABASE app SET statement_timeout = '200ms'"]);
    let told = sandbox.database(["restore", "--reindex"]).success();
    assert!(told.stderr.contains("built anew: public.by_state"), "{told}");
    assert_eq!(ask_as_dev(&sandbox, "SHOW statement_timeout"), "200ms", "it is the project's");
}

#[test]
fn settings_of_the_whole_cluster_do_not_stop_sessions_either() {
    let sandbox = with_row();
    backed_up_after(
        &sandbox,
        &[
            "ALTER SYSTEM SET session_preload_libraries = 'plpgsql', 'nonesuch'",
            "ALTER SYSTEM SET default_transaction_read_only = on",
        ],
    );
    let left = "left out of the settings: default_transaction_read_only, \
                session_preload_libraries (nonesuch)\n";
    restored(&sandbox, &[left]);
    assert_eq!(ask_as_dev(&sandbox, "SHOW session_preload_libraries"), "plpgsql");
    assert_eq!(ask_as_dev(&sandbox, "SHOW transaction_read_only"), "off");
}

#[test]
fn a_trigger_that_lets_nobody_in_is_disabled() {
    let sandbox = with_row();
    if !sandbox.ask("SELECT current_setting('server_version_num')::int >= 170000").starts_with('t')
    {
        return;
    }
    sandbox.ask(
        "CREATE FUNCTION gate() RETURNS event_trigger LANGUAGE plpgsql \
         AS 'BEGIN RAISE EXCEPTION ''production only''; END'",
    );
    sandbox.ask("CREATE EVENT TRIGGER \"The Gate\" ON login EXECUTE FUNCTION gate()");
    backed_up_after(&sandbox, &[]);
    restored(&sandbox, &["disabled the login trigger The Gate in app", "production only"]);
    assert_eq!(ask_as_dev(&sandbox, "SELECT current_user"), "dev");
}

#[test]
fn a_database_that_was_being_dropped_is_no_use() {
    let sandbox = with_row();
    sandbox.ask("CREATE DATABASE other");
    let invalid = "UPDATE pg_database SET datconnlimit = -2 WHERE datname = ";
    backed_up_after(&sandbox, &[&format!("{invalid} 'other'")]);
    restored(&sandbox, &["the database other is invalid: drop it"]);
    sandbox.ask("UPDATE work SET state = 'later'");
    sandbox.ask_in("postgres", "ALTER ROLE dev NOLOGIN");
    sandbox.ask_in("postgres", &format!("{invalid} 'app'"));
    backed_up_after(&sandbox, &[]);
    let valid = "UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'app'";
    sandbox.ask_in("postgres", valid);
    fails_and_touches_nothing(&sandbox, 1, ["dev cannot connect to the database app"]);
}

#[test]
fn a_normalised_backup_lets_its_role_in() {
    let sandbox = with_row();
    backed_up_after(
        &sandbox,
        &[
            "ALTER ROLE dev NOSUPERUSER CONNECTION LIMIT 0",
            "ALTER ROLE dev SET session_preload_libraries = 'nonesuch'",
        ],
    );
    let told = sandbox.database(["normalize-backup"]).success();
    assert!(told.stderr.contains("lifted the connection limit of the role dev"), "{told}");
    let told = sandbox.database(["restore", "project/focus/postgresql-backup-normalized"]);
    assert!(!told.success().stderr.contains("the role dev"), "nothing is left to change");
    assert_eq!(ask_as_dev(&sandbox, "SELECT current_user"), "dev");
}

/// A backup does not contain the key, so nothing opens its secrets.
#[test]
fn secrets_that_no_key_opens_are_told() {
    let mut sandbox = with_row();
    sandbox.write("one.env", "A=one\nB=two\n");
    sandbox.database(["hydrate", "-f", "one.env"]).success();
    sandbox.database(["backup"]).success();
    let told = sandbox.database(["restore"]).success();
    assert!(!told.stderr.contains("opens"), "the key is there: {told}");
    let key = sandbox.path("pg/hectic.key");
    std::fs::rename(&key, sandbox.path("away.key")).unwrap();
    restored(&sandbox, &["opens 2 secrets of the database app", "pg/hectic.key"]);
    sandbox.give_key();
    restored(&sandbox, &["opens 2 secrets of the database app"]);
    // restore copies the team's key to the server, as `deploy` would
    sandbox.set("HECTIC_SECRET_KEY_FILE", sandbox.path("away.key"));
    let told = sandbox.database(["restore"]).success();
    assert!(!told.stderr.contains("opens"), "{told}");
    assert_eq!(ask_as_dev(&sandbox, "SELECT hectic.get_secret('A')"), "one");
}

#[test]
fn the_role_connects_with_the_options_of_the_url() {
    let mut sandbox = backed_up();
    sandbox.ask("CREATE ROLE later");
    let url = sandbox.url("app");
    sandbox.set("DB_URL", format!("{url} options='-c role=later'"));
    let why = ["role \"later\" does not exist", "without the options of the URL"];
    fails_and_touches_nothing(&sandbox, 1, why);
    sandbox.set("DB_URL", format!("{url} options='-c work_mem=7MB'"));
    let told = restored(&sandbox, &[]);
    let printed = told.split_whitespace().find(|word| word.starts_with("postgresql://")).unwrap();
    assert_eq!(sandbox.query(printed, "SHOW work_mem"), "7MB", "{told}");
    sandbox.database(["snapshot", "save", "early"]).success();
    let told = sandbox.database(["snapshot", "restore", "early"]).success().stderr;
    let printed = told.split_whitespace().find(|word| word.starts_with("postgresql://")).unwrap();
    assert_eq!(sandbox.query(printed, "SHOW work_mem"), "7MB", "{told}");
    sandbox.set("DB_URL", format!("{url} options='-c role=later'"));
    let told = sandbox.database(["snapshot", "restore", "early"]).success().stderr;
    assert!(told.contains("role \"later\" does not exist"), "{told}");
}
