//! The end of a watch: by keys, signals and a closed terminal.

use std::io::Write;
use std::process::{Child, Stdio};

use super::Watching;
use crate::support::project::with_own_cache;
use crate::support::trace::{nothing_left, signal};
use crate::support::wait::hear;
use crate::support::{Sandbox, finish, server, wait_until};

const SLEEPING: &str = "\\! touch started\nSELECT pg_sleep(3600);\n";

fn started(sandbox: &Sandbox) -> bool {
    sandbox.path("project/started").exists()
}

#[test]
fn by_each_signal_between_two_runs() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let sandbox = with_own_cache("SELECT 1;\n");
        let outcome = Watching::start(&sandbox, []).end(name);
        assert_eq!(outcome.signal, Some(number), "{outcome}");
        assert!(outcome.stderr.contains("interrupted"), "{outcome}");
        nothing_left(&sandbox);
    }
}

#[test]
fn by_each_signal_during_a_run() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let sandbox = with_own_cache(SLEEPING);
        let watching = Watching::begin(&sandbox, []);
        wait_until("the check runs", || started(&sandbox));
        let outcome = watching.end(name);
        assert_eq!(outcome.signal, Some(number), "{outcome}");
        nothing_left(&sandbox);
    }
}

/// The check that a killed watch has started cleans up and ends.
#[test]
fn by_a_kill_during_a_run() {
    let sandbox = with_own_cache(SLEEPING);
    let watching = Watching::begin(&sandbox, []);
    wait_until("the check runs", || started(&sandbox));
    watching.end("KILL");
    wait_until("the check ends", || server::anything_below(&sandbox.path("")).is_empty());
    nothing_left(&sandbox);
}

/// A shell on a terminal of its own, in which a watch runs between two looks at the terminal.
fn on_a_terminal(sandbox: &Sandbox) -> Child {
    let script = "trap : INT; stty -g > before; database watch; echo $? > status; stty -g > after";
    let mut command = sandbox.command("script", ["-q", "-c", script, "/dev/null"]);
    let path = crate::support::program("database");
    let directory = std::path::Path::new(&path).parent().unwrap();
    let others = sandbox.variable("PATH").unwrap().to_str().unwrap();
    command.env("PATH", format!("{}:{others}", directory.display()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[track_caller]
fn say(terminal: &mut Child, key: &[u8]) {
    terminal.stdin.as_mut().unwrap().write_all(key).unwrap();
}

#[track_caller]
fn until(terminal: &mut Child, words: &str) -> String {
    let id = terminal.id();
    let enough = |said: &str| said.ends_with('\n') && said.contains(words);
    let said = hear(terminal.stdout.as_mut().unwrap(), id, enough);
    assert!(said.contains(words), "{said}");
    said
}

/// The terminal's settings are as before, and the shell saw this exit status.
#[track_caller]
fn ended_with(sandbox: &Sandbox, terminal: Child, status: &str) {
    finish(terminal, None);
    assert_eq!(sandbox.read("status").trim(), status);
    assert_eq!(sandbox.read("before"), sandbox.read("after"));
    nothing_left(sandbox);
}

#[test]
fn r_runs_again_and_q_quits() {
    let sandbox = with_own_cache("SELECT 1;\n");
    let mut terminal = on_a_terminal(&sandbox);
    let said = until(&mut terminal, "passed after");
    assert!(said.contains("] check (r: again, q: quit)"), "{said}");
    say(&mut terminal, b"r");
    let said = until(&mut terminal, "passed after");
    assert!(said.contains("] check again"), "{said}");
    say(&mut terminal, b"xq");
    ended_with(&sandbox, terminal, "0");
}

#[test]
fn q_quits_during_a_run() {
    let sandbox = with_own_cache(SLEEPING);
    let mut terminal = on_a_terminal(&sandbox);
    wait_until("the check runs", || started(&sandbox));
    say(&mut terminal, b"q");
    ended_with(&sandbox, terminal, "0");
}

#[test]
fn ctrl_c_ends_it_between_and_during_runs() {
    let sandbox = with_own_cache("SELECT 1;\n");
    let mut terminal = on_a_terminal(&sandbox);
    until(&mut terminal, "passed after");
    say(&mut terminal, b"\x03");
    ended_with(&sandbox, terminal, "130");
    sandbox.write("project/db/src/entrypoint.sql", SLEEPING);
    let mut terminal = on_a_terminal(&sandbox);
    wait_until("the check runs", || started(&sandbox));
    say(&mut terminal, b"\x03");
    ended_with(&sandbox, terminal, "130");
}

#[test]
fn a_closed_terminal_ends_it() {
    let sandbox = with_own_cache(SLEEPING);
    let mut terminal = on_a_terminal(&sandbox);
    until(&mut terminal, "r: again");
    wait_until("the check runs", || started(&sandbox));
    signal("KILL", terminal.id());
    terminal.wait().unwrap();
    wait_until("the watch ends", || server::anything_below(&sandbox.path("")).is_empty());
    nothing_left(&sandbox);
}
