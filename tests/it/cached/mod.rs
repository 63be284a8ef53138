//! Cached states: what has been built once is not built again, and a cached database is the one that
//! a fresh run would have made.

mod damage;
mod detached;
mod edits;
mod key;
mod secrets;
mod sides;
mod spare;
mod surroundings;
mod verbs;

use crate::support::trace::nothing_left;
use crate::support::{Outcome, Sandbox, entries};

/// What a check says if everything is in the cache.
const BOTH: &str = "hydrated and patched earlier";

/// A project with one table and a patch, a cache of its own, and cached states.
fn project() -> Sandbox {
    let mut sandbox = Sandbox::with_project("tests/fixture/new");
    let cache = sandbox.path("cache");
    std::fs::create_dir(&cache).unwrap();
    sandbox.set("XDG_CACHE_HOME", cache);
    sandbox.unset("PG_CACHE");
    sandbox.write("project/database.toml", "");
    sandbox.write("project/db/src/entrypoint.sql", "\\ir table.sql\n");
    let table = "CREATE SCHEMA app;\nCREATE TABLE app.t (id int) INHERITS (hectic.created_at);\n";
    sandbox.write("project/db/src/table.sql", table);
    sandbox.write("project/test-data.sql", "INSERT INTO app.t (id) VALUES (1);\n");
    sandbox
}

/// The words of the cached states: `hydrated`, `patched` or `migrated`.
fn states(sandbox: &Sandbox) -> Vec<String> {
    let names = entries(&sandbox.path("cache/db-tool/template"));
    let word = |name: String| Some(name.split_once('-')?.1.to_owned());
    let mut words: Vec<_> = names.into_iter().filter_map(word).collect();
    words.retain(|word| !word.contains('.') && word != "prepared");
    words.sort();
    words
}

fn check(sandbox: &Sandbox) -> Outcome {
    sandbox.database(["check"]).success()
}

/// Whether hydration ran.
fn hydrated(outcome: &Outcome) -> bool {
    outcome.stderr.contains("hydrate ")
}

#[test]
fn an_unchanged_project_is_not_built_again() {
    let sandbox = project();
    let first = check(&sandbox);
    assert!(hydrated(&first) && !first.stderr.contains("earlier"), "{first}");
    assert_eq!(states(&sandbox), ["hydrated", "patched"]);
    let second = check(&sandbox);
    assert!(second.stderr.contains(BOTH) && second.stderr.contains("unchanged since"), "{second}");
    assert!(!hydrated(&second), "{second}");
    nothing_left(&sandbox);
}

#[test]
fn after_a_change_of_the_patch_only_the_patch_runs() {
    let sandbox = project();
    check(&sandbox);
    sandbox.write("project/test-data.sql", "INSERT INTO app.t (id) VALUES (1), (2);\n");
    let changed = check(&sandbox);
    assert!(changed.stderr.contains(", hydrated earlier"), "{changed}");
    assert!(!hydrated(&changed) && changed.stderr.contains("patch "), "{changed}");
    sandbox.write("project/test-data.sql", "INSERT INTO app.gone VALUES (1);\n");
    sandbox.database(["check"]).fails(1, ["test-data.sql:1"]);
    assert_eq!(states(&sandbox), ["hydrated", "patched", "patched"], "a failure is no state");
}

#[test]
fn deploy_begins_where_check_has_ended() {
    let sandbox = project();
    check(&sandbox);
    for _ in 0..2 {
        let deployed = sandbox.database(["deploy"]).success();
        assert!(deployed.stderr.contains(BOTH) && !hydrated(&deployed), "{deployed}");
        assert_eq!(sandbox.ask("SELECT string_agg(id::text, ',') FROM app.t"), "1");
    }
    sandbox.write("project/test-data.sql", "INSERT INTO app.t (id) VALUES (3);\n");
    let deployed = sandbox.database(["deploy"]).success();
    assert!(deployed.stderr.contains(", hydrated earlier"), "{deployed}");
    assert_eq!(sandbox.ask("SELECT string_agg(id::text, ',') FROM app.t"), "3");
    let checked = check(&sandbox);
    assert!(checked.stderr.contains(BOTH), "deploy saves states, too: {checked}");
}

#[test]
fn the_first_deploy_saves_its_states() {
    let sandbox = project();
    let first = sandbox.database(["deploy"]).success();
    assert!(hydrated(&first), "{first}");
    assert_eq!(sandbox.ask("SELECT count(*) FROM app.t"), "1");
    let again = sandbox.database(["deploy"]).success();
    assert!(again.stderr.contains(BOTH), "{again}");
    sandbox.database(["cleanup"]).success();
}

#[test]
fn a_kept_check_shows_the_cached_database() {
    let sandbox = project();
    check(&sandbox);
    let kept = sandbox.database(["check", "--keep"]).success();
    assert!(kept.stderr.contains(BOTH) && kept.stderr.contains("kept running"), "{kept}");
    let way_in = kept.stderr.lines().find(|line| line.starts_with("kept running: ")).unwrap();
    let url = way_in.split('\'').nth(1).unwrap();
    assert_eq!(sandbox.query(url, "SELECT count(*) FROM app.t"), "1");
}
