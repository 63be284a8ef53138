//! The dotenv grammar, tested twice with every case of the shared corpus: by hydration, where
//! db-tool reads the file first, and by the function in the database, which reads the text alone.

use std::fmt::Write;

use crate::support::{Sandbox, project, repository};

struct Case {
    line: usize,
    input: Vec<u8>,
    expected: Result<Vec<Vec<u8>>, String>,
}

fn corpus() -> Vec<Case> {
    let path = repository().join("tests/fixture/dotenv/corpus.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(input) = line.strip_prefix("in:") {
            let input = unescape(input.strip_prefix(' ').unwrap_or(input));
            cases.push(Case { line: number + 1, input, expected: Ok(Vec::new()) });
        } else if let Some(entry) = line.strip_prefix("out: ") {
            let case = cases.last_mut().unwrap();
            case.expected.as_mut().unwrap().push(unescape(entry));
        } else if let Some(message) = line.strip_prefix("error: ") {
            cases.last_mut().unwrap().expected = Err(message.to_owned());
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "line {}: {line}", number + 1);
        }
    }
    assert!(cases.len() > 80, "{} cases", cases.len());
    cases
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let value = match byte {
            b'\\' => match rest.next().unwrap() {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'\\' => b'\\',
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => panic!("\\{} in {text}", char::from(other)),
            },
            byte => byte,
        };
        bytes.push(value);
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The secrets in the database as sorted `NAME=value`, in hexadecimal.
fn loaded(sandbox: &Sandbox) -> Vec<String> {
    let sql = "SELECT coalesce(string_agg(encode(convert_to(key || '=' || value, 'UTF8'), 'hex'), ' '), '') \
               FROM hectic.secret";
    let mut entries: Vec<String> = sandbox.ask(sql).split_whitespace().map(str::to_owned).collect();
    entries.sort();
    entries
}

fn expected(entries: &[Vec<u8>]) -> Vec<String> {
    let mut entries: Vec<String> = entries.iter().map(|entry| hex(entry)).collect();
    entries.sort();
    entries
}

#[test]
fn hydration_reads_the_corpus() {
    let mut sandbox = project::deployed("");
    for Case { line, input, expected: result } in corpus() {
        sandbox.set("HECTIC_DOTENV_FILE", sandbox.write("corpus.env", &input));
        // hydration does not replace existing secrets by an empty dotenv
        sandbox.ask("DELETE FROM hectic.secret_sealed");
        let outcome = sandbox.database(["hydrate", "--no-hook"]);
        assert!(!outcome.stderr.contains("s3cr3t"), "corpus line {line}: {outcome}");
        match result {
            Ok(entries) => {
                assert_eq!(outcome.code, Some(0), "corpus line {line}: {outcome}");
                assert_eq!(loaded(&sandbox), expected(&entries), "corpus line {line}");
            }
            Err(message) => {
                assert_eq!(outcome.code, Some(1), "corpus line {line}: {outcome}");
                assert!(outcome.stderr.contains(&message), "corpus line {line}: {outcome}");
            }
        }
    }
}

/// One statement that compares a case; it raises an error if the outcome is another.
fn comparison(case: &Case) -> String {
    let line = case.line;
    let text = format!("convert_from('\\x{}', 'UTF8')", hex(&case.input));
    let (entries, message) = match &case.expected {
        Ok(entries) => (expected(entries).join(" "), ""),
        Err(message) => (String::new(), message.as_str()),
    };
    // a value that is not text cannot reach the function
    let message = match message.rsplit_once(": ") {
        Some((_, "NUL byte" | "not UTF-8")) => "invalid byte sequence for encoding \"UTF8\"",
        _ => message,
    };
    format!(
        "DO $case$\nDECLARE said text := ''; everything text := ''; entries text; detail text; hint text; context text;\n\
         BEGIN\n  DELETE FROM hectic.secret;\n  BEGIN\n    PERFORM hectic.load_secrets_from_env({text});\n\
         EXCEPTION WHEN OTHERS THEN\n    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, \
         hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;\n    everything := concat(said, detail, hint, context);\n  END;\n  \
         SELECT coalesce(string_agg(encode(convert_to(key || '=' || value, 'UTF8'), 'hex') , ' ' \
         ORDER BY encode(convert_to(key || '=' || value, 'UTF8'), 'hex') COLLATE \"C\"), '') INTO entries FROM hectic.secret;\n  \
         IF entries <> '{entries}' OR NOT starts_with(said, $said${message}$said$) \
         OR (said = '') <> ($said${message}$said$ = '') OR everything LIKE '%s3cr3t%' THEN\n    \
         RAISE EXCEPTION 'corpus line {line}: % %', said, entries;\n  END IF;\nEND $case$;\n"
    )
}

#[test]
fn the_database_reads_the_corpus_alike() {
    let sandbox = project::deployed("");
    sandbox.give_key();
    let script: String = corpus().iter().map(comparison).collect();
    let psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"];
    let outcome = sandbox.run_with_input("database", psql, &script).success();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

#[test]
fn limits_are_the_same_on_both_sides() {
    let mut sandbox = project::deployed("");
    let name = |length: usize| format!("{}=x", "N".repeat(length));
    let value = |length: usize| format!("A={}", "s3cr3t".repeat(20_000).get(..length).unwrap());
    let file = |length: usize| format!("{}\n", "#".repeat(length - 1));
    for (text, message) in [
        (name(128), ""),
        (name(129), "dotenv line 1: invalid name"),
        (value(65_536), ""),
        (value(65_537), "dotenv line 1: value larger than 65536 bytes"),
        (file(1 << 20), ""),
        (file((1 << 20) + 1), "dotenv: larger than 1 MiB"),
    ] {
        sandbox.set("HECTIC_DOTENV_FILE", sandbox.write("limit.env", &text));
        let by_tool = sandbox.database(["secrets", "load", "--allow-empty"]);
        let ask = format!(
            "\\set content `cat '{}'`\nSELECT hectic.load_secrets_from_env(:'content' || E'\\n');\n",
            sandbox.path("limit.env").display()
        );
        let psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"];
        let by_database = sandbox.run_with_input("database", psql, &ask);
        for (outcome, code) in [(by_tool, 1), (by_database, 3)] {
            let code = if message.is_empty() { 0 } else { code };
            assert_eq!(outcome.code, Some(code), "{message}: {}", outcome.stderr);
            assert!(outcome.stderr.contains(message), "{message}: {}", outcome.stderr);
            assert!(!outcome.stderr.contains("s3cr3t"), "{message}");
        }
    }
}

#[test]
fn a_rejected_file_changes_nothing() {
    let mut sandbox = project::deployed("");
    sandbox.set("HECTIC_DOTENV_CONTENT", "A=1\nB=2");
    sandbox.database(["hydrate"]).success();
    sandbox.set("HECTIC_DOTENV_CONTENT", "A=changed\nB");
    sandbox.write("project/db/src/entrypoint.sql", "CREATE TABLE never ();");
    let failed = sandbox.database(["hydrate"]).fails(1, ["dotenv line 2: expected NAME=value"]);
    assert!(!failed.stderr.contains("changed"), "{failed}");
    assert_eq!(loaded(&sandbox), [hex(b"A=1"), hex(b"B=2")]);
    assert_eq!(sandbox.ask("SELECT to_regclass('never') IS NULL"), "t");
}

#[test]
fn a_file_with_every_oddity_loads() {
    let mut sandbox = project::deployed("");
    let text = "\u{feff}# comment\r\nexport PLAIN=a b # c\r\nKEY=\"-----BEGIN-----\r\nx\\ty\r\n\
                -----END-----\"\r\nRAW='$HOME `id` \\n'\r\nEMPTY=\r\n";
    sandbox.set("HECTIC_DOTENV_FILE", sandbox.write("odd.env", text));
    sandbox.database(["hydrate"]).success();
    let value = |name: &str| sandbox.ask(&format!("SELECT hectic.get_secret('{name}')"));
    assert_eq!(value("PLAIN"), "a b");
    assert_eq!(value("KEY"), "-----BEGIN-----\nx\ty\n-----END-----");
    assert_eq!(value("RAW"), "$HOME `id` \\n");
    assert_eq!(value("EMPTY"), "");
}

#[test]
fn no_value_reaches_a_message_or_the_servers_log() {
    let mut sandbox = project::deployed("");
    sandbox.ask("ALTER SYSTEM SET log_statement = 'none'");
    sandbox.set("HECTIC_DOTENV_CONTENT", "A=s3cr3t\nB='s3cr3t two'");
    sandbox.write("project/db/src/entrypoint.sql", "SELECT nonsense;");
    let failed = sandbox.database(["--verbose", "hydrate"]).fails(1, []);
    assert!(!failed.stderr.contains("s3cr3t"), "{failed}");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    for name in sandbox.entries("pg/log") {
        assert!(!sandbox.read(&format!("pg/log/{name}")).contains("s3cr3t"), "{name}");
    }
}
