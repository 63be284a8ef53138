//! Secrets in the database: the cipher against the test vectors of others, the key file and its
//! rotation, and the roles that may read secrets.

use std::fmt::Write;

use crate::support::{Outcome, Sandbox, project, repository, wait_until};

/// The key that `Sandbox::give_key` gives: as text, and its bytes.
const KEY: &str = "5ec7e7";
const KEY_BYTES: [u8; 6] = [0x5e, 0xc7, 0xe7, 0x5e, 0xc7, 0xe7];
const CANARY: &str = "c4n4ry-of-a-value";

fn with_key() -> Sandbox {
    let sandbox = project::deployed("");
    sandbox.give_key();
    sandbox
}

/// Runs a script on a connection. The test fails if the script fails.
#[track_caller]
fn script(sandbox: &Sandbox, url: &str, sql: &str) -> Outcome {
    let arguments = ["-u", url, "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"];
    sandbox.run_with_input("database", arguments, sql).success()
}

fn figures(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(repository().join("tests/fixture/gcm").join(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('|').map(|part| part.trim().to_owned()).collect()).collect()
}

#[test]
fn nist_agrees_with_the_database() {
    let sandbox = with_key();
    let mut sql = String::new();
    let (mut sound, mut failing) = (0, 0);
    for case in figures("cavs.txt") {
        let [key, nonce, data, plain, sealed] = &case[..] else { panic!("{case:?}") };
        let start = format!("'\\x{key}', '\\x{nonce}', '\\x{data}'");
        if plain == "FAIL" {
            failing += 1;
            writeln!(sql, "SELECT hectic.gcm_open({start}, '\\x{sealed}') IS NULL;").unwrap();
        } else {
            sound += 1;
            writeln!(sql, "SELECT hectic.gcm_open({start}, '\\x{sealed}') = '\\x{plain}' AND hectic.gcm_seal({start}, '\\x{plain}') = '\\x{sealed}';").unwrap();
        }
    }
    assert!(sound >= 25 && failing >= 10, "{sound} {failing}");
    let said = script(&sandbox, &sandbox.url("app"), &sql).stdout;
    assert_eq!(said, "t\n".repeat(sound + failing));
}

#[test]
fn the_tool_and_the_database_make_the_same_bytes() {
    // src/secret/cipher.rs makes these digests of the same figures
    let sandbox = with_key();
    let cases = figures("sealed.txt");
    let sql = cases.iter().fold(String::new(), |mut sql, case| {
        let [key, name, nonce, size, digest] = &case[..] else { panic!("{case:?}") };
        writeln!(sql, "SELECT sha256(sealed) = '\\x{digest}' AND hectic.secret_open(ARRAY[key], '{name}', sealed) = value\n\
            FROM (SELECT '\\x{key}'::bytea AS key, '\\x{nonce}'::bytea AS nonce, left(repeat('abcdefghijklmnopqrstuvwxy', 2622), {size}) AS value) given,\n\
            LATERAL (SELECT '\\x01'::bytea || hectic.secret_key_id(key) || nonce\n  || hectic.gcm_seal(key, nonce, 'hectic.secret.v1:{name}', convert_to(value, 'UTF8')) AS sealed) made;").unwrap();
        sql
    });
    let said = script(&sandbox, &sandbox.url("app"), &sql).stdout;
    assert_eq!(said, "t\n".repeat(cases.len()));
}

/// The canary or the key in the output of a server: as text, in hexadecimal, or as the numbers of a
/// printed plan, which may break its lines anywhere.
fn shown(text: &str) -> Vec<String> {
    let flat: String = text.lines().map(|line| line.trim_start()).collect();
    let hex = CANARY.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let decimal = |bytes: &[u8]| {
        let numbers = bytes.iter().map(|byte| byte.cast_signed().to_string());
        numbers.collect::<Vec<_>>().concat()
    };
    let numbers: String = flat.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect();
    let mut found = Vec::new();
    for needle in [CANARY.to_owned(), hex, KEY.to_owned()] {
        if flat.to_lowercase().contains(&needle) {
            found.push(needle);
        }
    }
    for needle in [decimal(CANARY.as_bytes()), decimal(&KEY_BYTES)] {
        if numbers.contains(&needle) {
            found.push(needle);
        }
    }
    found
}

/// A naive version of the function: its statement has value and key in its plan.
const NAIVE: &str = "CREATE FUNCTION naive() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$\n\
    DECLARE key bytea := (hectic.secret_keys())[1]; value text; x text; y bytea;\n\
    BEGIN value := hectic.get_secret('A'); SELECT value, key INTO x, y FROM pg_class LIMIT 1; END $$;\n";

#[test]
fn a_reader_sees_no_value_in_a_plan() {
    let sandbox = with_key();
    let setup = format!(
        "SELECT hectic.set_secret('A', '{CANARY}');\n{NAIVE}CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA hectic TO reader;\n\
         GRANT EXECUTE ON FUNCTION hectic.get_secret(text) TO reader; GRANT SELECT ON hectic.secret TO reader;"
    );
    script(&sandbox, &sandbox.url("app"), &setup);
    let reader = format!("host={} dbname=app user=reader", sandbox.path("pg/sock").display());
    let loud = "SET debug_print_plan = on; SET debug_print_parse = on; SET debug_print_rewritten = on;\n\
                SET client_min_messages = log;\n";
    let naive = script(&sandbox, &reader, &format!("{loud}SELECT naive();"));
    assert_eq!(shown(&naive.stderr).len(), 2, "the search finds what is printed");
    let read = format!(
        "{loud}SELECT length(hectic.get_secret('A'));\nSELECT count(value) FROM hectic.secret;\n\
         SELECT length(value) FROM hectic.secret WHERE key = 'A';\n\
         EXPLAIN (ANALYZE, VERBOSE) SELECT length(value) FROM hectic.secret;"
    );
    let said = script(&sandbox, &reader, &read);
    assert!(said.stderr.contains("PLANNEDSTMT"), "{said}");
    assert_eq!(shown(&said.stderr), Vec::<String>::new());
    assert_eq!(shown(&said.stdout), Vec::<String>::new());
}

#[test]
fn the_loudest_log_has_neither_value_nor_key() {
    let sandbox = with_key();
    let seal = format!("SELECT hectic.set_secret('A', '{CANARY}');\n{NAIVE}");
    script(&sandbox, &sandbox.url("app"), &format!("SET log_statement = 'none';\n{seal}"));
    let loud = "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;\n\
                SET auto_explain.log_verbose = on; SET auto_explain.log_analyze = on; SET log_error_verbosity = verbose;\n\
                SET log_statement = 'all'; SET log_min_duration_statement = 0; SET log_min_messages = debug1;\n\
                SET debug_print_plan = on; SET debug_print_parse = on; SET debug_print_rewritten = on;\n";
    let before = logs(&sandbox).len();
    let work = format!(
        "{loud}SELECT length(hectic.get_secret('A'));\nSELECT length(value) FROM hectic.secret;\n\
         SELECT hectic.load_sealed_secrets(array_agg(key), array_agg(sealed)) FROM hectic.secret_sealed;\n\
         SELECT hectic.load_secrets_from_env('B=' || hectic.get_secret('A'));\n\
         SELECT hectic.set_secret('A', hectic.get_secret('B'));\n\
         UPDATE hectic.secret_sealed SET sealed = set_byte(sealed, 20, 0) WHERE key = 'B';\n\
         \\set ON_ERROR_STOP 0\nSELECT hectic.get_secret('B');\nSELECT hectic.rekey_secrets();\n"
    );
    script(&sandbox, &sandbox.url("app"), &format!("{work}{}", last_line("quiet")));
    let quiet = logs_up_to(&sandbox, "quiet")[before..].to_owned();
    assert!(quiet.contains("load_sealed_secrets") && quiet.contains("Query Text"), "{quiet}");
    assert_eq!(shown(&quiet), Vec::<String>::new());

    let before = logs(&sandbox).len();
    let work = format!("{loud}SELECT naive();\n{}", last_line("shown"));
    script(&sandbox, &sandbox.url("app"), &work);
    assert!(
        shown(&logs_up_to(&sandbox, "shown")[before..]).len() >= 2,
        "the search finds what is printed"
    );
}

/// A statement whose message the server logs after those of all statements before it.
fn last_line(mark: &str) -> String {
    format!("DO $do$ BEGIN RAISE LOG '%', 'the last line: ' || '{mark}'; END $do$;\n")
}

/// The logs, once the collector has written the message of [`last_line`].
fn logs_up_to(sandbox: &Sandbox, mark: &str) -> String {
    let line = format!("the last line: {mark}");
    wait_until("the collector writes the log", || logs(sandbox).contains(&line));
    logs(sandbox)
}

fn logs(sandbox: &Sandbox) -> String {
    let names = sandbox.entries("pg/log");
    names.iter().map(|name| sandbox.read(&format!("pg/log/{name}"))).collect()
}

fn key_file(sandbox: &Sandbox, text: &str) {
    sandbox.give_key();
    // overwrites the file in place, so that it still belongs to the server's user
    std::fs::write(sandbox.path("pg/hectic.key"), text).unwrap();
}

#[test]
fn keys_are_rotated() {
    let sandbox = with_key();
    let ask = |sql: &str| sandbox.ask(sql);
    ask("SELECT hectic.load_secrets_from_env(E'A=1\\nB=2')");
    let (old, new) = (sandbox.read("pg/hectic.key"), "ab".repeat(32));
    let before = ask("SELECT string_agg(updated_at::text, ' ' ORDER BY key) FROM hectic.secret");
    key_file(&sandbox, &format!("# new\n{new}\n\n  {old}\r\n"));
    assert_eq!(ask("SELECT hectic.get_secret('A')"), "1");
    assert_eq!(ask("SELECT hectic.rekey_secrets()"), "2");
    assert_eq!(ask("SELECT hectic.rekey_secrets()"), "0");
    key_file(&sandbox, &new);
    assert_eq!(ask("SELECT string_agg(value, ' ' ORDER BY key) FROM hectic.secret"), "1 2");
    let after = ask("SELECT string_agg(updated_at::text, ' ' ORDER BY key) FROM hectic.secret");
    assert_eq!(before, after);

    key_file(&sandbox, &old);
    let arguments =
        ["psql", "-X", "-v", "VERBOSITY=verbose", "-c", "SELECT hectic.get_secret('A')"];
    sandbox.database(arguments).fails(1, ["HC006", "is sealed with key "]);
    // the dotenv file decides
    ask("SELECT hectic.load_secrets_from_env(E'A=1\\nB=2')");
    assert_eq!(ask("SELECT hectic.get_secret('A')"), "1");
}

#[test]
fn what_is_wrong_with_the_key_file_is_told() {
    let sandbox = with_key();
    let set = ["psql", "-X", "-v", "VERBOSITY=verbose", "-c", "SELECT hectic.set_secret('A', '1')"];
    let path = sandbox.path("pg/hectic.key").display().to_string();
    for (text, message) in [
        ("# nothing\n", "holds no key"),
        ("# c\nc0ffee\n", "line 2 of the key file"),
        (&*"x".repeat(64), "line 1 of the key file"),
        (&*"#".repeat(70_000), "is larger than any key file"),
    ] {
        key_file(&sandbox, text);
        let said = sandbox.database(set).fails(1, ["HC005", message, &path]);
        assert!(!said.stderr.contains("c0ffee") && !said.stderr.contains("xxx"), "{said}");
    }
    std::fs::remove_file(&path).unwrap();
    sandbox.database(set).fails(1, ["HC005", "does not exist", "openssl rand -hex 32", &path]);

    // a setting of a session has no effect, but one in the configuration has
    let other = sandbox.write("pg/other.key", "ab".repeat(32));
    let other = other.display().to_string();
    let spoof =
        format!("SET hectic.secret_key_file = '{other}'; SELECT hectic.set_secret('A', '1')");
    sandbox.database(["psql", "-X", "-c", &spoof]).fails(1, ["does not exist"]);
    let conf = sandbox.path("pg/data/postgresql.conf");
    let text = std::fs::read_to_string(&conf).unwrap();
    std::fs::write(&conf, format!("{text}\nhectic.secret_key_file = '{other}'\n")).unwrap();
    sandbox.ask("SELECT hectic.set_secret('A', '1')");
    assert_eq!(sandbox.ask("SELECT hectic.get_secret('A')"), "1");
    std::fs::write(&conf, format!("{text}\nhectic.secret_key_file = 'other.key'\n")).unwrap();
    sandbox.database(set).fails(1, ["HC005", "absolute path"]);
}

#[test]
fn hydration_makes_a_key_for_who_seals_there() {
    use std::os::unix::fs::MetadataExt;
    let mut sandbox = project::deployed("");
    let path = sandbox.path("pg/hectic.key");
    sandbox.ask("SELECT hectic.set_secret('A', 'x')");
    assert_eq!(sandbox.ask("SELECT hectic.get_secret('A')"), "x");
    sandbox.set("HECTIC_DOTENV_CONTENT", "A=s3cr3t");
    sandbox.database(["hydrate"]).success();
    let (key, data) = (path.metadata().unwrap(), sandbox.path("pg/data").metadata().unwrap());
    assert_eq!((key.mode() & 0o777, key.uid()), (0o600, data.uid()));
    let made = sandbox.read("pg/hectic.key");
    sandbox.database(["hydrate"]).success();
    assert_eq!(sandbox.read("pg/hectic.key"), made);
    assert_eq!(sandbox.ask("SELECT hectic.get_secret('A')"), "s3cr3t");
}
