//! Only one command at a time changes a cluster.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::support::process::is_running;
use crate::support::{Sandbox, finish, server, wait_until};

/// Holds the working directory's lock until its input is closed.
fn hold_lock(sandbox: &Sandbox) -> Child {
    let lock = sandbox.path("pg/.db-tool.lock");
    let mut command = sandbox.command("flock", [lock.to_str().unwrap(), "sh", "-c", "echo; cat"]);
    let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "\n", "the lock is held");
    holder
}

#[test]
fn the_second_waits_with_a_message_and_then_proceeds() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    let mut holder = hold_lock(&sandbox);
    let mut second = sandbox.spawn("postgres-init", [""; 0]);
    let mut said = String::new();
    BufReader::new(second.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("waiting for another db-tool command"), "{said}");
    assert!(said.contains(".db-tool.lock"), "{said}");
    assert!(second.try_wait().unwrap().is_none(), "it waits");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    finish(second, None).success();
}

#[test]
fn a_waiting_command_can_be_interrupted() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    let before = sandbox.postmaster();
    let mut holder = hold_lock(&sandbox);
    let mut second = sandbox.spawn("postgres-init", [""; 0]);
    let mut said = String::new();
    BufReader::new(second.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
    crate::support::wait::signal("INT", second.id());
    let ended = finish(second, None);
    assert_eq!(ended.signal, Some(2), "{ended}");
    assert!(is_running(before), "nothing was touched");
    drop(holder.stdin.take());
    holder.wait().unwrap();
}

#[test]
fn many_at_once_end_with_one_cluster() {
    for reuse in [false, true] {
        let mut sandbox = Sandbox::with_cluster();
        if !reuse {
            sandbox.set("PG_FRESH", "1");
        }
        let started: Vec<_> = (0..8).map(|_| sandbox.spawn("postgres-init", [""; 0])).collect();
        let told: Vec<_> =
            started.into_iter().map(|child| finish(child, None).success().stderr).collect();
        let created = told.iter().filter(|text| text.contains("cluster created")).count();
        assert_eq!(created, 1, "{told:?}");
        let attached = told.iter().filter(|text| text.contains("found running")).count();
        assert_eq!(attached, if reuse { 7 } else { 0 }, "{told:?}");
        assert_eq!(sandbox.ask_in("postgres", "SELECT 1"), "1");
        assert_eq!(sandbox.beside("data"), ["data"]);
    }
}

#[test]
fn clusters_in_two_directories_do_not_meet() {
    let (one, mut other) = (Sandbox::with_cluster(), Sandbox::with_cluster());
    one.init([]).success();
    other.init([]).success();
    one.ask_in("postgres", "CREATE TABLE only_here ()");
    other.set("PG_REUSE", "1");
    assert_eq!(other.ask_in("postgres", "SELECT to_regclass('only_here') IS NULL"), "t");
    one.run("postgres-cleanup", [""; 0]).success();
    assert_eq!(other.ask_in("postgres", "SELECT 1"), "1");
}

#[test]
fn an_interrupted_start_leaves_no_server() {
    for name in ["INT", "TERM", "HUP"] {
        let mut sandbox = Sandbox::with_cluster();
        sandbox.set("PG_TEMPLATE", "off");
        let child = sandbox.spawn("postgres-init", [""; 0]);
        wait_until("it builds", || {
            sandbox.path("pg").is_dir() && !sandbox.beside("data.new-").is_empty()
        });
        crate::support::wait::signal(name, child.id());
        let ended = finish(child, None);
        assert!(ended.signal.is_some(), "{name}: {ended}");
        assert_eq!(sandbox.beside("data"), [""; 0], "{name}");
        // the server of initdb ends a moment after initdb
        wait_until("it ends", || server::processes_below(&sandbox.path("")).is_empty());
        sandbox.init([]).success();
    }
}
