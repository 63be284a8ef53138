//! A backup for the team: restored privately, adapted, packed again.

use super::{BACKUP, backed_up, backup, repack, row};
use crate::support::entries;
use crate::support::trace::{has, interrupt, nothing_left, own_cache};

const NORMALIZED: &str = "project/focus/postgresql-backup-normalized";

#[test]
fn the_result_is_a_backup_and_the_input_is_as_it_was() {
    let mut sandbox = backed_up();
    own_cache(&mut sandbox);
    let before = std::fs::read(backup(&sandbox).join("base.tar.zst")).unwrap();
    let told =
        sandbox.database(["normalize-backup", "--role", "team", "--admin-role", "boss"]).success();
    assert!(told.stderr.contains("its main database is app"), "{told}");
    assert_eq!(std::fs::read(backup(&sandbox).join("base.tar.zst")).unwrap(), before);
    assert_eq!(sandbox.read(&format!("{NORMALIZED}/database_name")), "app\n");
    assert!(entries(&sandbox.path(NORMALIZED)).contains(&"backup.json".to_owned()));
    assert_eq!(sandbox.entries("tmp"), Vec::<String>::new());
    assert_eq!(row(&sandbox), "later", "the development cluster has nothing to do with it");
    sandbox.database(["restore", NORMALIZED]).success();
    assert_eq!(row(&sandbox), "saved");
    let owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app'";
    assert_eq!(sandbox.ask(owner), "team");
    let boss = "SELECT rolsuper AND rolcanlogin FROM pg_roles WHERE rolname = 'boss'";
    assert_eq!(sandbox.ask(boss), "t");
    assert_eq!(sandbox.ask("SHOW max_logical_replication_workers"), "4");
    sandbox.database(["cleanup"]).success();
    nothing_left(&sandbox);
}

#[test]
fn the_result_is_packed_as_the_backup_was_unless_compress_chooses() {
    let mut sandbox = backed_up();
    own_cache(&mut sandbox);
    let normalized = |arguments: &[&str]| {
        sandbox.run("database", [&["normalize-backup"], arguments].concat()).success();
        entries(&sandbox.path(NORMALIZED))
            .into_iter()
            .find(|name| name.starts_with("base"))
            .unwrap()
    };
    assert_eq!(normalized(&[]), "base.tar.zst");
    assert_eq!(normalized(&["--compress", "gzip"]), "base.tar.gz");
    normalized(&[NORMALIZED, "-o", "project/again"]);
    assert!(sandbox.path("project/again/base.tar.gz").exists());
    repack(&backup(&sandbox), &[], &[]);
    assert_eq!(normalized(&[]), "base.tar");
    let unknown = sandbox.database(["normalize-backup", "--compress", "lzma"]);
    unknown.fails(2, ["zstd", "gzip", "none"]);
}

#[test]
fn input_and_output_have_to_be_apart() {
    let sandbox = backed_up();
    let inside = format!("{BACKUP}/below");
    for output in [BACKUP, &inside, "project/focus", "project/focus/../focus/postgresql-backup"] {
        let told = sandbox.database(["normalize-backup", "-o", output]);
        assert_eq!(told.code, Some(2), "{output}: {told}");
    }
    assert_eq!(sandbox.entries(BACKUP).len(), 4);
}

#[test]
fn a_database_that_is_not_there_is_missed() {
    let mut sandbox = backed_up();
    own_cache(&mut sandbox);
    sandbox.database(["normalize-backup", "--database", "shop"]).fails(3, ["no database shop"]);
    assert!(!sandbox.path(NORMALIZED).exists());
    assert_eq!(sandbox.entries("tmp"), Vec::<String>::new());
}

#[test]
fn an_interrupt_leaves_nothing() {
    let mut sandbox = backed_up();
    own_cache(&mut sandbox);
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let before = std::fs::read(backup(&sandbox).join("base.tar.zst")).unwrap();
    let below = |name: &str| {
        let places =
            sandbox.entries("tmp").into_iter().map(|place| sandbox.path("tmp").join(place));
        places.filter(|place| place.join(name).exists()).count()
    };
    let packing = || has(&sandbox.path("project/focus"), ".postgresql-backup-normalized.new-");
    let stages: [(&str, i32, &dyn Fn() -> bool); 3] = [
        ("INT", 2, &|| below("data/base/1") == 1),
        ("TERM", 15, &|| below("data/postmaster.pid") == 1),
        ("HUP", 1, &packing),
    ];
    for (name, number, moment) in stages {
        let outcome = interrupt(sandbox.spawn("database", ["normalize-backup"]), name, moment);
        assert_eq!(outcome.signal, Some(number), "{outcome}");
        assert!(!sandbox.path(NORMALIZED).exists() && !packing());
        nothing_left(&sandbox);
    }
    assert_eq!(std::fs::read(backup(&sandbox).join("base.tar.zst")).unwrap(), before);
}
