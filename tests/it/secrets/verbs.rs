//! Commands for one secret, and the exports of all.

use std::io::Write;
use std::process::Stdio;

use crate::support::wait::hear;
use crate::support::{Sandbox, finish, program, project};

fn with_secrets(dotenv: &str) -> Sandbox {
    let sandbox = project::deployed("");
    sandbox.write("some.env", dotenv);
    sandbox.database(["secrets", "load", "-f", "some.env"]).success();
    sandbox
}

fn set(sandbox: &Sandbox, name: &str, value: &str) {
    sandbox.run_with_input("database", ["secrets", "set", name], value).success();
}

#[test]
fn set_get_list_unset() {
    let sandbox = with_secrets("B=two\n");
    set(&sandbox, "A", "one\n");
    assert_eq!(sandbox.database(["secrets", "get", "A"]).success().stdout, "one\n");
    assert_eq!(sandbox.ask("SELECT hectic.get_secret('A')"), "one");
    for value in ["", "lines\nand more\n", " blank ", "ünï \"'$\\"] {
        set(&sandbox, "C.c", value);
        let got = sandbox.database(["secrets", "get", "C.c"]).success().stdout;
        assert_eq!(got, format!("{}\n", value.strip_suffix('\n').unwrap_or(value)));
    }
    let listed = sandbox.database(["secrets", "list"]).success().stdout;
    let names: Vec<&str> = listed.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["NAME", "A", "B", "C.c"], "{listed}");
    let json = sandbox.database(["secrets", "list", "--json"]).success().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[1]["name"], "B", "{json}");
    assert!(json[1]["updated"].as_str().unwrap().ends_with('Z'), "{json}");
    sandbox.database(["secrets", "unset", "A"]).success();
    for verb in ["get", "unset"] {
        sandbox.database(["secrets", verb, "A"]).fails(3, ["there is no secret \"A\""]);
    }
    let bad = sandbox.run_with_input("database", ["secrets", "set", "not a name"], "x");
    bad.fails(2, ["no name for a secret"]);
    let zero = sandbox.run_with_input("database", ["secrets", "set", "Z"], "a\0b");
    zero.fails(2, ["zero byte"]);
    let large = sandbox.run_with_input("database", ["secrets", "set", "Z"], &"x".repeat(65_537));
    large.fails(1, ["larger than 65536"]);
}

#[test]
fn a_list_needs_no_key() {
    let sandbox = with_secrets("A=1\n");
    std::fs::remove_file(sandbox.path("pg/hectic.key")).unwrap();
    assert!(sandbox.database(["secrets", "list"]).success().stdout.contains("A"));
    sandbox.database(["secrets", "get", "A"]).fails(3, ["hectic.key", "is gone"]);
    sandbox
        .database(["secrets", "load", "-f", "some.env"])
        .fails(3, ["is gone", "put the file back"]);
}

#[test]
fn a_value_is_asked_for_on_a_terminal_and_not_shown() {
    let sandbox = with_secrets("X=x\n");
    let record = sandbox.path("typescript").display().to_string();
    let command = format!("{} secrets set A", program("database"));
    let mut terminal = sandbox.command("script", ["-qec", &command, &record]);
    terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut terminal = terminal.spawn().unwrap();
    let pid = terminal.id();
    let asked = hear(terminal.stdout.as_mut().unwrap(), pid, |said| said.ends_with("A: "));
    assert!(asked.ends_with("A: "), "{asked}");
    let mut keyboard = terminal.stdin.take().unwrap();
    keyboard.write_all(b"hunter2\n").unwrap();
    finish(terminal, None).success();
    drop(keyboard);
    assert_eq!(sandbox.ask("SELECT hectic.get_secret('A')"), "hunter2");
}

const ODD: &str = "A='it is'\nB=\"two\\nlines \\\" \\$x `y` \\\\\"\nC.c=\"it's\"\nD=\n";

#[test]
fn an_export_reads_back() {
    let mut sandbox = with_secrets(ODD);
    let all = "SELECT string_agg(key || '=' || value, ';' ORDER BY key) FROM hectic.secret";
    let before = sandbox.ask(all);
    let dotenv = sandbox.database(["secrets", "export"]).success().stdout;
    sandbox.write("again.env", &dotenv);
    set(&sandbox, "X", "x");
    sandbox.database(["secrets", "load", "-f", "again.env"]).success();
    assert_eq!(sandbox.ask(all), before);
    let json = sandbox.database(["secrets", "export", "--format", "json"]).success().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["B"], "two\nlines \" $x `y` \\");
    assert_eq!(json["D"], "");
    let sh = sandbox.database(["secrets", "export", "--format", "sh"]).success();
    assert!(sh.stderr.contains("C.c is left out"), "{sh}");
    sandbox.set("EXPORTED", &sh.stdout);
    let shown = sandbox.run("sh", ["-c", "eval \"$EXPORTED\"; printf '%s|' \"$A\" \"$B\" \"$D\""]);
    assert_eq!(shown.success().stdout, "it is|two\nlines \" $x `y` \\||");
}

#[test]
fn a_command_gets_them_in_its_environment_and_its_code_is_ours() {
    let mut sandbox = with_secrets(ODD);
    sandbox.set("PGAPPNAME", "theirs");
    let run =
        ["secrets", "run", "--", "sh", "-c", "printf '%s|' \"$A\" \"$B\" \"$PGAPPNAME\"; exit 7"];
    let outcome = sandbox.database(run).fails(7, []);
    assert_eq!(outcome.stdout, "it is|two\nlines \" $x `y` \\|theirs|");
    sandbox.database(["secrets", "run", "--", "no-such-program"]).fails(127, ["no-such-program"]);
    sandbox.database(["secrets", "run"]).fails(3, ["COMMAND"]);
}

/// A role that may read secrets and nothing else, as in production.
#[test]
fn a_reader_without_the_key_asks_the_server() {
    let sandbox = with_secrets("A=one\n");
    sandbox.ask(
        "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA hectic TO reader;
         GRANT EXECUTE ON FUNCTION hectic.get_secret(text) TO reader; GRANT SELECT ON hectic.secret TO reader",
    );
    let url = sandbox.url("app").replace("user=", "user=reader application_name=");
    let run = |arguments: &[&str]| {
        let all: Vec<&str> = ["-u", &url, "secrets"].iter().chain(arguments).copied().collect();
        sandbox.run("database", all)
    };
    assert_eq!(run(&["get", "A"]).success().stdout, "one\n");
    run(&["get", "B"]).fails(3, ["there is no secret"]);
    assert_eq!(run(&["export"]).success().stdout, "A=\"one\"\n".replace('"', "'"));
    run(&["unset", "A"]).fails(1, ["permission denied"]);
    let set = sandbox.run_with_input("database", ["-u", &url, "secrets", "set", "A"], "x");
    assert_eq!(set.code, Some(1), "{set}");
}
