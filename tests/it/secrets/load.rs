//! The sources of secrets, and the transaction that loads all of them or none.

use crate::support::{Sandbox, program, project};

/// The loaded secrets, as `NAME=value` lines.
fn loaded(sandbox: &Sandbox) -> String {
    sandbox.ask(
        "SELECT coalesce(string_agg(key || '=' || value, ' ' ORDER BY key), '') FROM hectic.secret",
    )
}

#[test]
fn the_first_source_there_is_counts() {
    let mut sandbox = project::deployed("");
    let load = |sandbox: &Sandbox| {
        sandbox.database(["secrets", "load"]).success();
        loaded(sandbox)
    };
    sandbox.write("project/.env.dev", "A=default\n");
    sandbox.write("named.env", "A=named\n");
    sandbox.write("flag.env", "A=flag\n");
    sandbox.set("ENVIRONMENT", "dev");
    assert_eq!(load(&sandbox), "A=default");
    let named = sandbox.path("named.env");
    sandbox.set("HECTIC_DOTENV_FILE", named);
    assert_eq!(load(&sandbox), "A=named");
    sandbox.set("HECTIC_DOTENV_CONTENT", "A=content\nB=b");
    assert_eq!(load(&sandbox), "A=content B=b");
    for flag in ["-f", "--dotenv-file"] {
        sandbox.database(["secrets", "load", flag, "flag.env"]).success();
        assert_eq!(loaded(&sandbox), "A=flag");
    }
    sandbox.database(["hydrate"]).success();
    assert_eq!(loaded(&sandbox), "A=content B=b");
    sandbox.database(["hydrate", "-f", "flag.env"]).success();
    assert_eq!(loaded(&sandbox), "A=flag");
}

#[test]
fn what_is_missing_is_told_when_it_alone_is() {
    let mut sandbox = project::deployed("");
    sandbox.database(["secrets", "load"]).fails(3, ["dotenv source is required"]);
    sandbox.set("ENVIRONMENT", "dev");
    sandbox.database(["secrets", "load"]).fails(3, ["dotenv source is required"]);
    sandbox.database(["secrets", "load", "-f", "gone"]).fails(3, ["dotenv file is not readable"]);
    let directory = sandbox.path("project");
    sandbox.set("HECTIC_DOTENV_FILE", &directory);
    sandbox.database(["secrets", "load"]).fails(3, ["dotenv file is not readable"]);
    sandbox.database(["hydrate"]).fails(3, ["dotenv file is not readable"]);
    sandbox.set("HECTIC_DOTENV_CONTENT", "A=1");
    sandbox.unset("DB_URL");
    sandbox.database(["secrets", "load"]).fails(3, ["PGURL or DB_URL is required"]);
    let url = sandbox.url("app");
    sandbox.set("PGURL", url);
    sandbox.unset("LOCAL_DIR");
    sandbox.database(["secrets", "load"]).success();
    assert_eq!(loaded(&sandbox), "A=1");
}

#[test]
fn a_mistake_changes_nothing_and_shows_no_value() {
    let sandbox = project::deployed("");
    sandbox.write("good.env", "A=1\nB=2\n");
    sandbox.database(["secrets", "load", "-f", "good.env"]).success();
    let before = sandbox.ask(
        "SELECT string_agg(encode(sealed, 'hex'), ' ' ORDER BY key) FROM hectic.secret_sealed",
    );
    for bad in
        ["C=3\nhunter2\n", "C='hunter2\n", "C=\"hunter2\\q\"", "C=3\nC=hunter2", "hunter 2=x"]
    {
        sandbox.write("bad.env", bad);
        for verb in [&["secrets", "load"][..], &["hydrate"]] {
            let outcome = sandbox.run("database", [verb, &["-f", "bad.env"]].concat());
            let outcome = outcome.fails(1, ["dotenv line ", "bad.env"]);
            assert!(!outcome.stderr.contains("hunter"), "{outcome}");
        }
    }
    let after = sandbox.ask(
        "SELECT string_agg(encode(sealed, 'hex'), ' ' ORDER BY key) FROM hectic.secret_sealed",
    );
    assert_eq!(before, after);
    // loading an equal value does not seal it again, and a new name leaves the others as they are
    sandbox.write("good.env", "B=2\nA=1\nC=3\n");
    sandbox.database(["secrets", "load", "-f", "good.env"]).success();
    let after = sandbox.ask("SELECT string_agg(encode(sealed, 'hex'), ' ' ORDER BY key) FROM hectic.secret_sealed WHERE key < 'C'");
    assert_eq!(before, after);
    assert_eq!(loaded(&sandbox), "A=1 B=2 C=3");
}

#[test]
fn nothing_replaces_something_only_when_that_is_said() {
    let sandbox = project::deployed("");
    sandbox.write("empty.env", "# nothing yet\n\n");
    sandbox.database(["hydrate", "-f", "empty.env"]).success();
    sandbox.database(["secrets", "load", "-f", "empty.env"]).fails(2, ["--allow-empty"]);
    sandbox.write("one.env", "A=1\n");
    sandbox.database(["secrets", "load", "-f", "one.env"]).success();
    for verb in [&["secrets", "load"][..], &["hydrate"]] {
        let outcome = sandbox.run("database", [verb, &["-f", "empty.env"]].concat());
        outcome.fails(2, ["remove", "--allow-empty"]);
    }
    assert_eq!(loaded(&sandbox), "A=1");
    sandbox.database(["secrets", "load", "-f", "empty.env", "--allow-empty"]).success();
    assert_eq!(loaded(&sandbox), "");
}

#[test]
fn a_database_without_the_bundle_keeps_no_secrets() {
    let sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    sandbox.write("one.env", "A=1\n");
    let words = ["no hectic bundle", "hydrate", "bundle upgrade"];
    sandbox.database(["secrets", "list"]).fails(1, words);
    sandbox.database(["hydrate", "-H", "-f", "one.env"]).fails(2, ["not loaded"]);
    assert!(!sandbox.path("pg/hectic.key").exists());
}

#[test]
fn sources_read_secrets_also_in_a_check() {
    let sandbox = project::with_source(
        "DO $$ BEGIN IF hectic.get_secret('A') IS DISTINCT FROM 'x y' THEN RAISE 'no secret'; END IF; END $$;",
    );
    sandbox.write("one.env", "A='x y'\n");
    sandbox.database(["check", "--no-patch", "-f", "one.env"]).success();
    sandbox.database(["check", "--no-patch"]).fails(1, ["no secret"]);
    sandbox.database(["deploy", "--no-patch", "-f", "one.env"]).success();
}

/// A pipe can be read only once; the same is true of the output of a password manager.
#[test]
fn a_dotenv_can_come_through_a_pipe() {
    let sandbox = project::with_source("");
    let database = program("database");
    for verb in ["deploy --no-patch", "hydrate", "secrets load", "check --no-patch"] {
        let command = format!("echo A='{verb}' | {database} {verb} -f /dev/stdin");
        sandbox
            .run("sh", ["-c", &command.replace("A='", "\"A='").replace("' |", "'\" |")])
            .success();
        let expected = if verb.starts_with("check") { "secrets load" } else { verb };
        assert_eq!(loaded(&sandbox), format!("A={expected}"));
    }
}

#[test]
fn a_key_that_cannot_be_used_is_told_before_anything_is_replaced() {
    let mut sandbox = project::deployed("");
    sandbox.ask("CREATE DATABASE precious");
    sandbox.set("HECTIC_SECRET_KEY_FILE", "/no/such/key");
    sandbox.set("HECTIC_DOTENV_CONTENT", "A=1");
    sandbox.database(["deploy", "--no-patch"]).fails(3, ["/no/such/key"]);
    assert_eq!(sandbox.ask("SELECT count(*) FROM pg_database WHERE datname = 'precious'"), "1");
}

#[test]
fn odd_arrays_are_refused() {
    let sandbox = project::deployed("");
    let garbage = "('[0:0]={\"\\\\x01' || repeat('00', 40) || '\"}')::bytea[]";
    let load = format!("SELECT hectic.load_sealed_secrets('[0:0]={{A}}', {garbage})");
    sandbox.run("database", ["psql", "-Xc", &load]).fails(1, ["do not go with"]);
    let query = "SET standard_conforming_strings = off; SELECT hectic.set_secret('A', 'x'); SELECT hectic.get_secret('A')";
    assert_eq!(sandbox.ask(query).lines().last(), Some("x"));
}
