//! The end of a script: open transactions, lost data, mistakes that psql passes over.

use crate::support::{Outcome, Sandbox, project};

const ITEM: &str = "CREATE TABLE item (id int) INHERITS (hectic.created_at);\n";

/// A deployed project with this patch, and the outcome of `patch`.
fn patched(sql: &str) -> (Sandbox, Outcome) {
    let sandbox = project::deployed(ITEM);
    sandbox.write("project/test-data.sql", sql);
    let outcome = sandbox.database(["patch"]);
    (sandbox, outcome)
}

/// The rows of `item`, by their ids.
fn items(sandbox: &Sandbox) -> String {
    sandbox.ask("SELECT coalesce(string_agg(id::text, ',' ORDER BY id), '') FROM item")
}

#[test]
fn a_transaction_that_is_open_at_the_end_is_an_error() {
    let sandbox = project::deployed(ITEM);
    for (sql, line) in [
        ("BEGIN;\nINSERT INTO item (id) VALUES (1);\n", 1),
        ("SELECT 1;\nstart transaction;\nINSERT INTO item (id) VALUES (1)", 2),
        ("\\set AUTOCOMMIT off\nINSERT INTO item (id) VALUES (1);\n", 2),
        ("BEGIN; COMMIT\n  AND CHAIN;\nINSERT INTO item (id) VALUES (1);\n", 1),
        ("SELECT 'BEGIN' AS b\n\\gexec\nINSERT INTO item (id) VALUES (1);\n", 2),
        ("\n\nBEGIN;\nINSERT INTO item (id) VALUES (1);\n\\q\nCOMMIT;\n", 3),
        ("\\set ECHO all\nBEGIN;\n\\set VERBOSITY terse\n\\timing on\n", 2),
    ] {
        sandbox.write("project/test-data.sql", sql);
        let place = format!("project/test-data.sql:{line}");
        let failed =
            sandbox.database(["patch"]).fails(1, ["a transaction is still open", place.as_str()]);
        assert!(
            !failed.stderr.contains("patched") && !failed.stderr.contains("DISCARD"),
            "{failed}"
        );
        assert_eq!(items(&sandbox), "", "{sql}");
    }
}

#[test]
fn the_file_that_opened_it_is_named() {
    let (sandbox, outcome) =
        patched("SELECT 1;\n\\ir more/b.sql\nINSERT INTO item (id) VALUES (1);\n");
    outcome.fails(1, ["more/b.sql"]);
    sandbox.write("project/more/b.sql", "-- BEGIN\n/* x */ BEGIN;\n");
    sandbox.database(["patch"]).fails(1, ["still open", "project/more/b.sql:2"]);
    sandbox.write("project/more/b.sql", "DO $$ BEGIN NULL; END $$; BEGIN;\nCOMMIT;\n");
    sandbox.database(["patch"]).success();
    assert_eq!(items(&sandbox), "1");
}

#[test]
fn every_verb_that_runs_scripts_looks_at_the_end() {
    let sandbox = project::deployed(ITEM);
    sandbox.write("project/db/test/test.sql", "SELECT 1;\nBEGIN;\nSELECT '1..1'; SELECT 'ok 1';\n");
    sandbox.database(["test"]).fails(1, ["still open", "db/test/test.sql:2"]);
    sandbox.write("project/db/test/test.sql", "BEGIN;\nSELECT '1..1'; SELECT 'ok 1';\nROLLBACK;\n");
    sandbox.database(["test"]).success();
    sandbox.write("project/db/src/entrypoint.sql", "SELECT 1;\nBEGIN;\nCREATE SCHEMA other;\n");
    for verb in ["hydrate", "deploy", "check"] {
        sandbox.database([verb]).fails(1, ["still open", "db/src/entrypoint.sql:2"]);
    }
}

#[test]
fn a_log_holds_what_the_script_wrote() {
    let mut sandbox = project::deployed("");
    sandbox.set("PATCH_LOG", sandbox.path("p.log"));
    sandbox.write("project/test-data.sql", "\\warn note\n\\echo result\nBEGIN;\n");
    sandbox.database(["patch"]).fails(1, ["still open", "test-data.sql:3"]);
    // stdout and stderr reach the log in any order
    let log = sandbox.read("p.log");
    let mut lines: Vec<_> = log.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["BEGIN", "note", "result"]);
}

#[test]
fn output_is_the_scripts_alone() {
    let sql = "\\echo a\n\\set QUIET on\nSET client_min_messages = debug5;\n\\set ECHO queries\n\\timing on\n\
               \\pset format html\n\\set ON_ERROR_ROLLBACK on\n";
    let (_, outcome) = patched(sql);
    assert_eq!(outcome.success().stdout, "a\n");
}

#[test]
fn a_copy_without_its_end_is_an_error() {
    for (sql, line) in [
        ("SELECT 1;\nCOPY item (id) FROM stdin;\n1\n2\n", 2),
        ("\\copy item (id) from stdin\n1\n", 1),
        ("COPY item (id) FROM STDIN;\n", 1),
    ] {
        let place = format!("project/test-data.sql:{line}");
        patched(sql).1.fails(1, ["ends the data of COPY", place.as_str()]);
    }
    let (sandbox, outcome) = patched("COPY item (id) FROM stdin;\n1\n\\.\n");
    outcome.success();
    assert_eq!(items(&sandbox), "1");
}

#[test]
fn a_transaction_that_reconnecting_drops_is_an_error() {
    let sql = "SELECT 1;\nBEGIN;\nINSERT INTO item (id) VALUES (1);\n\\c\nSELECT 2;\n";
    let (sandbox, outcome) = patched(sql);
    outcome.fails(1, ["test-data.sql:4, where \\connect rolled it back", "test-data.sql:2"]);
    assert_eq!(items(&sandbox), "");
}

#[test]
fn ending_early_is_a_warning() {
    let (sandbox, outcome) =
        patched("INSERT INTO item (id) VALUES (1);\n\\q\nINSERT INTO item (id) VALUES (2);\n");
    let outcome = outcome.success();
    assert!(
        outcome.stderr.contains("warning: ") && outcome.stderr.contains("test-data.sql:2: \\q")
    );
    assert_eq!(items(&sandbox), "1");
    for sql in ["\\if false\n\\q\n\\endif\nSELECT 1;\n", "SELECT 1;\n\\q\n", "SELECT '\\q';\n"] {
        sandbox.write("project/test-data.sql", sql);
        let outcome = sandbox.database(["patch"]).success();
        assert!(!outcome.stderr.contains("warning"), "{outcome}");
    }
}

#[test]
fn going_on_after_errors_is_a_warning() {
    let sql = "SELECT 1;\n\\set ON_ERROR_STOP off\nSELECT nosuch;\n\\set ON_ERROR_STOP on\n";
    let (sandbox, outcome) = patched(sql);
    let outcome = outcome.success();
    assert!(outcome.stderr.contains("warning: "), "{outcome}");
    assert!(outcome.stderr.contains("test-data.sql:2: ON_ERROR_STOP is off"), "{outcome}");
    for (sql, words) in [
        ("SELECT 'off' AS \"ON_ERROR_STOP\" \\gset\n", "warning: "),
        (
            "\\set ON_ERROR_STOP 0\nBEGIN;\nSELECT nosuch;\n",
            "a transaction that failed is still open",
        ),
        ("\\set ON_ERROR_STOP 0\n\\c nosuch\nSELECT 1;\n", "not connected"),
    ] {
        sandbox.write("project/test-data.sql", sql);
        let outcome = sandbox.database(["patch"]);
        assert!(outcome.stderr.contains(words), "{outcome}");
    }
}

#[test]
fn a_restriction_that_stays_is_an_error() {
    let (sandbox, outcome) = patched("SELECT 1;\n\\restrict abc\nSELECT 2;\n");
    // older releases of psql do not know the command
    outcome.fails(1, ["test-data.sql:2", "restrict"]);
    sandbox.write("project/test-data.sql", "\\restrict abc\nSELECT 2;\n\\unrestrict abc\n");
    sandbox.database(["patch"]).success();
}

#[test]
fn a_commit_of_a_failed_transaction_is_an_error() {
    let sandbox = project::deployed(ITEM);
    let insert = "INSERT INTO item (id) VALUES (1);";
    for (sql, opened, why) in [
        (format!("BEGIN;\n{insert}\nSELECT nosuch;\nCOMMIT;\n"), 2, "test-data.sql:5"),
        (format!("BEGIN; {insert} SELECT nosuch; COMMIT;\n"), 2, "test-data.sql:2"),
        (format!("BEGIN;\n{insert}\nSELECT\n  nosuch;\nEND;\n{insert}\n"), 2, "test-data.sql:5"),
        (format!("\\set AUTOCOMMIT off\n{insert}\nSELECT nosuch;\nCOMMIT;\n"), 3, "test-data.sql:5"),
        (format!("BEGIN;\n{insert}\n\\copy item (id) from stdin\nx\n\\.\nCOMMIT;\n"), 2, "test-data.sql:7"),
        (format!("BEGIN;\n{insert}\nCOPY item (id) FROM stdin;\nx\n\\.\nCOMMIT;\n"), 2, "test-data.sql:7"),
        (format!("BEGIN;\n{insert}\nSELECT 'SELECT nosuch' AS a\n\\gexec\nCOMMIT;\n"), 2, "test-data.sql:6"),
        (format!("BEGIN\\; {insert} SELECT nosuch;\nCOMMIT AND CHAIN;\nROLLBACK;\n"), 2, "test-data.sql:3"),
        (format!("BEGIN;\n{insert}\nSELECT count(*) AS n FROM nosuch \\gset\nCOMMIT;\n"), 2, "test-data.sql:5"),
        (format!("BEGIN;\n\\set ECHO none\n{insert}\nSELECT nosuch;\nCOMMIT;\n"), 2, "test-data.sql:6"),
        (
            "ALTER TABLE item ADD CONSTRAINT u UNIQUE (id) DEFERRABLE INITIALLY DEFERRED;\nBEGIN;\n\
             INSERT INTO item (id) VALUES (1), (1);\nCOMMIT;\n"
                .to_owned(),
            3,
            "test-data.sql:5",
        ),
    ] {
        sandbox.write("project/test-data.sql", format!("\\set ON_ERROR_STOP off\n{sql}"));
        let place = format!("test-data.sql:{opened}");
        sandbox.database(["patch"]).fails(1, ["COMMIT at ", why, place.as_str(), "rolled"]);
    }
    sandbox.write("project/more/b.sql", "SELECT nosuch;\n");
    let sql =
        format!("\\set ON_ERROR_STOP off\nBEGIN;\n{insert}\n\\ir more/../more/b.sql\nCOMMIT;\n");
    sandbox.write("project/test-data.sql", &sql);
    sandbox.database(["patch"]).fails(1, ["COMMIT at ", "more/b.sql:1", "test-data.sql:2"]);
    assert_eq!(sandbox.ask("SELECT count(*) FROM item WHERE id = 1"), "1", "of the third script");
}

#[test]
fn work_that_a_script_gives_up_or_saves_is_no_loss() {
    let sandbox = project::deployed(ITEM);
    let insert = "INSERT INTO item (id) VALUES (1);";
    for sql in [
        format!("BEGIN;\n{insert}\nSELECT nosuch;\nROLLBACK;\n"),
        format!("BEGIN;\n{insert}\nSAVEPOINT s;\nSELECT nosuch;\nROLLBACK TO s;\nCOMMIT;\n"),
        format!("\\set ON_ERROR_ROLLBACK on\nBEGIN;\n{insert}\nSELECT nosuch;\nCOMMIT;\n"),
        format!("BEGIN;\n{insert}\nCOMMIT;\nSELECT nosuch;\n"),
    ] {
        sandbox.write("project/test-data.sql", format!("\\set ON_ERROR_STOP off\n{sql}"));
        let outcome = sandbox.database(["patch"]).success();
        assert!(outcome.stderr.contains("ON_ERROR_STOP is off"), "{outcome}");
    }
    assert_eq!(items(&sandbox), "1,1,1");
}

#[test]
fn what_psql_decides_is_known_at_the_end() {
    let sandbox = project::deployed(ITEM);
    let script = "SELECT count(*) = 0 AS empty FROM item \\gset\n\\if :empty\n\\q\n\\endif\n\
                  INSERT INTO item (id) VALUES (2);\n";
    sandbox.write("project/test-data.sql", script);
    let outcome = sandbox.database(["patch"]).success();
    assert!(
        outcome.stderr.contains("test-data.sql:3: \\q ends the file here: psql does"),
        "{outcome}"
    );
    sandbox.ask("INSERT INTO item (id) VALUES (1)");
    let outcome = sandbox.database(["patch"]).success();
    assert!(!outcome.stderr.contains("warning"), "{outcome}");
    assert_eq!(items(&sandbox), "1,2");
    // a last line without its end, and a value with a line end
    let sql = "SELECT E'f\\nt' AS a \\gset\n\\if :a\n\\endif\n\\warn -n half a line\n";
    sandbox.write("project/test-data.sql", sql);
    let outcome = sandbox.database(["patch"]).success();
    assert!(outcome.stderr.contains("half a line"), "{outcome}");
}

#[test]
fn an_include_may_have_a_variable_in_its_path() {
    let mut sandbox = project::deployed(ITEM);
    sandbox.set("PARTS", "more");
    sandbox.write("project/more/b.sql", "SELECT 1;\nBEGIN;\n");
    for sql in [
        "\\set dir more\n\\i :dir/b.sql\n",
        "\\getenv dir PARTS\n\\ir :dir/b.sql\n",
        "SELECT 'more/b' AS file \\gset\n\\i :file.sql\n",
    ] {
        sandbox.write("project/test-data.sql", sql);
        sandbox.database(["patch"]).fails(1, ["still open", "project/more/b.sql:2"]);
    }
    // the path is known only to psql, but the state of the session shows the open transaction
    let sql = "SELECT 'more/b.sql' AS f \\gset\n\\i :f\nSELECT 'x' AS f \\gset\n";
    sandbox.write("project/test-data.sql", sql);
    sandbox.database(["patch"]).fails(1, ["still open"]);
}

/// Procedures and blocks that end transactions themselves, and exception handlers.
#[test]
fn a_block_that_handles_its_errors_or_commits_loses_nothing() {
    const OFF: &str = "\\set ON_ERROR_STOP off\n";
    const ON: &str = "\\set ON_ERROR_STOP on\n";
    let procedure = "CREATE PROCEDURE step() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO item (id) VALUES (1); COMMIT; INSERT INTO item (id) VALUES (2); PERFORM 1/0; END $$;";
    let sandbox = project::deployed(&format!("{ITEM}{procedure}\n"));
    let insert = "INSERT INTO item (id) VALUES (9);\n";
    let handled = "DO $$ BEGIN INSERT INTO item (id) VALUES (1); PERFORM 1/0; EXCEPTION WHEN division_by_zero THEN INSERT INTO item (id) VALUES (3); END $$;\n";
    let refused = "DO $$ BEGIN BEGIN COMMIT; EXCEPTION WHEN invalid_transaction_termination THEN NULL; END; END $$;\n";
    let aborted = "DO $$ BEGIN RAISE SQLSTATE '25P02'; END $$;\n";
    for (sql, code, kept) in [
        (format!("BEGIN;\n{handled}{insert}COMMIT;\n"), 0, "3,9"),
        (format!("{OFF}BEGIN;\n{handled}{insert}COMMIT;\n{ON}"), 0, "3,9"),
        (format!("BEGIN;\n{refused}{insert}COMMIT;\n"), 0, "9"),
        (format!("{OFF}CALL step();\n{insert}{ON}"), 0, "1,9"),
        (format!("CALL step();\n{insert}"), 1, "1"),
        (format!("{OFF}BEGIN;\nCALL step();\n{insert}COMMIT;\n{ON}"), 1, ""),
        (format!("{OFF}\\set AUTOCOMMIT off\nCALL step();\n{insert}COMMIT;\n{ON}"), 1, ""),
        (
            format!("{OFF}\\set ON_ERROR_ROLLBACK on\nBEGIN;\nCALL step();\n{insert}COMMIT;\n{ON}"),
            0,
            "9",
        ),
        (format!("DO $$ BEGIN {insert} ROLLBACK; END $$;\n"), 0, ""),
        (format!("DO $$ BEGIN {insert} COMMIT AND CHAIN; END $$;\n"), 0, "9"),
        (format!("DO $$ BEGIN {insert} COMMIT AND CHAIN; END $$;\nBEGIN;\n"), 1, "9"),
        (format!("{OFF}{aborted}{insert}COMMIT;\n{ON}"), 0, "9"),
        (format!("{OFF}BEGIN;\n{aborted}{insert}COMMIT;\n{ON}"), 1, ""),
    ] {
        sandbox.ask("TRUNCATE item");
        sandbox.write("project/test-data.sql", &sql);
        let outcome = sandbox.database(["patch"]);
        assert_eq!((outcome.code, &*items(&sandbox)), (Some(code), kept), "{sql}: {outcome}");
    }
}
