//! Projects to work on.

use std::path::Path;

use super::Sandbox;
use super::trace::own_cache;

/// Copies a directory with everything in it, except for the write permissions: the original may be
/// read-only.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::write(target, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// A sandbox with a project whose only source is `sql`.
pub fn with_source(sql: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.write("project/db/src/entrypoint.sql", sql);
    sandbox.set("LOCAL_DIR", sandbox.path("project"));
    let url = format!("postgresql://dev@localhost/app?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", url);
    sandbox
}

/// The same with a cache of its own, in which a test can see whether a command left something.
pub fn with_own_cache(sql: &str) -> Sandbox {
    let mut sandbox = with_source(sql);
    own_cache(&mut sandbox);
    sandbox
}

/// A project whose only source is `sql`, deployed: its cluster runs.
#[track_caller]
pub fn deployed(sql: &str) -> Sandbox {
    let sandbox = with_source(sql);
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox
}

/// A development cluster with one row: the table `work` says that it was `saved`.
#[track_caller]
pub fn with_row() -> Sandbox {
    let sandbox = with_source("SELECT 1;\n");
    sandbox.database(["init"]).success();
    sandbox.ask("CREATE TABLE work AS SELECT 'saved'::text AS state");
    sandbox
}

/// The row of [`with_row`].
#[track_caller]
pub fn row(sandbox: &Sandbox) -> String {
    sandbox.ask("SELECT state FROM work")
}
