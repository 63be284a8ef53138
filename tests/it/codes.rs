//! The published exit codes, for each program in which they can occur.

use crate::support::{Sandbox, finish, project, wait_until};

const PROGRAMS: [&str; 3] = ["database", "postgres-init", "postgres-cleanup"];

fn run(sandbox: &Sandbox, program: &str, arguments: &[&str]) -> crate::support::Outcome {
    sandbox.run(program, arguments)
}

#[test]
fn one_is_a_generic_error() {
    let mut sandbox = project::with_source("SELECT nonsense;");
    sandbox.database(["deploy"]).fails(1, ["42703"]);
    sandbox.write("project/test-data.sql", "SELECT nonsense;");
    sandbox.database(["patch"]).fails(1, ["patching failed"]);
    sandbox.write("project/db/test/test.sql", "SELECT nonsense;");
    sandbox.database(["test"]).fails(1, ["testing failed"]);
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let conf = sandbox.write("bad.conf", "no_such_setting = 1\n");
    sandbox.set("PG_CONF_FILE", conf);
    sandbox.init(["--fresh"]).fails(1, ["no_such_setting"]);
    sandbox.write("project/.env", "PG_PORT=hush hush\n");
    for program in PROGRAMS {
        let arguments: &[&str] = if program == "database" { &["status"] } else { &[] };
        let failed = run(&sandbox, program, arguments).fails(1, ["project/.env", "hint:"]);
        assert!(!failed.stderr.contains("hush"), "{failed}");
    }
}

#[test]
fn two_is_ambiguous_or_conflicting() {
    let mut sandbox = project::with_source("");
    for program in PROGRAMS {
        let verb: &[&str] = if program == "database" { &["status"] } else { &[] };
        for bad in [
            &["--quiet", "--verbose"][..],
            &["-q", "-q"],
            &["--log-format", "xml"],
            &["--log-format", "text", "--log-format", "json"],
        ] {
            run(&sandbox, program, &[verb, bad].concat()).fails(2, ["--help"]);
        }
    }
    sandbox.init(["--export", "xml"]).fails(2, ["xml"]);
    sandbox.set("DB_URL", "postgresql://u@localhost:1/x");
    sandbox.database(["init"]).fails(2, ["does not point to the cluster"]);
    for port in ["-1", "70000", "many"] {
        sandbox.set("PG_PORT", port);
        sandbox.init([]).fails(2, ["PG_PORT", port]);
    }
}

#[test]
fn three_is_a_missing_argument_variable_or_file() {
    let sandbox = Sandbox::new();
    for program in PROGRAMS {
        let verb: &[&str] = if program == "database" { &["status"] } else { &[] };
        run(&sandbox, program, &[verb, &["--log-format"]].concat()).fails(3, ["--log-format"]);
    }
    sandbox.init(["--export"]).fails(3, ["--export"]);
    sandbox.init([]).fails(3, ["PG_WORKING_DIR", "LOCAL_DIR"]);
    for option in ["-u", "--url", "-i", "--inherits"] {
        sandbox.database([option]).fails(3, ["a value is required"]);
    }
    for verb in ["deploy", "hydrate", "patch", "test", "check"] {
        sandbox.database([verb]).fails(3, ["LOCAL_DIR is not set", "export LOCAL_DIR"]);
    }
    for verb in ["init", "cleanup", "status", "log"] {
        sandbox.database([verb]).fails(3, ["PG_WORKING_DIR", "LOCAL_DIR"]);
    }
    for verb in ["psql", "url"] {
        sandbox.database([verb]).fails(3, ["--url, DB_URL and PGURL"]);
    }
    let cleanup = sandbox.run("postgres-cleanup", [""; 0]).success();
    assert_eq!(cleanup.stderr, "", "nothing to stop is fine");
}

#[test]
fn no_subcommand_is_help_and_three() {
    let sandbox = Sandbox::new();
    let words = ["Usage: database [OPTIONS] <COMMAND>", "deploy ", "doctor "];
    let helped = sandbox.database([]).fails(3, words);
    assert_eq!(helped.stdout, "", "nobody asked for it");
    sandbox.database(["-q"]).fails(3, ["Usage: database"]);
}

#[test]
fn a_missing_input_file_is_three_and_named() {
    let mut sandbox = project::deployed("");
    for (variable, arguments) in [
        ("HYDRATE_ENTRYPOINT", &["hydrate"][..]),
        ("HYDRATE_ENTRYPOINT", &["deploy"]),
        ("HYDRATE_ENTRYPOINT", &["check"]),
        ("PATCH_SQL", &["patch"]),
        ("PATCH_SQL", &["deploy"]),
        ("PATCH_SQL", &["check"]),
        ("HECTIC_DOTENV_FILE", &["hydrate"]),
        ("HECTIC_DOTENV_FILE", &["check"]),
        ("PG_CONF_FILE", &["init"]),
        ("PG_CONF_FILE", &["check"]),
    ] {
        let missing = sandbox.path("missing.file").display().to_string();
        sandbox.set(variable, &missing);
        run(&sandbox, "database", arguments).fails(3, [missing.as_str(), "hint:"]);
        sandbox.unset(variable);
    }
    let test = sandbox.path("project/db/test/test.sql").display().to_string();
    sandbox.database(["test"]).fails(3, [test.as_str()]);
    sandbox.set("PG_CONF_FILE", "/missing.conf");
    sandbox.init([]).fails(3, ["PG_CONF_FILE /missing.conf"]);
    sandbox.set("LOCAL_DIR", "/missing");
    sandbox.database(["hydrate"]).fails(3, ["LOCAL_DIR /missing is no directory"]);
}

#[test]
fn five_is_a_table_that_does_not_exist() {
    let sandbox = project::deployed("");
    sandbox.write("project/db/test/test.sql", "\\echo 1..1\n\\echo ok 1\n");
    for verb in ["hydrate", "patch", "test", "deploy", "check"] {
        sandbox.database(["-i", "nope", verb]).fails(5, ["nope", "hint:"]);
        sandbox.database(["-i", "hectic.created_at", verb]).success();
    }
}

#[test]
fn nine_is_an_unknown_command_or_argument() {
    let sandbox = Sandbox::new();
    for program in PROGRAMS {
        run(&sandbox, program, &["bogus"]).fails(9, ["bogus"]);
        run(&sandbox, program, &["--bogus"]).fails(9, ["--bogus"]);
        run(&sandbox, program, &["-x"]).fails(9, ["-x"]);
    }
    sandbox.database(["test", "--bogus"]).fails(9, ["--bogus"]);
    let verbs = ["init", "deploy", "hydrate", "patch", "check", "cleanup", "status"];
    for verb in verbs.into_iter().chain(["url", "doctor"]) {
        sandbox.database([verb, "--bogus"]).fails(9, ["--bogus"]);
        sandbox.database([verb, "bogus"]).fails(9, ["bogus"]);
    }
    let named = |program: &str, words: &[&str], command: &str| {
        let unknown = words.last().unwrap();
        let what = if unknown.starts_with('-') {
            "unexpected argument"
        } else {
            "unrecognized subcommand"
        };
        let first = format!("error: {what} '{unknown}' in `{command}`\n");
        let said = run(&sandbox, program, words).fails(9, []);
        assert!(said.stderr.starts_with(&first), "{first}{said}");
        let said = run(&sandbox, program, &[&["--log-format=json"], words].concat()).fails(9, []);
        let json: serde_json::Value = serde_json::from_str(&said.stderr).unwrap();
        assert_eq!(json["message"], first["error: ".len()..].trim_end());
    };
    named("database", &["deploy", "--x"], "database deploy");
    named("database", &["-q", "secrets", "set", "--x"], "database secrets set");
    named("database", &["snapshot", "bogus"], "database snapshot");
    named("database", &["migrator", "init", "--x"], "migrator init");
    named("migrator", &["list", "--x"], "migrator list");
    named("migrator", &["migrate", "up", "--x"], "migrator migrate up");
    named("migrator", &["migrate", "sideways"], "migrator migrate");
    named("postgres-init", &["--x"], "postgres-init");
    named("postgres-cleanup", &["--x"], "postgres-cleanup");
    let close = sandbox.database(["deplyo"]).fails(9, ["deploy"]);
    assert_eq!(close.stdout, "");
    sandbox.database(["log", "one", "two"]).fails(9, ["two"]);
}

#[test]
fn thirteen_is_a_database_that_should_not_be() {
    let sandbox = project::deployed("");
    sandbox.ask("UPDATE hectic.version SET version = '7.0.0'");
    sandbox.database(["hydrate"]).fails(13, ["7.0.0", "newer", "hint: Update the tool"]);
    sandbox.ask("UPDATE hectic.version SET version = '0.1.0'");
    sandbox.database(["hydrate"]).fails(13, ["0.1.0", "hint: Run `database bundle upgrade`"]);
    sandbox.ask("UPDATE hectic.version SET version = '7.0.0'");
    sandbox.database(["bundle", "upgrade"]).fails(13, ["7.0.0"]);
}

#[test]
fn one_hundred_and_twenty_seven_is_a_missing_dependency() {
    let mut sandbox = project::with_source("");
    sandbox.set("PG_BINDIR", sandbox.path("home"));
    for verb in ["init", "deploy", "check", "hydrate", "psql", "status", "doctor"] {
        sandbox.database([verb]).fails(127, []);
    }
    sandbox.init([]).fails(127, ["PG_BINDIR", "postgres", "hint:"]);
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let mut sandbox = project::with_source("");
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "no_such_library");
    let words = ["no_such_library", "PG_SHARED_PRELOAD_LIBRARIES"];
    sandbox.database(["init"]).fails(127, words);
    sandbox.database(["check"]).fails(127, words);
    sandbox.init([]).fails(127, words);
}

#[test]
fn an_interruption_is_the_signal_itself() {
    let sandbox = project::deployed("");
    sandbox.write("project/db/src/entrypoint.sql", "SELECT pg_sleep(3600);");
    sandbox.write("project/test-data.sql", "SELECT pg_sleep(3600);");
    sandbox.write("project/db/test/test.sql", "SELECT pg_sleep(3600);");
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(3600)%'";
    for (name, number, verb) in [("INT", 2, "hydrate"), ("TERM", 15, "patch"), ("HUP", 1, "test")] {
        let child = sandbox.spawn("database", [verb]);
        wait_until("the statement runs", || sandbox.ask(asleep) == "1");
        crate::support::wait::signal(name, child.id());
        let ended = finish(child, None);
        assert_eq!((ended.signal, ended.code), (Some(number), None), "{verb}: {ended}");
        wait_until("the statement is cancelled", || sandbox.ask(asleep) == "0");
    }
}

#[test]
fn help_documents_every_code() {
    let sandbox = Sandbox::new();
    for program in PROGRAMS {
        let help = run(&sandbox, program, &["--help"]).success().stdout;
        let codes = help.split_once("Exit codes:").unwrap().1;
        for code in ["0", "1", "2", "3", "4", "5", "9", "13", "127"] {
            assert!(codes.lines().any(|line| line.trim_start().starts_with(&format!("{code}  "))));
        }
    }
}
