//! Signals during a restore: the old cluster keeps running, and nothing is left of the new one.

use std::path::PathBuf;

use super::{backed_up, only_one_cluster, row, wrapped};
use crate::support::trace::{has, interrupt, own_cache};
use crate::support::{Sandbox, server, wait_until};

/// The staging directory, once it is there.
fn staging(sandbox: &Sandbox) -> Option<PathBuf> {
    let name = sandbox.entries("pg").into_iter().find(|name| name.starts_with("data.new-"));
    name.map(|name| sandbox.path("pg").join(name))
}

#[track_caller]
fn interrupted_at(name: &str, number: i32, moment: impl Fn(PathBuf) -> bool) {
    let sandbox = backed_up();
    let before = sandbox.postmaster();
    let restore = sandbox.spawn("database", ["restore"]);
    let outcome = interrupt(restore, name, || staging(&sandbox).is_some_and(&moment));
    assert_eq!(outcome.signal, Some(number), "{outcome}");
    assert_eq!(sandbox.postmaster(), before, "it runs on");
    assert_eq!(row(&sandbox), "later");
    only_one_cluster(&sandbox);
}

#[test]
fn while_extracting() {
    interrupted_at("INT", 2, |_| true);
    interrupted_at("TERM", 15, |staging| staging.join("data/base/1").exists());
}

#[test]
fn while_recovering() {
    interrupted_at("HUP", 1, |staging| staging.join("data/postmaster.pid").exists());
}

/// At every moment, either the old cluster or the new one runs, and it is complete.
#[test]
fn while_the_clusters_change_places() {
    let sandbox = backed_up();
    let before = sandbox.postmaster();
    let restore = sandbox.spawn("database", ["restore"]);
    let pid = || std::fs::read_to_string(sandbox.path("pg/data/postmaster.pid"));
    let outcome = interrupt(restore, "TERM", || {
        pid().is_ok_and(|text| !text.starts_with(&before.to_string())) || pid().is_err()
    });
    let expected = if outcome.code == Some(0) { "saved" } else { "later" };
    assert_eq!(row(&sandbox), expected, "{outcome}");
    only_one_cluster(&sandbox);
}

/// The next command removes all that a killed restore leaves, its server included.
#[test]
fn killed_while_recovering() {
    let sandbox = backed_up();
    let restore = sandbox.spawn("database", ["restore"]);
    let ready = || {
        let file = staging(&sandbox).map(|staging| staging.join("data/postmaster.pid"));
        file.is_some_and(|file| std::fs::read_to_string(file).is_ok_and(|t| t.contains("ready")))
    };
    let outcome = interrupt(restore, "KILL", ready);
    assert_eq!(outcome.signal, Some(9), "{outcome}");
    sandbox.database(["restore"]).success();
    assert_eq!(row(&sandbox), "saved");
    only_one_cluster(&sandbox);
    let (all, ours) = (sandbox.path("pg"), sandbox.path("pg/data"));
    let alone = || server::processes_below(&all).len() == server::processes_below(&ours).len();
    wait_until("only the new server runs", alone);
}

/// A sandbox whose restore was killed while the new cluster started in its place, with the old one
/// beside it.
fn killed_in_between() -> Sandbox {
    let mut sandbox = backed_up();
    let (trap, data) = (sandbox.path("traps/trap"), sandbox.path("pg/data"));
    let wrapper = format!(
        "case \"$*\" in *\"-D {data} \"*|*\"-D {data}\") if test -e {trap}; then\n\
         while test -e {trap}; do sleep 0.05; done; exit 1; fi;; esac\n",
        data = data.display(),
        trap = trap.display()
    );
    wrapped(&mut sandbox, "postgres", &wrapper);
    sandbox.write("traps/trap", "");
    let restore = sandbox.spawn("database", ["restore"]);
    let outcome = interrupt(restore, "KILL", || has(&sandbox.path("pg"), "data.kept-"));
    assert_eq!(outcome.signal, Some(9), "{outcome}");
    std::fs::remove_file(trap).unwrap();
    std::fs::create_dir(sandbox.path("pg/data.kept-by-somebody")).unwrap();
    sandbox
}

#[test]
fn the_old_cluster_of_a_killed_restore_goes_with_the_next() {
    let sandbox = killed_in_between();
    sandbox.database(["restore"]).success();
    assert_eq!(row(&sandbox), "saved");
    std::fs::remove_dir(sandbox.path("pg/data.kept-by-somebody")).unwrap();
    only_one_cluster(&sandbox);
}

#[test]
fn the_old_cluster_of_a_killed_restore_goes_with_the_clean_up() {
    let sandbox = killed_in_between();
    let told = sandbox.database(["cleanup"]).success();
    assert_eq!(sandbox.entries("pg"), ["data.kept-by-somebody"], "{told}");
}

/// A backup that would take minutes. Its programs end with the command.
#[test]
fn a_killed_backup_ends_its_programs() {
    let mut sandbox = backed_up();
    wrapped(&mut sandbox, "pg_basebackup", "set -- --max-rate=32 \"$@\"\n");
    let senders = || sandbox.ask("SELECT count(*) FROM pg_stat_replication");
    let backup = sandbox.spawn("database", ["backup", "again"]);
    // one walsender sends the files, the other the WAL
    let outcome = interrupt(backup, "KILL", || senders() == "2");
    assert_eq!(outcome.signal, Some(9), "{outcome}");
    wait_until("nobody reads any more", || senders() == "0");
    assert_eq!(sandbox.ask("SELECT count(*) FROM pg_replication_slots"), "0");
}

/// The next backup to the same place would remove it, too.
#[test]
fn gc_removes_what_a_killed_backup_has_left_and_nothing_else() {
    let mut sandbox = backed_up();
    own_cache(&mut sandbox);
    sandbox.database(["init"]).success();
    wrapped(&mut sandbox, "pg_basebackup", "set -- --max-rate=32 \"$@\"\n");
    let senders = || sandbox.ask("SELECT count(*) FROM pg_stat_replication");
    let unfinished = || {
        let mut names = sandbox.entries("project/focus");
        names.retain(|name| name.starts_with(".postgresql-backup.new-"));
        names
    };
    // of a user: something else is in it, and others may enter it
    sandbox.write("project/focus/.postgresql-backup.new-mine/thesis.txt", "precious");
    std::fs::create_dir(sandbox.path("project/focus/.postgresql-backup.new-open")).unwrap();
    let backup = sandbox.spawn("database", ["backup"]);
    wait_until("the backup runs", || senders() == "2");
    sandbox.database(["gc"]).success();
    assert_eq!(unfinished().len(), 3, "one that runs stays");
    interrupt(backup, "KILL", || true);
    let told = sandbox.database(["gc"]).success();
    assert_eq!(told.stdout.matches("unfinished backup").count(), 1, "{told}");
    assert_eq!(unfinished(), [".postgresql-backup.new-mine", ".postgresql-backup.new-open"]);
    wait_until("nobody reads any more", || senders() == "0");
}
