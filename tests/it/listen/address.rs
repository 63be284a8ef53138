//! The address and the port: which ones are used, and which are refused before anything changes.

use std::net::TcpListener;

use super::{WHO, exported, listening, occupied, port};
use crate::support::Sandbox;

/// Refused: the working directory is not even made.
#[track_caller]
fn refused<const N: usize>(sandbox: &Sandbox, code: i32, words: [&str; N]) {
    sandbox.init([]).fails(code, words);
    assert!(!sandbox.path("pg").exists(), "nothing changed");
}

#[test]
fn every_name_of_the_loopback_interface_works() {
    for (given, host) in [("::1", "::1"), ("[::1]", "::1"), ("localhost", "localhost")] {
        let mut sandbox = listening();
        sandbox.set("PG_LISTEN", given);
        let who = exported(&sandbox, &format!("echo \"$PGHOST\" && {WHO}")).success();
        let (shown, who) = who.stdout.split_once('\n').unwrap();
        assert_eq!(shown, host);
        assert!(["dev 127.0.0.1\n", "dev ::1\n"].contains(&who), "{who}");
        let by_url = exported(&sandbox, "psql -XAt \"$DATABASE_URL\" -c 'SELECT 1'").success();
        assert_eq!(by_url.stdout, "1\n");
    }
}

#[test]
fn the_flag_beats_the_variable_and_an_empty_one_closes() {
    let mut sandbox = listening();
    sandbox.set("PG_LISTEN", "10.1.2.3");
    sandbox.init(["--listen", "127.0.0.1"]).success();
    assert_eq!(sandbox.ask_in("postgres", "SHOW listen_addresses"), "127.0.0.1");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.init(["--listen", ""]).success();
    assert_eq!(sandbox.ask_in("postgres", "SHOW listen_addresses"), "");
}

#[test]
fn other_machines_are_let_in_only_with_consent() {
    let mut sandbox = listening();
    for public in ["0.0.0.0", "*", "::", "10.1.2.3"] {
        sandbox.set("PG_LISTEN", public);
        refused(&sandbox, 2, ["PG_LISTEN", public, "--listen-public"]);
    }
    sandbox.set("PG_LISTEN", "0.0.0.0");
    let open = sandbox.init(["--listen-public", "--export", "sh"]).success();
    assert!(open.stdout.contains("PGHOST='127.0.0.1'"), "{open}");
    // the consent holds as long as that server runs, for all verbs
    sandbox.init([]).success();
    sandbox.database(["snapshot", "save", "s"]).success();
    assert_eq!(sandbox.ask_in("postgres", "SHOW listen_addresses"), "0.0.0.0");
    let everybody = exported(&sandbox, "psql -XAtc 'SELECT 1'").success();
    assert_eq!(everybody.stdout, "1\n");
    let trusted = exported(&sandbox, "PGPASSFILE=/none psql -w -XAtc 'SELECT 1'");
    trusted.fails(2, ["no password supplied"]);
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.init([]).fails(2, ["PG_LISTEN", "--listen-public"]);
}

#[test]
fn what_is_no_address_of_this_machine_is_refused() {
    let mut sandbox = listening();
    for (address, word) in [
        ("127.0.0.1,::1", "not one address"),
        ("127.0.0.1:5432", "not one address"),
        ("/tmp", "not one address"),
        ("no-such-name.invalid", "no known name"),
    ] {
        sandbox.set("PG_LISTEN", address);
        refused(&sandbox, 2, ["PG_LISTEN", word]);
    }
    sandbox.set("PG_LISTEN", "192.0.2.1");
    sandbox.init(["--listen-public"]).fails(2, ["192.0.2.1", "no such address"]);
}

#[test]
fn a_file_of_the_project_opens_nothing_to_others() {
    let mut sandbox = listening();
    sandbox.unset("PG_LISTEN");
    sandbox.set("LOCAL_DIR", sandbox.path("project"));
    sandbox.write("project/database.toml", "listen = '0.0.0.0'\n");
    for flags in [&[][..], &["--listen-public"]] {
        let refused = sandbox.run("postgres-init", flags);
        refused.fails(2, ["database.toml sets PG_LISTEN", "other machines"]);
    }
    sandbox.write("project/database.toml", "");
    sandbox.write("project/.env", "PG_LISTEN=*\n");
    refused(&sandbox, 2, [".env sets PG_LISTEN", "other machines"]);
    sandbox.write("project/.env", "");
    sandbox.unset("PG_PORT");
    sandbox.write("project/database.toml", "listen = '127.0.0.1'\nport = 0\n");
    assert_eq!(exported(&sandbox, WHO).success().stdout, "dev 127.0.0.1\n");
}

#[test]
fn a_chosen_port_is_remembered() {
    let sandbox = listening();
    sandbox.init([]).success();
    let first = port(&sandbox);
    assert_eq!(sandbox.ask_in("postgres", "SHOW port"), first.to_string());
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.init([]).success();
    assert_eq!(sandbox.ask_in("postgres", "SHOW port"), first.to_string());
    sandbox.init(["--fresh"]).success();
    assert_eq!(sandbox.ask_in("postgres", "SHOW port"), first.to_string());
}

#[test]
fn a_chosen_port_that_was_taken_is_replaced_and_the_user_told() {
    let sandbox = listening();
    sandbox.init([]).success();
    let first = port(&sandbox);
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let holder = TcpListener::bind(("127.0.0.1", first)).unwrap();
    let told = sandbox.init(["--export", "sh"]).success();
    let second = port(&sandbox);
    assert_ne!(first, second);
    assert!(told.stderr.contains(&format!("the port {first} of 127.0.0.1 is taken")), "{told}");
    assert!(told.stderr.contains(&format!("the port {second} instead")), "{told}");
    drop(holder);
    assert_eq!(exported(&sandbox, WHO).success().stdout, "dev 127.0.0.1\n");
    sandbox.database(["psql", "-Xc", "SELECT 1"]).success();
}

#[test]
fn a_port_that_another_program_has_is_named_and_nothing_changes() {
    let mut sandbox = listening();
    let (_holder, taken) = occupied();
    sandbox.set("PG_PORT", taken.to_string());
    let us = format!("process {}", std::process::id());
    refused(&sandbox, 3, [&*taken.to_string(), "is taken", &us, "PG_PORT=0"]);
    // a cluster that is there is not touched either
    sandbox.set("PG_PORT", "0");
    sandbox.init([]).success();
    sandbox.leave_work();
    let running = sandbox.postmaster();
    sandbox.set("PG_PORT", taken.to_string());
    sandbox.set("DB_URL", "");
    for verb in [&["postgres-init", "--fresh"][..], &["database", "deploy", "-H", "-P"]] {
        sandbox.set("LOCAL_DIR", sandbox.path("tmp"));
        sandbox.run(verb[0], &verb[1..]).fails(3, ["is taken"]);
    }
    assert_eq!(sandbox.postmaster(), running);
    assert!(sandbox.has_work());
}

#[test]
fn two_projects_cannot_have_one_port() {
    let first = listening();
    first.init([]).success();
    let mut second = listening();
    second.set("PG_PORT", port(&first).to_string());
    let place = first.path("pg").display().to_string();
    refused(&second, 3, ["is taken: the PostgreSQL server in", &*place]);
}

#[test]
fn a_privileged_port_is_refused() {
    let limit = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let limit: u16 = limit.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    if limit <= 1 {
        return; // every user may listen on every port here
    }
    let mut sandbox = listening();
    sandbox.set("PG_PORT", (limit - 1).to_string());
    refused(&sandbox, 2, ["PG_PORT", "so low a port"]);
    // without TCP the port is only a part of the socket's name
    sandbox.unset("PG_LISTEN");
    sandbox.init([]).success();
}

#[test]
fn a_deploy_takes_over_the_port() {
    let mut sandbox = listening();
    sandbox
        .write("project/db/src/entrypoint.sql", "CREATE TABLE t () INHERITS (hectic.created_at);");
    sandbox.set("LOCAL_DIR", sandbox.path("project"));
    sandbox.database(["deploy", "-P"]).success();
    let first = port(&sandbox);
    sandbox.database(["deploy", "-P"]).success();
    assert_eq!(sandbox.ask_in("postgres", "SHOW port"), first.to_string());
    assert_eq!(exported(&sandbox, "psql -XAtc 'SELECT count(*) FROM t'").success().stdout, "0\n");
}
