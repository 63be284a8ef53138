//! The operating system user that runs the server, and working directories that cannot be used.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Outcome, Sandbox, is_root, whoami};

fn user_id(name: &str) -> Option<u32> {
    let output = Command::new("id").args(["-u", name]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().parse().ok()
}

fn server_runs_as(sandbox: &Sandbox) -> u32 {
    Path::new(&format!("/proc/{}", sandbox.postmaster())).metadata().unwrap().uid()
}

/// Checks that everything the server needs belongs to `owner`.
fn belongs_to(sandbox: &Sandbox, owner: u32) {
    for name in ["pg", "pg/data", "pg/sock", "pg/log", "pg/log/server.log", "pg/data/base/1/1259"] {
        assert_eq!(sandbox.path(name).metadata().unwrap().uid(), owner, "{name}");
    }
}

#[test]
fn the_superuser_is_named_after_who_calls() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    let bootstrap = "SELECT rolname FROM pg_roles WHERE oid = 10";
    assert_eq!(sandbox.ask_in("postgres", bootstrap), whoami());
}

#[test]
fn root_has_another_user_run_the_server() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    let expected = match is_root() {
        true => user_id("postgres").or_else(|| user_id("nobody")).unwrap(),
        false => user_id(&whoami()).unwrap(),
    };
    assert_eq!(server_runs_as(&sandbox), expected);
    belongs_to(&sandbox, expected);
}

#[test]
fn the_directorys_owner_runs_the_server() {
    let mut sandbox = Sandbox::with_cluster();
    std::fs::create_dir(sandbox.path("pg")).unwrap();
    let expected = if is_root() { user_id("nobody").unwrap() } else { user_id(&whoami()).unwrap() };
    if is_root() {
        std::os::unix::fs::chown(sandbox.path("pg"), Some(expected), None).unwrap();
        sandbox.set("PG_OS_USER", "daemon");
    }
    sandbox.init([]).success();
    assert_eq!(server_runs_as(&sandbox), expected, "the owner comes before PG_OS_USER");
    belongs_to(&sandbox, expected);
}

#[test]
fn pg_os_user_comes_next() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_OS_USER", "nobody");
    sandbox.init([]).success();
    let expected = if is_root() { user_id("nobody").unwrap() } else { user_id(&whoami()).unwrap() };
    assert_eq!(server_runs_as(&sandbox), expected);
    belongs_to(&sandbox, expected);
}

#[test]
fn a_user_that_cannot_run_it_is_refused() {
    let mut sandbox = Sandbox::with_cluster();
    for (name, word) in [("root", "root"), ("no-such-user", "no such user")] {
        sandbox.set("PG_OS_USER", name);
        let told = sandbox.init([]);
        if is_root() {
            told.fails(2, ["PG_OS_USER", word]);
            assert!(!sandbox.path("pg").exists());
        } else {
            told.success();
        }
    }
}

#[test]
fn the_component_that_blocks_the_way_is_named() {
    let mut sandbox = Sandbox::new();
    let closed = sandbox.path("closed");
    std::fs::create_dir_all(closed.join("inside")).unwrap();
    sandbox.set("PG_WORKING_DIR", closed.join("inside/pg"));
    let allow = |mode| std::fs::set_permissions(&closed, PermissionsExt::from_mode(mode)).unwrap();
    if is_root() {
        allow(0o700);
        let named = format!("{} is closed to that user", closed.display());
        sandbox.init([]).fails(1, [named.as_str(), "chmod o+x", "PG_OS_USER"]);
        allow(0o711);
    } else {
        allow(0o000);
        sandbox.init([]).fails(1, ["closed", "Permission denied"]);
        allow(0o700);
    }
    sandbox.init([]).success();
}

#[test]
fn programs_that_the_servers_user_cannot_reach_are_told() {
    let mut sandbox = Sandbox::with_cluster();
    let closed = sandbox.path("closed");
    std::fs::create_dir_all(closed.join("bin")).unwrap();
    for program in ["postgres", "initdb", "psql"] {
        let target = crate::support::bindir().join(program);
        std::os::unix::fs::symlink(target, closed.join("bin").join(program)).unwrap();
    }
    sandbox.set("PG_BINDIR", closed.join("bin"));
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o700)).unwrap();
    let told = sandbox.init([]);
    if is_root() {
        let named = format!("{} is closed to that user", closed.display());
        told.fails(1, [named.as_str()]);
    } else {
        told.success();
    }
}

/// A file system that belongs to root, unmounted at the end.
struct Mounted(PathBuf);

impl Mounted {
    fn at(directory: PathBuf, options: &str) -> Self {
        std::fs::create_dir_all(&directory).unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&directory)
            .status();
        assert!(status.unwrap().success(), "mount: run the tests where root may, or as a user");
        Self(directory)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_read_only_directory_is_an_error_that_says_so() {
    let mut sandbox = Sandbox::new();
    let place = sandbox.path("place");
    std::fs::create_dir_all(&place).unwrap();
    sandbox.set("PG_WORKING_DIR", place.join("pg"));
    let word = if is_root() { "Read-only file system" } else { "Permission denied" };
    let mounted = is_root().then(|| Mounted::at(place.clone(), "ro,size=1m"));
    if !is_root() {
        std::fs::set_permissions(&place, PermissionsExt::from_mode(0o500)).unwrap();
    }
    sandbox.init([]).fails(1, [word, "PG_WORKING_DIR"]);
    sandbox.set("PG_WORKING_DIR", &place);
    let told: Outcome = sandbox.init([]);
    told.fails(1, [word]);
    assert_eq!(sandbox.entries("place"), [""; 0]);
    drop(mounted);
    std::fs::set_permissions(&place, PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn a_full_directory_is_an_error_that_loses_nothing() {
    let mut sandbox = Sandbox::with_cluster();
    let told = if is_root() {
        let _mounted = Mounted::at(sandbox.path("pg"), "size=8m,mode=755");
        let told = sandbox.init([]);
        assert_eq!(sandbox.beside("data"), [""; 0], "nothing half is left: {told}");
        told.fails(1, ["no space left for a new cluster", "database gc"])
    } else {
        // no file may grow beyond this limit, but templates need larger ones
        let line = "ulimit -f 512; exec postgres-init";
        let told = sandbox.shell(line);
        assert!(!sandbox.path("pg/data").exists(), "{told}");
        assert_ne!(told.code, Some(0), "{told}");
        told
    };
    assert_eq!(told.stdout, "");
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    assert_eq!(sandbox.beside("data"), ["data"]);
}

#[test]
fn a_disk_that_fills_up_does_not_cost_the_old_cluster() {
    let mut sandbox = Sandbox::with_cluster();
    let mounted = is_root().then(|| Mounted::at(sandbox.path("pg"), "size=96m,mode=755"));
    sandbox.init([]).success();
    sandbox.leave_work();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    if is_root() {
        // the disk has no room for a second cluster beside the first
        let fill = ["-c", "cat /dev/zero > pg/filler 2>/dev/null; :"];
        sandbox.run("sh", fill).success();
        sandbox.init([]).fails(1, ["No space left on device"]);
        std::fs::remove_file(sandbox.path("pg/filler")).unwrap();
    } else {
        assert_ne!(sandbox.shell("ulimit -f 512; exec postgres-init").code, Some(0));
    }
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    assert!(sandbox.has_work());
    sandbox.run("postgres-cleanup", [""; 0]).success();
    drop(mounted);
}

#[test]
fn the_nix_store_holds_no_cluster() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PG_WORKING_DIR", "/nix/store/0123-source/focus/postgresql");
    sandbox.init([]).fails(2, ["Nix store", "export LOCAL_DIR=\"$PWD\""]);
    sandbox.run("postgres-cleanup", [""; 0]).success();
    assert!(!std::path::Path::new("/nix/store/0123-source").exists());
}
