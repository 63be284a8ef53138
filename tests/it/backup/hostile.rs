//! Archives from unknown sources.

use std::os::unix::fs::symlink;

use super::{backed_up, backup, fails_and_touches_nothing, repack};
use crate::support::Sandbox;

/// Adds one entry to a base archive that is otherwise correct.
fn with_entry(name: &str, kind: tar::EntryType, target: Option<&str>) -> Sandbox {
    let sandbox = backed_up();
    repack(&backup(&sandbox), &[], &[]);
    let file = backup(&sandbox).join("base.tar");
    let plain = std::fs::read(&file).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_mode(0o644);
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    if let Some(target) = target {
        header.set_link_name(target).unwrap();
    }
    header.set_cksum();
    let mut made = tar::Builder::new(std::fs::File::create(&file).unwrap());
    made.append(&header, &[][..]).unwrap();
    for entry in tar::Archive::new(&plain[..]).entries().unwrap() {
        let entry = entry.unwrap();
        made.append(&entry.header().clone(), entry).unwrap();
    }
    made.into_inner().unwrap();
    sandbox
}

#[test]
fn entries_that_leave_the_directory_are_refused() {
    for name in ["../escaped", "base/../../escaped", "/tmp/escaped-from-a-backup"] {
        let sandbox = with_entry(name, tar::EntryType::Regular, None);
        fails_and_touches_nothing(&sandbox, 1, [name, "leads out"]);
        assert!(!sandbox.path("pg/escaped").exists());
        assert!(!std::path::Path::new("/tmp/escaped-from-a-backup").exists());
    }
}

#[test]
fn links_and_devices_are_refused() {
    for (kind, target) in [
        (tar::EntryType::Symlink, Some("/etc")),
        (tar::EntryType::Symlink, Some("global")),
        (tar::EntryType::Link, Some("PG_VERSION")),
        (tar::EntryType::Fifo, None),
        (tar::EntryType::Char, None),
    ] {
        let sandbox = with_entry("odd", kind, target);
        fails_and_touches_nothing(&sandbox, 1, ["odd"]);
    }
}

#[test]
fn a_name_that_comes_twice_is_refused() {
    let sandbox = with_entry("PG_VERSION", tar::EntryType::Regular, None);
    fails_and_touches_nothing(&sandbox, 1, ["PG_VERSION twice"]);
}

#[test]
fn a_staging_directory_is_not_reached_through_a_link() {
    let sandbox = backed_up();
    let elsewhere = sandbox.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, sandbox.path("pg/data.new-link")).unwrap();
    sandbox.database(["restore"]).success();
    assert!(elsewhere.is_dir());
}
