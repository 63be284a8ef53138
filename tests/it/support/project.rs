//! Projects to work on.

use std::path::Path;

use super::Sandbox;

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

/// A project whose only source is `sql`, deployed: its cluster runs.
#[track_caller]
pub fn deployed(sql: &str) -> Sandbox {
    let sandbox = with_source(sql);
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox
}
