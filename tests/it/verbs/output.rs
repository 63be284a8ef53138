//! The streams: data goes to standard output, everything else to standard error.

use crate::support::{Sandbox, program, project};

const CHATTY: &str = "CREATE TABLE item (id int) INHERITS (hectic.created_at);\n\
                      DO $$ BEGIN RAISE NOTICE 'hello'; RAISE WARNING 'careful'; END $$;\n";

fn chatty() -> Sandbox {
    let sandbox = project::deployed("");
    sandbox.write("project/db/src/entrypoint.sql", CHATTY);
    sandbox
}

/// Every line is a JSON object with a level and a message.
#[track_caller]
fn assert_json(stderr: &str, level: &str) {
    assert!(!stderr.is_empty());
    for line in stderr.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(object["level"].is_string() && object["message"].is_string(), "{line}");
    }
    assert!(stderr.lines().last().unwrap().contains(&format!("\"level\":\"{level}\"")), "{stderr}");
}

#[test]
fn quiet_says_nothing_but_errors() {
    for flag in ["-q", "--quiet"] {
        let sandbox = chatty();
        let said = sandbox.database([flag, "hydrate", "-i", "item"]).success();
        assert_eq!(said.stderr, "");
        sandbox.database(["hydrate", flag]).fails(1, ["error: hydrating failed", "42P07"]);
    }
}

#[test]
fn verbose_shows_what_is_run() {
    let sandbox = chatty();
    let said = sandbox.database(["--verbose", "hydrate"]).success();
    assert!(said.stderr.contains("running ") && said.stderr.contains("psql\" [\"-X\","), "{said}");
    let said = sandbox.database(["patch"]).success();
    assert!(!said.stderr.contains("running "), "{said}");
    sandbox.database(["--verbose", "-q", "patch"]).fails(2, ["cannot be used with"]);
}

#[test]
fn json_is_one_object_a_line() {
    let sandbox = chatty();
    let flag = "--log-format";
    let said = sandbox.database([flag, "json", "hydrate", "-i", "item"]).success();
    assert_json(&said.stderr, "info");
    assert!(said.stderr.contains("\"level\":\"warn\""), "{said}");
    assert!(said.stderr.contains("NOTICE:  hello"), "{said}");
    let said = sandbox.database([flag, "json", "hydrate"]).fails(1, ["\"exit\":1", "42P07"]);
    assert_json(&said.stderr, "error");
    for program in ["postgres-init", "postgres-cleanup"] {
        assert_json(&sandbox.run(program, [flag, "json"]).success().stderr, "info");
    }
    let said = sandbox.database(["log", "list", flag, "text"]).success();
    assert_eq!(said.stderr, "");
}

#[test]
fn complaints_about_arguments_are_json_too() {
    let sandbox = Sandbox::new();
    let said = sandbox.database(["--log-format", "json", "bogus"]).fails(9, ["\"exit\":9"]);
    assert_json(&said.stderr, "error");
    let said = sandbox.run("postgres-init", ["--log-format=json", "--export"]).fails(3, []);
    assert_json(&said.stderr, "error");
    let said = sandbox.run("postgres-cleanup", ["--log-format=json", "x"]).fails(9, ["\"exit\":9"]);
    assert_json(&said.stderr, "error");
    let said = sandbox.database(["--log-format", "json"]).fails(3, ["Usage: database"]);
    assert_json(&said.stderr, "error");
    assert_eq!(said.stdout, "");
}

#[test]
fn no_colour_and_no_progress_when_piped() {
    let mut sandbox = project::with_source("");
    sandbox.set("TERM", "xterm-256color");
    sandbox.set("CLICOLOR", "1");
    let outcomes = [
        sandbox.database(["deploy"]),
        sandbox.database(["hydrate", "-i", "nope"]),
        sandbox.database(["status"]),
        sandbox.database(["doctor"]),
        sandbox.database(["bogus"]),
        sandbox.database(["--help"]),
        sandbox.init([]),
        sandbox.run("postgres-cleanup", [""; 0]),
    ];
    for outcome in outcomes {
        assert!(
            !outcome.stdout.contains('\u{1b}') && !outcome.stderr.contains('\u{1b}'),
            "{outcome}"
        );
        assert!(!outcome.stderr.contains('\r'), "{outcome}");
    }
}

#[test]
fn a_terminal_gets_colour_and_progress_unless_told_otherwise() {
    let mut sandbox = project::deployed("SELECT pg_sleep(0.3);");
    sandbox.set("TERM", "xterm-256color");
    sandbox.write("project/db/src/entrypoint.sql", "SELECT pg_sleep(0.3); SELECT nonsense;");
    let command = format!("{} hydrate", program("database"));
    let record = sandbox.path("tmp/typescript").display().to_string();
    let shown = |sandbox: &Sandbox| {
        let outcome = sandbox.run("script", ["-qec", &command, &record]);
        assert_eq!(outcome.code, Some(1), "{outcome}");
        outcome.stdout
    };
    let coloured = "\u{1b}[31m";
    let usual = shown(&sandbox);
    assert!(usual.contains(coloured) && usual.contains(" hydrate "), "{usual:?}");
    sandbox.set("NO_COLOR", "1");
    let plain = shown(&sandbox);
    assert!(!plain.contains(coloured), "{plain:?}");
    sandbox.set("NO_TTY", "1");
    let silent = shown(&sandbox);
    assert!(!silent.contains(" hydrate ") && !silent.contains('\u{1b}'), "{silent:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let sandbox = project::with_source("");
    sandbox.write("pg/log/long.log", "a line of many\n".repeat(100_000));
    let database = program("database");
    for arguments in ["log long.log", "--help"] {
        let piped = format!("set -o pipefail; {database} {arguments} | head -1");
        let shown = sandbox.run("bash", ["-c", &piped]).success();
        assert_eq!((shown.stdout.lines().count(), shown.stderr.as_str()), (1, ""));
    }
}

#[test]
fn help_and_version_are_data() {
    let sandbox = Sandbox::new();
    for program in ["database", "postgres-init", "postgres-cleanup"] {
        let version = sandbox.run(program, ["--version"]).success();
        assert_eq!(version.stdout, format!("{program} {}\n", env!("CARGO_PKG_VERSION")));
        let help = sandbox.run(program, ["--help"]).success();
        assert!(help.stdout.contains("Environment variables") && help.stderr.is_empty(), "{help}");
    }
}
