//! The real pgTAP, from the distribution's package.

use super::{json, package, write};
use crate::support::Sandbox;
use crate::support::project::with_own_cache;

/// Tests of pgTAP, each with the file's verdict.
const FILES: [(&str, bool, &str); 9] = [
    (
        "plan.sql",
        true,
        "BEGIN; SELECT plan(2); SELECT ok(true, 'a'); SELECT is(1, 1); SELECT * FROM finish(); ROLLBACK;\n",
    ),
    (
        "no_plan.sql",
        true,
        "BEGIN; SELECT * FROM no_plan(); SELECT ok(true); SELECT * FROM finish(); ROLLBACK;\n",
    ),
    (
        "short.sql",
        false,
        "BEGIN; SELECT plan(2); SELECT ok(true); SELECT * FROM finish(); ROLLBACK;\n",
    ),
    (
        "values.sql",
        false,
        "BEGIN;\nSELECT plan(3);\nSELECT is(\n  'left'::text, 'right',\n  'a side');\n\
         SELECT results_eq('VALUES (1), (2)', 'VALUES (1), (3)', 'rows');\n\
         SELECT throws_ok('SELECT 1/0', '22004', NULL, 'no null');\nSELECT * FROM finish();\nROLLBACK;\n",
    ),
    (
        "todo.sql",
        true,
        "BEGIN; SELECT plan(2); SELECT todo('write it', 1); SELECT ok(false, 'soon'); SELECT skip('no locale', 1); SELECT * FROM finish(); ROLLBACK;\n",
    ),
    (
        "format.sql",
        true,
        "\\set QUIET 1\n\\pset format unaligned\n\\pset tuples_only true\nBEGIN; SELECT plan(1); SELECT pass('plain'); SELECT * FROM finish(); ROLLBACK;\n",
    ),
    (
        "schema.sql",
        true,
        "BEGIN; SELECT plan(2); SELECT has_table('work'); SELECT col_is_pk('work', 'n'); SELECT * FROM finish(); ROLLBACK;\n",
    ),
    (
        "runtests.sql",
        true,
        "CREATE SCHEMA t;\nCREATE FUNCTION t.test_a() RETURNS SETOF text LANGUAGE sql AS $$\n\
         SELECT ok(true, 'x'); $$;\nSELECT * FROM runtests('t'::name);\n",
    ),
    (
        "runtests_bad.sql",
        false,
        "CREATE SCHEMA t;\nCREATE FUNCTION t.test_b() RETURNS SETOF text LANGUAGE sql AS $$\n\
         SELECT is(1, 2, 'inner'); $$;\n\nSELECT * FROM runtests('t'::name);\n",
    ),
];

/// A project whose source makes the functions of pgTAP in the schema `tap`.
fn with_pgtap() -> Sandbox {
    let share = package().join("usr/share/postgresql");
    let majors = crate::support::entries(&share).into_iter();
    let mut directories = majors.map(|major| share.join(major).join("extension"));
    let directory = directories.find(|place| place.join("pgtap.control").is_file()).unwrap();
    let is_whole = |name: &&String| name.starts_with("pgtap--") && name.matches("--").count() == 1;
    let script =
        crate::support::entries(&directory).into_iter().find(|name| is_whole(&name)).unwrap();
    let text = std::fs::read_to_string(directory.join(script)).unwrap();
    let sandbox = with_own_cache(&format!(
        "CREATE SCHEMA tap;\nALTER DATABASE app SET search_path = public, tap;\n\
         SET search_path = tap;\n\\ir pgtap.sql\nRESET search_path;\n{}",
        super::TABLE.replace("work", "public.work")
    ));
    sandbox.write("project/db/src/pgtap.sql", text);
    sandbox
}

#[test]
fn its_results_are_read_with_their_lines_and_values() {
    let sandbox = with_pgtap();
    write(&sandbox, &FILES.map(|(name, _, text)| (name, text)));
    let outcome = sandbox.database(["check", "--test", "--format", "json"]).fails(1, []);
    let report = json(&outcome);
    for (name, passes, _) in FILES {
        let files = report["files"].as_array().unwrap();
        let file = files.iter().find(|file| file["file"] == format!("db/test/{name}")).unwrap();
        assert_eq!(file["ok"], passes, "{name}: {file}");
    }
    let file = |name: &str| {
        let files = report["files"].as_array().unwrap();
        files.iter().find(|file| file["file"] == format!("db/test/{name}")).unwrap()["tests"]
            .clone()
    };
    let values = file("values.sql");
    for (test, line, want, have) in
        [(0, 3, "right", "left"), (1, 6, "(3)", "(2)"), (2, 7, "22004", "22012: division by zero")]
    {
        let test = &values[test];
        assert_eq!(
            (&test["line"], &test["want"], &test["have"]),
            (&line.into(), &want.into(), &have.into())
        );
    }
    let inner = &file("runtests_bad.sql")[0];
    assert_eq!((&inner["line"], &inner["want"]), (&5.into(), &"2".into()));
    assert_eq!(inner["diagnostics"][0], "not ok 1 - inner");
    assert_eq!(file("todo.sql")[0]["directive"], "todo");
    assert_eq!(file("todo.sql")[1]["directive"], "skip");
}

/// `prove`, which `pg_prove` is made of, has the same verdicts.
#[test]
fn the_verdicts_are_those_of_prove() {
    let sandbox = with_pgtap();
    sandbox.database(["deploy", "--no-patch"]).success();
    for (name, passes, text) in FILES {
        let file = sandbox.write("case.sql", text).display().to_string();
        let url = sandbox.variable("DB_URL").unwrap().to_str().unwrap();
        let psql = format!("{} -d {url} -XqAt -v ON_ERROR_STOP=1 -f", crate::support::psql());
        sandbox.database(["psql", "-qc", "DROP SCHEMA IF EXISTS t CASCADE"]).success();
        let proved = sandbox.run("prove", ["--exec", &psql, &file]);
        assert_eq!(proved.code == Some(0), passes, "{name}: {proved}");
    }
}
