//! `migrator verify`: proof in a private cluster that each migration can be undone.

use crate::support::migrator::{MigratorProject, name, table};
use crate::support::trace::{nothing_left, own_cache};

/// A sandbox without a server, so that only the private ones run.
fn project() -> MigratorProject {
    let mut project = MigratorProject::offline();
    own_cache(&mut project);
    project.unset("PG_WORKING_DIR");
    project
}

#[test]
fn migrations_that_can_be_undone_pass_and_nothing_is_left() {
    let project = project();
    project.write_table(1);
    project.write_migration(
        &name(2),
        "-- migrator: no-transaction\nCREATE INDEX CONCURRENTLY i ON t1 (id);\n",
        "-- migrator: no-transaction\nDROP INDEX CONCURRENTLY i;\n",
    );
    project.write_migration(
        &name(3),
        "\\ir part.sql\nALTER TABLE t1 ADD COLUMN label text DEFAULT :'v';\n",
        "ALTER TABLE t1 DROP COLUMN label; DROP FUNCTION f;\n",
    );
    let function = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;\n";
    project.write(&format!("migration/{}/part.sql", name(3)), function);
    let verified = project.migrator(["verify", "--set", "v=it's"]).success();
    for number in 1..=3 {
        assert!(verified.stdout.contains(&format!("ok      {}", name(number))), "{verified}");
    }
    assert!(verified.stderr.contains("3 migrations can be undone"), "{verified}");
    nothing_left(&project);
}

#[test]
fn what_a_down_leaves_or_takes_too_much_of_is_listed_per_migration() {
    let project = project();
    // the up can be repeated, so that the next migration can be tried
    project.write_migration(
        &name(1),
        "CREATE OR REPLACE FUNCTION kept_f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n\
         CREATE SEQUENCE IF NOT EXISTS kept_s;\n",
        "SELECT 1;\n",
    );
    project.write_migration(
        &name(2),
        "CREATE OR REPLACE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
        "DROP FUNCTION IF EXISTS mine, kept_f;\n",
    );
    project.write_table(3);
    let failed = project.migrator(["verify"]).fails(4, ["2 of 3 migrations cannot be undone"]);
    let section = |number| {
        let from = failed.stdout.find(&name(number)).unwrap_or_else(|| panic!("{failed}"));
        let rest = &failed.stdout[from..];
        rest[..rest.find("\nFAILED").or(rest.find("\nok")).unwrap_or(rest.len())].to_owned()
    };
    let first = section(1);
    assert!(first.contains("kept_f") && first.contains("kept_s"), "{failed}");
    let second = section(2);
    assert!(second.contains("kept_f") && !second.contains("kept_s"), "{failed}");
    assert!(failed.stdout.contains(&format!("ok      {}", name(3))), "{failed}");
    nothing_left(&project);
}

#[test]
fn a_down_that_is_missing_fails_or_refuses_is_no_proof() {
    let project = project();
    project.write(&format!("migration/{}/up.sql", name(1)), table("a"));
    let never = "DO $$ BEGIN RAISE EXCEPTION 'there is no way back'; END $$;\n";
    project.write_migration(&name(2), &table("b"), never);
    project.write_migration(&name(3), &table("c"), "DROP TABLE nonsense;\n");
    project.write_table(4);
    let failed = project.migrator(["verify", "--json"]).fails(4, ["3 of 4"]);
    let verdicts: serde_json::Value = serde_json::from_str(&failed.stdout).unwrap();
    for (at, word) in [(0, "no down file"), (1, "there is no way back"), (2, "nonsense")] {
        assert_eq!(verdicts[at]["reversible"], false);
        let error = verdicts[at]["error"].as_str().unwrap();
        assert!(error.contains(word), "{error}");
    }
    assert_eq!(verdicts[3]["reversible"], true);
    nothing_left(&project);
}

#[test]
fn an_up_that_stumbles_over_what_its_down_left_is_told_with_that() {
    let project = project();
    project.write_table(1);
    project.write_migration(&name(2), &table("kept"), "SELECT 1;\n");
    project.write_table(3);
    let failed = project.migrator(["verify", "--json"]).fails(4, ["1 of 3", &name(2)]);
    let verdicts: serde_json::Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!(verdicts[0]["reversible"], true);
    assert_eq!(verdicts[1]["after_down"][0], "+ table public.kept");
    let error = verdicts[1]["error"].as_str().unwrap();
    assert!(error.contains("after its down") && error.contains("already exists"), "{error}");
    assert_eq!(verdicts[2]["reversible"], true, "it is tried all the same");
    nothing_left(&project);
}

/// The verdicts, `+` for a migration that can be undone.
#[track_caller]
fn verdicts(project: &MigratorProject) -> String {
    let told = project.migrator(["verify", "--json"]).stdout;
    let verdicts: Vec<serde_json::Value> = serde_json::from_str(&told).expect(&told);
    let sign = |verdict: &serde_json::Value| if verdict["reversible"] == true { '+' } else { '-' };
    verdicts.iter().map(sign).collect()
}

#[test]
fn a_failure_does_not_spoil_the_proofs_after_it() {
    let project = project();
    // a setting that no copy of a database has, and a role that all databases share
    project.write_migration(
        &name(1),
        "CREATE ROLE verify_reader; CREATE TABLE t1 (id int) INHERITS (hectic.created_at);\n\
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET x.y = %L', current_database(), 'z'); END $$;\n",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET x.y', current_database()); END $$;\n\
         DROP TABLE t1; DROP ROLE verify_reader;\n",
    );
    // the down drops a table of another migration, and the up does not bring it back
    let up = "CREATE TABLE IF NOT EXISTS t2 (id int) INHERITS (hectic.created_at);\n";
    project.write_migration(&name(2), up, "DROP TABLE t2, t1;\n");
    let needs = "GRANT SELECT ON t1 TO verify_reader;\n\
                 DO $$ BEGIN ASSERT current_setting('x.y') = 'z'; END $$;\n";
    project.write_migration(&name(3), needs, "REVOKE SELECT ON t1 FROM verify_reader;\n");
    // the up cannot be repeated
    project.write_migration(&name(4), &table("t4"), "DROP TABLE t1;\n");
    // only a part of the down is done
    let down = "-- migrator: no-transaction\nDROP TABLE t1;\nDROP TABLE nonsense;\n";
    project.write_migration(&name(5), &table("t5"), down);
    // the rows are gone, which no schema shows, and the next up fails for that reason
    project.write_migration(
        &name(6),
        "SELECT set_config('hectic.migration_mode', 'on', true);\n\
         INSERT INTO t1 (id) SELECT 6 WHERE NOT EXISTS (SELECT FROM pg_class WHERE relname = 'gone');\n",
        "CREATE SEQUENCE gone; DELETE FROM t1;\n",
    );
    let needs = "DO $$ BEGIN ASSERT (SELECT count(*) FROM t1) = 1; END $$;\n";
    project.write_migration(&name(7), &[needs, &table("t7")].concat(), "DROP TABLE t7;\n");
    assert_eq!(verdicts(&project), "+-+---+");
    nothing_left(&project);
}

#[test]
fn what_diff_does_not_count_is_of_no_consequence() {
    let project = project();
    let function = |body: &str| {
        format!("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS '{body}';\n")
    };
    project.write_migration(&name(1), &function("SELECT 1"), "DROP FUNCTION f;\n");
    project.write_migration(
        &name(2),
        &function("SELECT 2"),
        &function("  SELECT 1 -- as before\n"),
    );
    let checked = "CREATE TABLE c (a varchar CONSTRAINT one CHECK (a IN ('x', 'y'))) INHERITS (hectic.created_at);\n";
    project.write_migration(&name(3), checked, "DROP TABLE c;\n");
    // the down makes the constraint again, with another name and the server's spelling
    project.write_migration(
        &name(4),
        "ALTER TABLE c DROP CONSTRAINT IF EXISTS one, DROP CONSTRAINT IF EXISTS two;\n",
        "ALTER TABLE c ADD CONSTRAINT two CHECK (((a)::text = ANY \
         ((ARRAY['x'::character varying, 'y'::character varying])::text[])));\n",
    );
    project.write_migration(&name(5), &function("SELECT 3"), &function("SELECT 4"));
    assert_eq!(verdicts(&project), "++++-");
    let told = project.migrator(["verify"]).fails(4, ["1 of 5"]).stdout;
    assert!(told.contains("do not count"), "{told}");
    nothing_left(&project);
}

#[test]
fn an_up_that_fails_ends_the_proof() {
    let project = project();
    project.write_table(1);
    project.write_up(2, "SELECT nonsense;\n");
    project.write_table(3);
    let failed = project.migrator(["verify"]).fails(4, ["nonsense", &name(2)]);
    assert!(failed.stdout.contains("ok ") && !failed.stdout.contains(&name(3)), "{failed}");
    project.write_up(2, "COMMIT;\n");
    project.migrator(["verify"]).fails(2, ["COMMIT"]);
    nothing_left(&project);
}

#[test]
fn the_database_itself_is_not_touched() {
    let project = MigratorProject::with_tables(2);
    project.migrator(["migrate", "up"]).success();
    let before = project.everything();
    project.migrator(["verify"]).success();
    assert_eq!(project.everything(), before);
}
