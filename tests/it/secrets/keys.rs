//! The key file: created at its first use, private, shared, rotated.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::support::{Sandbox, is_root, project};

const KEY: &str = "pg/hectic.key";

fn keys(sandbox: &Sandbox, file: &str) -> Vec<String> {
    let lines = sandbox.read(file);
    let keys = lines.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    keys.map(str::to_owned).collect()
}

fn with_secret() -> Sandbox {
    let sandbox = project::deployed("");
    assert!(sandbox.path(KEY).exists(), "for who stores secrets by SQL");
    sandbox.write("one.env", "A=one\n");
    sandbox.database(["secrets", "load", "-f", "one.env"]).success();
    sandbox
}

fn value(sandbox: &Sandbox) -> String {
    sandbox.ask("SELECT hectic.get_secret('A')")
}

#[test]
fn it_is_made_for_the_server_and_nobody_else() {
    let sandbox = with_secret();
    let facts = std::fs::metadata(sandbox.path(KEY)).unwrap();
    let data = std::fs::metadata(sandbox.path("pg/data")).unwrap();
    assert_eq!((facts.mode() & 0o777, facts.uid()), (0o600, data.uid()));
    assert_eq!(sandbox.read("pg/.gitignore").trim(), "*");
    let before = sandbox.read(KEY);
    sandbox.database(["hydrate", "-f", "one.env"]).success();
    assert_eq!(sandbox.read(KEY), before);
    for mode in [0o640, 0o604] {
        std::fs::set_permissions(sandbox.path(KEY), PermissionsExt::from_mode(mode)).unwrap();
        for verb in [
            &["secrets", "get", "A"][..],
            &["secrets", "load", "-f", "one.env"],
            &["hydrate", "-f", "one.env"],
        ] {
            sandbox.run("database", verb).fails(1, ["is open to others", "chmod 600"]);
        }
    }
}

#[test]
fn it_goes_with_the_cluster() {
    let sandbox = with_secret();
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg").exists(), "{:?}", sandbox.entries("pg"));
}

#[test]
fn a_cluster_made_anew_goes_on_with_the_key_that_is_there() {
    let sandbox = with_secret();
    let before = sandbox.read(KEY);
    sandbox.database(["deploy", "--no-patch", "-f", "one.env"]).success();
    assert_eq!((sandbox.read(KEY), value(&sandbox)), (before, "one".to_owned()));
}

#[test]
fn an_ordinary_user_has_one_too() {
    let mut sandbox = project::with_source("");
    sandbox.write("one.env", "A=one\n");
    if is_root() {
        sandbox.act_as("nobody");
    }
    sandbox.database(["deploy", "--no-patch", "-f", "one.env"]).success();
    let query = "SELECT hectic.get_secret('A')";
    assert_eq!(sandbox.database(["psql", "-XAtc", query]).success().stdout, "one\n");
    assert_eq!(sandbox.database(["secrets", "get", "A"]).success().stdout, "one\n");
}

#[test]
fn the_projects_key_seals_what_the_server_opens() {
    let mut sandbox = with_secret();
    let own = keys(&sandbox, KEY);
    sandbox.database(["secrets", "keygen", "team.key"]).success();
    let file = sandbox.path("team.key");
    sandbox.set("HECTIC_SECRET_KEY_FILE", &file);
    sandbox.database(["secrets", "load", "-f", "one.env"]).success();
    assert_eq!(keys(&sandbox, KEY), [keys(&sandbox, "team.key"), own].concat());
    assert_eq!(value(&sandbox), "one");
    // the same in a cluster without a key of its own
    sandbox.database(["cleanup"]).success();
    sandbox.database(["deploy", "--no-patch", "-f", "one.env"]).success();
    assert_eq!(keys(&sandbox, KEY), keys(&sandbox, "team.key"));
    assert_eq!(value(&sandbox), "one");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    sandbox
        .database(["secrets", "load", "-f", "one.env"])
        .fails(1, ["team.key", "is open to others"]);
}

#[test]
fn a_rotation_seals_every_database_anew_and_can_drop_the_old_key() {
    let sandbox = with_secret();
    let first = keys(&sandbox, KEY);
    let other = sandbox.url("other");
    sandbox.ask("CREATE DATABASE other");
    sandbox.run("database", ["-u", &other, "hydrate", "-f", "one.env"]).success();
    let sealed = "SELECT encode(sealed, 'hex') FROM hectic.secret_sealed";
    let before = sandbox.ask(sealed);
    let rotated = sandbox.database(["secrets", "rotate"]).success();
    assert!(rotated.stderr.contains("app: 1 sealed again"), "{rotated}");
    assert!(rotated.stderr.contains("other: 1 sealed again"), "{rotated}");
    let both = keys(&sandbox, KEY);
    assert_eq!((both.len(), &both[1..]), (2, &first[..]));
    assert_ne!(sandbox.ask(sealed), before);
    assert_eq!(value(&sandbox), "one");
    sandbox.database(["secrets", "rotate", "--drop-old"]).success();
    let last = keys(&sandbox, KEY);
    assert_eq!(last.len(), 1);
    assert!(!both.contains(&last[0]));
    assert_eq!(value(&sandbox), "one");
    let got = sandbox.run("database", ["-u", &other, "secrets", "get", "A"]).success();
    assert_eq!(got.stdout, "one\n");
    assert_eq!(std::fs::metadata(sandbox.path(KEY)).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn what_a_rotation_cannot_reach_keeps_its_key() {
    let sandbox = with_secret();
    let template = sandbox.url("template");
    sandbox.ask("CREATE DATABASE template");
    sandbox.run("database", ["-u", &template, "hydrate", "-f", "one.env"]).success();
    sandbox.ask("ALTER DATABASE template IS_TEMPLATE true");
    sandbox.database(["secrets", "rotate", "--drop-old"]).success();
    let got = sandbox.run("database", ["-u", &template, "secrets", "get", "A"]).success();
    assert_eq!(got.stdout, "one\n");
    sandbox.ask("ALTER DATABASE template ALLOW_CONNECTIONS false");
    let before = sandbox.read(KEY);
    sandbox
        .database(["secrets", "rotate", "--drop-old"])
        .fails(2, ["template", "accepts no connections"]);
    assert_eq!(sandbox.read(KEY), before);
    sandbox.ask("ALTER DATABASE template ALLOW_CONNECTIONS true");
    std::fs::create_dir(sandbox.path("pg/other")).unwrap();
    sandbox.write("pg/other/PG_VERSION", "15\n");
    sandbox.database(["secrets", "rotate", "--drop-old"]).fails(2, ["another cluster"]);
    assert_eq!(sandbox.read(KEY), before);
}

#[test]
fn the_projects_key_is_never_dropped_and_reading_writes_nothing() {
    let mut sandbox = with_secret();
    sandbox.database(["secrets", "keygen", "team.key"]).success();
    let file = sandbox.path("team.key");
    sandbox.set("HECTIC_SECRET_KEY_FILE", &file);
    let (team, own) = (sandbox.read("team.key"), sandbox.read(KEY));
    assert_eq!(sandbox.database(["secrets", "get", "A"]).success().stdout, "one\n");
    sandbox.database(["secrets", "export"]).success();
    assert_eq!((sandbox.read("team.key"), sandbox.read(KEY)), (team, own));
    sandbox.database(["secrets", "seal", "one.env"]).success();
    sandbox.database(["secrets", "rotate", "--drop-old"]).success();
    assert_eq!(keys(&sandbox, "team.key").len(), 2);
    assert_eq!(value(&sandbox), "one");
    sandbox.database(["secrets", "load", "-f", "one.env.sealed"]).success();
    let cluster = sandbox.path(KEY);
    sandbox.set("HECTIC_SECRET_KEY_FILE", &cluster);
    sandbox.database(["secrets", "seal", "one.env"]).fails(2, ["key file of a cluster"]);
}

#[test]
fn an_old_key_that_is_needed_stays() {
    let sandbox = with_secret();
    // the value is sealed with a key that is gone
    sandbox.ask("UPDATE hectic.secret_sealed SET sealed = overlay(sealed PLACING '\\x00112233' FROM 2 FOR 4)");
    let outcome = sandbox.database(["secrets", "rotate", "--drop-old"]);
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert_eq!(keys(&sandbox, KEY).len(), 2, "{outcome}");
}

#[test]
fn a_backup_restored_elsewhere_needs_its_key() {
    let sandbox = with_secret();
    sandbox.database(["backup"]).success();
    let key = sandbox.read(KEY);
    std::fs::remove_file(sandbox.path(KEY)).unwrap();
    sandbox.database(["secrets", "keygen", KEY]).success();
    sandbox.run("chown", ["--reference", "pg/data", KEY]).success();
    sandbox.database(["restore"]).success();
    sandbox
        .database(["secrets", "get", "A"])
        .fails(1, ["is sealed with key", "load the secrets again"]);
    let asked = sandbox.run("database", ["psql", "-Xc", "SELECT hectic.get_secret('A')"]);
    assert!(asked.code != Some(0) && asked.stderr.contains("key"), "{asked}");
    sandbox.write(KEY, key);
    assert_eq!(value(&sandbox), "one");
}

/// A killed writer leaves its file. The keys in it must not outlive the keys that `rotate` drops.
#[test]
fn what_a_killed_writer_left_goes_before_keys_are_dropped() {
    let sandbox = with_secret();
    let left = sandbox.path("pg/.hectic.key.killed");
    std::fs::copy(sandbox.path(KEY), &left).unwrap();
    sandbox.write("pg/.hectic.keys-of-somebody", "");
    sandbox.database(["secrets", "rotate", "--drop-old"]).success();
    let mut hidden = sandbox.entries("pg");
    hidden.retain(|name| name.starts_with(".hectic"));
    assert_eq!(hidden, [".hectic.keys-of-somebody"]);
    assert_eq!(value(&sandbox), "one");
}
