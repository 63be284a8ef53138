//! Jobs of the real `pg_cron` keep a server awake.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::preload::installation;
use crate::support::{Sandbox, bindir, repository, wait_until, whoami};

/// The parent of the directories of Debian's servers. There is no package of `pg_cron` for others.
const SERVERS: &str = "/usr/lib/postgresql";

/// The directory with the package that `cargo x test` has found or unpacked.
fn package() -> PathBuf {
    let named = std::env::var_os("DB_TOOL_TEST_CRON").map(PathBuf::from);
    let unpacked = || Some(repository().join("target/cron")).filter(|place| place.is_dir());
    let found = named.or_else(unpacked);
    found.expect("DB_TOOL_TEST_CRON is unset: run the tests with `cargo x test`")
}

/// Puts links to the entries of `from` into the directory `to`.
fn link_entries(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in crate::support::entries(from) {
        let place = to.join(&name);
        if place.symlink_metadata().is_err() {
            symlink(from.join(&name), place).unwrap();
        }
    }
}

/// A copy of the installation of this major version, with `pg_cron`; its programs.
fn with_pg_cron(sandbox: &Sandbox, major: &str) -> PathBuf {
    let (bin, package) = (installation(sandbox, false), package());
    let library = format!("lib/postgresql/{major}/lib/pg_cron.so");
    let copy = sandbox.path("installation");
    symlink(package.join("usr").join(&library), copy.join(library)).unwrap();
    let share = format!("share/postgresql/{major}");
    std::fs::remove_file(copy.join(&share)).unwrap();
    let extensions = copy.join(&share).join("extension");
    for root in [package.join("usr"), PathBuf::from("/usr")] {
        link_entries(&root.join(&share).join("extension"), &extensions);
    }
    link_entries(&Path::new("/usr").join(&share), &copy.join(&share));
    bin
}

/// Lets the servers of a sandbox load `pg_cron`. Returns false if there is none for this server.
pub fn use_pg_cron(sandbox: &mut Sandbox) -> bool {
    let bindir = bindir();
    let Some(major) = bindir.strip_prefix(SERVERS).ok().and_then(|rest| rest.iter().next()) else {
        return false;
    };
    sandbox.set("PG_BINDIR", with_pg_cron(sandbox, major.to_str().unwrap()));
    sandbox.set("PG_TEMPLATE", "off");
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "pg_cron");
    true
}

/// The number of sessions of keepers so far.
fn looks(sandbox: &Sandbox) -> usize {
    let logs = sandbox.entries("pg/log").into_iter();
    let logs = logs.map(|name| sandbox.read(&format!("pg/log/{name}")));
    logs.map(|log| log.matches("application_name=db-tool cluster").count()).sum()
}

#[test]
fn a_server_with_jobs_is_never_idle() {
    let mut sandbox = Sandbox::with_cluster();
    if !use_pg_cron(&mut sandbox) {
        return;
    }
    sandbox.set("PG_IDLE_STOP", "200ms");
    let url =
        format!("postgresql://{}@localhost/app?host={}", whoami(), sandbox.path("pg").display());
    sandbox.set("DB_URL", url);
    sandbox.init([]).success();
    let psql = |sql: &str| {
        sandbox.database(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql]).success().stdout
    };
    psql("CREATE EXTENSION pg_cron; SELECT cron.schedule('yearly', '0 0 1 1 *', 'SELECT 1')");
    psql("ALTER SYSTEM SET log_connections = on");
    psql("SELECT pg_reload_conf()");
    let before = looks(&sandbox);
    // a keeper looks four times within the limit
    wait_until("the limit is over three times", || {
        assert!(sandbox.has_server(), "it was stopped in spite of its job");
        looks(&sandbox) >= before + 12
    });
    psql("UPDATE cron.job SET active = false");
    wait_until("the server stops", || !sandbox.has_server());
    assert!(sandbox.read("pg/log/server.log").contains("no session for 0.2 s (idle_stop)"));
    assert_eq!(psql("SELECT jobname FROM cron.job"), "yearly\n");
}
