//! A working directory that is too long for a socket, or that no connection string can name.

use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::support::{Sandbox, psql};

const WHO: &str = "SELECT current_user || ' ' || current_database()";

/// A sandbox whose working directory is too long for a socket. It removes its short directory at
/// the end.
struct LongPathSandbox {
    sandbox: Sandbox,
    short: Option<PathBuf>,
}

impl LongPathSandbox {
    fn new() -> Self {
        Self::below(&"long/".repeat(30))
    }

    fn below(directory: &str) -> Self {
        let mut sandbox = Sandbox::new();
        let working = sandbox.path(directory).join("pg");
        sandbox.set("PG_WORKING_DIR", &working);
        let url = format!("postgresql://dev@localhost/shop?host={}", working.display());
        sandbox.set("DB_URL", url);
        Self { sandbox, short: None }
    }

    fn init(&mut self) -> crate::support::Outcome {
        let started = self.sandbox.init(["--export", "json"]).success();
        let json: serde_json::Value = serde_json::from_str(&started.stdout).unwrap();
        self.short = Some(json["POSTGRESQL_HOST"].as_str().unwrap().into());
        started
    }

    fn short(&self) -> &Path {
        self.short.as_deref().unwrap()
    }
}

impl Drop for LongPathSandbox {
    fn drop(&mut self) {
        self.sandbox.run("postgres-cleanup", [""; 0]);
        if let Some(short) = &self.short {
            let _ = std::fs::remove_dir_all(short);
        }
    }
}

#[test]
fn a_short_private_directory_stands_in_and_is_told() {
    let mut long = LongPathSandbox::new();
    let started = long.init();
    let shown = long.short().to_str().unwrap();
    assert!(shown.len() < 60, "{shown}");
    assert!(started.stderr.contains("too long for a socket"), "{started}");
    let facts = long.short().metadata().unwrap();
    assert_eq!(facts.mode() & 0o777, 0o700);
    let working = long.sandbox.variable("PG_WORKING_DIR").unwrap();
    assert_eq!(facts.uid(), Path::new(working).metadata().unwrap().uid());
    assert!(long.short().join(".s.PGSQL.5432").exists());
}

#[test]
fn the_projects_url_still_means_the_cluster() {
    let mut long = LongPathSandbox::new();
    let started = long.init();
    let json: serde_json::Value = serde_json::from_str(&started.stdout).unwrap();
    for variable in ["DB_URL", "PGURL"] {
        let url = json[variable].as_str().unwrap();
        assert_eq!(long.sandbox.query(url, WHO), "dev shop", "{variable}");
    }
    let sandbox = &mut long.sandbox;
    let asked = sandbox.database(["psql", "-XAt", "-c", WHO]).success();
    assert_eq!(asked.stdout, "dev shop\n");
    let printed = sandbox.database(["url"]).success();
    assert_eq!(sandbox.query(printed.stdout.trim_end(), WHO), "dev shop");
    let sock = sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned() + "/sock";
    sandbox.set("DB_URL", sock);
    let asked = sandbox.database(["psql", "-XAt", "-c", WHO]).success();
    assert_eq!(asked.stdout, "dev shop\n", "by the other directory");
}

#[test]
fn a_comma_would_be_a_list_of_hosts() {
    let mut comma = LongPathSandbox::below("a, b");
    let started = comma.init();
    assert!(started.stderr.contains("has a comma"), "{started}");
    let json: serde_json::Value = serde_json::from_str(&started.stdout).unwrap();
    comma.sandbox.query(json["PGURL"].as_str().unwrap(), "SELECT 1");
}

#[test]
fn the_short_directory_does_not_depend_on_the_environment() {
    let mut long = LongPathSandbox::new();
    long.init();
    let first = long.short().to_owned();
    long.sandbox.run("postgres-cleanup", [""; 0]).success();
    long.sandbox.set_temporary(long.sandbox.path("home"));
    long.init();
    assert_eq!(first, long.short());
}

#[test]
fn a_foreign_short_directory_gets_no_socket() {
    let mut long = LongPathSandbox::new();
    long.init();
    long.sandbox.database(["cleanup"]).success();
    assert!(!long.short().exists(), "cleanup removes it");
    std::fs::DirBuilder::new().create(long.short()).unwrap();
    std::fs::set_permissions(long.short(), PermissionsExt::from_mode(0o777)).unwrap();
    let name = long.short().to_str().unwrap().to_owned();
    long.sandbox.init([]).fails(2, [name.as_str(), "not a private directory"]);
    std::fs::remove_dir(long.short()).unwrap();
    let elsewhere = long.sandbox.path("elsewhere");
    std::fs::DirBuilder::new().mode(0o700).create(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, long.short()).unwrap();
    long.sandbox.init([]).fails(2, [name.as_str(), "not a private directory"]);
    std::fs::remove_file(long.short()).unwrap();
    assert_eq!(long.sandbox.entries("elsewhere"), [""; 0]);
}

#[test]
fn the_longest_directory_that_fits_has_its_own_sockets() {
    let mut sandbox = Sandbox::new();
    // 107 bytes on Linux, less "/sock/.s.PGSQL.5432"
    let missing = 88 - sandbox.path("x").as_os_str().len();
    let working = sandbox.path(&format!("x{}", "y".repeat(missing)));
    sandbox.set("PG_WORKING_DIR", &working);
    let started = sandbox.init([]).success();
    assert!(!started.stderr.contains("too long"), "{started}");
    let host = working.join("sock");
    let arguments = ["-XAt", "-d", "testdb", "-c", "SELECT 1", "-h", host.to_str().unwrap()];
    assert_eq!(sandbox.run(&psql(), arguments).success().stdout, "1\n");
}
