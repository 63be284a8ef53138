//! Root runs the commands in a place that another user controls.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::{Sandbox, is_root};

/// The user that controls the places.
const OTHER: &str = "daemon";

/// A text that only root may read.
const SECRET: &str = "secret = 'canary-4711'\n";

fn other() -> u32 {
    let output = Command::new("id").args(["-u", OTHER]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().parse().unwrap()
}

/// Gives a file or directory to the other user.
fn give(path: &Path) {
    std::os::unix::fs::lchown(path, Some(other()), Some(other())).unwrap();
}

/// A sandbox with the working directory of another user, and a file of root's beside it.
fn theirs() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::with_cluster();
    std::fs::create_dir(sandbox.path("pg")).unwrap();
    give(&sandbox.path("pg"));
    let secret = sandbox.write("secret", SECRET);
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    (sandbox, secret)
}

/// Replaces the file or directory at `place` by a link of the other user's.
fn link(target: &Path, place: &Path) {
    let _ = std::fs::remove_file(place);
    if place.is_dir() {
        std::fs::rename(place, place.with_extension("aside")).unwrap();
    }
    symlink(target, place).unwrap();
    give(place);
}

/// Whether a file below `directory` that root does not own holds root's secret.
fn leaked(directory: &Path) -> bool {
    std::fs::read_dir(directory).unwrap().flatten().any(|entry| {
        let (path, facts) = (entry.path(), entry.metadata().unwrap());
        match facts.is_dir() {
            true => leaked(&path),
            false => {
                facts.is_file()
                    && facts.uid() != 0
                    && String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains("canary")
            }
        }
    })
}

/// Checks that everything that root makes in a directory for the other user belongs to that user.
fn all_theirs(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let facts = entry.metadata().unwrap();
        assert_eq!(facts.uid(), other(), "{}", entry.path().display());
        if facts.is_dir() {
            all_theirs(&entry.path());
        }
    }
}

#[test]
fn a_full_directory_of_roots_is_not_handed_over() {
    if !is_root() {
        return;
    }
    let mut sandbox = Sandbox::with_cluster();
    sandbox.write("pg/passwd", "root:x:0:0\n");
    std::fs::create_dir(sandbox.path("pg/data")).unwrap();
    for name in ["PG_REUSE", "PG_FORCE"] {
        sandbox.set(name, "1");
        sandbox.init([]).fails(2, ["holds other things", "chown"]);
        sandbox.unset(name);
    }
    assert_eq!(sandbox.path("pg").metadata().unwrap().uid(), 0);
    assert_eq!(sandbox.entries("pg"), ["data", "passwd"]);
    // a person may give the directory to the other user
    give(&sandbox.path("pg"));
    sandbox.init([]).success();
}

#[test]
fn directories_of_the_system_are_refused() {
    let mut sandbox = Sandbox::new();
    // never as root: if the refusal failed, the test would change the real directories
    if is_root() {
        sandbox.act_as("nobody");
    }
    for directory in ["/etc", "/etc/postgresql", "/usr", "/usr/share", "/var/lib", "/srv", "/home"]
    {
        sandbox.set("PG_WORKING_DIR", directory);
        sandbox.init([]).fails(2, ["directory of the operating system", directory]);
    }
}

#[test]
fn cleanup_gives_a_directory_back() {
    if !is_root() {
        return;
    }
    let sandbox = Sandbox::with_cluster();
    std::fs::create_dir(sandbox.path("pg")).unwrap();
    sandbox.init([]).success();
    assert_ne!(sandbox.path("pg").metadata().unwrap().uid(), 0);
    sandbox.write("pg/notes", "mine");
    let told = sandbox.database(["cleanup"]).success();
    assert!(told.stderr.contains("notes"), "{told}");
    assert_eq!(sandbox.path("pg").metadata().unwrap().uid(), 0);
    assert_eq!(sandbox.entries("pg"), ["notes"]);
    std::fs::remove_file(sandbox.path("pg/notes")).unwrap();
    // if snapshots remain, the server's user still needs the directory
    sandbox.init([]).success();
    sandbox.database(["snapshot", "save", "one"]).success();
    sandbox.database(["cleanup"]).success();
    sandbox.database(["snapshot", "restore", "one"]).success();
    sandbox.database(["snapshot", "rm", "one"]).success();
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg").exists());
}

#[test]
fn a_directory_of_somebodys_own_stays_theirs() {
    if !is_root() {
        return;
    }
    let (sandbox, _) = theirs();
    sandbox.init([]).success();
    all_theirs(&sandbox.path("pg"));
    sandbox.database(["snapshot", "save", "one"]).success();
    sandbox.database(["snapshot", "restore", "one"]).success();
    all_theirs(&sandbox.path("pg"));
    sandbox.write("pg/notes", "theirs");
    sandbox.database(["snapshot", "rm", "one"]).success();
    sandbox.database(["cleanup"]).success();
    assert_eq!(sandbox.path("pg").metadata().unwrap().uid(), other());
}

#[test]
fn settings_are_not_read_through_a_link() {
    if !is_root() {
        return;
    }
    let (mut sandbox, secret) = theirs();
    sandbox.init([]).success();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    link(&secret, &sandbox.path("pg/data/postgresql.conf"));
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).fails(2, ["is a link", "postgresql.conf"]);
    assert!(!leaked(&sandbox.path("pg")));
    // a settings file that the other user owns may be such a link, too
    sandbox.unset("PG_REUSE");
    std::fs::create_dir(sandbox.path("project")).unwrap();
    give(&sandbox.path("project"));
    link(&secret, &sandbox.path("project/my.conf"));
    let own = sandbox.path("project/my.conf");
    sandbox.set("PG_CONF_FILE", own);
    assert_ne!(sandbox.init([]).code, Some(0));
    assert!(!leaked(&sandbox.path("pg")));
    assert_eq!(sandbox.read("secret"), SECRET);
}

#[test]
fn no_log_is_written_through_a_link() {
    if !is_root() {
        return;
    }
    let (sandbox, _) = theirs();
    let roots = sandbox.path("etc");
    std::fs::create_dir(&roots).unwrap();
    sandbox.init([]).success();
    link(&roots, &sandbox.path("pg/log"));
    for arguments in [&["snapshot", "save", "a"][..], &["init"]] {
        let told = sandbox.run("database", arguments);
        assert_ne!(told.code, Some(0), "{told}");
        assert_eq!(sandbox.entries("etc"), [""; 0], "{told}");
    }
}

#[test]
fn the_logs_of_the_verbs_are_not_written_through_a_link() {
    if !is_root() {
        return;
    }
    let mut sandbox = crate::support::project::with_source("SELECT 'text of somebody else';\n");
    let secret = sandbox.write("precious", SECRET);
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::create_dir(sandbox.path("logs")).unwrap();
    sandbox.set("HYDRATE_LOG", sandbox.path("logs/hydrate.log"));
    give(&sandbox.path("logs"));
    for target in [secret.as_path(), &sandbox.path("made")] {
        link(target, &sandbox.path("logs/hydrate.log"));
        sandbox.database(["deploy", "--no-patch"]).fails(1, ["hydrate.log", "follows no link"]);
    }
    assert_eq!(sandbox.read("precious"), SECRET);
    assert!(!sandbox.path("made").exists());
    std::fs::remove_file(sandbox.path("logs/hydrate.log")).unwrap();
    sandbox.database(["deploy", "--no-patch"]).success();
    assert_eq!(sandbox.path("logs/hydrate.log").metadata().unwrap().uid(), other());
    // root may use links of its own
    sandbox.set("HYDRATE_LOG", sandbox.path("own.log"));
    symlink(sandbox.path("real.log"), sandbox.path("own.log")).unwrap();
    sandbox.database(["hydrate"]).success();
    assert!(sandbox.read("real.log").contains("somebody else"));
}

#[test]
fn no_key_is_made_or_read_through_a_link() {
    if !is_root() {
        return;
    }
    let mut sandbox = Sandbox::with_project("nix/template");
    std::fs::create_dir(sandbox.path("pg")).unwrap();
    give(&sandbox.path("pg"));
    sandbox.set("HECTIC_DOTENV_CONTENT", "TOKEN=one\n");
    sandbox.init([]).success();
    let key = sandbox.write("roots.key", "5e".repeat(32));
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    link(&key, &sandbox.path("pg/hectic.key"));
    let told = sandbox.database(["hydrate"]);
    assert_ne!(told.code, Some(0), "{told}");
    assert_eq!(sandbox.read("roots.key"), "5e".repeat(32));
    std::fs::remove_file(sandbox.path("pg/hectic.key")).unwrap();
    sandbox.database(["hydrate"]).success();
    assert_eq!(sandbox.path("pg/hectic.key").metadata().unwrap().uid(), other());
}

/// Replaces every temporary file in a working directory `$1` by a link to `$2`, again and again.
const SWAP_FILES: &str = "while :; do for f in \"$1\"/.tmp* \"$1\"/data*/.tmp* \"$1\"/data*/data/.tmp*; do \
                          [ -f \"$f\" ] && [ ! -L \"$f\" ] && rm -f \"$f\" && ln -s \"$2\" \"$f\"; done; done";

/// Puts a link to `$2` in the place of every directory in `$1` in which a backup is made.
const SWAP_DIRECTORIES: &str = "while :; do for d in \"$1\"/.backup.new-*; do \
                                [ -d \"$d\" ] && [ ! -L \"$d\" ] && mv \"$d\" \"$1/aside-$$-${n:=0}\" && \
                                ln -s \"$2\" \"$d\" && : > \"$1/swapped\"; n=$((n+1)); done; done";

/// A process of the other user, which ends with the test.
struct Racer(Child);

impl Racer {
    /// Runs `script` with a `place` and a file of root's.
    fn start(script: &str, place: &Path, victim: &Path) -> Self {
        let mut command = Command::new("setpriv");
        let (user, group) = (format!("--reuid={OTHER}"), format!("--regid={}", other()));
        command.args([&user, &group, "--clear-groups", "sh", "-c", script, "sh"]);
        command.arg(place).arg(victim).stdin(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_file_that_is_swapped_while_root_writes_it_costs_nothing() {
    if !is_root() {
        return;
    }
    let (mut sandbox, secret) = theirs();
    sandbox.set("PG_FORCE", "1");
    let racer = Racer::start(SWAP_FILES, &sandbox.path("pg"), &secret);
    for _ in 0..8 {
        // the command may fail beside the racer
        sandbox.init([]);
        assert_eq!(sandbox.read("secret"), SECRET);
    }
    drop(racer);
    assert_eq!(
        (secret.metadata().unwrap().uid(), secret.metadata().unwrap().mode() & 0o777),
        (0, 0o600)
    );
}

/// `pg_basebackup` opens its files by name, so another user can swap its directory.
#[test]
fn a_directory_that_is_swapped_while_root_backs_up_costs_nothing() {
    if !is_root() {
        return;
    }
    let sandbox = crate::support::project::deployed("");
    let (place, roots) = (sandbox.path("place"), sandbox.path("etc"));
    std::fs::create_dir(&place).unwrap();
    std::fs::create_dir(&roots).unwrap();
    give(&place);
    let backup = place.join("backup");
    let backup = backup.to_str().unwrap();
    let racer = Racer::start(SWAP_DIRECTORIES, &place, &roots);
    for _ in 0..8 {
        // the command may fail beside the racer
        sandbox.database(["backup", backup]);
        assert_eq!(sandbox.entries("etc"), [""; 0]);
    }
    assert!(place.join("swapped").exists(), "the race was run");
    drop(racer);
    sandbox.run("sh", ["-c", "rm -rf place/.backup* place/backup"]).success();
    sandbox.database(["backup", backup]).success();
    // root can use the files that root has made in their place
    sandbox.database(["restore", backup]).success();
}

#[test]
fn what_verbs_write_for_people_is_not_written_through_a_link() {
    if !is_root() {
        return;
    }
    let sandbox = crate::support::project::deployed("");
    let secret = sandbox.write("secret", SECRET);
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    let url = sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    let page = sandbox.write("theirs/share/man/man1/database.1", "");
    for directory in ["theirs", "theirs/share", "theirs/share/man", "theirs/share/man/man1"] {
        give(&sandbox.path(directory));
    }
    link(&secret, &sandbox.path("theirs/report"));
    link(&secret, &page);
    for arguments in
        [&["diff", "--against", &url, "-o", "theirs/report"][..], &["share", "theirs/share"]]
    {
        assert_ne!(sandbox.run("database", arguments).code, Some(0), "{arguments:?}");
        assert_eq!(sandbox.read("secret"), SECRET, "{arguments:?}");
    }
    // db-tool makes an empty patch file if there is none
    give(&sandbox.path("project"));
    link(&sandbox.path("made"), &sandbox.path("project/test-data.sql"));
    sandbox.database(["deploy"]).fails(1, ["test-data.sql"]);
    assert!(!sandbox.path("made").exists());
}

#[test]
fn root_reads_no_file_of_its_own_for_another_user() {
    if !is_root() {
        return;
    }
    let mut sandbox = crate::support::project::with_source("");
    std::fs::create_dir(sandbox.path("pg")).unwrap();
    give(&sandbox.path("pg"));
    let secret = sandbox.write("secret", SECRET);
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    let dotenv = sandbox.path("project/.env.x");
    give(&sandbox.path("project"));
    link(&secret, &dotenv);
    sandbox.set("ENVIRONMENT", "x");
    sandbox.database(["deploy"]).fails(3, [".env.x", "not readable"]);
    // a hard link leads to the same file
    std::fs::remove_file(&dotenv).unwrap();
    std::fs::hard_link(&secret, &dotenv).unwrap();
    sandbox.database(["deploy"]).fails(3, [".env.x", "not readable"]);
    // db-tool accepts a file that root has put there
    std::fs::remove_file(&dotenv).unwrap();
    sandbox.write("project/.env.x", SECRET);
    std::fs::set_permissions(&dotenv, PermissionsExt::from_mode(0o600)).unwrap();
    sandbox.database(["deploy"]).success();
    assert_eq!(sandbox.database(["secrets", "get", "secret"]).success().stdout, "canary-4711\n");
}

#[test]
fn no_user_gets_a_cluster_that_another_has_prepared() {
    if !is_root() {
        return;
    }
    let (mut sandbox, _) = theirs();
    sandbox.set("XDG_CACHE_HOME", sandbox.path("cache"));
    sandbox.init([]).success();
    let templates = || {
        let mut names = sandbox.entries("cache/db-tool/template");
        names.retain(|name| !name.contains('.') && !name.ends_with("-prepared"));
        names.len()
    };
    let first = templates();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    std::fs::create_dir(sandbox.path("second")).unwrap();
    let games = Command::new("id").args(["-u", "games"]).output().unwrap();
    let games = String::from_utf8(games.stdout).unwrap().trim_end().parse().unwrap();
    chown(sandbox.path("second"), Some(games), None).unwrap();
    let mut command = sandbox.command("postgres-init", [""; 0]);
    command.env("PG_WORKING_DIR", sandbox.path("second"));
    assert!(command.output().unwrap().status.success());
    assert_eq!((first, templates()), (1, 2));
    for entry in std::fs::read_dir(sandbox.path("cache/db-tool/template")).unwrap().flatten() {
        assert_eq!(entry.metadata().unwrap().uid(), 0, "{}", entry.path().display());
    }
}
