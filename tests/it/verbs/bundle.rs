//! `database bundle`: what a database holds of the bundle, and moving it on.

use crate::support::{project, repository};

fn upgraded_setup() -> String {
    let setup = repository().join("tests/fixture/bundle/upgrade/0.1.0-setup.sql");
    std::fs::read_to_string(setup).unwrap()
}

#[test]
fn status_tells_every_state() {
    let sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    let status = || sandbox.database(["bundle", "status"]).success().stdout;
    assert_eq!(status(), "absent (this tool brings 0.3.0)\n");
    sandbox.database(["bundle", "upgrade"]).success();
    assert_eq!(status(), "0.3.0, current\n");
    for (version, expected) in [
        ("0.10.0", "0.10.0, newer than 0.3.0\n"),
        ("0.1.0", "0.1.0, older than 0.3.0\n"),
        ("0.1.7", "0.1.7, unknown to this tool (0.3.0)\n"),
        ("banana", "banana, unknown to this tool (0.3.0)\n"),
    ] {
        sandbox.ask(&format!("UPDATE hectic.version SET version = '{version}'"));
        assert_eq!(status(), expected);
    }
    sandbox.ask("DROP TABLE hectic.version");
    assert_eq!(status(), "there, without a version\n");
}

#[test]
fn upgrade_says_what_it_did() {
    let sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    let upgrade = || sandbox.database(["bundle", "upgrade"]).success().stderr;
    assert_eq!(upgrade(), "bundle 0.3.0 applied\n");
    assert_eq!(upgrade(), "bundle 0.3.0 is current; applied again\n");
    sandbox.ask("DROP TABLE hectic.version");
    assert_eq!(upgrade(), "bundle upgraded to 0.3.0 (was: there, without a version)\n");
}

#[test]
fn the_shell_tools_bundle_is_upgraded() {
    let sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    sandbox.run_with_input("database", ["psql", "-Xq"], &upgraded_setup()).success();
    let upgraded = sandbox.database(["bundle", "upgrade"]).success();
    assert!(upgraded.stderr.contains("bundle upgraded to 0.3.0 (was: 0.1.0"), "{upgraded}");
    let check = repository().join("tests/fixture/bundle/upgrade/0.1.0-check.sql");
    sandbox.database(["psql", "-Xq", "-f", check.to_str().unwrap()]).success();
    sandbox.database(["hydrate"]).success();
}

#[test]
fn a_failing_upgrade_changes_nothing() {
    let sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    sandbox.run_with_input("database", ["psql", "-Xq"], &upgraded_setup()).success();
    sandbox.ask(
        "DROP EVENT TRIGGER other_name; CREATE SCHEMA hectic_upgrade; \
                 ALTER TABLE hectic.version ADD CHECK (version = '0.1.0')",
    );
    sandbox.database(["bundle", "upgrade"]).fails(1, ["cannot upgrade the bundle from 0.1.0"]);
    let kept = "SELECT string_agg(key, ',' ORDER BY key) || (SELECT version FROM hectic.version) \
                FROM hectic.secret";
    assert_eq!(sandbox.ask(kept), "EMPTY,TOKEN,export ODD0.1.0");
}

#[test]
fn a_newer_or_unknown_version_is_refused_and_nothing_changes() {
    let sandbox = project::deployed("");
    for (version, word) in [("0.10.0", "newer db-tool"), ("banana", "no release of db-tool made")] {
        sandbox.ask(&format!("UPDATE hectic.version SET version = '{version}'"));
        let refused = sandbox.database(["bundle", "upgrade"]).fails(13, [version, word]);
        assert!(refused.stderr.contains("nothing was changed"), "{refused}");
        assert_eq!(sandbox.ask("SELECT version FROM hectic.version"), version);
    }
}

#[test]
fn it_needs_a_connection_and_a_verb() {
    let mut sandbox = project::with_source("");
    sandbox.database(["bundle", "status"]).fails(1, ["no server listens there"]);
    sandbox.database(["bundle"]).fails(3, ["Usage: database bundle"]);
    sandbox.database(["bundle", "remove"]).fails(9, ["remove"]);
    sandbox.unset("DB_URL");
    sandbox.database(["bundle", "status"]).fails(3, ["DB_URL"]);
}
