//! Named states of the development cluster: saved, restored, listed, removed.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::bystander::Bystander;
use crate::support::project::{row, with_row, with_source};
use crate::support::trace::{has, interrupt};
use crate::support::{Outcome, Sandbox, assert_golden, is_root, whoami};

/// The beginning of the name of an unfinished snapshot.
const UNNAMED: &str = ".db-tool-new-";

/// A cluster with a row and a snapshot `one` of it; then the row changed.
fn saved() -> Sandbox {
    let sandbox = with_row();
    sandbox.database(["snapshot", "save", "one"]).success();
    sandbox.ask("UPDATE work SET state = 'later'");
    sandbox
}

fn snapshot<const N: usize>(sandbox: &Sandbox, arguments: [&str; N]) -> Outcome {
    sandbox.run("database", [&["snapshot"], &arguments[..]].concat())
}

/// The command fails with this exit code and these words, and the server keeps running.
#[track_caller]
fn refused<const A: usize, const W: usize>(
    sandbox: &Sandbox,
    arguments: [&str; A],
    code: i32,
    words: [&str; W],
) {
    let before = sandbox.postmaster();
    snapshot(sandbox, arguments).fails(code, words);
    assert_eq!(sandbox.postmaster(), before, "the server ran on");
    sandbox.assert_snapshots(["one"]);
}

/// A sparse file: copying takes long, and only the copy takes space.
fn slow_to_copy(data: &Path) {
    std::fs::File::create(data.join("base/large")).unwrap().set_len(300 << 20).unwrap();
}

/// Whether a command copies files into a directory in `place` whose name begins with `prefix`.
fn copies_in(place: &Path, prefix: &str) -> bool {
    let mut entries = std::fs::read_dir(place).unwrap().flatten();
    entries.any(|entry| {
        let begun = entry.file_name().to_string_lossy().starts_with(prefix);
        begun && entry.path().join("data/base").exists()
    })
}

#[test]
fn what_was_saved_comes_back_as_often_as_wanted() {
    let sandbox = with_row();
    let told = snapshot(&sandbox, ["save", "one"]).success();
    assert!(told.stderr.starts_with("saved: one in "), "{told}");
    assert_eq!(row(&sandbox), "saved", "the server runs again");
    for _ in 0..2 {
        sandbox.ask("UPDATE work SET state = 'later'");
        sandbox.ask("CREATE DATABASE newer");
        let told = snapshot(&sandbox, ["restore", "one"]).success();
        assert!(told.stderr.contains("s old: postgresql://dev@localhost/app"), "{told}");
        assert_eq!(row(&sandbox), "saved");
        let newer = "SELECT count(*) FROM pg_database WHERE datname = 'newer'";
        assert_eq!(sandbox.ask(newer), "0");
        assert_eq!(sandbox.ask("SHOW fsync"), "on", "a development cluster like any other");
    }
    sandbox.assert_snapshots(["one"]);
}

#[test]
fn a_stopped_cluster_is_saved_and_stays_stopped() {
    let sandbox = with_row();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    snapshot(&sandbox, ["save", "one"]).success();
    assert!(!sandbox.has_server());
    let told = snapshot(&sandbox, ["restore", "one"]).success();
    assert_eq!(row(&sandbox), "saved", "{told}");
    sandbox.assert_snapshots(["one"]);
}

#[test]
fn a_killed_server_is_no_obstacle() {
    let sandbox = saved();
    let pid = sandbox.postmaster();
    crate::support::trace::signal("KILL", pid);
    crate::support::wait_until("it is dead", || !crate::support::process::is_running(pid));
    snapshot(&sandbox, ["save", "two"]).success();
    snapshot(&sandbox, ["restore", "one"]).success();
    assert_eq!(row(&sandbox), "saved");
    snapshot(&sandbox, ["restore", "two"]).success();
    assert_eq!(row(&sandbox), "later");
}

#[test]
fn the_server_comes_back_where_it_was() {
    let mut sandbox = saved();
    sandbox.set("PG_PORT", "6543");
    snapshot(&sandbox, ["save", "two"]).success();
    assert_eq!(sandbox.ask("SHOW port"), "5432");
}

#[test]
fn a_name_that_is_taken_is_refused_unless_it_is_replaced() {
    let sandbox = saved();
    refused(&sandbox, ["save", "one"], 2, ["there is a snapshot one already", "--replace"]);
    snapshot(&sandbox, ["save", "--replace", "one"]).success();
    sandbox.ask("DROP TABLE work");
    snapshot(&sandbox, ["restore", "one"]).success();
    assert_eq!(row(&sandbox), "later");
    snapshot(&sandbox, ["save", "--replace", "new"]).success();
    sandbox.assert_snapshots(["new", "one"]);
}

#[test]
fn whoever_works_in_the_cluster_is_not_thrown_out_unless_forced() {
    let mut sandbox = saved();
    let mut session = Bystander::session(&sandbox, "SELECT pg_sleep(3600)");
    let words = ["1 other session works in this cluster", "PG_FORCE=1"];
    refused(&sandbox, ["save", "two"], 2, words);
    refused(&sandbox, ["restore", "one"], 2, words);
    assert!(session.is_alive());
    sandbox.set("PG_FORCE", "1");
    let told = snapshot(&sandbox, ["restore", "one"]).success();
    assert!(told.stderr.contains("disconnected"), "{told}");
    assert_eq!(row(&sandbox), "saved");
    crate::support::wait_until("the session ends", || !session.is_alive());
    let _session = Bystander::session(&sandbox, "SELECT pg_sleep(3600)");
    snapshot(&sandbox, ["save", "two"]).success();
    sandbox.assert_snapshots(["one", "two"]);
}

#[test]
fn an_interrupted_save_leaves_the_old_state_and_the_server_running() {
    let sandbox = saved();
    slow_to_copy(&sandbox.path("pg/data"));
    for arguments in [&["snapshot", "save", "two"][..], &["snapshot", "save", "--replace", "one"]] {
        let save = sandbox.spawn("database", arguments);
        let copying = || copies_in(&sandbox.path("pg/snapshot"), UNNAMED);
        let outcome = interrupt(save, "TERM", copying);
        assert_eq!(outcome.signal, Some(15), "{outcome}");
        assert_eq!(row(&sandbox), "later", "the server runs again");
        sandbox.assert_snapshots(["one"]);
    }
    snapshot(&sandbox, ["restore", "one"]).success();
    assert_eq!(row(&sandbox), "saved");
}

#[test]
fn what_a_killed_save_leaves_goes_with_the_next() {
    let sandbox = saved();
    slow_to_copy(&sandbox.path("pg/data"));
    let save = sandbox.spawn("database", ["snapshot", "save", "--replace", "one"]);
    interrupt(save, "KILL", || has(&sandbox.path("pg/snapshot"), UNNAMED));
    assert!(has(&sandbox.path("pg/snapshot"), UNNAMED));
    snapshot(&sandbox, ["list"]).success();
    std::fs::remove_file(sandbox.path("pg/data/base/large")).unwrap();
    snapshot(&sandbox, ["save", "two"]).success();
    sandbox.assert_snapshots(["one", "two"]);
}

#[test]
fn what_killed_commands_leave_goes_with_the_next_start() {
    let mut sandbox = saved();
    slow_to_copy(&sandbox.path("pg/data"));
    let save = sandbox.spawn("database", ["snapshot", "save", "two"]);
    interrupt(save, "KILL", || has(&sandbox.path("pg/snapshot"), UNNAMED));
    slow_to_copy(&sandbox.path("pg/snapshot/one/data"));
    let back = sandbox.spawn("database", ["snapshot", "restore", "one"]);
    interrupt(back, "KILL", || copies_in(&sandbox.path("pg"), "data.new-"));
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    assert!(!has(&sandbox.path("pg"), "data.new-"));
    assert_eq!(sandbox.entries("pg/snapshot"), ["one"]);
}

#[test]
fn an_interrupted_restore_leaves_the_cluster_running() {
    let sandbox = saved();
    slow_to_copy(&sandbox.path("pg/snapshot/one/data"));
    let before = sandbox.postmaster();
    let restore = sandbox.spawn("database", ["snapshot", "restore", "one"]);
    let outcome = interrupt(restore, "INT", || copies_in(&sandbox.path("pg"), "data.new-"));
    assert_eq!(outcome.signal, Some(2), "{outcome}");
    assert_eq!(sandbox.postmaster(), before, "it ran on");
    assert_eq!(row(&sandbox), "later");
    sandbox.assert_snapshots(["one"]);
}

#[test]
fn a_snapshot_that_does_not_start_gives_the_place_back() {
    let sandbox = saved();
    let control = sandbox.path("pg/snapshot/one/data/global/pg_control");
    std::fs::write(control, [0; 8192]).unwrap();
    let words = ["cannot restore the snapshot one", "does not start in its place"];
    snapshot(&sandbox, ["restore", "one"]).fails(1, words);
    assert_eq!(row(&sandbox), "later");
    sandbox.assert_snapshots(["one"]);
}

#[test]
fn another_major_version_is_refused_with_the_reason() {
    let sandbox = saved();
    sandbox.write("pg/snapshot/one/data/PG_VERSION", "14\n");
    refused(&sandbox, ["restore", "one"], 2, ["snapshot/one/data", "PostgreSQL 14", "PG_BINDIR"]);
}

#[test]
fn a_library_that_is_missing_is_noticed_before_the_server_stops() {
    let mut sandbox = saved();
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "no_such_library");
    refused(&sandbox, ["save", "two"], 127, ["no_such_library"]);
    refused(&sandbox, ["restore", "one"], 127, ["no_such_library"]);
}

#[test]
fn names_are_plain_and_have_to_be_there() {
    let sandbox = saved();
    for name in ["", ".", "..", ".hidden", "a/b", "/tmp/x", "../data", "a\nb"] {
        for verb in ["save", "restore", "rm"] {
            refused(&sandbox, [verb, name], 2, ["the name"]);
        }
    }
    refused(&sandbox, ["save", "--", "-x"], 2, ["a dash"]);
    for verb in ["restore", "rm"] {
        refused(&sandbox, [verb, "two"], 3, ["no snapshot two", "snapshot list"]);
    }
}

#[test]
fn only_snapshots_are_replaced_and_removed() {
    let sandbox = saved();
    sandbox.write("pg/snapshot/mine/diary.txt", "dear diary");
    symlink("one", sandbox.path("pg/snapshot/link")).unwrap();
    for name in ["mine", "link"] {
        snapshot(&sandbox, ["rm", name]).fails(2, ["is not a snapshot"]);
        snapshot(&sandbox, ["restore", name]).fails(2, ["is not a snapshot"]);
        snapshot(&sandbox, ["save", "--replace", name]).fails(2, ["is not a snapshot"]);
    }
    let told = snapshot(&sandbox, ["rm", "one"]).success();
    assert_eq!(told.stderr, "removed: one\n");
    sandbox.assert_snapshots(["link", "mine"]);
    assert_eq!(sandbox.read("pg/snapshot/mine/diary.txt"), "dear diary");
}

#[test]
fn the_last_snapshot_takes_the_directory_with_it() {
    let sandbox = saved();
    snapshot(&sandbox, ["rm", "one"]).success();
    assert!(!sandbox.path("pg/snapshot").exists());
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg").exists());
}

#[test]
fn the_list_is_for_people_and_for_programs() {
    let sandbox = with_row();
    let none = snapshot(&sandbox, ["list"]).success();
    assert_eq!((&*none.stdout, none.stderr.contains("no snapshots")), ("", true));
    assert_eq!(snapshot(&sandbox, ["list", "--json"]).success().stdout, "[]\n");
    snapshot(&sandbox, ["save", "before migration"]).success();
    snapshot(&sandbox, ["save", "c"]).success();
    let text = snapshot(&sandbox, ["list"]).success().block(&sandbox);
    let json = snapshot(&sandbox, ["list", "--json"]).success().block(&sandbox);
    let listed = format!("{text}\n{json}");
    let listed: String = listed.chars().map(|c| if c.is_ascii_digit() { 'N' } else { c }).collect();
    assert_golden("snapshot-list.txt", &listed);
}

#[test]
fn snapshots_outlive_the_cluster() {
    let sandbox = saved();
    sandbox.database(["init"]).success();
    sandbox.assert_snapshots(["one"]);
    let told = sandbox.database(["cleanup"]).success();
    assert!(told.stderr.contains("its snapshots stay") && told.stderr.contains(": one"), "{told}");
    assert!(!told.stderr.contains("not from db-tool"), "{told}");
    assert_eq!(sandbox.entries("pg"), [".gitignore", "snapshot"]);
    snapshot(&sandbox, ["save", "two"]).fails(2, ["no cluster of this tool"]);
    snapshot(&sandbox, ["restore", "one"]).success();
    assert_eq!(row(&sandbox), "saved");
}

#[test]
fn a_cluster_of_another_tool_is_not_saved_and_not_lost() {
    let sandbox = saved();
    std::fs::remove_file(sandbox.path("pg/data/db-tool.json")).unwrap();
    snapshot(&sandbox, ["save", "two"]).fails(2, ["no cluster of this tool"]);
    let told = snapshot(&sandbox, ["restore", "one"]).success();
    assert!(told.stderr.contains("data.kept-"), "{told}");
    assert_eq!(row(&sandbox), "saved");
}

#[test]
fn a_database_elsewhere_is_refused() {
    let mut sandbox = saved();
    sandbox.set("DB_URL", "postgresql://u@db.example.com/x");
    for verb in ["save", "restore", "rm"] {
        refused(&sandbox, [verb, "one"], 2, ["not on this machine"]);
    }
}

#[test]
fn tablespaces_have_to_be_inside() {
    let sandbox = saved();
    let place = sandbox.path("pg/space");
    std::fs::create_dir(&place).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&sandbox.path("pg/data").metadata().unwrap());
    std::os::unix::fs::chown(&place, Some(owner), None).unwrap();
    sandbox.ask(&format!("CREATE TABLESPACE space LOCATION '{}'", place.display()));
    sandbox.ask("CREATE TABLE far TABLESPACE space AS SELECT 7 AS a");
    refused(&sandbox, ["save", "two"], 2, ["leads out of the data directory", "pg_tblspc"]);
    sandbox.database(["backup"]).success();
    sandbox.database(["restore"]).success();
    snapshot(&sandbox, ["save", "two"]).success();
    sandbox.ask("UPDATE far SET a = 8");
    snapshot(&sandbox, ["restore", "two"]).success();
    assert_eq!(sandbox.ask("SELECT a FROM far"), "7");
}

#[test]
fn an_ordinary_user_can_do_all_that() {
    if !is_root() {
        return; // then every other test is this one
    }
    let mut sandbox = with_source("SELECT 1;\n");
    sandbox.act_as("nobody");
    sandbox.database(["init"]).success();
    snapshot(&sandbox, ["save", "one"]).success();
    snapshot(&sandbox, ["save", "--replace", "one"]).success();
    snapshot(&sandbox, ["restore", "one"]).success();
    snapshot(&sandbox, ["rm", "one"]).success();
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg").exists());
}

#[test]
fn what_root_has_saved_belongs_to_whom_the_server_does() {
    let sandbox = saved();
    let owner =
        |name: &str| std::os::unix::fs::MetadataExt::uid(&sandbox.path(name).metadata().unwrap());
    for name in ["", "/one", "/one/snapshot.json", "/one/data", "/one/data/PG_VERSION"] {
        assert_eq!(owner(&format!("pg/snapshot{name}")), owner("pg/data"), "{name}");
    }
}

/// db-tool restores the saved state unchanged. The URL that it prints works.
#[test]
fn a_state_that_keeps_the_projects_role_out_says_so() {
    let sandbox = with_row();
    sandbox.ask("ALTER ROLE dev NOLOGIN");
    snapshot(&sandbox, ["save", "closed"]).success();
    let told = snapshot(&sandbox, ["restore", "closed"]).success();
    assert!(told.stderr.contains("role \"dev\" is not permitted to log in"), "{told}");
    assert!(told.stderr.contains(&format!("postgresql://{}@localhost/app", whoami())), "{told}");
}

#[test]
fn a_state_whose_secrets_were_sealed_with_a_key_that_is_gone_says_so() {
    let sandbox = with_row();
    sandbox.write("one.env", "A=one\n");
    sandbox.database(["hydrate", "-f", "one.env"]).success();
    snapshot(&sandbox, ["save", "one"]).success();
    sandbox.database(["secrets", "rotate", "--drop-old"]).success();
    let told = snapshot(&sandbox, ["restore", "one"]).success();
    assert!(told.stderr.contains("opens 1 secret of the database app"), "{told}");
}
