//! Real clients: they connect with the exported variables and with nothing else.

use std::path::PathBuf;

use super::{exported, listening};
use crate::support::{Outcome, Sandbox, repository};

/// The clients: the name of the program and of its directory in `clients/`, and the script.
const CLIENTS: [(&str, &str); 2] = [("psycopg", "client.py"), ("node-postgres", "client.js")];

/// The ways to connect: with the variables of libpq, and with `DATABASE_URL`.
const WAYS: [&str; 2] = ["variables", "url"];

/// Runs a client in a shell with the exported variables, after `change`.
fn connect(sandbox: &Sandbox, (name, script): (&str, &str), way: &str, change: &str) -> Outcome {
    let program = place().join(name);
    let script = repository().join("clients").join(name).join(script);
    assert!(program.is_file(), "no {}: run the tests with `cargo x test`", program.display());
    let line = format!("{change}'{}' '{}' {way}", program.display(), script.display());
    exported(sandbox, &line)
}

/// The directory into which `cargo x test` has fetched the clients.
fn place() -> PathBuf {
    let named = std::env::var_os("DB_TOOL_TEST_CLIENTS").map(PathBuf::from);
    named.unwrap_or_else(|| repository().join("target/clients"))
}

/// The combinations of clients and ways to connect.
fn all() -> impl Iterator<Item = ((&'static str, &'static str), &'static str)> {
    CLIENTS.into_iter().flat_map(|client| WAYS.into_iter().map(move |way| (client, way)))
}

#[test]
fn they_connect_with_the_password_of_the_passfile() {
    let sandbox = listening();
    for (client, way) in all() {
        let shown = connect(&sandbox, client, way, "").success();
        assert_eq!(shown.stdout, "dev 127.0.0.1 plain\n", "{client:?} {way}");
    }
}

#[test]
fn they_are_refused_without_the_password() {
    let sandbox = listening();
    for (client, way) in all() {
        let wrong = connect(&sandbox, client, way, "export PGPASSWORD=wrong && ");
        wrong.fails(1, ["password authentication failed"]);
        let none = connect(&sandbox, client, way, "export PGPASSFILE=/none && ");
        assert_eq!(none.code, Some(1), "{client:?} {way}: {none}");
        assert!(none.stderr.contains("password"), "{client:?} {way}: {none}");
    }
}

#[test]
fn they_verify_the_server() {
    let mut sandbox = listening();
    sandbox.set("PG_TLS", "1");
    for (client, way) in all().filter(|way| reads_the_authority(*way)) {
        let shown = connect(&sandbox, client, way, "").success();
        assert_eq!(shown.stdout, "dev 127.0.0.1 encrypted\n", "{client:?} {way}");
    }
    // the same with the authority of another cluster
    let mut another = listening();
    another.set("PG_TLS", "1");
    another.init([]).success();
    let root = another.path("pg/tls/ca.crt").display().to_string();
    let change = format!(
        "export PGSSLROOTCERT={root} && DATABASE_URL=\"${{DATABASE_URL%/*/pg/tls/ca.crt}}\" && \
         DATABASE_URL=\"${{DATABASE_URL%sslrootcert=*}}sslrootcert={root}\" && "
    );
    for (client, way) in all().filter(|way| reads_the_authority(*way)) {
        let refused = connect(&sandbox, client, way, &change);
        assert_eq!(refused.code, Some(1), "{client:?} {way}: {refused}");
        assert!(refused.stderr.contains("certificate"), "{client:?} {way}: {refused}");
    }
}

#[test]
fn they_are_refused_without_tls() {
    let mut sandbox = listening();
    sandbox.set("PG_TLS", "1");
    let change = "export PGSSLMODE=disable && DATABASE_URL=\"${DATABASE_URL%%\\?*}\" && ";
    for (client, way) in all() {
        let refused = connect(&sandbox, client, way, change);
        refused.fails(1, ["no encryption"]);
    }
}

/// Whether the client reads the authority's certificate. `node-postgres` has no variable for it, so
/// that it takes it from the URL only.
fn reads_the_authority(((client, _), way): ((&str, &str), &str)) -> bool {
    client != "node-postgres" || way == "url"
}
