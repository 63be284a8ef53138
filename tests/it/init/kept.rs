//! A kept cluster that does not start: db-tool replaces it only if its data is damaged.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::stopped;
use crate::support::bystander::{Bystander, as_owner_of};
use crate::support::{Outcome, Sandbox};

/// The one directory to which db-tool moved a damaged cluster. The message must name it.
fn moved_aside(sandbox: &Sandbox, told: &Outcome) -> String {
    let broken = sandbox.beside("data.broken-");
    assert_eq!(broken.len(), 1, "{told}");
    assert!(told.stderr.contains(&broken[0]), "where to: {told}");
    assert!(told.stderr.contains("a fresh one was made"), "{told}");
    broken[0].clone()
}

#[test]
fn a_corrupt_control_file_is_moved_aside_with_its_cluster() {
    let sandbox = stopped();
    let control = sandbox.path("pg/data/global/pg_control");
    let mut bytes = std::fs::read(&control).unwrap();
    bytes[40] ^= 0xff;
    std::fs::write(&control, bytes).unwrap();
    let told = sandbox.init([]).success();
    let broken = moved_aside(&sandbox, &told);
    assert!(told.stderr.contains("is damaged"), "{told}");
    assert!(sandbox.path("pg").join(broken).join("base").is_dir(), "never deleted");
    assert!(!sandbox.has_work());
}

#[test]
fn other_damage_is_moved_aside_too() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("empty control file", |data| std::fs::write(data.join("global/pg_control"), "").unwrap()),
        ("no control file", |data| std::fs::remove_file(data.join("global/pg_control")).unwrap()),
        ("no WAL", |data| std::fs::remove_dir_all(data.join("pg_wal")).unwrap()),
        ("no version", |data| std::fs::remove_file(data.join("PG_VERSION")).unwrap()),
        ("empty version", |data| std::fs::write(data.join("PG_VERSION"), "").unwrap()),
    ];
    for (what, damage) in damages {
        let sandbox = stopped();
        damage(&sandbox.path("pg/data"));
        let told = sandbox.init([]);
        assert_eq!(told.code, Some(0), "{what}: {told}");
        moved_aside(&sandbox, &told);
        assert_eq!(sandbox.ask_in("postgres", "SELECT 1"), "1", "{what}");
    }
}

/// Starting fails and changes nothing; after `mend` it succeeds.
fn fails_and_is_mended<const N: usize>(
    sandbox: &mut Sandbox,
    code: i32,
    words: [&str; N],
    mend: impl FnOnce(&mut Sandbox),
) {
    sandbox.init([]).fails(code, words);
    assert_eq!(sandbox.beside("data"), ["data"]);
    mend(sandbox);
    sandbox.init([]).success();
    assert!(sandbox.has_work());
}

#[test]
fn a_busy_socket_touches_nothing() {
    let mut sandbox = stopped();
    let holder = Bystander::asleep_in(&sandbox.path("pg/sock"));
    let lock = sandbox.write("pg/sock/.s.PGSQL.5432.lock", pid_line(holder.pid()));
    std::fs::set_permissions(&lock, PermissionsExt::from_mode(0o644)).unwrap();
    fails_and_is_mended(&mut sandbox, 1, ["already exists", "PG_PORT"], |_| drop(holder));
}

fn pid_line(pid: u32) -> String {
    format!("{pid}\n/elsewhere\n1\n5432\n/elsewhere\n")
}

#[test]
fn a_missing_library_touches_nothing() {
    let mut sandbox = stopped();
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "nonesuch");
    fails_and_is_mended(&mut sandbox, 127, ["nonesuch"], |sandbox| {
        sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "");
    });
}

#[test]
fn a_library_missing_behind_our_back_touches_nothing() {
    let mut sandbox = stopped();
    let conf = sandbox.read("pg/data/postgresql.conf");
    let bad = format!("{conf}shared_preload_libraries = 'nonesuch'\n");
    std::fs::write(sandbox.path("pg/data/postgresql.conf"), bad).unwrap();
    fails_and_is_mended(&mut sandbox, 1, ["nonesuch", "library"], |sandbox| {
        std::fs::write(sandbox.path("pg/data/postgresql.conf"), conf).unwrap();
    });
}

#[test]
fn a_bad_setting_touches_nothing() {
    let mut sandbox = stopped();
    let conf = sandbox.read("pg/data/postgresql.conf");
    let bad = format!("{conf}work_mem = 'banana'\n");
    std::fs::write(sandbox.path("pg/data/postgresql.conf"), bad).unwrap();
    fails_and_is_mended(&mut sandbox, 1, ["work_mem", "postgresql.conf"], |sandbox| {
        std::fs::write(sandbox.path("pg/data/postgresql.conf"), conf).unwrap();
    });
}

#[test]
fn open_permissions_touch_nothing() {
    let mut sandbox = stopped();
    let data = sandbox.path("pg/data");
    let allow = |mode| std::fs::set_permissions(&data, PermissionsExt::from_mode(mode)).unwrap();
    allow(0o777);
    fails_and_is_mended(&mut sandbox, 1, ["invalid permissions"], |_| allow(0o700));
}

#[test]
fn a_cluster_with_an_unreadable_file_is_not_replaced() {
    let mut sandbox = stopped();
    let file = sandbox.path("pg/data/global/pg_control");
    let allow = |mode: &str| {
        let mut chmod = as_owner_of(&sandbox.path("pg/data"), Path::new("chmod"));
        assert!(chmod.arg(mode).arg(&file).status().unwrap().success());
    };
    allow("000");
    let told = sandbox.init([]).fails(1, ["Permission denied"]);
    assert_eq!(sandbox.beside("data"), ["data"], "{told}");
    allow("600");
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    assert!(sandbox.has_work());
}
