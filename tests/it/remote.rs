//! Databases on another machine: verbs that change them ask first.

use crate::support::tls::TlsServer;

/// A server that the tests can reach, under a name that is not of this machine.
fn far(server: &TlsServer) -> String {
    let port = server.port;
    format!(
        "host=far.example hostaddr=127.0.0.1 port={port} dbname=app user=trusted sslmode=disable"
    )
}

#[test]
fn a_database_on_another_machine_changes_only_with_remote() {
    let mut server = TlsServer::start();
    let url = far(&server);
    let sandbox = &mut server.sandbox;
    sandbox.set("DB_URL", &url);
    sandbox.write(
        "project/db/src/entrypoint.sql",
        "CREATE TABLE item (i int) INHERITS (hectic.created_at);\n",
    );
    sandbox.write("project/test-data.sql", "INSERT INTO item (i) VALUES (1);\n");
    sandbox.write("project/db/test/test.sql", "SELECT 1 / count(*) FROM item;\n");
    sandbox.write("one.env", "A=one\n");
    for arguments in [
        &["hydrate"][..],
        &["patch"],
        &["test"],
        &["secrets", "load", "-f", "one.env"],
        &["secrets", "rotate"],
        &["bundle", "upgrade"],
    ] {
        let refused = sandbox.run("database", arguments);
        refused.fails(2, ["database app at", "is not on this machine", "--remote"]);
    }
    assert_eq!(sandbox.ask("SELECT to_regclass('item') IS NULL"), "t");
    for verb in ["hydrate", "patch", "test"] {
        sandbox.database([verb, "--remote"]).success();
    }
    assert_eq!(sandbox.ask("SELECT i FROM item"), "1");
    // reading needs no consent
    sandbox.database(["bundle", "status"]).success();
    // whoever says --remote does not mean the cluster's place
    for verb in ["init", "deploy", "cleanup"] {
        sandbox.database([verb, "--remote"]).fails(2, ["is not on this machine"]);
    }
}

#[test]
fn migrations_of_another_machine_are_reverted_with_consent() {
    let mut server = TlsServer::start();
    let url = far(&server);
    let sandbox = &mut server.sandbox;
    sandbox.set("DB_URL", &url);
    for number in 1..=2 {
        let place = format!("project/db/migration/2025010100000{number}-m");
        sandbox.write(&format!("{place}/up.sql"), format!("CREATE SCHEMA s{number};\n"));
        sandbox.write(&format!("{place}/down.sql"), format!("DROP SCHEMA s{number};\n"));
    }
    // forward is what a migrator is for
    sandbox.run("migrator", ["migrate", "up", "1"]).success();
    sandbox.run("migrator", ["migrate", "to", "latest"]).success();
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 's_'";
    for arguments in [
        &["migrate", "down"][..],
        &["migrate", "redo"],
        &["migrate", "to", "20250101000001-m"],
        &["clean"],
    ] {
        let refused = sandbox.run("migrator", arguments);
        refused.fails(3, ["no terminal to ask", "--yes"]);
        assert_eq!(sandbox.ask(schemas), "2", "{arguments:?}");
    }
    sandbox.run("migrator", ["migrate", "redo", "--yes"]).success();
    sandbox.run("migrator", ["migrate", "--yes", "down"]).success();
    assert_eq!(sandbox.ask(schemas), "1");
    sandbox.run("migrator", ["migrate", "down", "--dry-run"]).success();
    sandbox.run("migrator", ["migrate", "to", "0", "-y"]).success();
    assert_eq!(sandbox.ask(schemas), "0");
}
