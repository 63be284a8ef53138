//! The machine stays clean: `status --all` shows what db-tool keeps, and `gc` removes what dead
//! commands have left.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::support::process::keepers;
use crate::support::project::with_own_cache;
use crate::support::trace::{interrupt, private_directory, registered};
use crate::support::wait::signal;
use crate::support::{Outcome, Sandbox, is_root, server, wait_until};

/// A sandbox that sees only its own clusters.
fn alone() -> Sandbox {
    with_own_cache("SELECT pg_sleep(0);")
}

/// The items of `status --all` as JSON: of one kind, without the templates that all tests share.
fn items(sandbox: &Sandbox, kind: &str) -> Vec<serde_json::Value> {
    let told = sandbox.database(["status", "--all", "--format", "json"]).success();
    let items: Vec<serde_json::Value> = serde_json::from_str(&told.stdout).unwrap();
    items.into_iter().filter(|item| item["kind"] == kind).collect()
}

fn gc(sandbox: &Sandbox) -> Outcome {
    sandbox.database(["gc"]).success()
}

/// Leaves a private cluster as a killed `check` does.
fn killed_check(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox.write("project/db/src/entrypoint.sql", "SELECT pg_sleep(3600);");
    let check = sandbox.spawn("database", ["check"]);
    let runs = || {
        let place = private_directory(sandbox).unwrap_or_default();
        let file = std::fs::read_to_string(place.join("data/postmaster.pid"));
        file.is_ok_and(|text| text.contains("ready"))
    };
    interrupt(check, "KILL", runs);
    private_directory(sandbox).unwrap()
}

#[test]
fn clusters_and_snapshots_of_all_projects_are_listed() {
    let mut sandbox = alone();
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox.database(["snapshot", "save", "before"]).success();
    sandbox.set("PG_WORKING_DIR", sandbox.path("other"));
    sandbox.unset("DB_URL");
    sandbox.init([]).success();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let clusters = items(&sandbox, "cluster");
    let paths: Vec<_> = clusters.iter().map(|item| item["path"].as_str().unwrap()).collect();
    assert_eq!(
        paths,
        [sandbox.path("other").to_str().unwrap(), sandbox.path("pg").to_str().unwrap()]
    );
    assert_eq!(
        (&clusters[0]["state"], &clusters[1]["state"]),
        (&"stopped".into(), &"running".into())
    );
    assert_eq!(clusters[1]["project"], sandbox.path("project").to_str().unwrap());
    assert!(clusters[1]["bytes"].as_u64().unwrap() > 1_000_000);
    assert!(clusters[1]["idle_seconds"].is_u64() && clusters[1]["age_seconds"].is_u64());
    let snapshots = items(&sandbox, "snapshot");
    assert_eq!(snapshots.len(), 1);
    assert_eq!(snapshots[0]["path"], sandbox.path("pg/snapshot/before").to_str().unwrap());
    let told = sandbox.database(["status", "--all"]).success();
    assert!(told.stdout.starts_with("kind "), "{told}");
    assert!(told.stdout.contains("running"), "{told}");
}

#[test]
fn moved_and_deleted_projects_are_recognised() {
    let mut sandbox = alone();
    sandbox.unset("DB_URL");
    sandbox.init([]).success();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    std::fs::rename(sandbox.path("pg"), sandbox.path("moved")).unwrap();
    let gone = items(&sandbox, "cluster");
    assert_eq!((gone.len(), &gone[0]["state"]), (1, &"gone".into()));
    sandbox.set("PG_WORKING_DIR", sandbox.path("moved"));
    let found = items(&sandbox, "cluster");
    assert_eq!((found.len(), &found[0]["state"]), (1, &"stopped".into()));
    assert_eq!(found[0]["path"], sandbox.path("moved").to_str().unwrap());
    std::fs::remove_dir_all(sandbox.path("moved")).unwrap();
    assert_eq!(items(&sandbox, "cluster")[0]["state"], "gone");
    assert_eq!(items(&sandbox, "cluster").len(), 0, "a command has forgotten it");
}

#[test]
fn what_a_killed_check_left_goes_with_any_next_command() {
    let sandbox = alone();
    let left = killed_check(&sandbox);
    let orphans = items(&sandbox, "private-cluster");
    assert_eq!((orphans.len(), &orphans[0]["state"]), (1, &"orphaned".into()));
    sandbox.database(["url"]).success();
    assert!(!left.exists(), "within its time");
    assert_eq!(registered(&sandbox), Vec::<String>::new());
    assert_eq!(server::processes_below(&sandbox.path("tmp")), Vec::<u32>::new());
}

#[test]
fn a_dry_run_removes_nothing_and_says_what_gc_would_remove() {
    let sandbox = alone();
    sandbox.init([]).success();
    let broken = sandbox.path("pg/data.broken-1");
    std::fs::create_dir(&broken).unwrap();
    std::fs::copy(sandbox.path("pg/data/db-tool.json"), broken.join("db-tool.json")).unwrap();
    let unfinished = sandbox.path("pg/data.new-1");
    std::fs::create_dir(&unfinished).unwrap();
    std::fs::copy(sandbox.path("pg/data/db-tool.json"), unfinished.join("db-tool.json")).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&sandbox.path("pg").metadata().unwrap());
    for directory in [&broken, &unfinished] {
        std::os::unix::fs::chown(directory, Some(owner), Some(owner)).unwrap();
        std::os::unix::fs::chown(directory.join("db-tool.json"), Some(owner), Some(owner)).unwrap();
    }
    let told = sandbox.database(["gc", "--dry-run"]).success();
    let line = format!("would remove\tunfinished directory\t{}\t", unfinished.display());
    assert!(told.stdout.contains(&line), "{told}");
    assert!(!told.stdout.contains("broken"), "it is younger than a week: {told}");
    assert!(unfinished.exists());
    let told = gc(&sandbox);
    assert!(told.stdout.contains(&line.replace("would remove", "removed")), "{told}");
    assert!(!unfinished.exists() && broken.exists());
    assert!(gc(&sandbox).stdout.is_empty());
}

#[test]
fn nothing_that_is_used_or_not_ours_is_removed() {
    let sandbox = alone();
    sandbox.init([]).success();
    sandbox.ask_in("postgres", "CREATE TABLE work ()");
    // a foreign directory with one of our names, and a link
    let foreign = sandbox.write("pg/data.new-2/thesis.txt", "precious");
    let link = sandbox.path("pg/data.broken-3");
    symlink(sandbox.path("project"), &link).unwrap();
    sandbox.write("tmp/db-tool-check-x/thesis.txt", "precious");
    sandbox.write("tmp/db-tool-scratch-y", "a file");
    sandbox.write("project/db/src/entrypoint.sql", "SELECT pg_sleep(3600);");
    let check = sandbox.spawn("database", ["check"]);
    let runs = || {
        registered(&sandbox).len() == 1 && !server::processes_below(&sandbox.path("tmp")).is_empty()
    };
    wait_until("the check runs", runs);
    let told = gc(&sandbox);
    assert_eq!(told.stdout, "", "{told}");
    assert_eq!(items(&sandbox, "private-cluster")[0]["state"], "running");
    assert!(foreign.exists() && link.is_symlink());
    assert!(sandbox.path("tmp/db-tool-check-x/thesis.txt").exists());
    assert!(sandbox.path("tmp/db-tool-scratch-y").exists());
    assert_eq!(sandbox.ask_in("postgres", "SELECT count(*) FROM work"), "0");
    interrupt(check, "TERM", || true);
}

#[test]
fn a_server_whose_shell_and_keeper_were_killed_is_stopped() {
    let sandbox = alone();
    let mut shell = std::process::Command::new("sleep").arg("3600").spawn().unwrap();
    sandbox.init(["--lease", &shell.id().to_string()]).success();
    let keeper = keepers(&sandbox.path("pg"))[0];
    signal("KILL", keeper);
    wait_until("the keeper is gone", || !Path::new(&format!("/proc/{keeper}/exe")).exists());
    // while the shell lives, it still has its lease
    gc(&sandbox);
    assert!(sandbox.path("pg/data/postmaster.pid").exists());
    shell.kill().unwrap();
    shell.wait().unwrap();
    let told = gc(&sandbox);
    assert!(told.stdout.contains("server without a user"), "{told}");
    assert!(!sandbox.path("pg/data/postmaster.pid").exists());
}

#[test]
fn sockets_of_a_killed_server_are_removed() {
    let sandbox = alone();
    sandbox.init([]).success();
    signal("KILL", sandbox.postmaster());
    wait_until("the server is gone", || server::processes_below(&sandbox.path("pg")).is_empty());
    let told = gc(&sandbox);
    assert!(told.stdout.contains("socket of a killed server"), "{told}");
    let left: Vec<_> = sandbox.entries("pg/sock");
    assert_eq!(left, Vec::<String>::new());
    sandbox.init([]).success();
}

#[test]
fn short_directories_of_a_deleted_cluster_go_when_its_server_has_ended() {
    let mut sandbox = alone();
    sandbox.unset("DB_URL");
    let working = sandbox.path(&"long/".repeat(30)).join("pg");
    sandbox.set("PG_WORKING_DIR", &working);
    let started = sandbox.init(["--export", "json"]).success();
    let json: serde_json::Value = serde_json::from_str(&started.stdout).unwrap();
    let short = Path::new(json["POSTGRESQL_HOST"].as_str().unwrap()).to_owned();
    assert!(short.starts_with("/tmp") && short.join(".s.PGSQL.5432").exists());
    let postmaster = server::postmaster(&working.join("data"));
    std::fs::remove_dir_all(&working).unwrap();
    let told = gc(&sandbox);
    assert!(told.stderr.contains("is in use now, so it stays"), "{told}");
    assert!(short.join(".s.PGSQL.5432").exists());
    signal("KILL", postmaster);
    wait_until("the server is gone", || server::processes_below(&sandbox.path("")).is_empty());
    let told = gc(&sandbox);
    let line = format!("removed\tsockets of a deleted cluster\t{}", short.display());
    assert!(told.stdout.contains(&line), "{told}");
    assert!(!short.exists());
    assert_eq!(items(&sandbox, "cluster").len(), 0);
}

#[test]
fn no_shared_memory_stays_of_a_killed_server_whose_cluster_is_removed() {
    let sandbox = alone();
    sandbox.init([]).success();
    let left = killed_check(&sandbox);
    let servers = [server::postmaster(&left.join("data")), sandbox.postmaster()];
    let files = servers.map(dynamic_segment_of);
    for postmaster in servers {
        assert_eq!(segments_of(postmaster), 1);
        signal("KILL", postmaster);
    }
    wait_until("the servers are gone", || server::processes_below(&sandbox.path("")).is_empty());
    assert!(files.iter().all(|file| file.exists()));
    gc(&sandbox);
    sandbox.database(["cleanup"]).success();
    assert_eq!(servers.map(segments_of), [0, 0]);
    assert!(!files.iter().any(|file| file.exists()), "{files:?}");
}

/// The number of segments of System V that a process has made.
fn segments_of(creator: u32) -> usize {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let creator = creator.to_string();
    table.lines().filter(|line| line.split_whitespace().nth(4) == Some(&creator)).count()
}

/// The file with the control segment of a server's dynamic shared memory.
fn dynamic_segment_of(postmaster: u32) -> std::path::PathBuf {
    let maps = std::fs::read_to_string(format!("/proc/{postmaster}/maps")).unwrap();
    let mut files = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    files.find(|file| file.starts_with("/dev/shm/PostgreSQL.")).expect("a segment").into()
}

#[test]
fn another_users_garbage_stays() {
    if !is_root() {
        return;
    }
    let mut sandbox = alone();
    let left = killed_check(&sandbox);
    let tmp = sandbox.path("tmp");
    std::fs::set_permissions(tmp, PermissionsExt::from_mode(0o1777)).unwrap();
    sandbox.set("XDG_CACHE_HOME", sandbox.path("home/.cache"));
    std::fs::set_permissions(sandbox.path("home"), PermissionsExt::from_mode(0o777)).unwrap();
    let mut command = sandbox.command("runuser", ["-u", "nobody", "--"]);
    command.arg(crate::support::program("database")).arg("gc");
    let told = command.output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(left.exists());
    gc_of_root(&mut sandbox);
    assert!(!left.exists());
}

fn gc_of_root(sandbox: &mut Sandbox) {
    sandbox.set("XDG_CACHE_HOME", sandbox.path("cache"));
    gc(sandbox);
}
