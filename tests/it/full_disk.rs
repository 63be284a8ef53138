//! A full disk: a small one in memory, mounted in a mount namespace of the test's own.
//!
//! After any interruption, the old state is there or the new one, and the message names the next
//! step. Only root can mount the disk.

#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::support::mount::Mounts;
use crate::support::{Outcome, Sandbox, finish, is_root, project, wait_until};

/// Room for a cluster, two snapshots of it and a backup.
const SIZE: &str = "220m";

/// The free space in kilobytes on the full disk: none, or too little for a file of a cluster.
const LEFT: [u64; 2] = [0, 200];

/// A small disk at `small` in the sandbox, in a mount namespace.
struct Small {
    sandbox: Sandbox,
    mounts: Mounts,
}

impl Small {
    /// A small disk with a cluster in `pg`.
    fn with_cluster() -> Self {
        let mut sandbox = project::with_source("");
        let place = sandbox.path("small");
        std::fs::create_dir(&place).unwrap();
        let mount = format!("mount -t tmpfs -o size={SIZE},mode=755 none '{}'", place.display());
        let mounts = Mounts::new(&sandbox, &mount);
        let working = place.join("pg");
        sandbox.set("PG_WORKING_DIR", &working);
        sandbox.set("DB_URL", format!("postgresql://dev@localhost/app?host={}", working.display()));
        let small = Self { sandbox, mounts };
        small.database(["deploy", "--no-patch"]).success();
        small.psql("CREATE TABLE kept (n int) INHERITS (hectic.created_at)").success();
        small.psql("INSERT INTO kept (n) VALUES (1)").success();
        small.psql("CHECKPOINT").success();
        small
    }

    /// A path on the disk, as the test sees it.
    fn path(&self, name: &str) -> PathBuf {
        self.mounts.path(&self.sandbox.path("small")).join(name)
    }

    fn run<A: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Outcome {
        finish(self.mounts.command(&self.sandbox, program, arguments).spawn().unwrap(), None)
    }

    fn database<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        self.run("database", arguments)
    }

    fn psql(&self, sql: &str) -> Outcome {
        self.database(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql])
    }

    /// Does some work while all but `left` kilobytes of the disk are taken.
    fn full<T>(&self, left: u64, work: impl FnOnce() -> T) -> T {
        let filler = self.path("filler");
        let facts = nix::sys::statvfs::statvfs(&self.path("")).unwrap();
        let free = facts.blocks_available() * facts.fragment_size() / 1024;
        let taken = (free.saturating_sub(left) * 1024).try_into().unwrap();
        let file = std::fs::File::create(&filler).unwrap();
        nix::fcntl::posix_fallocate(&file, 0, taken).unwrap();
        let done = work();
        // another test may be between fork and exec, where its child holds this file open as well: the
        // space comes back at once only if the file is emptied
        file.set_len(0).unwrap();
        std::fs::remove_file(filler).unwrap();
        done
    }

    /// Runs `database` on the full disk, where it fails with a message that names the next step.
    #[track_caller]
    fn fails<const N: usize>(&self, left: u64, arguments: [&str; N]) -> Outcome {
        let outcome = self.full(left, || self.database(arguments));
        assert!(outcome.code.is_some_and(|code| code > 0), "{arguments:?}, {left}: {outcome}");
        // a server that cannot write its log any more ends, and tells its clients nothing
        let crashed = outcome.stderr.contains("closed the connection");
        for words in ["space left", "space on the disk"].iter().filter(|_| !crashed) {
            assert!(outcome.stderr.contains(words), "{arguments:?}, {left}: {words:?}: {outcome}");
        }
        outcome
    }

    /// Checks that the cluster runs or starts, has everything that was committed, and has nothing
    /// left beside it.
    #[track_caller]
    fn is_well(&mut self) {
        self.sandbox.set("PG_REUSE", "1");
        // a server that found the disk full may still recover
        wait_until("the server recovers", || self.run("postgres-init", [""; 0]).code == Some(0));
        self.sandbox.unset("PG_REUSE");
        assert_eq!(self.psql("SELECT n FROM kept").success().stdout, "1\n");
        let left = crate::support::entries(&self.path("pg"));
        assert!(!left.iter().any(|name| name.starts_with("data.")), "{left:?}");
        assert!(!left.iter().any(|name| name.starts_with(".hectic")), "{left:?}");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = self.run("postgres-cleanup", [""; 0]);
    }
}

#[test]
fn a_cluster_that_cannot_be_replaced_stays() {
    if !is_root() {
        return;
    }
    let mut small = Small::with_cluster();
    for left in LEFT {
        small.fails(left, ["deploy"]);
        small.is_well();
        small.fails(left, ["init", "--fresh"]);
        small.is_well();
    }
    let elsewhere = small.sandbox.path("backup");
    small.database(["backup", elsewhere.to_str().unwrap()]).success();
    for left in LEFT {
        small.fails(left, ["restore", elsewhere.to_str().unwrap()]);
        small.is_well();
    }
    // a look beforehand: more than nothing is free, but not enough
    let told = small.fails(10_000, ["restore", elsewhere.to_str().unwrap()]);
    assert!(told.stderr.contains("no space left for the restored cluster in"), "{told}");
    small.is_well();
}

#[test]
fn a_backup_or_a_snapshot_that_does_not_fit_leaves_the_one_before() {
    if !is_root() {
        return;
    }
    let mut small = Small::with_cluster();
    let place = small.sandbox.path("small/backup");
    let place = place.to_str().unwrap();
    small.database(["backup", place]).success();
    small.database(["snapshot", "save", "one"]).success();
    let before = crate::support::entries(&small.path("backup"));
    for left in LEFT {
        small.fails(left, ["backup", place]);
        small.is_well();
        small.fails(left, ["snapshot", "save", "--replace", "one"]);
        small.is_well();
        small.fails(left, ["snapshot", "save", "two"]);
        small.is_well();
        small.fails(left, ["snapshot", "restore", "one"]);
        small.is_well();
        assert_eq!(crate::support::entries(&small.path("backup")), before);
        assert_eq!(crate::support::entries(&small.path("pg/snapshot")), ["one"]);
        let left = crate::support::entries(&small.path(""));
        assert_eq!(left, ["backup", "pg"]);
    }
    small.database(["snapshot", "restore", "one"]).success();
    small.is_well();
    small.database(["restore", place]).success();
    small.is_well();
}

#[test]
fn a_clone_that_does_not_fit_leaves_nothing() {
    if !is_root() {
        return;
    }
    let mut small = Small::with_cluster();
    small.database(["clone", "--name", "kept", "--keep"]).success();
    let clones = "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE '%clone%' \
                  OR datname LIKE 'app\\_clone\\_%'";
    for left in LEFT {
        let told = small.full(left, || small.database(["clone"]));
        let words = ["space left", "disk space", "closed the connection"];
        let is_told = words.iter().any(|words| told.stderr.contains(words));
        assert!(told.code.is_some_and(|code| code > 0) && is_told, "{left}: {told}");
        small.is_well();
        wait_until("the next command drops it", || {
            small.database(["url"]).success();
            small.psql(clones).success().stdout == "kept\n"
        });
    }
    small.database(["clone"]).success();
}

/// The disk fills up at another moment each time: while files are copied, while the server starts,
/// while the sources run. A command succeeds, or fails and leaves everything as it was.
#[test]
fn a_disk_that_fills_up_at_any_moment_costs_nothing() {
    if !is_root() {
        return;
    }
    let mut small = Small::with_cluster();
    let place = small.sandbox.path("small/backup");
    let place = place.to_str().unwrap().to_owned();
    small.sandbox.write(
        "project/db/src/entrypoint.sql",
        "CREATE TABLE kept (n int) INHERITS (hectic.created_at);\nINSERT INTO kept (n) VALUES (1);\n\
         CREATE TABLE large (t text) INHERITS (hectic.created_at);\n\
         INSERT INTO large (t) SELECT repeat(md5(g::text), 200) FROM generate_series(1, 3000) AS g;\n",
    );
    let commands: [&[&str]; 4] = [
        &["deploy", "--no-patch"],
        &["backup", &place],
        &["snapshot", "save", "--replace", "one"],
        &["init", "--fresh"],
    ];
    for left in [2_000, 8_000, 30_000, 52_000, 60_000, 70_000] {
        for command in commands {
            let told = small.full(left, || small.run("database", command));
            let said = &told.stderr;
            let is_told = said.contains("space left") || said.contains("closed the connection");
            assert!(told.code == Some(0) || is_told, "{command:?}, {left}: {told}");
            if told.code == Some(0) {
                // what it has made takes the room of the next case
                small.run("database", ["snapshot", "rm", "one"]);
                small.run("database", ["snapshot", "rm", "before-deploy"]);
                small.run("rm", ["-rf", &place]);
            }
            if told.code == Some(0) && command[0] == "init" {
                small.database(["deploy", "--no-patch"]).success();
                small.run("database", ["snapshot", "rm", "before-deploy"]);
            }
            small.is_well();
        }
    }
}

#[test]
fn keys_and_secrets_stay_readable() {
    if !is_root() {
        return;
    }
    let mut small = Small::with_cluster();
    small.sandbox.write("all.env", "A=one\nB=two\n");
    small.database(["secrets", "load", "-f", "all.env"]).success();
    let readable = |small: &mut Small| {
        small.is_well();
        assert_eq!(small.database(["secrets", "get", "A"]).success().stdout, "one\n");
        assert_eq!(small.psql("SELECT hectic.get_secret('B')").success().stdout, "two\n");
    };
    small.fails(0, ["secrets", "rotate"]);
    readable(&mut small);
    small.fails(0, ["secrets", "rotate", "--drop-old"]);
    readable(&mut small);
    let at = |name: &str| small.sandbox.path("small").join(name).to_str().unwrap().to_owned();
    let (key, sealed) = (at("team.key"), at("sealed"));
    small.fails(0, ["secrets", "keygen", &key]);
    assert!(!small.path("team.key").exists());
    small.database(["secrets", "keygen", &key]).success();
    small.sandbox.set("HECTIC_SECRET_KEY_FILE", &key);
    small.database(["secrets", "seal", "all.env", "-o", &sealed]).success();
    let before = std::fs::read(small.path("sealed")).unwrap();
    small.sandbox.write("all.env", "A=one\nB=two\nC=three\n");
    small.fails(0, ["secrets", "seal", "all.env", "-o", &sealed]);
    assert_eq!(std::fs::read(small.path("sealed")).unwrap(), before);
    small.sandbox.unset("HECTIC_SECRET_KEY_FILE");
    small.database(["secrets", "rotate", "--drop-old"]).success();
    readable(&mut small);
    assert_eq!(crate::support::entries(&small.path("")), ["pg", "sealed", "team.key"]);
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    if !is_root() {
        return;
    }
    let mut small = Small::with_cluster();
    let url = small.sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    small.psql("INSERT INTO kept (n) SELECT g FROM generate_series(2, 100000) AS g").success();
    let disk = small.sandbox.path("small");
    // a pull from this cluster into the file of another
    for (name, value) in [
        ("STAGING_SSH_HOST", "-"),
        ("STAGING_DB_URL", &url),
        ("STAGING_DUMP_TABLES", "public.kept"),
        ("STAGING_DUMP_FLAGS", ""),
        ("DB_URL", "postgresql://dev@localhost:1/app"),
    ] {
        small.sandbox.set(name, value);
    }
    small.sandbox.set("PATCH_SQL", disk.join("patch.sql"));
    std::fs::write(small.path("patch.sql"), "-- mine\n").unwrap();
    for left in LEFT {
        small.fails(left, ["pull_staging"]);
        assert_eq!(std::fs::read(small.path("patch.sql")).unwrap(), b"-- mine\n");
    }
    small.database(["pull_staging", "--resume"]).success();
    assert_eq!(crate::support::entries(&small.path("")), ["patch.sql", "patch.sql.sha256", "pg"]);
    small.sandbox.unset("STAGING_DB_URL");
    small.sandbox.set("DB_URL", &url);
    // the report of a comparison, and migrations
    std::fs::write(small.path("report"), "before").unwrap();
    let report = disk.join("report");
    let arguments = ["diff", "--against", &url, "--format", "json", "-o", report.to_str().unwrap()];
    small.fails(0, arguments);
    assert_eq!(std::fs::read(small.path("report")).unwrap(), b"before");
    small.sandbox.set("MIGRATION_DIR", disk.join("migration"));
    std::fs::create_dir(small.path("migration")).unwrap();
    for layout in ["directory", "flat"] {
        small.sandbox.write("migrator.toml", format!("layout = \"{layout}\"\n"));
        small.fails(0, ["migrator", "create", "one"]);
        assert_eq!(crate::support::entries(&small.path("migration")), [""; 0], "{layout}");
    }
}
