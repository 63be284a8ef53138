//! Damaged states, killed commands, and two commands at once.

use std::path::PathBuf;

use super::{BOTH, check, hydrated, project, states};
use crate::support::trace::nothing_left;
use crate::support::{Sandbox, finish};

/// The directory of the state with this word.
fn state(sandbox: &Sandbox, word: &str) -> PathBuf {
    let template = sandbox.path("cache/db-tool/template");
    let names = sandbox.entries("cache/db-tool/template");
    template.join(names.iter().find(|name| name.ends_with(word)).unwrap())
}

#[test]
fn a_damaged_state_is_built_again() {
    let sandbox = project();
    for damage in ["short", "missing", "description", "manifest"] {
        check(&sandbox);
        let patched = state(&sandbox, "-patched");
        match damage {
            "short" => std::fs::write(patched.join("data/global/pg_control"), "x").unwrap(),
            "missing" => std::fs::remove_file(patched.join("data/PG_VERSION")).unwrap(),
            "description" => std::fs::write(patched.join("state.json"), "{").unwrap(),
            _ => std::fs::write(patched.join("manifest"), "db-tool template 9\n").unwrap(),
        }
        let checked = check(&sandbox);
        assert!(checked.stderr.contains(", hydrated earlier"), "{damage}: {checked}");
        let deployed = sandbox.database(["deploy"]).success();
        assert_eq!(sandbox.ask("SELECT count(*) FROM app.t"), "1", "{damage}: {deployed}");
    }
}

#[test]
fn a_killed_command_leaves_no_half_state() {
    let sandbox = project();
    check(&sandbox);
    for round in 0..6_u64 {
        let patch = format!("INSERT INTO app.t (id) VALUES ({round});\nSELECT pg_sleep(0);\n");
        sandbox.write("project/test-data.sql", patch);
        let mut child = sandbox.spawn("database", ["check"]);
        // the moments are spread over the whole run, however long it takes here
        let moment = format!("-patched{}", if round % 2 == 0 { ".lock" } else { ".new" });
        crate::support::wait_until("the state is being made, or the command has ended", || {
            let names = sandbox.entries("cache/db-tool/template");
            let begun = names.iter().filter(|name| name.ends_with(&moment)).count();
            begun > round as usize || child.try_wait().unwrap().is_some()
        });
        let _ = child.kill();
        finish(child, None);
        let deployed = sandbox.database(["deploy"]).success();
        assert_eq!(sandbox.ask("SELECT id FROM app.t"), round.to_string(), "{deployed}");
    }
    sandbox.database(["cleanup"]).success();
    check(&sandbox);
    nothing_left(&sandbox);
}

#[test]
fn commands_at_once_make_one_state() {
    let sandbox = project();
    let children: Vec<_> = (0..4).map(|_| sandbox.spawn("database", ["check"])).collect();
    for child in children {
        finish(child, None).success();
    }
    assert_eq!(states(&sandbox), ["hydrated", "patched"]);
    assert!(check(&sandbox).stderr.contains(BOTH));
}

#[test]
fn a_cache_that_cannot_be_written_to_is_no_error() {
    let sandbox = project();
    check(&sandbox);
    let template = sandbox.path("cache/db-tool/template");
    for name in sandbox.entries("cache/db-tool/template") {
        if name.ends_with("-hydrated") || name.ends_with("-patched") {
            std::fs::remove_dir_all(template.join(&name)).unwrap();
            // a file in the place of the directory in which a state is made
            std::fs::create_dir(template.join(name + ".new")).unwrap();
        }
    }
    assert!(hydrated(&check(&sandbox)), "what is unfinished is no state");
}
