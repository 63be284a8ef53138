//! `diff` takes both sides from the cache, and still knows where each object comes from.

use super::{project, states};
use crate::support::Sandbox;

fn migration(sandbox: &Sandbox, number: usize, up: &str) {
    let directory = format!("project/db/migration/2025010100000{number}-step");
    sandbox.write(&format!("{directory}/up.sql"), up);
    sandbox.write(&format!("{directory}/down.sql"), "SELECT 1;\n");
}

fn diff(sandbox: &Sandbox) -> String {
    let outcome = sandbox.database(["--verbose", "diff", "--from-migrations"]);
    assert_eq!(outcome.code, Some(1), "{outcome}");
    let shown = outcome.stderr.lines().filter(|line| line.starts_with("beginning with"));
    let began: Vec<_> = shown.map(|line| line.rsplit(' ').next().unwrap()).collect();
    let mut began = began;
    began.sort_unstable();
    format!("{}\n{}", began.join(" "), outcome.stdout)
}

#[test]
fn both_sides_come_from_the_cache() {
    let sandbox = project();
    migration(&sandbox, 1, "CREATE SCHEMA app;\n");
    let first = diff(&sandbox);
    assert!(first.starts_with('\n'), "{first}");
    assert!(first.contains("+ table app.t  [semantic]\n    B: db/src/table.sql:2"), "{first}");
    let second = diff(&sandbox);
    assert_eq!(second, format!("hydrated migrated{first}"));
    assert_eq!(states(&sandbox), ["hydrated", "migrated"]);
    // a new migration begins with the state before it
    migration(&sandbox, 2, "CREATE TABLE app.u (id int) INHERITS (hectic.created_at);\n");
    let third = diff(&sandbox);
    assert!(third.starts_with("hydrated migrated\n"), "{third}");
    let origin = "- table app.u  [semantic]\n    A: migration 20250101000002-step";
    assert!(third.contains(origin), "{third}");
    assert_eq!(states(&sandbox), ["hydrated", "migrated", "migrated"]);
    // an old migration that was changed runs again
    migration(&sandbox, 1, "CREATE SCHEMA app; CREATE SCHEMA more;\n");
    let fourth = diff(&sandbox);
    assert!(fourth.starts_with("hydrated\n") && fourth.contains("- schema more"), "{fourth}");
}
