//! Reviews of small scripts.

use super::*;

fn reviewed(files: &[(&str, &str)], closely: bool) -> Review {
    report(files, closely, &[], &[])
}

/// Reviews files with the given answers of psql. Errors have a file, a line and a statement; a `!`
/// marks one that the server refused because of an earlier error.
fn report(
    files: &[(&str, &str)],
    closely: bool,
    answers: &[(&str, Option<&str>)],
    errors: &[(&str, usize, &str)],
) -> Review {
    let root = tempfile::tempdir().expect("temporary directory");
    for (name, text) in files {
        std::fs::write(root.path().join(name), text).expect("written");
    }
    let directory = root.path().to_owned();
    let variables = vec![("MOCK".to_owned(), "1".to_owned())];
    let answers = answers.iter().map(|(n, v)| ((*n).to_owned(), v.map(str::to_owned))).collect();
    let error = |(file, line, statement): &(&str, usize, &str)| IgnoredError {
        file: (*file).to_owned(),
        line: *line,
        statement: statement.trim_start_matches('!').to_owned(),
        aborted: statement.starts_with('!'),
    };
    let report = PsqlReport { answers, errors: errors.iter().map(error).collect() };
    review(&Script { file: files[0].0.into(), variables, directory, log: None }, closely, report)
}

fn at(place: &Place) -> String {
    let name = place.file.file_name().expect("name").to_string_lossy();
    format!("{name}:{}", place.line)
}

fn opened(text: &str) -> Option<String> {
    let more = ("b.sql", "SELECT 1;\n\nBEGIN;");
    reviewed(&[("a.sql", text), more], true).opened.as_ref().map(at)
}

#[test]
fn the_opener_of_a_transaction_is_found() {
    for (text, expected) in [
        ("SELECT 1;\nBEGIN;\nSELECT 2;", "a.sql:2"),
        ("BEGIN;\nCOMMIT;\nSTART TRANSACTION;", "a.sql:3"),
        ("BEGIN;\nSAVEPOINT a;\nROLLBACK TO a;", "a.sql:1"),
        ("BEGIN;\nBEGIN;", "a.sql:1"),
        ("BEGIN;\nCOMMIT\nAND CHAIN;", "a.sql:2"),
        ("BEGIN; ROLLBACK AND NO CHAIN;\nBEGIN; ROLLBACK AND CHAIN", "a.sql:2"),
        ("SELECT 1;\n\\ir b.sql\nSELECT 2;", "b.sql:3"),
        ("\\set AUTOCOMMIT off\n\nSELECT 1;\nCOMMIT;\nSELECT 2;", "a.sql:5"),
        ("\\unset AUTOCOMMIT\nSELECT 1;", "a.sql:2"),
        ("SELECT 'BEGIN'\n\\gexec\n", "a.sql:2"),
        (":start\n;", "a.sql:1"),
        ("\\if :ERROR\nBEGIN;\n\\endif", "a.sql:2"),
        ("\\if false\nBEGIN;\n\\else\nBEGIN;\n\\endif", "a.sql:4"),
        ("\\if :{?MOCK}\nBEGIN;\n\\elif true\nBEGIN;\n\\endif", "a.sql:2"),
        ("\\if :ERROR\nBEGIN;\nCOMMIT;\n\\endif\nBEGIN;", "a.sql:5"),
    ] {
        assert_eq!(opened(text).as_deref(), Some(expected), "{text}");
    }
    for text in [
        "BEGIN;\nEND;",
        "BEGIN;\nPREPARE TRANSACTION 'x';",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;",
        "DO $$ BEGIN NULL; END $$;",
        "SELECT 'BEGIN;'; -- BEGIN;",
        "BEGIN \\r\nSELECT 1;",
        "\\if false\nBEGIN;\n\\endif",
        "SELECT 1; \\q\nBEGIN;",
    ] {
        assert_eq!(opened(text), None, "{text}");
    }
}

fn warned(text: &str) -> Vec<String> {
    let more = ("b.sql", "SELECT 1;\n\\q\nSELECT 2;");
    let warnings = reviewed(&[("a.sql", text), more], false).warnings;
    warnings.iter().map(|(place, _)| at(place)).collect()
}

#[test]
fn what_a_script_tells_psql_to_pass_over_is_a_warning() {
    for (text, expected) in [
        ("SELECT 1;\n\\q\nSELECT 2;", &["a.sql:2"][..]),
        ("\\quit\n\\echo x", &["a.sql:1"]),
        ("\\ir b.sql\n\\i b.sql\nSELECT 1;", &["b.sql:2"]),
        ("\\set ON_ERROR_STOP off\n\\set ON_ERROR_STOP on", &["a.sql:1"]),
        ("\\set ON_ERROR_STOP 0", &["a.sql:1"]),
        ("\\unset ON_ERROR_STOP", &["a.sql:1"]),
        ("\\if :ERROR\n\\q\n\\endif\nSELECT 1;", &["a.sql:2"]),
        ("\\if :MOCK\n\\q\n\\endif\nSELECT 1;", &["a.sql:2"]),
    ] {
        assert_eq!(warned(text), expected, "{text}");
    }
    for text in [
        "SELECT 1;\n\\q\n",
        "\\if false\n\\q\n\\endif\nSELECT 1;",
        "\\if :{?OTHER}\n\\q\n\\endif\nSELECT 1;",
        "\\if false\n\\ir b.sql\n\\endif",
        "\\set ON_ERROR_STOP on",
        "COPY t FROM stdin;\na\\\\q\n\\.\nSELECT '\n\\\\q';",
    ] {
        assert!(warned(text).is_empty(), "{text}");
    }
}

fn lost(text: &str) -> Option<String> {
    let more = ("b.sql", "BEGIN;");
    let lost = reviewed(&[("a.sql", text), more], false).lost;
    lost.map(|(place, why)| format!("{}: {why}", at(&place)))
}

#[test]
fn data_that_psql_loses_is_found() {
    for (text, expected) in [
        ("SELECT 1;\nCOPY t FROM stdin;\n1\nSELECT 2;", "a.sql:2: no line \\."),
        ("COPY t FROM stdin;", "a.sql:1: no line \\."),
        ("\\copy t from stdin\n1", "a.sql:1: no line \\."),
        ("\\ir b.sql\nSELECT 1;\n\\c\n", "b.sql:1: the transaction was open at "),
    ] {
        let lost = lost(text).unwrap_or_else(|| panic!("{text}"));
        assert!(lost.starts_with(expected), "{text}: {lost}");
    }
    for text in [
        "COPY t FROM stdin;\n\\.\n",
        "COPY t FROM stdin;\r\n1\r\n\\.",
        "COPY t TO stdout;",
        "BEGIN;\nCOMMIT;\n\\c\n",
        "\\if :ERROR\nBEGIN;\n\\endif\n\\c\n",
    ] {
        assert_eq!(lost(text), None, "{text}");
    }
}

#[test]
fn a_commit_of_a_failed_transaction_loses_its_work() {
    for (text, errors, expected) in [
        ("BEGIN;\nSELECT 1/0;\nCOMMIT;", &[(2, "SELECT 1/0;")][..], Some(("a.sql:1", "a.sql:3"))),
        ("BEGIN; SELECT 1/0; END;", &[(1, "SELECT 1/0;")], Some(("a.sql:1", "a.sql:1"))),
        ("BEGIN;\nSELECT\n 1/0;\nCOMMIT;", &[(3, "")], Some(("a.sql:1", "a.sql:4"))),
        (
            "BEGIN;\nx\n;\nCOMMIT AND CHAIN;\nROLLBACK;",
            &[(3, "x\n;")],
            Some(("a.sql:1", "a.sql:4")),
        ),
        ("BEGIN;\nx;\nPREPARE TRANSACTION 'a';", &[(2, "x;")], Some(("a.sql:1", "a.sql:3"))),
        // a deferred constraint
        ("BEGIN;\nx;\nCOMMIT;", &[(3, "COMMIT;")], Some(("a.sql:1", "COMMIT at "))),
        ("\\set AUTOCOMMIT off\nx;\ny;\nCOMMIT;", &[(3, "y;")], Some(("a.sql:2", "a.sql:4"))),
        ("\\set AUTOCOMMIT off\nx;\nCOMMIT;", &[(2, "x;")], Some(("a.sql:2", "a.sql:3"))),
        (
            "BEGIN;\n\\copy t from 'x'\nEND;",
            &[(2, "COPY  t from STDIN;")],
            Some(("a.sql:1", "a.sql:3")),
        ),
        (
            "BEGIN;\nCOPY t FROM stdin;\n1\nx\n\\.\nEND;",
            &[(5, "COPY t FROM stdin;")],
            Some(("a.sql:1", "a.sql:6")),
        ),
        ("BEGIN;\nSELECT 'x'\n\\gexec\nEND;", &[(3, "SELECT 'x'")], Some(("a.sql:1", "a.sql:4"))),
        (
            "SELECT 'BEGIN' \\gexec\nx;\ny;\nEND;",
            &[(2, "x;"), (3, "!y;")],
            Some(("a.sql:1", "a.sql:4")),
        ),
        ("BEGIN\\; x\\; y;\nEND;", &[(1, "BEGIN; x; y;")], Some(("a.sql:1", "a.sql:2"))),
        (
            "BEGIN;\nSAVEPOINT a;\nx;\nROLLBACK TO a;\ny;\nEND;",
            &[(3, "x;"), (5, "y;")],
            Some(("a.sql:1", "a.sql:6")),
        ),
        (
            "BEGIN;\n\\ir b.sql\nEND;",
            &[("b", 1)].map(|_| (1, "b;"))[..],
            Some(("a.sql:1", "a.sql:3")),
        ),
        // the script rolls its work back, or commits it
        ("BEGIN;\nx;\nROLLBACK;", &[(2, "x;")], None),
        ("BEGIN;\nSAVEPOINT a;\nx;\nROLLBACK TO a;\nCOMMIT;", &[(3, "x;")], None),
        ("\\set ON_ERROR_ROLLBACK on\nBEGIN;\nx;\nCOMMIT;", &[(3, "x;")], None),
        ("x;\nBEGIN;\ny;\nCOMMIT;", &[(1, "x;")], None),
        ("BEGIN;\ny;\nCOMMIT; x;", &[(3, "x;")], None),
        ("BEGIN\\; y\\; COMMIT\\; x;\nEND;", &[(1, "BEGIN; y; COMMIT; x;")], None),
        ("x;\nCOMMIT;", &[(1, "x;")], None),
        ("\\if :ERROR\nBEGIN;\n\\endif\nx;\nCOMMIT;", &[(4, "x;")], None),
    ] {
        let include = text.contains("b.sql");
        let file = if include { "./b.sql" } else { "a.sql" };
        let errors: Vec<_> = errors.iter().map(|(line, sql)| (file, *line, *sql)).collect();
        let lost = report(&[("a.sql", text), ("b.sql", "b;\n")], false, &[], &errors).lost;
        match expected {
            None => assert_eq!(lost, None, "{text}"),
            Some((place, words)) => {
                let (at_place, why) = lost.unwrap_or_else(|| panic!("{text}"));
                assert_eq!(at(&at_place), place, "{text}: {why}");
                assert!(why.contains(words), "{text}: {why}");
            }
        }
    }
}

#[test]
fn what_psql_tells_at_the_end_makes_a_warning_exact() {
    let text = "SELECT x AS done \\gset\n\\if :done\n\\q\n\\endif\nSELECT 1;";
    for (answer, expected) in [
        (
            &[("done", Some("t"))][..],
            Some("\\q ends the file here: psql does not read the rest of it"),
        ),
        (&[("done", Some("f"))], None),
        (&[("done", None)], None),
        (&[], Some("\\q ends the file here where its \\if holds")),
    ] {
        let warnings = report(&[("a.sql", text)], false, answer, &[]).warnings;
        let warning = warnings.first().map(|(_, what)| what.as_str());
        assert_eq!(warning, expected, "{answer:?}");
    }
    // the value in between is another one
    let twice = format!("{text}\n\\set done f\nSELECT 2;");
    let warnings = report(&[("a.sql", &twice)], false, &[("done", Some("f"))], &[]).warnings;
    assert!(warnings[0].1.contains("where its"), "{warnings:?}");
}

#[test]
fn includes_are_followed_where_variables_have_known_values() {
    for (text, answers) in [
        ("\\set dir '.'\n\\i :dir/b.sql", &[][..]),
        ("\\set file b.sql\n\\ir ./:file", &[]),
        ("\\i :MOCK/b.sql", &[]),
        ("\\set a :MOCK\n\\set b :a'/b.sql'\n\\i :b", &[]),
        ("\\getenv dir DIR\n\\i :dir/b.sql", &[("dir", Some("1"))]),
        ("SELECT 'b.sql' AS f \\gset x_\n\\i 1/:x_f", &[("x_f", Some("b.sql"))]),
        ("\\cd :MOCK\n\\i b.sql", &[]),
    ] {
        let root = tempfile::tempdir().expect("temporary directory");
        std::fs::create_dir(root.path().join("1")).expect("made");
        for (name, text) in [("a.sql", text), ("b.sql", "\n\nBEGIN;"), ("1/b.sql", "\n\nBEGIN;")] {
            std::fs::write(root.path().join(name), text).expect("written");
        }
        let script = Script {
            file: "a.sql".into(),
            variables: vec![("MOCK".to_owned(), "1".to_owned())],
            directory: root.path().to_owned(),
            log: None,
        };
        let answers: Answers =
            answers.iter().map(|(n, v)| ((*n).to_owned(), v.map(str::to_owned))).collect();
        let asked: Vec<_> = answers.keys().cloned().collect();
        assert_eq!(questions(&script), asked, "{text}");
        let found = review(&script, true, PsqlReport { answers, errors: Vec::new() });
        assert_eq!(found.opened.as_ref().map(at).as_deref(), Some("b.sql:3"), "{text}");
    }
}
