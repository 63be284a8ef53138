//! Nobody waits for the removal of a cluster that is out of use: the command reports first. What
//! cannot be removed then, the next command removes. Only root can make the mounts of these tests,
//! which keep a directory from being removed.

#![cfg(target_os = "linux")]

use crate::support::mount::Mounts;
use crate::support::project::with_source;
use crate::support::trace::{nothing_left, own_cache, private_directory, registered};
use crate::support::{Outcome, Sandbox, finish, is_root};

const LATER: &str = "; the next command tries again";

fn run<const N: usize>(
    mounts: &Mounts,
    sandbox: &Sandbox,
    program: &str,
    arguments: [&str; N],
) -> Outcome {
    finish(mounts.command(sandbox, program, arguments).spawn().unwrap(), None)
}

#[test]
fn a_check_passes_though_its_cluster_cannot_be_removed_yet() {
    if !is_root() {
        return;
    }
    let mut sandbox = with_source(
        "SHOW data_directory \\gset\n\\setenv DATA :data_directory\n\
         \\! mkdir $DATA/held && mount -t tmpfs none $DATA/held\n",
    );
    own_cache(&mut sandbox);
    let mounts = Mounts::new(&sandbox, ":");
    let told = run(&mounts, &sandbox, "database", ["check"]).success();
    let (passed, later) = (told.stderr.find("check passed"), told.stderr.find(LATER));
    assert!(passed.is_some() && passed < later, "the report comes first: {told}");
    let left = private_directory(&sandbox).expect("its directory stays");
    assert_eq!(registered(&sandbox).len(), 1, "and its entry");
    assert!(!left.join("data/postmaster.pid").exists(), "its server does not stay");
    let held = left.join("data/held");
    run(&mounts, &sandbox, "umount", [held.to_str().unwrap()]).success();
    sandbox.database(["url"]).success();
    nothing_left(&sandbox);
}

/// Keeps the data directory, wherever it is moved, from being removed.
fn hold(mounts: &Mounts, sandbox: &Sandbox) {
    let held = sandbox.path("pg/data/held");
    let hold = "mkdir \"$1\" && mount -t tmpfs none \"$1\"";
    run(mounts, sandbox, "sh", ["-c", hold, "sh", held.to_str().unwrap()]).success();
}

/// Lets go of the only directory in `place` whose name begins with `prefix`.
#[track_caller]
fn release(mounts: &Mounts, sandbox: &Sandbox, place: &str, prefix: &str) {
    let mut left = sandbox.entries(place);
    left.retain(|name| name.starts_with(prefix));
    let [old] = &left[..] else { panic!("the old cluster stays: {left:?}") };
    let held = sandbox.path(place).join(old).join("data/held");
    run(mounts, sandbox, "umount", [held.to_str().unwrap()]).success();
}

#[test]
fn a_new_cluster_takes_its_place_though_the_old_one_cannot_be_removed_yet() {
    if !is_root() {
        return;
    }
    let sandbox = with_source("SELECT 1;\n");
    let mounts = Mounts::new(&sandbox, ":");
    run(&mounts, &sandbox, "postgres-init", [""; 0]).success();
    sandbox.ask("CREATE TABLE old ()");
    hold(&mounts, &sandbox);
    let told = run(&mounts, &sandbox, "postgres-init", ["--fresh"]).success();
    assert!(told.stderr.contains(LATER), "{told}");
    assert_eq!(sandbox.ask("SELECT to_regclass('old') IS NULL"), "t");
    release(&mounts, &sandbox, "pg", "data.new-");
    sandbox.database(["gc"]).success();
    let left = sandbox.entries("pg");
    assert!(!left.iter().any(|name| name.starts_with("data.")), "{left:?}");
}

#[test]
fn a_deployment_succeeds_though_an_older_generation_cannot_be_removed_yet() {
    if !is_root() {
        return;
    }
    let sandbox = with_source("SELECT 1;\n");
    let mounts = Mounts::new(&sandbox, ":");
    run(&mounts, &sandbox, "database", ["deploy"]).success();
    hold(&mounts, &sandbox);
    let told = run(&mounts, &sandbox, "database", ["deploy"]).success();
    assert!(!told.stderr.contains(LATER), "it is a snapshot now: {told}");
    let told = run(&mounts, &sandbox, "database", ["deploy"]).success();
    assert!(told.stderr.contains(LATER), "{told}");
    release(&mounts, &sandbox, "pg/snapshot", ".");
    sandbox.init([]).success();
    assert_eq!(sandbox.entries("pg/snapshot"), ["before-deploy"]);
}
