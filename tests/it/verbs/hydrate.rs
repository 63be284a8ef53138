//! `database hydrate`: the bundle, the secrets, the sources.

use crate::support::{Sandbox, assert_golden, project};

const ITEM: &str = "CREATE TABLE IF NOT EXISTS item (id int) INHERITS (hectic.created_at);\n";

fn hydrated(sandbox: &Sandbox, sql: &str) -> String {
    sandbox.write("project/db/src/entrypoint.sql", sql);
    sandbox.database(["-q", "hydrate"]).success().stdout
}

#[test]
fn the_bundle_comes_first_and_is_applied_each_time() {
    let sandbox = project::deployed(ITEM);
    sandbox.ask("DROP FUNCTION hectic.get_secret(text) CASCADE");
    let hydrated = sandbox.database(["hydrate"]).success();
    assert!(hydrated.stderr.contains("hydrated: "), "{hydrated}");
    assert_eq!(sandbox.ask("SELECT hectic.get_secret('none') IS NULL"), "t");
}

#[test]
fn no_hook_leaves_the_bundle_out() {
    for flag in ["-H", "--no-hook"] {
        let mut sandbox = project::with_source("CREATE TABLE plain ();");
        sandbox.database(["init"]).success();
        sandbox.set("HECTIC_DOTENV_CONTENT", "A=s3cr3t");
        let hydrated = sandbox.database(["hydrate", flag]).success();
        assert_eq!(sandbox.ask("SELECT to_regnamespace('hectic') IS NULL"), "t");
        assert_eq!(sandbox.ask("SELECT to_regclass('plain') IS NULL"), "f");
        assert!(hydrated.stderr.contains("the dotenv is not loaded"), "{hydrated}");
    }
}

#[test]
fn mock_sets_use_mock_to_one() {
    let sandbox = project::deployed(ITEM);
    let sql = "\\if :{?USE_MOCK}\n\\echo mock :USE_MOCK\n\\else\n\\echo real\n\\endif\n";
    assert_eq!(hydrated(&sandbox, sql), "real\n");
    for flag in ["-m", "--mock"] {
        assert_eq!(sandbox.database(["hydrate", flag]).success().stdout, "mock 1\n");
    }
}

#[test]
fn sources_may_use_what_only_psql_knows() {
    let sandbox = project::deployed(ITEM);
    sandbox.write("project/db/src/part/one.sql", "\\echo one\n\\ir two.sql\n");
    sandbox.write("project/db/src/part/two.sql", "\\echo two\n");
    sandbox.write("project/rows.csv", "1\n2\n");
    let sql = "\\set QUIET on\n\\pset tuples_only on\n\\pset format unaligned\n\
        \\ir part/one.sql\n\
        \\i db/src/part/two.sql\n\
        \\set answer 42\n\
        SELECT :answer, :'answer';\n\
        \\copy item (id) FROM 'rows.csv'\n\
        SELECT count(*) FROM item;\n\
        SELECT format('CREATE TABLE made_%s () INHERITS (hectic.created_at)', n) FROM generate_series(1, 2) n \\gexec\n\
        SELECT to_regclass('made_2') IS NOT NULL AS made \\gset\n\
        \\if :made\n\\echo made\n\\else\n\\echo not made\n\\endif\n";
    assert_eq!(hydrated(&sandbox, sql), "one\ntwo\ntwo\n42|42\n2\nmade\n");
}

#[test]
fn no_startup_file_is_read_and_the_first_error_stops() {
    let sandbox = project::deployed(ITEM);
    sandbox.write("home/.psqlrc", "\\echo PSQLRC\n\\set ON_ERROR_STOP 0\n");
    sandbox.write("project/db/src/entrypoint.sql", "SELECT nonsense;\n\\echo reached\n");
    let failed = sandbox.database(["hydrate"]).fails(1, ["nonsense"]);
    assert_eq!(failed.stdout, "");
}

#[test]
fn a_failing_statement_is_shown_with_everything_known_about_it() {
    let sandbox = project::deployed(ITEM);
    sandbox.write(
        "project/db/src/entrypoint.sql",
        "SELECT 1 AS fine;\n\n-- a rule of the house\n\
         CREATE FUNCTION refuse() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n  \
         RAISE EXCEPTION 'no more room' USING ERRCODE = 'HX001', DETAIL = 'The shelf holds 3.',\n    \
         HINT = 'Buy another shelf.';\nEND\n$$;\nSELECT\n  refuse();\nSELECT 2;\n",
    );
    let failed = sandbox.database(["hydrate"]).fails(1, []);
    assert_golden("hydrate-raised.txt", &failed.block(&sandbox));
}

#[test]
fn a_mistake_in_an_included_file_is_shown_where_it_is() {
    let sandbox = Sandbox::with_project("tests/fixture/broken");
    sandbox.database(["init"]).success();
    let failed = sandbox.database(["hydrate"]).fails(1, []);
    assert_golden("hydrate-included.txt", &failed.block(&sandbox));
}

#[test]
fn a_broken_constraint_tells_its_detail() {
    let sandbox = project::deployed(ITEM);
    sandbox.write(
        "project/db/src/entrypoint.sql",
        "CREATE UNIQUE INDEX ON item (id);\nINSERT INTO item (id)\n  VALUES (1), (1);\n",
    );
    let failed = sandbox.database(["hydrate"]).fails(1, []);
    assert_golden("hydrate-constraint.txt", &failed.block(&sandbox));
}

#[test]
fn no_secret_is_told_by_a_server_that_reports_parameters() {
    let mut sandbox = project::deployed("");
    sandbox.ask("ALTER SYSTEM SET log_parameter_max_length_on_error = -1");
    sandbox.ask("SELECT pg_reload_conf()");
    sandbox.ask(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql \
         AS $$ BEGIN RAISE 'refused' USING HINT = 'wait'; END $$",
    );
    sandbox.ask(
        "CREATE TRIGGER refuse BEFORE INSERT ON hectic.secret_sealed EXECUTE FUNCTION refuse()",
    );
    sandbox.set("HECTIC_DOTENV_CONTENT", "A=s3cr3t");
    let failed = sandbox.database(["hydrate"]).fails(1, ["cannot load the secrets: refused"]);
    assert!(!failed.stderr.contains("s3cr3t"), "{failed}");
    assert!(failed.stderr.contains("wait"), "{failed}");
}

#[test]
fn a_missing_include_is_an_error_with_its_place() {
    let sandbox = project::deployed(ITEM);
    sandbox.write("project/db/src/entrypoint.sql", "SELECT 1;\n\\ir nowhere.sql\n");
    let place = "project/db/src/entrypoint.sql:2";
    sandbox.database(["hydrate"]).fails(1, ["nowhere.sql", place, "No such file or directory"]);
}

#[test]
fn notices_are_messages_and_results_are_data() {
    let sandbox = project::deployed(ITEM);
    let sql = "DO $$ BEGIN RAISE NOTICE 'remember %', 'this'; END $$;\nSELECT 'row' AS result;\n";
    sandbox.write("project/db/src/entrypoint.sql", sql);
    let hydrated = sandbox.database(["hydrate"]).success();
    assert!(hydrated.stderr.contains("NOTICE:  remember this"), "{hydrated}");
    assert!(!hydrated.stderr.contains("00000"), "the state of success is noise: {hydrated}");
    assert!(hydrated.stdout.contains(" row"), "{hydrated}");
    assert!(!hydrated.stdout.contains("remember"), "{hydrated}");
}

#[test]
fn inherits_is_checked_after_the_sources() {
    let sandbox = project::deployed("");
    sandbox.write("project/db/src/entrypoint.sql", ITEM);
    let noted = sandbox.database(["-i", "public.item", "hydrate"]).success();
    assert!(noted.stderr.contains("warning: --inherits is deprecated"), "{noted}");
    sandbox.database(["hydrate", "-i", "nope"]).fails(5, ["the table nope does not exist"]);
    sandbox.database(["hydrate", "-i", "a.b.c.d"]).fails(5, ["a.b.c.d"]);
}

#[test]
fn a_missing_entrypoint_is_named() {
    let sandbox = project::deployed("");
    std::fs::remove_file(sandbox.path("project/db/src/entrypoint.sql")).unwrap();
    let entrypoint = sandbox.path("project/db/src/entrypoint.sql").display().to_string();
    sandbox.database(["hydrate"]).fails(3, [entrypoint.as_str(), "does not exist"]);
}

#[test]
fn a_server_that_is_not_there_is_told_with_the_way_on() {
    let sandbox = project::with_source("");
    sandbox.database(["hydrate"]).fails(1, ["no server listens there", "hint:"]);
    sandbox.database(["hydrate", "-H"]).fails(1, ["no server listens there", "hint:"]);
    // here psql is the first to connect
    sandbox.database(["patch"]).fails(1, ["database status"]);
}

/// The extension is missing, as from a PostgreSQL without contrib.
#[test]
fn an_extension_that_is_not_installed_is_named_with_its_place() {
    let sandbox = project::with_source("-- first\nCREATE EXTENSION contrib_that_is_not_there;\n");
    let words = ["contrib_that_is_not_there", "entrypoint.sql:2:1", "must first be installed"];
    sandbox.database(["deploy"]).fails(1, words);
}
