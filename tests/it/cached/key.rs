//! Each part of what makes a database is a part of the state's key.

use super::{BOTH, check, hydrated, project, states};
use crate::support::Sandbox;

type Change = fn(&mut Sandbox);

/// Changes after which nothing of the old state may be used.
const CHANGES: [(&str, Change); 8] = [
    ("an included file", |sandbox| {
        let table = sandbox.read("project/db/src/table.sql");
        sandbox.write("project/db/src/table.sql", table + "-- a comment\n");
    }),
    ("the order of files", |sandbox| {
        sandbox.write("project/db/src/entrypoint.sql", "SELECT 1;\n\\ir table.sql\n");
    }),
    ("the rows of a \\copy", |sandbox| {
        sandbox.write("project/rows.csv", "7\n8\n");
    }),
    ("the database", |sandbox| sandbox.set("PG_DATABASE", "other")),
    ("the role", |sandbox| {
        let url = format!("postgresql://ann@localhost/app?host={}", sandbox.path("pg").display());
        sandbox.set("DB_URL", url);
    }),
    ("the start-up options", |sandbox| {
        let directory = sandbox.path("pg");
        let options = "options=-c%20search_path%3Dapp";
        let host = directory.display();
        sandbox.set("DB_URL", format!("postgresql://dev@localhost/app?host={host}&{options}"));
    }),
    ("the excluded schemas", |sandbox| {
        sandbox.set("HECTIC_INHERITANCE_EXCLUDED_SCHEMAS", "plain");
    }),
    ("the secrets", |sandbox| sandbox.set("HECTIC_DOTENV_CONTENT", "TOKEN=two")),
];

#[test]
fn every_part_counts() {
    let mut sandbox = project();
    sandbox.set("HECTIC_DOTENV_CONTENT", "TOKEN=one");
    sandbox.write("project/rows.csv", "7\n");
    let table = sandbox.read("project/db/src/table.sql");
    sandbox.write("project/db/src/table.sql", table + "\\copy app.t (id) from 'rows.csv'\n");
    check(&sandbox);
    for (what, change) in CHANGES {
        change(&mut sandbox);
        let checked = check(&sandbox);
        assert!(hydrated(&checked) && !checked.stderr.contains("earlier"), "{what}: {checked}");
    }
    assert!(check(&sandbox).stderr.contains(BOTH));
}

#[test]
fn arguments_count() {
    let sandbox = project();
    check(&sandbox);
    sandbox.write("project/db/src/table.sql", "CREATE SCHEMA app; CREATE TABLE app.t (id int);");
    for flags in ["--bundle=history", "--bundle=off"] {
        let checked = sandbox.database(["check", flags]).success();
        assert!(hydrated(&checked), "{checked}");
        let again = sandbox.database(["check", flags]).success();
        assert!(again.stderr.contains(BOTH), "{again}");
    }
    let mocked = sandbox.database(["check", "--bundle=history", "--mock"]).success();
    assert!(hydrated(&mocked), "{mocked}");
}

#[test]
fn who_wants_no_cache_gets_none() {
    let mut sandbox = project();
    for (variable, value) in [("PG_CACHE", "off"), ("CI", "true"), ("PG_TEMPLATE", "off")] {
        sandbox.set(variable, value);
        check(&sandbox);
        assert!(hydrated(&check(&sandbox)), "{variable}");
        sandbox.unset(variable);
    }
    sandbox.write("project/database.toml", "cache = \"off\"\n");
    check(&sandbox);
    assert!(hydrated(&check(&sandbox)));
    sandbox.write("project/database.toml", "");
    sandbox.database(["check", "--no-cache"]).success();
    assert!(states(&sandbox).is_empty(), "{:?}", states(&sandbox));
    sandbox.set("CI", "true");
    sandbox.set("PG_CACHE", "on");
    check(&sandbox);
    assert!(check(&sandbox).stderr.contains(BOTH));
    sandbox.set("PG_CACHE", "maybe");
    sandbox.database(["check"]).fails(2, ["PG_CACHE is \"maybe\", neither on nor off"]);
}

#[test]
fn sources_that_reach_out_are_not_cached_and_the_line_is_named() {
    let sandbox = project();
    let table = sandbox.read("project/db/src/table.sql");
    for (line, words) in [
        ("\\set now `date`", "table.sql:3: \\set runs a program in backquotes"),
        ("SELECT pg_read_file('/etc/hostname');", "table.sql:3: pg_read_file reaches out"),
        ("COPY app.t (id) FROM PROGRAM 'seq 3';", "table.sql:3: COPY with a file or a program"),
        (
            "DO $$BEGIN EXECUTE 'CREATE EXT' || 'ENSION db' || 'link'; END$$;",
            "the extension dblink reaches out",
        ),
    ] {
        sandbox.write("project/db/src/table.sql", format!("{table}{line}\n"));
        check(&sandbox);
        let again = sandbox.database(["--verbose", "check"]).success();
        assert!(hydrated(&again), "{again}");
        assert!(again.stderr.contains("not cached: ") && again.stderr.contains(words), "{again}");
        assert!(states(&sandbox).is_empty(), "{line}");
    }
    sandbox.write("project/db/src/table.sql", table);
    sandbox.write("project/test-data.sql", "\\! true\n");
    check(&sandbox);
    assert!(check(&sandbox).stderr.contains(", hydrated earlier"), "only the patch reaches out");
}
