//! Spares: copies of templates that a process in the background makes for the next cluster.

use std::os::unix::fs::MetadataExt;

use crate::support::{Sandbox, entries, finish, wait_until};

const TAKEN: &str = "taking its spare";

/// A sandbox without a project, with a cache of its own that has the templates, and spares.
fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::with_cluster();
    let cache = sandbox.path("cache");
    std::fs::create_dir(&cache).unwrap();
    sandbox.set("XDG_CACHE_HOME", cache);
    for _ in 0..2 {
        renew(&sandbox);
    }
    sandbox.set("PG_SPARE", "on");
    sandbox
}

/// Makes a cluster and removes it. Returns the messages.
fn renew(sandbox: &Sandbox) -> String {
    let made = sandbox.database(["--verbose", "init"]).success();
    sandbox.database(["cleanup"]).success();
    made.stderr
}

fn spares(sandbox: &Sandbox) -> Vec<String> {
    let mut names = entries(&sandbox.path("cache/db-tool/template"));
    names.retain(|name| name.ends_with(".spare"));
    names
}

/// Waits until the background has made this number of spares.
fn wait_for(sandbox: &Sandbox, number: usize) {
    wait_until("the spares", || {
        let names = entries(&sandbox.path("cache/db-tool/template"));
        spares(sandbox).len() == number && !names.iter().any(|name| name.contains("spare-"))
    });
}

#[test]
fn the_next_cluster_begins_with_the_spare() {
    let sandbox = sandbox();
    assert!(!renew(&sandbox).contains(TAKEN), "there is none yet");
    wait_for(&sandbox, 1);
    for _ in 0..2 {
        let made = sandbox.database(["--verbose", "init"]).success();
        assert!(made.stderr.contains(TAKEN), "{made}");
        assert_eq!(sandbox.ask_in("testdb", "SELECT count(*) > 300 FROM pg_class"), "t");
        let data = sandbox.path("pg/data").metadata().unwrap();
        assert_eq!(
            (data.mode() & 0o777, data.uid()),
            (0o700, sandbox.path("pg").metadata().unwrap().uid())
        );
        sandbox.database(["cleanup"]).success();
        wait_for(&sandbox, 1);
    }
    let list = sandbox.database(["cache", "list"]).success();
    assert!(list.stdout.contains(" spare "), "{list}");
}

#[test]
fn a_damaged_spare_is_not_taken() {
    let sandbox = sandbox();
    renew(&sandbox);
    wait_for(&sandbox, 1);
    let spare = sandbox.path("cache/db-tool/template").join(&spares(&sandbox)[0]);
    std::fs::write(spare.join("data/global/pg_control"), "x").unwrap();
    assert!(!renew(&sandbox).contains(TAKEN));
    wait_until("a new spare", || {
        let control = spare.join("data/global/pg_control").metadata();
        control.is_ok_and(|control| control.len() > 1)
    });
    assert!(renew(&sandbox).contains(TAKEN));
    wait_for(&sandbox, 1);
}

#[test]
fn no_spare_is_made_in_memory_or_if_it_is_off_or_on_a_machine_of_ci() {
    let mut sandbox = sandbox();
    sandbox.set("PG_SPARE", "off");
    renew(&sandbox);
    sandbox.unset("PG_SPARE");
    sandbox.set("CI", "true");
    renew(&sandbox);
    assert_eq!(spares(&sandbox), Vec::<String>::new());
    sandbox.set("PG_SPARE", "perhaps");
    sandbox.database(["init"]).fails(2, ["PG_SPARE is \"per…\", neither on nor off"]);
}

#[test]
fn two_commands_at_once_take_one_spare() {
    let mut sandbox = sandbox();
    renew(&sandbox);
    wait_for(&sandbox, 1);
    let mut children = Vec::new();
    for place in ["one", "two"] {
        sandbox.set("PG_WORKING_DIR", sandbox.path(place));
        children.push(sandbox.spawn("database", ["--verbose", "init"]));
    }
    let taken: Vec<bool> = children
        .into_iter()
        .map(|child| finish(child, None).success().stderr.contains(TAKEN))
        .collect();
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "{taken:?}");
    for place in ["one", "two"] {
        sandbox.set("PG_WORKING_DIR", sandbox.path(place));
        sandbox.database(["cleanup"]).success();
    }
    wait_for(&sandbox, 1);
}

#[test]
fn the_cache_keeps_two_spares() {
    let mut sandbox = sandbox();
    for number in 0..3 {
        sandbox.set("PG_DATABASE", format!("d{number}"));
        renew(&sandbox);
        renew(&sandbox);
        renew(&sandbox);
        wait_until("the processes in the background", || {
            let names = entries(&sandbox.path("cache/db-tool/template"));
            (1..=2).contains(&spares(&sandbox).len()) && !names.iter().any(|n| n.contains("spare-"))
        });
    }
    sandbox.database(["cache", "rm", "--all"]).success();
    assert_eq!(spares(&sandbox), Vec::<String>::new());
}

/// The manifests of the templates in the cache.
fn manifests(sandbox: &Sandbox) -> Vec<String> {
    let cache = sandbox.path("cache/db-tool/template");
    let mut names = entries(&cache);
    names.retain(|name| !name.contains('.') && !name.contains("key"));
    let read = |name: &String| std::fs::read_to_string(cache.join(name).join("manifest")).unwrap();
    names.iter().map(read).collect()
}

#[test]
fn the_first_template_becomes_lasting_in_the_background() {
    let mut sandbox = Sandbox::with_cluster();
    let cache = sandbox.path("cache");
    std::fs::create_dir(&cache).unwrap();
    sandbox.set("XDG_CACHE_HOME", cache);
    sandbox.set("PG_SPARE", "on");
    renew(&sandbox);
    wait_for(&sandbox, 1);
    let manifests = manifests(&sandbox);
    assert_eq!(manifests.len(), 1);
    assert!(!manifests[0].contains("\nb "), "it would not hold after a reboot");
    assert!(!manifests[0].contains("  "), "each file has its digest");
    assert!(renew(&sandbox).contains(TAKEN), "the second cluster begins with the spare");
    // the second cluster has become a template, too
    wait_for(&sandbox, 2);
}

#[test]
fn without_spares_the_command_makes_the_template_lasting() {
    let mut sandbox = Sandbox::with_cluster();
    let cache = sandbox.path("cache");
    std::fs::create_dir(&cache).unwrap();
    sandbox.set("XDG_CACHE_HOME", cache);
    sandbox.set("PG_SPARE", "off");
    renew(&sandbox);
    assert!(!manifests(&sandbox)[0].contains("\nb "));
}
