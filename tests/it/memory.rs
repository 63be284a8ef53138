//! Private clusters in memory: each test has a `/dev/shm` of its own, in a mount namespace. Only root
//! can mount it.

#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use crate::support::mount::Mounts;
use crate::support::project::with_source;
use crate::support::trace::{interrupt, nothing_left, own_cache, registered};
use crate::support::{Outcome, Sandbox, entries, finish, is_root, wait_until};

/// Writes the data directory of the server into a file.
const WHERE: &str =
    "SHOW data_directory \\gset\n\\! : > place\n\\o place\n\\qecho :data_directory\n\\o\n";

/// Leaves a megabyte of memory free.
const SHRINK: &str = "\\! used=$(df -k --output=used /dev/shm | tail -1); \
    mount -o remount,size=$((used + 1024))k /dev/shm\n";

/// A sandbox that has memory with these options of a mount.
struct Machine {
    mounts: Mounts,
    sandbox: Sandbox,
}

impl Machine {
    fn new(source: &str, options: &str) -> Self {
        let mut sandbox = with_source(source);
        own_cache(&mut sandbox);
        sandbox.unset("PG_THROWAWAY_DIR");
        let own = sandbox.path("");
        let memory = sandbox.path("memory");
        // the sandbox itself may lie in the memory of the machine
        let script = format!(
            "mkdir {memory}\nmount -t tmpfs -o {options} none {memory}\n\
             case {own} in /dev/shm/*) mkdir {memory}/$(basename {own});\
             mount --bind {own} {memory}/$(basename {own});; esac\n\
             mount --move {memory} /dev/shm\n",
            own = own.display(),
            memory = memory.display()
        );
        let mounts = Mounts::new(&sandbox, &script);
        std::fs::remove_dir(memory).unwrap();
        Self { sandbox, mounts }
    }

    fn spawn<const N: usize>(&self, arguments: [&str; N]) -> Child {
        self.mounts.command(&self.sandbox, "database", arguments).spawn().unwrap()
    }

    fn database<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        finish(self.spawn(arguments), None)
    }

    /// The data directory that the source has written down.
    fn place(&self) -> PathBuf {
        self.sandbox.read("project/place").trim().into()
    }

    /// The private clusters in memory.
    fn in_memory(&self) -> Vec<String> {
        let mut names = entries(&self.mounts.path(Path::new("/dev/shm")));
        names.retain(|name| name.starts_with("db-tool"));
        names
    }

    #[track_caller]
    fn nothing_left(&self) {
        assert_eq!(self.in_memory(), Vec::<String>::new());
        nothing_left(&self.sandbox);
    }

    #[track_caller]
    fn takes_the_disk(&self) {
        let told = self.database(["check"]).success();
        assert!(self.place().starts_with(self.sandbox.path("tmp")), "{:?}: {told}", self.place());
        self.nothing_left();
    }
}

#[test]
fn memory_with_room_is_taken() {
    if !is_root() {
        return;
    }
    for options in ["size=1100m", "size=1100m,noexec,nodev,nosuid"] {
        let machine = Machine::new(WHERE, options);
        machine.database(["check"]).success();
        assert!(machine.place().starts_with("/dev/shm"), "{options}: {:?}", machine.place());
        machine.nothing_left();
        let told = machine.database(["doctor", "--format", "json"]);
        assert!(told.stdout.contains("in /dev/shm: memory has room, 1"), "{told}");
    }
}

#[test]
fn without_room_or_among_strangers_the_disk_is_taken() {
    if !is_root() {
        return;
    }
    for (options, why) in [
        ("size=900m", "memory has only 943 MB free, and a cluster there needs 1000 MB"),
        ("size=1100m,nr_inodes=5000", "no room for more files"),
        ("size=1100m,mode=777", "other users can replace files in /dev/shm"),
    ] {
        let machine = Machine::new(WHERE, options);
        machine.takes_the_disk();
        let told = machine.database(["doctor"]);
        assert!(told.stdout.contains(why), "{options}: {told}");
    }
}

#[test]
fn a_project_that_took_much_goes_to_the_disk() {
    if !is_root() {
        return;
    }
    let machine = Machine::new(WHERE, "size=1100m");
    machine.database(["check"]).success();
    let sizes = machine.sandbox.path("cache/db-tool/size");
    let [size] = &entries(&sizes)[..] else { panic!("the size of one project") };
    let remembered: u64 =
        std::fs::read_to_string(sizes.join(size)).unwrap().trim().parse().unwrap();
    assert!((10_000_000..250_000_000).contains(&remembered), "{remembered}");
    std::fs::write(sizes.join(size), "400000000\n").unwrap();
    machine.takes_the_disk();
    machine.database(["check"]).success();
    assert!(machine.place().starts_with("/dev/shm"), "the last one was small");
    machine.nothing_left();
}

#[test]
fn the_user_decides_and_a_kept_cluster_survives_a_restart() {
    if !is_root() {
        return;
    }
    let mut machine = Machine::new(WHERE, "size=1100m");
    machine.database(["check", "--keep"]).success();
    assert!(machine.place().starts_with(machine.sandbox.path("tmp")), "{:?}", machine.place());
    let kept = machine.place().parent().unwrap().to_owned();
    machine.sandbox.set("PG_WORKING_DIR", &kept);
    machine.sandbox.unset("DB_URL");
    machine.database(["cleanup"]).success();
    let chosen = machine.sandbox.path("home");
    machine.sandbox.set("PG_THROWAWAY_DIR", &chosen);
    machine.database(["check"]).success();
    assert!(machine.place().starts_with(&chosen), "{:?}", machine.place());
    let told = machine.database(["doctor"]);
    let line = format!("private clusters: in {}: PG_THROWAWAY_DIR names it", chosen.display());
    assert!(told.stdout.contains(&line), "{told}");
    machine.sandbox.unset("PG_THROWAWAY_DIR");
    machine.sandbox.write("project/database.toml", "throwaway_dir = \"/var/tmp\"\n");
    machine.database(["check"]).fails(2, ["PG_THROWAWAY_DIR", "outside the project"]);
}

#[test]
fn a_command_whose_memory_runs_out_starts_over_on_the_disk() {
    if !is_root() {
        return;
    }
    let row = "CREATE TABLE t (x text) INHERITS (hectic.created_at);\n";
    let rows =
        "INSERT INTO t (x) SELECT repeat(md5(g::text), 30) FROM generate_series(1, 9999) g;\n";
    // the server cannot go on without a new segment of its write-ahead log
    let log = "SELECT count(pg_logical_emit_message(false, 'x', repeat('x', 1000000)))\n\
        FROM generate_series(1, 40);\n";
    for fill in [rows, log] {
        let machine = Machine::new(&format!("{SHRINK}{row}{fill}{WHERE}"), "size=1100m");
        let told = machine.database(["check"]).success();
        let says = "warning: the memory in /dev/shm has run out: starting over in";
        assert_eq!(told.stderr.matches(says).count(), 1, "{told}");
        assert!(machine.place().starts_with(machine.sandbox.path("tmp")), "{told}");
        machine.nothing_left();
    }
}

#[test]
fn a_failure_on_the_disk_is_not_repeated() {
    if !is_root() {
        return;
    }
    let source = "\\! echo >> attempts\n\
        DO $$ BEGIN RAISE 'could not extend file: No space left on device'; END $$;\n";
    let mut machine = Machine::new(source, "size=1100m");
    machine.database(["check"]).fails(1, ["starting over", "No space left on device"]);
    assert_eq!(machine.sandbox.read("project/attempts"), "\n\n");
    machine.sandbox.set("PG_THROWAWAY_DIR", machine.sandbox.path("tmp"));
    let told = machine.database(["check"]).fails(1, ["No space left on device"]);
    assert!(!told.stderr.contains("starting over"), "{told}");
    assert_eq!(machine.sandbox.read("project/attempts"), "\n\n\n");
    machine.nothing_left();
}

#[test]
fn verdicts_of_a_first_attempt_are_not_told_twice() {
    if !is_root() {
        return;
    }
    let mut machine = Machine::new("SELECT 1;\n", "size=1100m");
    machine.sandbox.set("HECTIC_BUNDLE", "history");
    let open = machine.sandbox.path("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
    let (started, go) = (open.join("started"), open.join("go"));
    // the second migration waits until the test has taken the memory
    let wait = format!(
        "COPY (SELECT 1) TO '{}';\nDO $$ BEGIN\n\
         WHILE pg_stat_file('{}', true) IS NULL LOOP PERFORM pg_sleep(0.01); END LOOP;\nEND $$;\n",
        started.display(),
        go.display()
    );
    let fill = "SELECT repeat(md5(g::text), 30) AS x FROM generate_series(1, 9999) g";
    for (name, before) in [("20240101000000-one", ""), ("20240102000000-two", wait.as_str())] {
        let (place, table) = (format!("project/db/migration/{name}"), &name[15..]);
        let up = format!("{before}CREATE TABLE {table} AS {fill};\n");
        machine.sandbox.write(&format!("{place}/up.sql"), up);
        machine.sandbox.write(&format!("{place}/down.sql"), format!("DROP TABLE {table};\n"));
    }
    let mut verify = machine.spawn(["migrator", "verify"]);
    wait_until("the second migration runs", || {
        started.exists() || verify.try_wait().unwrap().is_some()
    });
    let take =
        "mount -o remount,size=$(($(df -k --output=used /dev/shm | tail -1) + 1024))k /dev/shm";
    let taken = machine.mounts.command(&machine.sandbox, "sh", ["-c", take]).status().unwrap();
    assert!(taken.success());
    machine.sandbox.write("open/go", "");
    let told = finish(verify, None).success();
    assert!(told.stderr.contains("starting over"), "{told}");
    for name in ["-one", "-two"] {
        assert_eq!(told.stdout.matches(name).count(), 1, "{told}");
    }
    machine.nothing_left();
}

#[test]
fn the_next_command_finds_an_orphan_in_memory() {
    if !is_root() {
        return;
    }
    let machine = Machine::new("\\! touch started\nSELECT pg_sleep(3600);\n", "size=1100m");
    let started = machine.sandbox.path("project/started");
    let killed = interrupt(machine.spawn(["check"]), "KILL", || started.exists());
    assert_eq!(killed.signal, Some(9));
    assert_eq!((machine.in_memory().len(), registered(&machine.sandbox).len()), (1, 1));
    let told = machine.database(["status", "--all"]).success();
    assert!(told.stdout.contains("/dev/shm/db-tool-check-"), "{told}");
    wait_until("an orphan is removed", || {
        machine.database(["gc"]).success();
        machine.in_memory().is_empty()
    });
    machine.nothing_left();
}
