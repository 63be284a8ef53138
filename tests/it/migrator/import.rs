//! `import`: the migrations of other tools, and what their tables say.

use crate::support::assert_golden;
use crate::support::migrator::MigratorProject;

/// A project whose database gets the bundle without rules for tables.
fn project() -> MigratorProject {
    let mut project = MigratorProject::new();
    project.set("HECTIC_BUNDLE", "history");
    project
}

/// A directory of golang-migrate, whose guess is ambiguous.
fn write_golang_migrate(project: &MigratorProject) {
    project.write("old/1_a.up.sql", "BEGIN;\nCREATE TABLE a (b int[]);\nCOMMIT;\n");
    project.write("old/1_a.down.sql", "DROP TABLE a;\n");
    project.write("old/2_b.up.sql", "CREATE INDEX CONCURRENTLY i ON a (b);\n");
    project.write("old/README.md", "");
}

#[test]
fn the_output_of_an_import() {
    let project = project();
    write_golang_migrate(&project);
    let arguments = ["import", "--from", "golang-migrate", "old"];
    let imported = project.migrator(arguments).success();
    assert_golden("import.txt", &imported.block(&project));
    project.up_all();
    assert_eq!(project.tables(), "a");
    assert_eq!(project.read("old/1_a.down.sql"), "DROP TABLE a;\n");
    project.migrator(["migrate", "down"]).fails(4, ["golang-migrate had no way back"]);
    project.migrator(arguments).fails(2, ["has these migrations already"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let project = project();
    write_golang_migrate(&project);
    let arguments = ["import", "--from", "golang-migrate", "old", "--dry-run", "--json"];
    let imported = project.migrator(arguments).success();
    let report: serde_json::Value = serde_json::from_str(&imported.stdout).unwrap();
    assert_eq!(report["migrations"][1]["name"], "V000002__b");
    assert_eq!(report["migrations"][1]["transaction"], false);
    assert!(!project.path("migration").exists());
}

#[test]
fn sql_keeps_its_meaning_through_psql() {
    let project = project();
    project.write(
        "old/1_a.sql",
        "CREATE FUNCTION f(a int[], n int) RETURNS int[] LANGUAGE sql\n\
                   RETURN a[1:n];\nCREATE TABLE t AS SELECT '\\d :n' AS x;\n",
    );
    project.migrator(["import", "--from", "sqlx", "old"]).success();
    // a variable of psql with the name after the colon changes nothing
    project.migrator(["migrate", "up", "all", "--set", "n=9 9"]).success();
    assert_eq!(project.ask("SELECT f('{1,2,3}', 2)::text || x FROM t"), "{1,2}\\d :n");
}

#[test]
fn the_tool_is_guessed_from_the_usual_places() {
    let project = project();
    project.migrator(["import"]).fails(2, ["unknown whose", "looked for migrations"]);
    project.write("migrations/2024-01-02-030405_a/up.sql", "CREATE TABLE a ();");
    project.migrator(["import"]).success();
    assert_eq!(project.entries("migration"), ["20240102030405-a"]);
    project.write("db/migrations/1_a.up.sql", "");
    project.migrator(["import"]).fails(2, ["ambiguous", "diesel:", "golang-migrate:", "sqlx:"]);
    project.migrator(["import", "migration"]).fails(2, ["unknown whose"]);
    project.migrator(["import", "gone"]).fails(3, ["no directory"]);
}

#[test]
fn nothing_is_overwritten() {
    let project = project();
    project.write("old/1_a.sql", "CREATE TABLE a ();");
    project.write("migration/V1__x.sql", "SELECT 1;");
    project.write("migration/U1__x.sql", "SELECT 1;");
    let arguments = ["import", "--from", "sqlx", "old"];
    project.migrator(arguments).fails(2, ["version 1 already", "V000001__a and V1__x"]);
    assert_eq!(project.entries("migration"), ["U1__x.sql", "V1__x.sql"]);
    project.migrator(["import", "--from", "sqlx", "-d", "old", "old"]).fails(2, ["both the"]);
}

#[test]
fn a_history_is_recorded_once_its_checksums_fit() {
    let project = project();
    project.write("old/1_a.sql", "CREATE TABLE a ();\n");
    project.write("old/2_b.sql", "CREATE TABLE b ();\n");
    let arguments = ["import", "--from", "sqlx", "--history", "old"];
    project.migrator(arguments).fails(3, ["no table _sqlx_migrations"]);
    project.ask(
        "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, \
         installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, \
         checksum bytea NOT NULL, execution_time bigint NOT NULL)",
    );
    let insert = |values: &str| {
        project.ask(&format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES {values}"
    ))
    };
    project.ask("CREATE TABLE a ()");
    insert("(1, 'a', true, '\\x00', 0), (2, 'b', false, sha384('CREATE TABLE b ();\n'), 0)");
    project.migrator(arguments).fails(2, ["1_a.sql: it is not the file", "2: it failed"]);
    assert!(!project.path("migration").exists());
    assert_eq!(project.ask("SELECT to_regnamespace('hectic') IS NULL"), "t");
    project.ask(
        "UPDATE _sqlx_migrations SET checksum = sha384('CREATE TABLE a ();\n') WHERE version = 1",
    );
    project.ask("DELETE FROM _sqlx_migrations WHERE version = 2");
    insert("(7, 'other', true, '\\x00', 0)");
    let recorded = project.migrator(arguments).success().stderr;
    assert!(recorded.contains("1 row of the table without a file here: 7"), "{recorded}");
    assert!(recorded.contains("1 recorded now"), "{recorded}");
    assert_eq!(project.states(), "1 Migrated");
    let events = project.migrator(["history"]).success().stdout;
    assert!(events.contains("imported from sqlx: _sqlx_migrations, applied 2"), "{events}");
    project.up_all();
    assert_eq!(project.tables(), "_sqlx_migrations a b");
    project.migrator(["validate"]).success();
    let again = project.migrator(arguments).success().stderr;
    assert!(again.contains("0 recorded now"), "{again}");
}

#[test]
fn each_table_says_what_is_applied() {
    for (tool, files, table, states) in [
        (
            "dbmate",
            [("1_a.sql", "-- migrate:up\n"), ("2_b.sql", "-- migrate:up\n")],
            "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY); \
             INSERT INTO schema_migrations VALUES ('1')",
            "1 Migrated",
        ),
        (
            "golang-migrate",
            [("01_a.up.sql", ""), ("02_b.up.sql", "")],
            "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); \
             INSERT INTO schema_migrations VALUES (2, false)",
            "1 Migrated, 2 Migrated",
        ),
        (
            "goose",
            [("01_a.sql", "-- +goose Up\n"), ("02_b.sql", "-- +goose Up\n")],
            "CREATE TABLE goose_db_version (id serial, version_id bigint NOT NULL, \
             is_applied boolean NOT NULL, tstamp timestamp DEFAULT now()); \
             INSERT INTO goose_db_version (version_id, is_applied) \
             VALUES (0, true), (1, true), (2, true), (1, false)",
            "2 Migrated",
        ),
        (
            "diesel",
            [("1_a/up.sql", ""), ("2_b/up.sql", "")],
            "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, \
             run_on timestamp NOT NULL DEFAULT now()); \
             INSERT INTO __diesel_schema_migrations VALUES ('2')",
            "2 Migrated",
        ),
    ] {
        let project = project();
        for (name, text) in files {
            project.write(&format!("old/{name}"), text);
        }
        project.ask(table);
        project.migrator(["import", "--from", tool, "--history", "old"]).success();
        assert_eq!(project.states(), states, "{tool}");
    }
}

#[test]
fn a_dirty_database_stops_it() {
    let project = project();
    write_golang_migrate(&project);
    project.ask(
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); \
         INSERT INTO schema_migrations VALUES (2, true)",
    );
    let arguments = ["import", "--history", "--from", "golang-migrate", "old"];
    project.migrator(arguments).fails(2, ["2: it is dirty"]);
    project.migrator(["import", "--history", "--from", "sqlx", "old"]).fails(3, ["no table"]);
    assert!(!project.path("migration").exists());
}

#[test]
fn two_directories_in_one_table_become_two_sets() {
    let project = project();
    project.write("red/20240101000000_a.sql", "CREATE TABLE a ();\n");
    project.write("blue/20240102000000_b.sql", "CREATE TABLE b ();\n");
    project.ask(
        "CREATE TABLE a (); CREATE TABLE b (); CREATE SCHEMA s; \
         CREATE TABLE s._sqlx_migrations AS \
         SELECT version, now() AS installed_on, true AS success, sha384(sql::bytea) AS checksum \
         FROM (VALUES (20240101000000, E'CREATE TABLE a ();\\n'), \
                      (20240102000000, E'CREATE TABLE b ();\\n')) AS v (version, sql)",
    );
    // the search path finds the table
    let url = project.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    let url = format!("{url}&options=-csearch_path%3Ds");
    for set in ["red", "blue"] {
        let common = ["--migration-set", set, "-d", &format!("m/{set}")].map(str::to_owned);
        let words = ["import", "--from", "sqlx", "--history", set, "-u", &url].map(str::to_owned);
        let imported = project.run("migrator", [&common[..], &words[..]].concat()).success();
        assert!(imported.stderr.contains("1 row of the table without a file here"), "{imported}");
        let words = ["migrate", "up", "all"].map(str::to_owned);
        let up = project.run("migrator", [&common[..], &words[..]].concat()).success();
        assert!(up.stderr.contains("nothing to do"), "{up}");
    }
    let sets = "SELECT string_agg(migration_set, ' ' ORDER BY version) FROM hectic.migration";
    assert_eq!(project.ask(sets), "red blue");
}
