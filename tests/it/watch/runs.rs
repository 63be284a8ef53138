//! The runs of a watch: their verbs, arguments and output, and changes meanwhile.

use std::process::Stdio;

use super::Watching;
use crate::support::project::{deployed, with_own_cache, with_source};
use crate::support::trace::{has, nothing_left};
use crate::support::wait::hear;
use crate::support::{finish, wait_until};

const ENTRY: &str = "project/db/src/entrypoint.sql";

#[test]
fn a_save_during_a_check_interrupts_it() {
    let sandbox = with_own_cache("\\! touch started\nSELECT pg_sleep(3600);\n");
    let mut watching = Watching::begin(&sandbox, []);
    wait_until("the check runs", || sandbox.path("project/started").exists());
    sandbox.write(ENTRY, "SELECT 1;\n");
    let said = watching.passes();
    assert!(said.contains("] check was interrupted\n"), "{said}");
    watching.end("INT");
    nothing_left(&sandbox);
}

/// It changes the development database.
#[test]
fn a_save_during_a_deploy_waits_for_its_end() {
    let slow = "\\! touch started; until test -e finish; do sleep 0.02; done\nSELECT 1;\n";
    let sandbox = with_source(slow);
    let mut watching = Watching::begin(&sandbox, ["deploy"]);
    wait_until("the deploy runs", || sandbox.path("project/started").exists());
    sandbox.write(ENTRY, "CREATE TABLE second () INHERITS (hectic.created_at);\n");
    sandbox.write("project/finish", "");
    watching.passes();
    watching.passes();
    assert_eq!(sandbox.ask("SELECT to_regclass('second')"), "second");
    watching.end("INT");
    assert!(sandbox.has_server(), "the development cluster goes on");
}

#[test]
fn tests_run_again_in_the_development_database() {
    let sandbox = deployed("SELECT 1;\n");
    sandbox.write("project/db/test/test.sql", "SELECT 1;\n");
    let mut watching = Watching::start(&sandbox, ["test"]);
    sandbox.write("project/db/test/test.sql", "SELECT nope;\n");
    let said = watching.fails();
    assert!(said.contains("] test: db/test/test.sql changed\n"), "{said}");
    watching.end("INT");
}

#[test]
fn a_check_with_tests_watches_the_tests() {
    let sandbox = with_own_cache("SELECT 1;\n");
    sandbox.write("project/db/test/one.sql", "SELECT 1;\n");
    let mut watching = Watching::start(&sandbox, ["--", "--test"]);
    sandbox.write("project/db/test/one.sql", "SELECT nope;\n");
    let said = watching.fails();
    assert!(said.contains("] check: db/test/one.sql changed\n"), "{said}");
    watching.end("INT");
    nothing_left(&sandbox);
}

#[test]
fn arguments_and_options_are_those_of_the_verb() {
    let sandbox = with_own_cache("\\if :{?USE_MOCK}\nSELECT nope;\n\\endif\n");
    let mut watching = Watching::begin(&sandbox, ["--log-format", "json", "check", "--", "--mock"]);
    let said = watching.until("failed with exit code 1 after");
    assert!(said.lines().all(|line| line.starts_with('{')), "{said}");
    assert!(said.contains("nope"), "{said}");
    watching.end("TERM");
    let mut quiet = sandbox.command("database", ["watch", "-q"]);
    quiet.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut quiet = quiet.spawn().unwrap();
    wait_until("the check runs", || has(&sandbox.path("tmp"), "db-tool-check-"));
    sandbox.write(ENTRY, "SELECT nope;\n");
    let id = quiet.id();
    let said = hear(quiet.stderr.as_mut().unwrap(), id, |said| said.ends_with("SELECT nope;\n"));
    assert!(!said.contains("] check"), "{said}");
    crate::support::wait::signal("INT", id);
    finish(quiet, None);
    nothing_left(&sandbox);
}

#[test]
fn what_the_verb_prints_is_on_standard_output() {
    let sandbox = deployed("SELECT 1;\n");
    sandbox.write("project/db/test/test.sql", "SELECT 'printed';\n");
    let mut command = sandbox.command("database", ["watch", "test"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let id = child.id();
    let said = hear(child.stdout.as_mut().unwrap(), id, |said| said.contains("printed"));
    assert!(said.contains("printed"), "{said}");
    crate::support::wait::signal("INT", id);
    finish(child, None);
}

#[test]
fn a_watch_needs_a_project_and_a_known_verb() {
    let sandbox = crate::support::Sandbox::new();
    sandbox.database(["watch"]).fails(3, ["LOCAL_DIR is not set"]);
    sandbox.database(["watch", "hydrate"]).fails(2, ["possible values: check, deploy, test"]);
}
