//! The steps that a check runs or leaves out, and the conditions that it checks before it makes
//! anything.

use crate::support::project::{with_own_cache, with_source};
use crate::support::trace::nothing_left;
use crate::support::{Sandbox, assert_golden, entries};

/// A project that fails in hydration and in the patch, each with its own message.
fn failing_everywhere() -> Sandbox {
    let sandbox = with_own_cache("SELECT 'source' / 0;\n");
    sandbox.write("project/test-data.sql", "SELECT 'patch' / 0;\n");
    sandbox
}

#[test]
fn flags_leave_out_hydration_and_patch() {
    let sandbox = failing_everywhere();
    sandbox.database(["check"]).fails(1, ["hydrating failed", "entrypoint.sql:1"]);
    sandbox.database(["check", "-P"]).fails(1, ["hydrating failed"]);
    sandbox.database(["check", "-H"]).fails(1, ["patching failed", "test-data.sql:1"]);
    sandbox.database(["check", "-P", "-H"]).success();
    sandbox.database(["check", "--no-patch", "--no-hydrate"]).success();
    nothing_left(&sandbox);
}

#[test]
fn mock_sets_a_variable() {
    let sandbox = with_source("\\if :{?USE_MOCK}\nSELECT 1 / (:USE_MOCK - 1);\n\\endif\n");
    sandbox.database(["check"]).success();
    sandbox.database(["check", "-m"]).fails(1, ["division by zero"]);
    sandbox.database(["check", "--mock"]).fails(1, ["division by zero"]);
}

#[test]
fn nothing_is_written_into_the_project() {
    let sandbox = with_source("CREATE TABLE t (x int) INHERITS (hectic.created_at);\nTABLE t;\n");
    let checked = sandbox.database(["check"]).success();
    assert_eq!(checked.stdout, "", "results of sources are nobody's output");
    assert_eq!(sandbox.entries("project"), ["db"], "not even an empty patch");
    assert_eq!(sandbox.entries("project/db"), ["src"]);
    assert!(!sandbox.path("pg").exists(), "the development cluster is not touched");
}

#[test]
fn logs_are_not_written_although_named() {
    let mut sandbox = with_source("SELECT 1;\n");
    sandbox.write("project/test-data.sql", "SELECT 2;\n");
    for name in ["HYDRATE_LOG", "PATCH_LOG"] {
        let log = sandbox.path("project").join(name);
        sandbox.set(name, log);
    }
    let logs = sandbox.path("project/logs");
    sandbox.set("PG_LOG_PATH", logs);
    sandbox.database(["check"]).success();
    assert_eq!(sandbox.entries("project"), ["db", "test-data.sql"]);
}

#[test]
fn missing_input_is_told_before_anything_is_made() {
    let mut sandbox = with_source("SELECT 1;\n");
    sandbox.set("XDG_CACHE_HOME", sandbox.path("unused"));
    sandbox.set("PATCH_SQL", "/nowhere/patch.sql");
    sandbox.database(["check"]).fails(3, ["PATCH_SQL", "/nowhere/patch.sql"]);
    sandbox.unset("PATCH_SQL");
    sandbox.set("HYDRATE_ENTRYPOINT", "other.sql");
    sandbox.database(["check"]).fails(3, ["project/db/src/other.sql", "HYDRATE_ENTRYPOINT"]);
    sandbox.unset("LOCAL_DIR");
    sandbox.database(["check"]).fails(3, ["LOCAL_DIR"]);
    sandbox.set("LOCAL_DIR", "/nowhere/project");
    sandbox.database(["check"]).fails(3, ["/nowhere/project"]);
    assert_eq!(sandbox.entries("tmp"), Vec::<String>::new());
    let cache = sandbox.path("unused/db-tool");
    let made = if cache.exists() { entries(&cache) } else { Vec::new() };
    assert_eq!(made, Vec::<String>::new(), "neither template nor registry");
}

#[test]
fn a_named_patch_runs() {
    let mut sandbox = with_source("SELECT 1;\n");
    let patch = sandbox.write("elsewhere/data.sql", "SELECT 1,;\n");
    sandbox.set("PATCH_SQL", patch);
    let failed = sandbox.database(["check"]).fails(1, ["patching failed", "elsewhere/data.sql:1"]);
    assert!(!failed.stderr.contains("hydrating"), "{failed}");
}

#[test]
fn a_table_that_has_to_exist_does_not() {
    let sandbox = with_source("CREATE TABLE t (x int) INHERITS (hectic.created_at);\n");
    sandbox.database(["check", "-i", "public.t"]).success();
    sandbox.database(["check", "-i", "public.u"]).fails(5, ["public.u"]);
}

#[test]
fn json_messages_are_objects() {
    let sandbox = with_source("SELEKT 1;\n");
    let failed = sandbox.database(["--log-format", "json", "check"]).fails(1, ["SELEKT"]);
    assert!(
        failed.stderr.lines().all(|line| line.starts_with('{') && line.ends_with('}')),
        "{failed}"
    );
    assert_golden(
        "check-quiet.txt",
        &with_source("SELECT 1;\n").database(["-q", "check"]).block(&sandbox),
    );
}
