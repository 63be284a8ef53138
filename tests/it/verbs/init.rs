//! `database init`: `postgres-init` as a verb of the project.

use crate::support::{Sandbox, finish, project, wait_until};

#[test]
fn a_vanilla_cluster_with_the_role_and_the_database_of_the_url() {
    let sandbox = project::with_source("");
    let started = sandbox.database(["init"]).success();
    assert_eq!(started.stdout, "", "the status is no data");
    assert!(started.stderr.starts_with("PostgreSQL cluster created in "), "{started}");
    let url = sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    let role = "SELECT concat_ws(' ', current_user, current_database(), rolcanlogin, rolsuper) \
                FROM pg_roles WHERE rolname = current_user";
    assert_eq!(sandbox.query(&url, role), "dev app t t", "the URL works as it is");
    assert_eq!(sandbox.ask("SELECT to_regnamespace('hectic') IS NULL"), "t", "no bundle");
}

#[test]
fn the_working_directory_is_below_the_project_by_default() {
    let mut sandbox = project::with_source("");
    sandbox.unset("PG_WORKING_DIR");
    sandbox.unset("DB_URL");
    sandbox.database(["init"]).success();
    assert!(sandbox.path("project/focus/postgresql/data/PG_VERSION").exists());
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("project/focus/postgresql").exists());
}

#[test]
fn a_cluster_is_kept_and_made_anew_with_pg_fresh() {
    let mut sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    sandbox.ask("CREATE TABLE mark ()");
    let first = sandbox.postmaster();
    sandbox.set("PG_FRESH", "");
    let kept = sandbox.database(["init"]).success();
    assert!(kept.stderr.contains("found running"), "an empty variable is unset: {kept}");
    assert_eq!(sandbox.postmaster(), first);
    assert_eq!(sandbox.ask("SELECT to_regclass('mark') IS NULL"), "f");
    sandbox.set("PG_FRESH", "1");
    let anew = sandbox.database(["init"]).success();
    assert!(anew.stderr.contains("made anew"), "{anew}");
    assert_eq!(sandbox.ask("SELECT to_regclass('mark') IS NULL"), "t");
}

#[test]
fn sessions_of_others_stop_a_fresh_init_unless_it_is_forced() {
    let mut sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    let sleeper = sandbox.spawn("database", ["psql", "-c", "SELECT pg_sleep(3600)"]);
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3600)'";
    wait_until("the session is there", || sandbox.ask(asleep) == "1");
    let attached = sandbox.database(["init", "--fresh"]).success();
    assert!(attached.stderr.contains("found running"), "{attached}");
    sandbox.set("PG_FORCE", "1");
    sandbox.database(["init", "--fresh"]).success();
    let ended = finish(sleeper, None);
    assert_eq!(ended.code, Some(2), "psql lost its connection: {ended}");
}

#[test]
fn export_prints_the_variables_and_nothing_else() {
    let sandbox = project::with_source("");
    let exported = sandbox.database(["init", "--export", "json"]).success();
    let socket = sandbox.path("pg/sock").display().to_string();
    for part in [
        format!("\"POSTGRESQL_HOST\":\"{socket}\""),
        "\"POSTGRESQL_PORT\":\"5432\"".into(),
        "\"POSTGRESQL_USER\":\"dev\"".into(),
        "\"POSTGRESQL_DATABASE\":\"app\"".into(),
        format!("\"PGURL\":\"postgresql://dev@localhost/app?host={socket}&port=5432\""),
    ] {
        assert!(exported.stdout.contains(&part), "{part} in {exported}");
    }
    assert_eq!(exported.stdout.lines().count(), 1);
}

#[test]
fn it_needs_no_url_and_no_project() {
    let sandbox = Sandbox::with_cluster();
    sandbox.database(["init"]).success();
    assert_eq!(sandbox.ask_in("testdb", "SELECT 1"), "1");
}

#[test]
fn without_any_directory_it_names_both_variables() {
    let sandbox = Sandbox::new();
    sandbox.database(["init"]).fails(3, ["PG_WORKING_DIR", "LOCAL_DIR"]);
}
