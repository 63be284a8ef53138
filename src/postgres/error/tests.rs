//! Recorded outputs of psql 15, 17 and 18 over small scripts, compared as whole renderings.

use std::fmt::Write as _;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::*;

const VERSIONS: [&str; 3] = ["pg15", "pg17", "pg18"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture/psql-stderr")
}

fn read_fixture(path: &Path, lines: RangeInclusive<usize>) -> Option<Vec<String>> {
    let text = fs::read_to_string(fixtures().join(path)).ok()?;
    let count = lines.end() + 1 - lines.start();
    Some(text.lines().skip(lines.start() - 1).take(count).map(str::to_owned).collect())
}

fn read(stderr: &str) -> (Vec<String>, Option<PsqlFailure>) {
    let mut reader = StderrReader::new();
    let mut passed: Vec<String> = stderr.lines().flat_map(|line| reader.push_line(line)).collect();
    let (rest, failure) = reader.finish(true);
    passed.extend(rest);
    (passed, failure)
}

/// The complete result of reading a recorded output.
fn outcome(stderr: &str) -> String {
    let (passed, failure) = read(stderr);
    let mut out = String::new();
    for line in passed {
        // Line numbers of the server's own source differ between versions.
        let line = line.split(", ").next().unwrap().to_owned();
        writeln!(out, "passed on: {line}").unwrap();
    }
    let error = failure.unwrap().locate(read_fixture).into_error("hydrate");
    writeln!(out, "{}\n{}", error.message(), error.details().join("\n")).unwrap();
    out
}

#[test]
fn recorded_outputs_of_psql_render_as_expected() {
    let mut cases = 0;
    for entry in fs::read_dir(fixtures()).unwrap() {
        let script = entry.unwrap().path();
        if script.extension().is_none_or(|extension| extension != "sql") {
            continue;
        }
        let name = script.file_stem().unwrap().to_str().unwrap();
        let golden = fixtures().join("golden").join(format!("{name}.txt"));
        for version in VERSIONS {
            let stderr = fixtures().join(version).join(format!("{name}.txt"));
            let actual = outcome(&fs::read_to_string(stderr).unwrap());
            let expected = fs::read_to_string(&golden).unwrap();
            assert_eq!(actual, expected, "{name} with {version}:\n{actual}");
        }
        cases += 1;
    }
    assert!(cases >= 35, "{cases} cases");
}

#[test]
fn every_line_is_passed_on_when_psql_succeeds() {
    let stderr = fs::read_to_string(fixtures().join("pg15/stop-off.txt")).unwrap();
    let mut reader = StderrReader::new();
    let mut passed: Vec<String> = stderr.lines().flat_map(|line| reader.push_line(line)).collect();
    let (rest, failure) = reader.finish(false);
    passed.extend(rest);
    assert_eq!(passed, stderr.lines().collect::<Vec<_>>());
    assert_eq!(failure, None);
}

#[test]
fn a_silent_failure_is_none() {
    assert_eq!(StderrReader::new().finish(true), (Vec::new(), None));
    let (passed, failure) = read("psql:x.sql:1: NOTICE:  00000: a\nLOCATION:  b");
    assert_eq!((passed.len(), failure), (2, None));
}

#[test]
fn output_without_a_file_has_no_prefix() {
    let (passed, failure) = read(
        "ERROR:  42703: column \"x\" does not exist\nLINE 1: select x\n               ^\n\
         LOCATION:  a, b.c:1\nSTATEMENT:  select x",
    );
    assert_eq!(passed, [""; 0]);
    let error = failure.unwrap().locate(|_, _| unreachable!());
    assert_eq!(error.render(), "ERROR 42703: column \"x\" does not exist");
}

#[test]
fn a_file_name_may_hold_colons() {
    let (_, failure) = read("psql:a:1: b:2:7: ERROR:  22012: division by zero");
    let error = failure.unwrap().error().clone();
    assert_eq!(error.file.unwrap(), Path::new("a:1: b:2"));
}

/// A script of one statement with `count` lines, of which line `bad` fails; and psql's message
/// about it.
fn huge(count: usize, bad: usize) -> (Vec<String>, String) {
    let mut script = vec!["-- big".to_owned(), String::new(), "INSERT INTO t VALUES".to_owned()];
    script.extend((0..count).map(|n| format!("  ({n}, 'some text'),")));
    script[bad - 1] = "  (nosuch, 'x'),".to_owned();
    script.push("  (0, '');".to_owned());
    let mut stderr = format!(
        "psql:big.sql:{}: ERROR:  42703: column \"nosuch\" does not exist\n\
         LINE {}:   (nosuch, 'x'),\n{}^\nLOCATION:  a, b.c:1\npsql:big.sql:{}: STATEMENT:  ",
        script.len(),
        bad - 2,
        " ".repeat(format!("LINE {}:   (", bad - 2).len()),
        script.len(),
    );
    stderr.push_str(&script[2..].join("\n"));
    (script, stderr)
}

#[test]
fn of_a_huge_statement_only_the_beginning_is_kept_and_read_back() {
    let (script, stderr) = huge(100_000, 80_000);
    let (_, failure) = read(&stderr);
    let failure = failure.unwrap();
    assert!(format!("{failure:?}").len() < 200_000);
    let mut asked = Vec::new();
    let error = failure.locate(|_, range| {
        asked.push(range.end() - range.start() + 1);
        Some(script[range.start() - 1..*range.end()].to_vec())
    });
    assert_eq!((error.line, error.column, error.caret), (Some(80_000), Some(4), true));
    assert!(asked.iter().sum::<usize>() < 3_000, "{asked:?}");
}

#[test]
fn a_released_huge_statement_says_how_long_it_was() {
    let (_, stderr) = huge(100_000, 80_000);
    let (passed, failure) = read(&format!("{stderr}\npsql:big.sql:9: error: invalid command \\x"));
    assert!(passed.len() < 5_000);
    assert_eq!(passed.last().unwrap(), "... (100002 lines in all)");
    assert_eq!(failure.unwrap().error().message, "invalid command \\x");
}

#[test]
fn an_unreadable_source_still_gives_the_file_and_a_line() {
    let stderr = fs::read_to_string(fixtures().join("pg15/syntax.txt")).unwrap();
    let error = read(&stderr).1.unwrap().locate(|_, _| None);
    let expected = "ERROR 42601: syntax error at or near \"TABEL\"\n --> syntax.sql:5";
    assert_eq!(error.render(), expected);
}

#[test]
fn control_characters_of_a_message_are_not_printed() {
    let (_, failure) = read("psql:x.sql:1: ERROR:  P0001: a\u{1b}[31mb");
    assert_eq!(failure.unwrap().error().render(), "ERROR P0001: a\u{fffd}[31mb\n --> x.sql");
}

#[test]
fn a_class_of_our_own_is_unexpected() {
    let error = |code: &str| SqlError { sqlstate: Some(code.to_owned()), ..SqlError::default() };
    assert_eq!(error("HC001").into_error("x").kind(), Kind::Unexpected);
    assert_eq!(error("HC005").into_error("x").kind(), Kind::Missing);
    assert_eq!(error("HC006").into_error("x").kind(), Kind::Failed);
    assert_eq!(error("42601").into_error("x").kind(), Kind::Sql);
}

/// The error of a session to which the server sends these error fields.
fn db_error(fields: &[(u8, &str)]) -> DbError {
    let mut body = Vec::new();
    for (kind, text) in fields {
        body.push(*kind);
        body.extend(text.bytes().chain([0]));
    }
    body.push(0);
    let mut answer = vec![b'E'];
    answer.extend((u32::try_from(body.len()).unwrap() + 4).to_be_bytes());
    answer.extend(body);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(async {
        let (client, mut server) = tokio::io::duplex(4096);
        tokio::io::AsyncWriteExt::write_all(&mut server, &answer).await.unwrap();
        let mut config = tokio_postgres::Config::new();
        config.user("u");
        config.connect_raw(client, tokio_postgres::NoTls).await.err().unwrap()
    });
    error.as_db_error().unwrap().clone()
}

const FIELDS: [(u8, &str); 3] =
    [(b'S', "ERROR"), (b'C', "42703"), (b'M', "column \"nosuch\" does not exist")];

#[test]
fn a_session_error_points_into_its_text() {
    let sql = "-- été\nSELECT 1,\n\tnosuch\n";
    let position = (sql[..sql.find("nosuch").unwrap()].chars().count() + 1).to_string();
    let error = db_error(&[&FIELDS[..], &[(b'P', position.as_str()), (b'H', "look")]].concat());
    let error = SqlError::from_db_error(&error, "sql/bundle/40-inheritance.sql", sql);
    let expected = "\
ERROR 42703: column \"nosuch\" does not exist
 --> sql/bundle/40-inheritance.sql:3:2
  |
2 | SELECT 1,
3 |     nosuch
  |     ^
  = hint: look";
    assert_eq!(error.render(), expected);
}

#[test]
fn a_session_error_inside_a_function_shows_its_query() {
    let fields = [(b'p', "12"), (b'q', "SELECT 1,\n nosuch"), (b'W', "PL/pgSQL function f()")];
    let error = db_error(&[&FIELDS[..], &fields[..]].concat());
    let expected = "\
ERROR 42703: column \"nosuch\" does not exist
 --> f.sql
  = in the query, line 2:  nosuch
                           ^
  = context: PL/pgSQL function f()";
    assert_eq!(SqlError::from_db_error(&error, "f.sql", "SELECT f()").render(), expected);
}
