//! Restoring: the old cluster runs until the new one is proven, and comes back if the new one does
//! not start.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;

use super::{
    BACKUP, backed_up, backup, fails_and_touches_nothing, only_one_cluster, repack, row, untouched,
    with_row, wrapped,
};
use crate::support::bystander::Bystander;
use crate::support::server;

#[test]
fn what_was_saved_comes_back() {
    let sandbox = backed_up();
    sandbox.ask("CREATE DATABASE newer");
    let told = sandbox.database(["restore"]).success();
    assert!(told.stderr.contains("restored: postgresql://dev@localhost/app"), "{told}");
    assert_eq!(row(&sandbox), "saved");
    assert_eq!(sandbox.ask("SELECT count(*) FROM pg_database WHERE datname = 'newer'"), "0");
    let mode = sandbox.path("pg/data").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "whatever the archive says");
    assert_eq!(sandbox.ask("SHOW fsync"), "on", "it is a development cluster like any other");
    assert_eq!(sandbox.ask("SHOW max_logical_replication_workers"), "4");
    only_one_cluster(&sandbox);
    sandbox.database(["status"]).success();
    sandbox.database(["cleanup"]).success();
}

#[test]
fn a_stopped_cluster_is_replaced_too_and_so_is_none() {
    let sandbox = backed_up();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.database(["restore"]).success();
    assert_eq!(row(&sandbox), "saved");
    sandbox.database(["cleanup"]).success();
    sandbox.database(["restore"]).success();
    assert_eq!(row(&sandbox), "saved");
}

#[test]
fn the_cluster_can_be_found_again_and_backed_up_again() {
    let mut sandbox = backed_up();
    sandbox.database(["restore"]).success();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    assert_eq!(row(&sandbox), "saved");
    sandbox.database(["backup", "again"]).success();
    sandbox.ask("DROP TABLE work");
    sandbox.database(["restore", "again"]).success();
    assert_eq!(row(&sandbox), "saved");
}

#[test]
fn a_base_archive_of_another_name_is_restored() {
    let sandbox = backed_up();
    let directory = backup(&sandbox);
    std::fs::rename(directory.join("base.tar.zst"), directory.join("monday.tar")).unwrap();
    sandbox.database(["restore"]).fails(3, ["no base.tar"]);
    let file = format!("{BACKUP}/monday.tar");
    sandbox.database(["restore", "--archive", &file]).success();
    assert_eq!(row(&sandbox), "saved");
}

#[test]
fn a_cluster_of_another_tool_is_kept() {
    let sandbox = backed_up();
    std::fs::remove_file(sandbox.path("pg/data/db-tool.json")).unwrap();
    let told = sandbox.database(["restore"]).success();
    assert!(told.stderr.contains("data.kept-"), "{told}");
    assert_eq!(row(&sandbox), "saved");
    assert!(sandbox.entries("pg").iter().any(|name| name.starts_with("data.kept-")));
}

#[test]
fn tablespaces_come_along_and_can_be_moved() {
    let sandbox = with_row();
    let place = sandbox.path("pg/space");
    std::fs::create_dir(&place).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&sandbox.path("pg/data").metadata().unwrap());
    std::os::unix::fs::chown(&place, Some(owner), None).unwrap();
    sandbox.ask(&format!("CREATE TABLESPACE space LOCATION '{}'", place.display()));
    sandbox.ask("CREATE TABLE far (a int) TABLESPACE space");
    sandbox.ask("INSERT INTO far VALUES (7)");
    sandbox.database(["backup"]).success();
    sandbox.ask("UPDATE far SET a = 8");
    sandbox.database(["restore"]).success();
    assert_eq!(sandbox.ask("SELECT a FROM far"), "7");
    let location = "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'space'";
    assert!(
        sandbox.ask(location).starts_with(sandbox.path("pg/data/tablespace/").to_str().unwrap())
    );
    assert!(!sandbox.entries("pg/space").is_empty(), "the old one's is not ours to touch");
    sandbox.database(["backup"]).success();
    sandbox.ask("UPDATE far SET a = 9");
    sandbox.database(["restore"]).success();
    assert_eq!(sandbox.ask("SELECT a FROM far"), "7", "a restored one can be restored");
}

#[test]
fn without_a_backup_nothing_happens() {
    let sandbox = with_row();
    sandbox.database(["restore"]).fails(3, ["no backup", "database backup"]);
    sandbox.database(["restore", "--archive", "none.tar"]).fails(3, ["does not exist"]);
    assert_eq!(row(&sandbox), "saved");
}

#[test]
fn a_database_that_is_not_in_the_backup_is_missed() {
    let mut sandbox = backed_up();
    sandbox.set("PG_DATABASE", "shop");
    fails_and_touches_nothing(&sandbox, 3, ["no database shop", "it has: app, postgres"]);
}

#[test]
fn a_role_that_is_not_in_the_backup_is_made() {
    let mut sandbox = backed_up();
    let url = format!("postgresql://anna@localhost/app?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", &url);
    let told = sandbox.database(["restore"]).success();
    assert!(told.stderr.contains("made the role anna"), "{told}");
    assert_eq!(sandbox.query(&url, "SELECT current_user"), "anna");
}

#[test]
fn a_cluster_on_another_machine_is_out_of_reach() {
    let sandbox = backed_up();
    let url = "postgresql://dev@db.example.com/app";
    sandbox.database(["--url", url, "restore"]).fails(2, ["not on this machine"]);
    untouched(&sandbox);
}

/// A lock file of a living process stands in the place of the socket. Only the server in the final
/// place meets it.
#[test]
fn a_cluster_that_does_not_start_in_its_place_goes_away_again() {
    let mut sandbox = backed_up();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let holder = Bystander::asleep_in(&sandbox.path("pg/sock"));
    let lock = format!("{}\n/elsewhere\n1\n5432\n/elsewhere\n", holder.pid());
    sandbox.write("pg/sock/.s.PGSQL.5432.lock", lock);
    sandbox.database(["restore"]).fails(1, ["does not start in its place", "PG_PORT"]);
    only_one_cluster(&sandbox);
    assert!(server::processes_below(&sandbox.path("pg/data")).is_empty(), "as before");
    drop(holder);
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    assert_eq!(row(&sandbox), "later");
}

/// A server that fails once, and only in the place of the data directory.
#[test]
fn a_cluster_that_ran_runs_again_when_the_new_one_does_not() {
    let mut sandbox = backed_up();
    let (trap, data) = (sandbox.path("traps/trap"), sandbox.path("pg/data"));
    let wrapper = format!(
        "case \"$*\" in *\"-D {} \"*|*\"-D {}\")\n\
         test -e {trap} && rm {trap} && exit 1;; esac\n",
        data.display(),
        data.display(),
        trap = trap.display()
    );
    wrapped(&mut sandbox, "postgres", &wrapper);
    sandbox.write("traps/trap", "");
    let traps = sandbox.path("traps");
    std::fs::set_permissions(traps, PermissionsExt::from_mode(0o777)).unwrap();
    sandbox.database(["restore"]).fails(1, ["does not start in its place"]);
    assert!(!trap.exists());
    untouched(&sandbox);
    sandbox.database(["restore"]).success();
    assert_eq!(row(&sandbox), "saved");
}

#[test]
fn truncated_archives_are_told_from_whole_ones() {
    for name in ["base.tar.zst", "pg_wal.tar", "backup_manifest"] {
        let sandbox = backed_up();
        let file = File::options().write(true).open(backup(&sandbox).join(name)).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        fails_and_touches_nothing(&sandbox, 1, [name, "truncated or corrupt"]);
    }
}

#[test]
fn a_changed_file_does_not_pass() {
    let sandbox = backed_up();
    let manifest = std::fs::read(backup(&sandbox).join("backup_manifest")).unwrap();
    repack(&backup(&sandbox), &[], &[("global/pg_filenode.map", "nonsense")]);
    std::fs::write(backup(&sandbox).join("backup_manifest"), &manifest).unwrap();
    fails_and_touches_nothing(&sandbox, 1, ["global/pg_filenode.map", "bytes and not"]);
}

#[test]
fn a_missing_file_does_not_pass() {
    let sandbox = backed_up();
    let manifest = std::fs::read(backup(&sandbox).join("backup_manifest")).unwrap();
    repack(&backup(&sandbox), &["global/pg_filenode.map"], &[]);
    std::fs::write(backup(&sandbox).join("backup_manifest"), &manifest).unwrap();
    fails_and_touches_nothing(&sandbox, 1, ["global/pg_filenode.map", "not in the archives"]);
}

#[test]
fn another_major_is_told_before_anything_starts() {
    let sandbox = backed_up();
    repack(&backup(&sandbox), &[], &[("PG_VERSION", "14\n")]);
    fails_and_touches_nothing(&sandbox, 2, ["PostgreSQL 14", "PG_BINDIR"]);
}

#[test]
fn a_damaged_control_file_is_told_before_anything_starts() {
    let sandbox = backed_up();
    repack(&backup(&sandbox), &[], &[("global/pg_control", &"x".repeat(8192))]);
    fails_and_touches_nothing(&sandbox, 1, ["control file"]);
}

#[test]
fn a_backup_without_its_log_is_told_before_anything_starts() {
    let sandbox = backed_up();
    std::fs::remove_file(backup(&sandbox).join("pg_wal.tar")).unwrap();
    fails_and_touches_nothing(&sandbox, 1, ["holds no WAL", "pg_wal.tar"]);
}

/// An archive that somebody made by hand: names begin with `./`, and the directory has mode 0755.
#[test]
fn an_archive_of_a_directory_is_restored() {
    let sandbox = backed_up();
    let (directory, open) = (backup(&sandbox), sandbox.path("open"));
    repack(&directory, &[], &[]);
    std::fs::create_dir(&open).unwrap();
    let [directory, open] = [directory, open].map(|path| path.display().to_string());
    let script = format!(
        "cd {open} && tar -xf {directory}/base.tar && chmod 755 . && tar -cf {directory}/base.tar ."
    );
    sandbox.run("sh", ["-c", &script]).success();
    sandbox.database(["restore"]).success();
    assert_eq!(row(&sandbox), "saved");
    let mode = sandbox.path("pg/data").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
