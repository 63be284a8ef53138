//! `database deploy`: from nothing to a database with data.

use crate::support::{Sandbox, assert_golden, project, server, wait_until};

const ITEM: &str = "CREATE TABLE item (id int, mock text) INHERITS (hectic.created_at);\n\
                    \\if :{?USE_MOCK}\nINSERT INTO item (id, mock) VALUES (1, :'USE_MOCK');\n\\endif\n";

fn with_patch() -> Sandbox {
    let sandbox = project::with_source(ITEM);
    sandbox.write("project/test-data.sql", "INSERT INTO item (id) VALUES (7);\n");
    sandbox
}

fn exists(sandbox: &Sandbox, name: &str) -> bool {
    sandbox.ask(&format!("SELECT to_regclass('{name}') IS NOT NULL")) == "t"
}

#[test]
fn the_whole_flow_is_hydrate_and_patch() {
    let sandbox = with_patch();
    let deployed = sandbox.database(["deploy"]).success();
    assert_golden("deploy.txt", &deployed.block(&sandbox));
    assert_eq!(sandbox.ask("SELECT id FROM item"), "7");
    assert_eq!(sandbox.ask("SELECT version FROM hectic.version"), "0.5.3");
}

#[test]
fn the_sample_project_deploys_and_its_tests_pass() {
    let sandbox = Sandbox::with_project("nix/template");
    sandbox.database(["deploy"]).success();
    assert_eq!(sandbox.ask("SELECT count(*) FROM shop.sales_order"), "4");
    let tested = sandbox.database(["test"]).success();
    assert!(tested.stderr.contains("tests passed: 26 ok"), "{tested}");
}

#[test]
fn an_older_project_deploys() {
    let sandbox = Sandbox::with_project("tests/fixture/legacy");
    sandbox.database(["deploy"]).success();
    assert_eq!(sandbox.ask(r#"SELECT "Büro"."Umsatz"(1)"#), "24.90");
    assert_eq!(sandbox.ask(r#"SELECT count(*) FROM "Büro"."Rechnung""#), "3");
}

#[test]
fn patch_and_hydration_can_be_left_out() {
    for flag in ["-P", "--no-patch"] {
        let sandbox = with_patch();
        sandbox.database(["deploy", flag]).success();
        assert_eq!(sandbox.ask("SELECT count(*) FROM item"), "0");
    }
    for flag in ["-H", "--no-hydrate"] {
        let sandbox = project::with_source("CREATE TABLE never ();");
        sandbox.write("project/test-data.sql", "CREATE TABLE patched ();\n");
        sandbox.database(["deploy", flag]).success();
        assert!(exists(&sandbox, "patched") && !exists(&sandbox, "never"));
        assert!(!exists(&sandbox, "hectic.version"), "the bundle is a part of hydration");
    }
}

#[test]
fn mock_sets_a_psql_variable() {
    for flag in ["-m", "--mock"] {
        let sandbox = with_patch();
        sandbox.database(["deploy", "-P", flag]).success();
        assert_eq!(sandbox.ask("SELECT mock FROM item"), "1");
    }
}

#[test]
fn cleanup_stops_the_server_and_keeps_the_data() {
    for flag in ["-c", "--cleanup"] {
        let mut sandbox = with_patch();
        let deployed = sandbox.database(["deploy", flag]).success();
        assert!(deployed.stderr.contains("deployed and stopped"), "{deployed}");
        assert_eq!(server::processes_below(&sandbox.path("pg")), Vec::<u32>::new());
        sandbox.set("PG_REUSE", "1");
        sandbox.database(["init"]).success();
        assert_eq!(sandbox.ask("SELECT id FROM item"), "7");
    }
}

#[test]
fn cleanup_after_a_failure_leaves_the_server_for_a_look() {
    let sandbox = project::with_source("SELECT nonsense;");
    sandbox.database(["deploy", "--cleanup"]).fails(1, ["nonsense"]);
    let status = sandbox.database(["status"]).success();
    assert!(status.stdout.starts_with("running:"), "{status}");
}

#[test]
fn reuse_starts_or_attaches_and_changes_nothing() {
    let sandbox = with_patch();
    sandbox.database(["deploy", "--cleanup"]).success();
    let started = sandbox.database(["deploy", "--reuse"]).success();
    assert_eq!(started.stdout, "", "neither hydrated nor patched: {started}");
    let postmaster = sandbox.postmaster();
    sandbox.database(["deploy", "--reuse"]).success();
    assert_eq!(sandbox.postmaster(), postmaster);
    assert_eq!(sandbox.ask("SELECT string_agg(id::text, ',') FROM item"), "7");
}

#[test]
fn a_missing_patch_file_is_created_empty() {
    let sandbox = project::with_source(ITEM);
    sandbox.database(["deploy"]).success();
    assert_eq!(sandbox.read("project/test-data.sql"), "");
}

#[test]
fn the_clusters_own_url_is_used_when_none_is_given() {
    let mut sandbox = with_patch();
    sandbox.unset("DB_URL");
    sandbox.database(["deploy"]).success();
    assert_eq!(sandbox.ask_in("testdb", "SELECT id FROM item"), "7");
}

#[test]
fn inherits_looks_after_hydration() {
    let sandbox = with_patch();
    let noted = sandbox.database(["deploy", "--inherits", "item"]).success();
    assert!(noted.stderr.contains("--inherits is deprecated"), "{noted}");
    sandbox.database(["-i", "item", "-i", "absent", "deploy"]).fails(5, ["absent"]);
}

#[test]
fn what_was_deployed_survives_a_crash() {
    let mut sandbox = with_patch();
    sandbox.database(["deploy"]).success();
    for pid in server::processes_below(&sandbox.path("pg/data")) {
        crate::support::wait::try_signal("KILL", pid);
    }
    let ended = || server::processes_below(&sandbox.path("pg/data")).is_empty();
    wait_until("the server is dead", ended);
    sandbox.set("PG_REUSE", "1");
    sandbox.database(["init"]).success();
    assert_eq!(sandbox.ask("SELECT id FROM item"), "7");
    assert_eq!(sandbox.ask("SELECT to_regprocedure('hectic.get_secret(text)') IS NULL"), "f");
}

#[test]
fn a_missing_project_or_entrypoint_is_named() {
    let mut sandbox = with_patch();
    sandbox.set("HYDRATE_ENTRYPOINT", "main.sql");
    sandbox.database(["deploy"]).fails(3, ["project/db/src/main.sql"]);
    assert!(!sandbox.path("pg").exists(), "nothing was started for nothing");
    sandbox.unset("LOCAL_DIR");
    sandbox.database(["deploy"]).fails(3, ["LOCAL_DIR"]);
}
