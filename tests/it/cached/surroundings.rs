//! Cached states beside other users, other checkouts, another time, and a full disk.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::{BOTH, check, hydrated, project, states};
use crate::support::clock::{put, put_right};
use crate::support::mount::Mounts;
use crate::support::trace::nothing_left;
use crate::support::{finish, is_root};

#[test]
fn two_checkouts_of_one_project_share_a_state() {
    let mut sandbox = project();
    check(&sandbox);
    crate::support::project::copy(&sandbox.path("project"), &sandbox.path("another"));
    sandbox.set("LOCAL_DIR", sandbox.path("another"));
    let same = check(&sandbox);
    assert!(same.stderr.contains(BOTH), "{same}");
    sandbox.write(
        "another/db/src/table.sql",
        "CREATE SCHEMA app;\nCREATE TABLE app.t (id bigint) INHERITS (hectic.created_at);\n",
    );
    assert!(hydrated(&check(&sandbox)), "the other checkout has other sources");
    sandbox.set("LOCAL_DIR", sandbox.path("project"));
    assert!(check(&sandbox).stderr.contains(BOTH), "the first one has not changed");
}

#[test]
fn another_user_gets_no_state_of_ours() {
    if !is_root() {
        return;
    }
    let mut sandbox = project();
    check(&sandbox);
    sandbox.act_as("nobody");
    let other = sandbox.database(["check"]).success();
    assert!(hydrated(&other), "{other}");
    assert_eq!(states(&sandbox), ["hydrated", "patched"], "nothing was added to our cache");
}

#[test]
fn the_clock_may_be_set_back_and_forward() {
    let mut sandbox = project();
    for step in ["+2d", "-2d", "-40y"] {
        put(&mut sandbox, step);
        sandbox.write(
            "project/test-data.sql",
            format!("INSERT INTO app.t (id) VALUES (1); -- {step}\n"),
        );
        check(&sandbox);
        let again = check(&sandbox);
        assert!(again.stderr.contains(BOTH), "{step}: {again}");
        put_right(&mut sandbox);
        let now = check(&sandbox);
        assert!(now.stderr.contains(BOTH), "{step}: {now}");
    }
    let list = sandbox.database(["cache", "list"]).success();
    assert_eq!(list.stdout.matches(" patched ").count(), 3, "{list}");
}

#[test]
fn a_full_disk_leaves_no_half_state() {
    if !is_root() {
        return;
    }
    let mut sandbox = project();
    let place = sandbox.path("small");
    std::fs::create_dir(&place).unwrap();
    let mounts = Mounts::new(
        &sandbox,
        &format!("mount -t tmpfs -o size=140m,mode=700 none '{}'", place.display()),
    );
    sandbox.set("XDG_CACHE_HOME", &place);
    let run = |arguments: &[&str]| {
        finish(mounts.command(&sandbox, "database", arguments).spawn().unwrap(), None)
    };
    let seen = mounts.path(&place);
    // the templates of a prepared cluster have room, and a state has not
    for _ in 0..2 {
        run(&["check", "--no-cache"]).success();
    }
    for room in [30_u64, 10, 1] {
        fill(&seen, room << 20);
        let full = run(&["check"]).success();
        assert!(hydrated(&full), "{room}: {full}");
        let names = crate::support::entries(&seen.join("db-tool/template"));
        let half = |name: &String| name.contains("hydrated.new") || name.contains("patched.new");
        assert!(!names.iter().any(half), "{room}: {names:?}");
        std::fs::write(seen.join("fill"), "").unwrap();
        std::fs::remove_file(seen.join("fill")).unwrap();
    }
    nothing_left(&sandbox);
}

/// Fills a disk with one file, except for `room` bytes.
fn fill(place: &Path, room: u64) {
    let facts = statvfs(place).unwrap();
    let free = facts.blocks_available() * facts.fragment_size();
    assert!(free < 200 << 20, "this is the small disk");
    let zeros = std::io::repeat(0).take(free.saturating_sub(room));
    std::io::copy(&mut { zeros }, &mut File::create(place.join("fill")).unwrap()).unwrap();
}
