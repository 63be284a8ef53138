//! How long clones live, and what drops them.

use super::{Owner, SOURCE};
use crate::support::project::deployed;
use crate::support::wait::{hear, signal};
use crate::support::{Sandbox, finish, psql, wait_until};

/// Makes the note of all clones say that they were made long ago.
fn age(sandbox: &Sandbox) {
    let over = "SELECT format('COMMENT ON DATABASE %I IS %L', datname, regexp_replace(note, '\"expires\":\\d+', '\"expires\":1')) \
                FROM pg_database, shobj_description(oid, 'pg_database') note WHERE note LIKE '{%expires%'";
    for statement in sandbox.ask_in("postgres", over).lines() {
        sandbox.ask_in("postgres", statement);
    }
    for name in sandbox.entries("pg/.clone").iter().filter(|name| name.len() == 32) {
        let text = sandbox.read(&format!("pg/.clone/{name}"));
        let (before, rest) = text.split_once("\"expires\":").unwrap();
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        std::fs::write(
            sandbox.path("pg/.clone").join(name),
            format!("{before}\"expires\":1{rest}"),
        )
        .unwrap();
    }
}

#[test]
fn the_next_command_drops_a_clone_whose_time_is_over() {
    let sandbox = deployed(SOURCE);
    sandbox.clone_with(["--ttl", "10min"]);
    sandbox.clone_with([]);
    sandbox.clone_with(["--keep"]);
    sandbox.database(["url"]).success();
    assert_eq!(sandbox.clones().len(), 3);
    age(&sandbox);
    wait_until("each command drops some", || {
        sandbox.database(["url"]).success();
        sandbox.clones().len() == 1
    });
    sandbox.database(["url"]).success();
    assert_eq!(sandbox.clones().len(), 1, "one is to stay");
    let hints = sandbox.entries("pg/.clone");
    assert!(hints.iter().all(|name| name.len() != 32), "{hints:?}");
}

#[test]
fn a_kept_clone_outlives_its_owner() {
    let sandbox = deployed(SOURCE);
    let owner = Owner::start();
    sandbox.clone_with(["--owner", &owner.pid(), "--name", "kept"]);
    sandbox.clone_with(["--owner", &owner.pid(), "--name", "other"]);
    sandbox.database(["clone", "keep", "kept", "nothing"]).fails(9, ["no clone \"nothing\""]);
    sandbox.database(["clone", "keep", "--ttl", "10min", "kept"]).success();
    drop(owner);
    sandbox.database(["url"]).success();
    let listed = sandbox.database(["clone", "list"]).success();
    assert!(listed.stdout.contains("kept") && !listed.stdout.contains("other"), "{listed}");
    assert!(listed.stdout.contains("in 10 min") || listed.stdout.contains("in 9 min"), "{listed}");
}

#[test]
fn the_next_command_drops_a_clone_whose_owner_has_ended() {
    let sandbox = deployed(SOURCE);
    let owner = Owner::start();
    sandbox.clone_with(["--owner", &owner.pid()]);
    sandbox.database(["url"]).success();
    assert_eq!(sandbox.clones().len(), 1);
    let listed = sandbox.database(["clone", "list"]).success();
    assert!(listed.stdout.contains(&format!("with process {}", owner.pid())), "{listed}");
    drop(owner);
    sandbox.database(["url"]).success();
    assert_eq!(sandbox.clones().len(), 0);
    sandbox.database(["clone", "--owner", "0"]).fails(2, ["no process 0", "--owner $$"]);
    sandbox.database(["clone", "--owner", "1", "--keep"]).fails(2, ["--keep"]);
    sandbox.database(["clone", "--ttl", "0"]).fails(2, ["--ttl"]);
    sandbox.database(["clone", "--ttl", "soon"]).fails(2, ["--ttl is \"soon\"", "\nhint:"]);
}

#[test]
fn gc_and_prune_drop_what_is_over() {
    let sandbox = deployed(SOURCE);
    for _ in 0..2 {
        sandbox.clone_with([]);
    }
    sandbox.database(["clone", "prune"]).success();
    assert_eq!(sandbox.clones().len(), 2);
    age(&sandbox);
    // without its hints, nobody notices that a clone is over, except for a command that looks
    for name in sandbox.entries("pg/.clone").iter().filter(|name| name.len() == 32) {
        std::fs::remove_file(sandbox.path("pg/.clone").join(name)).unwrap();
    }
    sandbox.database(["url"]).success();
    assert_eq!(sandbox.clones().len(), 2);
    let told = sandbox.database(["clone", "prune"]).success();
    assert_eq!(told.stderr.matches("dropped: app_clone_").count(), 2, "{told}");
    assert_eq!(sandbox.clones().len(), 0);
}

#[test]
fn a_clone_that_is_in_use_is_dropped() {
    let sandbox = deployed(SOURCE);
    let url = sandbox.clone_with([]);
    let name = sandbox.query(&url, "SELECT current_database()");
    let mut session = sandbox.command(&psql(), ["-XAtq", "-d", &url]);
    session.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut session = session.stderr(std::process::Stdio::piped()).spawn().unwrap();
    wait_until("a session is there", || {
        let listed = sandbox.database(["clone", "list", "--json"]).success().stdout;
        listed.contains("\"sessions\":1")
    });
    let told = sandbox.database(["clone", "drop", &name]).success();
    assert!(told.stderr.contains(&format!("dropped: {name}")), "{told}");
    assert_eq!(sandbox.clones().len(), 0);
    drop(session.stdin.take());
    finish(session, None);
}

#[test]
fn only_clones_are_dropped() {
    let sandbox = deployed(SOURCE);
    let name = sandbox.query(&sandbox.clone_with([]), "SELECT current_database()");
    let template = sandbox.database(["clone", "template"]).success().stdout;
    for other in ["app", "postgres", "nonesuch", template.trim()] {
        sandbox.database(["clone", "drop", &name, other]).fails(9, ["no clone", other]);
    }
    assert_eq!(sandbox.clones().len(), 1, "nothing was dropped");
    sandbox.database(["clone", "drop"]).fails(3, []);
    sandbox.database(["clone", "drop", "--all", "x"]).fails(2, []);
    sandbox.database(["clone", "drop", "--all"]).success();
    assert_eq!(sandbox.clones().len(), 0);
    let told = sandbox.database(["clone", "drop", "--all"]).success();
    assert!(told.stderr.contains("no clones"), "{told}");
    assert_eq!(sandbox.ask("SELECT count(*) FROM shop.item"), "1");
}

#[test]
fn the_list_is_for_people_and_for_programs() {
    let sandbox = deployed(SOURCE);
    let told = sandbox.database(["clone", "list"]).success();
    assert_eq!((&*told.stdout, told.stderr.contains("no clones")), ("", true));
    assert_eq!(sandbox.database(["clone", "list", "--json"]).success().stdout, "[]\n");
    sandbox.clone_with(["--name", "kept", "--keep"]);
    let text = sandbox.database(["clone", "list"]).success().stdout;
    assert!(text.starts_with("Name  Made (UTC)") && text.contains("stays"), "{text}");
    let json = sandbox.database(["clone", "list", "--json"]).success().stdout;
    assert!(json.contains("\"name\":\"kept\"") && json.contains("\"expires\":null"), "{json}");
}

/// The clone of a killed command has no comment yet, or one that says that the command owns it.
#[test]
fn a_killed_command_leaves_nothing_for_longer_than_the_next_command() {
    let sandbox = deployed(SOURCE);
    sandbox.clone_with([]);
    sandbox.database(["clone", "drop", "--all"]).success();
    // a lock that COMMENT needs
    let mut session = sandbox.command(&psql(), ["-XAtq", "-d", &sandbox.url("postgres")]);
    session.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut session = session.spawn().unwrap();
    let pid = session.id();
    use std::io::Write;
    let input = session.stdin.as_mut().unwrap();
    input.write_all(b"BEGIN; LOCK pg_shdescription;\nSELECT 'locked';\n").unwrap();
    hear(session.stdout.as_mut().unwrap(), pid, |said| said.contains("locked"));
    let clone = sandbox.spawn("database", ["clone"]);
    wait_until("the database is there", || sandbox.clones().len() == 1);
    signal("KILL", clone.id());
    finish(clone, None);
    drop(session.stdin.take());
    finish(session, None);
    wait_until("the next command drops it", || {
        sandbox.database(["url"]).success();
        sandbox.clones().is_empty()
    });
    assert!(sandbox.entries("pg/.clone").iter().all(|name| name.len() != 32));
}

#[test]
fn cleanup_removes_the_hints() {
    let sandbox = deployed(SOURCE);
    sandbox.clone_with([]);
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg").exists());
}
