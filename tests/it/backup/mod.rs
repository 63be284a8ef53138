//! Backups: taken, refused, restored, normalised.

mod admitted;
mod hostile;
mod interrupted;
mod normalize;
mod restore;
mod take;
mod tamed;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::support::project::{row, with_row};
use crate::support::{Sandbox, bindir, entries};

/// The default place of a backup.
const BACKUP: &str = "project/focus/postgresql-backup";

/// A cluster with a row, backed up; then the row changed.
fn backed_up() -> Sandbox {
    let sandbox = with_row();
    sandbox.database(["backup"]).success();
    sandbox.ask("UPDATE work SET state = 'later'");
    sandbox
}

/// Packs a new plain base archive: without the files `without`, with the files `with`, and without
/// the manifest.
fn repack(backup: &Path, without: &[&str], with: &[(&str, &str)]) {
    let packed = backup.join("base.tar.zst");
    let plain = zstd::decode_all(std::fs::File::open(&packed).unwrap()).unwrap();
    let mut made = tar::Builder::new(std::fs::File::create(backup.join("base.tar")).unwrap());
    for entry in tar::Archive::new(&plain[..]).entries().unwrap() {
        let entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        if !without.contains(&&*path) && !with.iter().any(|(name, _)| *name == path) {
            made.append(&entry.header().clone(), entry).unwrap();
        }
    }
    for (name, text) in with {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        made.append(&header, text.as_bytes()).unwrap();
    }
    made.into_inner().unwrap();
    std::fs::remove_file(packed).unwrap();
    std::fs::remove_file(backup.join("backup_manifest")).unwrap();
}

/// A restore fails with `code` and these words, and the cluster keeps running unchanged.
#[track_caller]
fn fails_and_touches_nothing<const N: usize>(sandbox: &Sandbox, code: i32, words: [&str; N]) {
    let before = sandbox.postmaster();
    sandbox.database(["restore"]).fails(code, words);
    assert_eq!(sandbox.postmaster(), before, "it ran on");
    untouched(sandbox);
}

#[track_caller]
fn untouched(sandbox: &Sandbox) {
    assert_eq!(row(sandbox), "later");
    only_one_cluster(sandbox);
}

/// Checks that there is no staging directory and no cluster that was moved aside.
#[track_caller]
fn only_one_cluster(sandbox: &Sandbox) {
    let mut found = sandbox.entries("pg");
    found.retain(|name| name.starts_with("data"));
    assert_eq!(found, ["data"]);
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
