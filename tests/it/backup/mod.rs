//! Backups: taken, and the previous one kept.

mod take;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use crate::support::project::with_source;
use crate::support::{Sandbox, bindir, entries};

/// Where a backup goes when nobody says.
const BACKUP: &str = "project/focus/postgresql-backup";

/// A development cluster with a row in it.
fn cluster() -> Sandbox {
    let sandbox = with_source("SELECT 1;\n");
    sandbox.database(["init"]).success();
    sandbox.ask("CREATE TABLE work AS SELECT 'saved'::text AS state");
    sandbox
}

/// The same, backed up; then the row changed.
fn backed_up() -> Sandbox {
    let sandbox = cluster();
    sandbox.database(["backup"]).success();
    sandbox.ask("UPDATE work SET state = 'later'");
    sandbox
}

fn backup(sandbox: &Sandbox) -> PathBuf {
    sandbox.path(BACKUP)
}

/// Puts these lines of shell in front of one of the programs of PostgreSQL.
fn wrapped(sandbox: &mut Sandbox, program: &str, lines: &str) {
    for name in entries(&bindir()) {
        let link = sandbox.write(&format!("bin/{name}"), "");
        std::fs::remove_file(&link).unwrap();
        symlink(bindir().join(&name), link).unwrap();
    }
    let (file, real) = (format!("bin/{program}"), bindir().join(program));
    std::fs::remove_file(sandbox.path(&file)).unwrap();
    let script = format!("#!/bin/sh\n{lines}exec {} \"$@\"\n", real.display());
    let file = sandbox.write(&file, script);
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.set("PG_BINDIR", sandbox.path("bin"));
}
