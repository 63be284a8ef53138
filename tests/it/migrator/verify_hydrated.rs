//! `migrator verify --after-hydrate`: migrations that presume the objects of the sources.

use crate::support::Sandbox;
use crate::support::project::with_own_cache;
use crate::support::trace::nothing_left;

/// A project whose migrations change a table of the sources, in a schema without the bundle's rule.
fn project() -> Sandbox {
    let project = with_own_cache(
        "CREATE TABLE base (id int) INHERITS (hectic.created_at);\n\
         CREATE SCHEMA legacy;\nCREATE TABLE legacy.t (id int);\n",
    );
    project.write(
        "project/database.toml",
        "inheritance_excluded_schemas = ['legacy']\n[migrator.variables]\ncolumn = 'label'\n",
    );
    migration(
        &project,
        1,
        "ALTER TABLE base ADD COLUMN :\"column\" text DEFAULT :'word';\n\
         CREATE TABLE legacy.u (id int);\n",
        "DROP TABLE legacy.u;\nALTER TABLE base DROP COLUMN :\"column\";\n",
    );
    project
}

fn migration(project: &Sandbox, number: u32, up: &str, down: &str) {
    let directory = format!("project/db/migration/2025010100000{number}-m{number}");
    project.write(&format!("{directory}/up.sql"), up);
    project.write(&format!("{directory}/down.sql"), down);
}

#[test]
fn migrations_run_on_top_of_the_sources() {
    let project = project();
    let words = ["verify", "--set", "word=it's"];
    project.run("migrator", words).fails(4, ["relation \"base\" does not exist"]);
    for _ in 0..2 {
        let words = ["verify", "--after-hydrate", "--set", "word=it's"];
        let verified = project.run("migrator", words).success();
        assert!(verified.stderr.contains("1 migrations can be undone"), "{verified}");
    }
    project.run("migrator", ["verify", "--after-hydrate"]).fails(3, [":word is not set"]);
    nothing_left(&project);
}

#[test]
fn a_renewed_cluster_is_hydrated_too() {
    let project = project();
    // the down spoils the database, and the next up needs the sources again
    migration(&project, 1, "ALTER TABLE base ADD COLUMN a int;\n", "DROP TABLE base;\n");
    let next = "ALTER TABLE base ADD COLUMN b int;\n";
    migration(&project, 2, next, "ALTER TABLE base DROP COLUMN b;\n");
    let failed = project.run("migrator", ["verify", "--after-hydrate"]);
    let failed = failed.fails(4, ["1 of 2 migrations cannot be undone"]);
    assert!(failed.stdout.contains("ok      20250101000002-m2"), "{failed}");
    nothing_left(&project);
}

#[test]
fn sources_that_fail_or_are_missing_are_named() {
    let project = project();
    project.write("project/db/src/entrypoint.sql", "SELECT nonsense;\n");
    let words = ["verify", "--after-hydrate", "--set", "word=w"];
    project.run("migrator", words).fails(1, ["hydrating failed", "nonsense"]);
    std::fs::remove_file(project.path("project/db/src/entrypoint.sql")).unwrap();
    project.run("migrator", words).fails(3, ["the entry point"]);
    nothing_left(&project);
}
