//! `database psql`: opens psql on the project's database.

use crate::support::project;

#[test]
fn arguments_are_psqls() {
    let sandbox = project::deployed("");
    let shown = sandbox.database(["psql", "-X", "-A", "-t", "-c", "SELECT 'a b'"]).success();
    assert_eq!((shown.stdout.as_str(), shown.stderr.as_str()), ("a b\n", ""));
    let who = "SELECT concat_ws(' ', current_user, current_database())";
    assert_eq!(sandbox.database(["psql", "-XAtc", who]).success().stdout, "dev app\n");
    let shown = sandbox.database(["psql", "--", "--version"]).success();
    assert!(shown.stdout.starts_with("psql (PostgreSQL) "), "{shown}");
}

#[test]
fn standard_input_reaches_it() {
    let sandbox = project::deployed("");
    let shown = sandbox.run_with_input("database", ["psql", "-XAt"], "SELECT 6 * 7;\n").success();
    assert_eq!(shown.stdout, "42\n");
}

#[test]
fn the_exit_code_is_psqls() {
    let sandbox = project::deployed("");
    assert_eq!(sandbox.database(["psql", "-c", "SELECT nonsense"]).code, Some(1));
    let stopped = ["psql", "-v", "ON_ERROR_STOP=1"];
    assert_eq!(sandbox.run_with_input("database", stopped, "SELECT nonsense;\n").code, Some(3));
    sandbox.run("postgres-cleanup", [""; 0]).success();
    assert_eq!(sandbox.database(["psql", "-c", "SELECT 1"]).code, Some(2));
}

#[test]
fn it_works_without_a_project() {
    let mut sandbox = project::deployed("");
    sandbox.unset("LOCAL_DIR");
    sandbox.unset("PG_WORKING_DIR");
    assert_eq!(sandbox.database(["psql", "-XAtc", "SELECT 1"]).success().stdout, "1\n");
    sandbox.unset("DB_URL");
    sandbox.database(["psql"]).fails(3, ["--url, DB_URL and PGURL are all unset"]);
}

#[test]
fn the_callers_libpq_variables_are_settings_for_what_the_url_leaves_open() {
    let mut sandbox = project::deployed("");
    sandbox.set("DB_URL", "postgresql:///app");
    sandbox.set("PGHOST", sandbox.path("pg"));
    sandbox.set("PGUSER", "dev");
    sandbox.set("PGAPPNAME", "mine");
    let who = "SELECT concat_ws(' ', current_user, current_setting('application_name'))";
    assert_eq!(sandbox.database(["psql", "-XAtc", who]).success().stdout, "dev mine\n");
}
