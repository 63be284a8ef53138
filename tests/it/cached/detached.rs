//! States that a process in the background saves.

use std::path::PathBuf;
use std::process::Stdio;

use super::{BOTH, check, hydrated, project, states};
use crate::support::process::{Process, all};
use crate::support::server::port;
use crate::support::trace::{has, nothing_left, private_directory, signal};
use crate::support::{Sandbox, finish, psql, wait_until, whoami};

fn detached() -> Sandbox {
    let mut sandbox = project();
    sandbox.set("PG_CACHE_DETACH", "on");
    sandbox
}

/// Waits until the background has done its work.
fn settle(sandbox: &Sandbox) {
    wait_until("the states are saved", || {
        !has(&sandbox.path("cache/db-tool/template"), ".saving")
            && !sandbox.entries("cache/db-tool/template").iter().any(|n| n.ends_with(".saving"))
            && sandbox.entries("tmp").is_empty()
    });
}

#[test]
fn the_next_command_waits_for_the_states() {
    let sandbox = detached();
    let first = check(&sandbox);
    assert!(hydrated(&first), "{first}");
    let second = check(&sandbox);
    assert!(second.stderr.contains(BOTH), "{second}");
    sandbox.write("project/test-data.sql", "INSERT INTO app.t (id) VALUES (1), (2);\n");
    let patched = check(&sandbox);
    assert!(patched.stderr.contains(", hydrated earlier") && !hydrated(&patched), "{patched}");
    settle(&sandbox);
    assert_eq!(states(&sandbox), ["hydrated", "patched", "patched"]);
    nothing_left(&sandbox);
    sandbox.database(["deploy"]).success();
    assert_eq!(sandbox.ask("SELECT string_agg(id::text, ',') FROM app.t"), "1,2");
    sandbox.database(["cleanup"]).success();
}

#[test]
fn the_verbs_of_the_cache_wait_for_the_states() {
    let sandbox = detached();
    check(&sandbox);
    let list = sandbox.database(["cache", "list"]).success();
    assert!(list.stdout.contains("patched") && list.stdout.contains("hydrated"), "{list}");
    settle(&sandbox);
    nothing_left(&sandbox);
}

#[test]
fn after_a_patch_that_failed_hydration_does_not_run_again() {
    let sandbox = detached();
    sandbox.write("project/test-data.sql", "INSERT INTO app.gone VALUES (1);\n");
    sandbox.database(["check"]).fails(1, ["test-data.sql:1"]);
    sandbox.write("project/test-data.sql", "INSERT INTO app.t (id) VALUES (1);\n");
    let mended = check(&sandbox);
    assert!(mended.stderr.contains(", hydrated earlier"), "{mended}");
    settle(&sandbox);
    nothing_left(&sandbox);
}

#[test]
fn a_killed_background_leaves_nothing_and_nobody_waits_for_it() {
    let sandbox = detached();
    check(&sandbox);
    let place = sandbox.path("").display().to_string();
    let is_saver = |process: &Process| {
        let words = process.words().join(" ");
        words.contains("--save-states") && words.contains(&place)
    };
    for saver in all().filter(is_saver) {
        signal("KILL", saver.pid);
    }
    let next = check(&sandbox);
    assert!(hydrated(&next), "the state was not saved: {next}");
    settle(&sandbox);
    check(&sandbox);
    nothing_left(&sandbox);
}

#[test]
fn only_directories_of_private_clusters_are_taken_over() {
    let sandbox = detached();
    sandbox.write("precious/file", "x");
    let entry = sandbox.write("entry", sandbox.path("precious").to_str().unwrap());
    let state = r#"{"word":"hydrated","key":"k","sealed_key":"s"}"#;
    let job = format!(
        r#"{{"cluster":{{"directory":{:?},"entry":{entry:?},"state":{state}}},"earlier":null}}"#,
        sandbox.path("precious")
    );
    sandbox
        .database(["check", "--save-states", &job])
        .fails(2, ["no directory of a private cluster"]);
    assert_eq!(sandbox.read("precious/file"), "x");
    sandbox
        .database(["check", "--save-states", "x"])
        .fails(2, ["--save-states is only for db-tool"]);
}

#[test]
fn a_source_that_changes_while_the_check_runs_is_not_cached() {
    let sandbox = project();
    let wait = "DO $$ BEGIN FOR i IN 1..6000 LOOP PERFORM pg_stat_clear_snapshot(); \
                EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'go'); \
                PERFORM pg_sleep(0.01); END LOOP; END $$;\n";
    sandbox.write("project/db/src/entrypoint.sql", format!("{wait}\\ir table.sql\n"));
    let child = sandbox.spawn("database", ["check"]);
    let mut data = PathBuf::new();
    wait_until("the private server", || {
        data = private_directory(&sandbox).unwrap_or_default().join("data");
        data.join("postmaster.pid").exists() && port(&data).is_some()
    });
    // psql has not read the table yet
    let table = "CREATE SCHEMA app;\nCREATE TABLE app.t (id int, later int) INHERITS (hectic.created_at);\n";
    sandbox.write("project/db/src/table.sql", table);
    let (socket, port) = (data.with_file_name("sock"), port(&data).unwrap());
    let go = format!("host={} port={port} user={} dbname=postgres", socket.display(), whoami());
    let mut go = sandbox.command(&psql(), ["-X", "-d", &go, "-c", "SELECT pg_sleep(60)"]);
    let go = go.env("PGAPPNAME", "go").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    finish(child, None).success();
    finish(go, None);
    assert_eq!(states(&sandbox), Vec::<String>::new());
    nothing_left(&sandbox);
}
