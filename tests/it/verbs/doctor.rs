//! `database doctor`: every precondition with its verdict and the remedy.

use crate::support::{Sandbox, project};

/// The line about one precondition: its verdict and the finding.
fn finding<'a>(text: &'a str, what: &str) -> &'a str {
    let of = |line: &&str| line.get(6..).is_some_and(|rest| rest.starts_with(&format!("{what}: ")));
    text.lines().find(of).unwrap_or_else(|| panic!("{what} in {text}"))
}

#[test]
fn all_in_order() {
    let sandbox = project::deployed("");
    let said = sandbox.database(["doctor"]).success();
    assert!(said.stdout.lines().all(|line| line.starts_with("ok    ")), "{said}");
    for what in [
        "PostgreSQL programs",
        "PostgreSQL version",
        "settings",
        "preload libraries",
        "template cache",
        "project",
        "entrypoint",
        "working directory",
        "access",
        "disk",
        "disk of temporary files",
        "memory",
        "locale",
        "socket",
        "server",
        "connection",
    ] {
        finding(&said.stdout, what);
    }
    assert!(finding(&said.stdout, "server").starts_with("ok    server: running, pid "));
}

#[test]
fn the_findings_can_be_read_by_programs() {
    let sandbox = project::with_source("");
    let said = sandbox.database(["doctor", "--format", "json"]).success();
    let findings: Vec<serde_json::Value> = serde_json::from_str(&said.stdout).unwrap();
    let of = |what: &str| findings.iter().find(|one| one["what"] == what).unwrap();
    assert_eq!(of("project")["verdict"], "ok");
    assert_eq!(of("connection")["verdict"], "note");
    assert_eq!(of("connection")["advice"].as_array().unwrap().len(), 1);
}

#[test]
fn it_only_looks() {
    let sandbox = project::with_source("");
    let said = sandbox.database(["doctor"]).success();
    assert_eq!(finding(&said.stdout, "server"), "ok    server: not running");
    let connection = finding(&said.stdout, "connection");
    assert!(connection.starts_with("note  connection: cannot connect"), "{said}");
    assert!(!sandbox.path("pg").exists());
    assert_eq!(sandbox.entries("project"), ["db"]);
}

#[test]
fn the_first_problem_gives_the_exit_code_and_each_has_a_remedy() {
    let mut sandbox = project::with_source("");
    sandbox.set("PATCH_SQL", sandbox.path("none.sql"));
    std::fs::remove_file(sandbox.path("project/db/src/entrypoint.sql")).unwrap();
    let said = sandbox.database(["doctor"]).fails(3, ["not everything is in order"]);
    assert!(finding(&said.stdout, "entrypoint").starts_with("BAD   "), "{said}");
    assert!(said.stdout.contains("\n      create it, or set DATABASE_SOURCE"), "{said}");
    assert!(finding(&said.stdout, "patch").starts_with("BAD   "), "{said}");
    sandbox.set("PG_BINDIR", "/nonexistent");
    let said = sandbox.database(["doctor"]).fails(127, []);
    assert!(finding(&said.stdout, "PostgreSQL programs").contains("PG_BINDIR"), "{said}");
    assert!(finding(&said.stdout, "project").starts_with("ok    "), "it goes on: {said}");
}

#[test]
fn without_any_variable_it_names_what_is_missing() {
    let sandbox = Sandbox::new();
    let said = sandbox.database(["doctor"]).fails(3, []);
    assert!(finding(&said.stdout, "project").contains("LOCAL_DIR is not set"), "{said}");
    assert!(finding(&said.stdout, "working directory").contains("PG_WORKING_DIR"), "{said}");
    assert!(finding(&said.stdout, "connection").contains("DB_URL"), "{said}");
    assert!(said.stdout.contains("export LOCAL_DIR="), "{said}");
}

#[test]
fn what_is_odd_is_noted() {
    let mut sandbox = project::with_source("");
    sandbox.set("DB_URL", "postgresql://u@localhost:1/x");
    sandbox.set("PG_TEMPLATE", "off");
    let said = sandbox.database(["doctor"]).success();
    assert!(finding(&said.stdout, "DB_URL").contains("does not point to the cluster"), "{said}");
    assert!(finding(&said.stdout, "template cache").starts_with("note  "), "{said}");
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "no_such_library");
    let said = sandbox.database(["doctor"]).fails(127, []);
    assert!(finding(&said.stdout, "preload libraries").contains("no_such_library"), "{said}");
    sandbox.set("PG_PORT", "70000");
    sandbox.database(["doctor"]).fails(2, []);
}
