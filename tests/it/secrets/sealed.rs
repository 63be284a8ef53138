//! Sealed dotenvs in a repository.

use crate::support::{Sandbox, project};

const SECRETS: &str = "# of staging\nA=one\nB='two words'\nC=three\n";

/// A project with a key that teammates share, and the dotenv sealed with it.
fn sealed() -> Sandbox {
    let mut sandbox = project::with_source("");
    sandbox.database(["secrets", "keygen", "team.key"]).success();
    let key = sandbox.path("team.key");
    sandbox.set("HECTIC_SECRET_KEY_FILE", key);
    sandbox.write("project/.env.staging", SECRETS);
    sandbox.database(["secrets", "seal", "project/.env.staging"]).success();
    sandbox
}

const FILE: &str = "project/.env.staging.sealed";

#[test]
fn a_sealed_dotenv_is_text_with_a_line_a_name() {
    let sandbox = sealed();
    let first = sandbox.read(FILE);
    let names: Vec<&str> =
        first.lines().skip(1).map(|line| line.split('=').next().unwrap()).collect();
    assert_eq!(names, ["A", "B", "C"], "{first}");
    assert!(!first.contains("two"), "{first}");
    sandbox.write("project/.env.staging", SECRETS.replace("three", "3") + "D=new\n");
    sandbox.database(["secrets", "seal", "project/.env.staging"]).success();
    let second = sandbox.read(FILE);
    let kept = second.lines().filter(|line| first.contains(*line)).count();
    assert_eq!((kept, second.lines().count()), (3, 5), "{first}{second}");
    sandbox.database(["secrets", "seal", "project/.env.staging"]).success();
    assert_eq!(sandbox.read(FILE), second);
}

#[test]
fn it_is_taken_wherever_a_dotenv_is() {
    let mut sandbox = sealed();
    let loaded = |sandbox: &Sandbox| {
        sandbox.ask("SELECT string_agg(key || '=' || value, ';' ORDER BY key) FROM hectic.secret")
    };
    let expected = "A=one;B=two words;C=three";
    sandbox.database(["deploy", "--no-patch", "-f", FILE]).success();
    assert_eq!(loaded(&sandbox), expected);
    let name = |sandbox: &mut Sandbox| {
        let sealed = sandbox.read(FILE);
        sandbox.set("HECTIC_DOTENV_CONTENT", sealed);
        sandbox.database(["secrets", "load"]).success();
        sandbox.unset("HECTIC_DOTENV_CONTENT");
        let file = sandbox.path(FILE);
        sandbox.set("HECTIC_DOTENV_FILE", file);
        sandbox.database(["secrets", "load"]).success();
        sandbox.unset("HECTIC_DOTENV_FILE");
        sandbox.set("ENVIRONMENT", "staging.sealed");
        sandbox.database(["hydrate"]).success();
    };
    name(&mut sandbox);
    assert_eq!(loaded(&sandbox), expected);
}

#[test]
fn the_projects_key_is_required_and_the_clusters_is_none() {
    let mut sandbox = sealed();
    sandbox.write("plain.env", "X=x\n");
    let key = sandbox.variable("HECTIC_SECRET_KEY_FILE").unwrap().to_owned();
    sandbox.unset("HECTIC_SECRET_KEY_FILE");
    sandbox.database(["deploy", "--no-patch", "-f", "plain.env"]).success();
    assert!(sandbox.path("pg/hectic.key").exists());
    for arguments in [&["secrets", "load", "-f", FILE][..], &["secrets", "seal", "plain.env"]] {
        sandbox.run("database", arguments).fails(3, ["HECTIC_SECRET_KEY_FILE is required"]);
    }
    sandbox.set("HECTIC_SECRET_KEY_FILE", "gone.key");
    sandbox.database(["secrets", "load", "-f", FILE]).fails(3, ["gone.key"]);
    // the error names the other key, and no value
    sandbox.database(["secrets", "keygen", "other.key"]).success();
    sandbox.set("HECTIC_SECRET_KEY_FILE", "other.key");
    sandbox
        .database(["secrets", "load", "-f", FILE])
        .fails(1, ["dotenv line 2", "is sealed with key"]);
    assert_eq!(sandbox.ask("SELECT key FROM hectic.secret"), "X");
    sandbox.set("HECTIC_SECRET_KEY_FILE", key);
    sandbox.database(["secrets", "load", "-f", FILE]).success();
    assert_eq!(sandbox.ask("SELECT string_agg(key, '' ORDER BY key) FROM hectic.secret"), "ABC");
}

#[test]
fn a_sealed_value_is_not_taken_for_a_value() {
    let sandbox = sealed();
    sandbox.database(["deploy", "--no-patch"]).success();
    let lines: String = sandbox
        .read(FILE)
        .lines()
        .skip(1)
        .map(|line| line.replacen('=', "='", 1) + "'\n")
        .collect();
    sandbox.write("quoted.env", lines);
    sandbox.database(["secrets", "load", "-f", "quoted.env"]).fails(1, ["A holds a sealed value"]);
    let header = sandbox.read(FILE).lines().next().unwrap().to_owned() + "\n";
    sandbox.write("head.sealed", header);
    sandbox.database(["secrets", "load", "-f", "head.sealed"]).fails(2, ["--allow-empty"]);
}

#[test]
fn what_cannot_be_sealed_is_refused_and_nothing_is_lost() {
    let sandbox = sealed();
    let before = sandbox.read(FILE);
    sandbox.database(["secrets", "seal", FILE]).fails(2, ["is sealed already"]);
    sandbox.database(["secrets", "seal", "gone.env"]).fails(3, ["dotenv file is not readable"]);
    sandbox.write("project/.env.staging", "A=one\nhunter2\n");
    let mistake = sandbox.database(["secrets", "seal", "project/.env.staging"]);
    let mistake = mistake.fails(1, ["dotenv line 2: expected NAME=value"]);
    assert!(!mistake.stderr.contains("hunter2"), "{mistake}");
    assert_eq!(sandbox.read(FILE), before);
    sandbox.write("notes.txt", "dear diary");
    sandbox.write("good.env", "A=1\n");
    sandbox
        .database(["secrets", "seal", "good.env", "-o", "notes.txt"])
        .fails(2, ["not a sealed dotenv"]);
    assert_eq!(sandbox.read("notes.txt"), "dear diary");
    sandbox.database(["secrets", "keygen", "team.key"]).fails(2, ["exists already"]);
}
