//! The other side is a backup, with the migrations that it lacks.

use super::support::Live;

const SOURCE: &str = "CREATE SCHEMA s;\n\
                      CREATE TABLE s.t (id int PRIMARY KEY) INHERITS (hectic.created_at);\n";
const MIGRATION: &str = "project/db/migration/20250101000000-more";

fn backed_up() -> Live {
    let live = Live::new(SOURCE);
    live.database(["backup"]).success();
    live
}

#[test]
fn a_backup_of_the_same_is_the_same() {
    let live = backed_up();
    let same = live.database(["diff"]).success();
    assert_eq!(same.stdout, "");
    assert!(same.stderr.contains("the backup is"), "{same}");
}

#[test]
fn a_migration_that_the_sources_know_makes_no_difference_and_another_does() {
    let live = backed_up();
    let more = "CREATE TABLE s.more (id int PRIMARY KEY) INHERITS (hectic.created_at);\n";
    live.write(&format!("{MIGRATION}/up.sql"), more);
    let differs = live.database(["diff"]).fails(1, ["1 difference"]);
    assert!(differs.stdout.contains("- table s.more  [semantic]"), "{differs}");
    live.write("project/db/src/entrypoint.sql", format!("{SOURCE}{more}"));
    assert_eq!(live.database(["diff"]).success().stdout, "");
}

#[test]
fn a_migration_that_fails_is_exit_4_unless_it_may() {
    let live = backed_up();
    live.write(&format!("{MIGRATION}/up.sql"), "SELECT 1/0;\n");
    live.database(["diff"]).fails(4, ["division by zero"]);
    let compared = live.database(["diff", "--ignore-migration-fail"]).success();
    assert!(compared.stderr.contains("compared as it is"), "{compared}");
}

#[test]
fn a_backup_that_is_missing_is_exit_3() {
    let live = Live::new(SOURCE);
    live.database(["diff"]).fails(3, ["no backup", "database backup"]);
    live.database(["diff", "/nowhere"]).fails(3, ["/nowhere"]);
}
