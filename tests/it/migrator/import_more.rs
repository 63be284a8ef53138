//! `import` of Flyway, refinery, graphile-migrate, sqitch and Rails.

use crate::support::migrator::MigratorProject;

fn project(table: &str, files: &[(&str, &str)]) -> MigratorProject {
    let mut project = MigratorProject::new();
    project.set("HECTIC_BUNDLE", "history");
    project.ask(table);
    for (name, text) in files {
        project.write(&format!("old/{name}"), text);
    }
    project
}

const FLYWAY: &str = "CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, \
    version varchar(50), description varchar(200), type varchar(20), script varchar(1000), \
    checksum int, installed_by varchar(100), installed_on timestamp DEFAULT now(), \
    execution_time int, success boolean)";

#[test]
fn dots_of_flyway_become_one_number_and_repeatables_are_named() {
    let files = [
        ("V1__base.sql", "SELECT 1;"),
        ("V1_2__two.sql", "CREATE TABLE two (a int);\nCOPY two FROM STDIN;\n7\n\\.\n"),
        ("V1.10__ten.sql", "CREATE INDEX CONCURRENTLY i ON two (a);"),
        ("U1.2__two.sql", "DROP TABLE two;"),
        ("R__views.sql", "SELECT 1;"),
    ];
    let project = project(FLYWAY, &files);
    let insert = |values: &str| {
        project.ask(&format!(
            "INSERT INTO flyway_schema_history (installed_rank, version, type, checksum, success) \
             VALUES {values}"
        ))
    };
    insert(
        "(1, '1.1', 'BASELINE', NULL, true), (2, '1.2', 'SQL', 1, true), (3, NULL, 'SQL', 5, true)",
    );
    let arguments = ["import", "--history", "--from", "flyway", "old"];
    project.migrator(arguments).fails(2, ["V1_2__two.sql: it is not the file"]);
    // the sum that Flyway writes for these lines
    let lines = "CREATE TABLE two (a int);COPY two FROM STDIN;7\\.";
    let sum = crc32(lines.as_bytes());
    project
        .ask(&format!("UPDATE flyway_schema_history SET checksum = {sum} WHERE version = '1.2'"));
    let imported = project.migrator(arguments).success();
    assert_eq!(imported.stdout, "V000100__base\nV000102__two\nV000110__ten\n");
    assert!(imported.stderr.contains("R__views.sql: a repeatable"), "{}", imported.stderr);
    assert!(!imported.stderr.contains("without a file"), "{}", imported.stderr);
    assert!(imported.stderr.contains("version 1.10 is 110 here"), "{}", imported.stderr);
    let states = "SELECT string_agg(version::text, ' ') FROM hectic.migration_state";
    assert_eq!(project.ask(states), "100 102");
    project.ask("CREATE TABLE two (a int)");
    project.up_all();
    project.ask("UPDATE flyway_schema_history SET success = false WHERE version = '1.2'");
    project.migrator(arguments).fails(2, ["1.2: it failed"]);
}

/// CRC-32 as a signed number, computed bit by bit.
fn crc32(bytes: &[u8]) -> i32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    (!bytes.iter().fold(u32::MAX, byte)).cast_signed()
}

#[test]
fn refinery_and_graphile_compare_their_hashes() {
    for (tool, table, files, name) in [
        (
            "refinery",
            "CREATE TABLE refinery_schema_history (version int4 PRIMARY KEY, name varchar(255), \
             applied_on varchar(255), checksum varchar(255)); \
             INSERT INTO refinery_schema_history VALUES (1, 'a', '2024-01-01T00:00:00Z', '1')",
            &[("V1__a.sql", "CREATE TABLE a ();")][..],
            "V000001__a",
        ),
        (
            "graphile",
            "CREATE SCHEMA graphile_migrate; CREATE TABLE graphile_migrate.migrations \
             (hash text PRIMARY KEY, previous_hash text, filename text, date timestamptz DEFAULT now()); \
             INSERT INTO graphile_migrate.migrations VALUES ('sha1:x', NULL, '000001.sql')",
            &[(
                "committed/000001.sql",
                "--! Previous: -\n--! Hash: sha1:x\n\nCREATE TABLE a ();\n",
            )],
            "V000001__committed",
        ),
        (
            "sqitch",
            "CREATE SCHEMA sqitch; CREATE TABLE sqitch.changes (script_hash text, change text, \
             project text, committed_at timestamptz DEFAULT now(), planned_at timestamptz); \
             INSERT INTO sqitch.changes VALUES ('x', 'a', 'p', now(), '2024-01-01 00:00:00Z')",
            &[
                ("sqitch.plan", "%project=p\na 2024-01-01T00:00:00Z A <a@b>\n"),
                ("deploy/a.sql", "BEGIN;\nCREATE TABLE a ();\nCOMMIT;\n"),
                ("verify/a.sql", "ROLLBACK;"),
            ],
            "20240101000000-a",
        ),
    ] {
        let project = project(table, files);
        let history = ["import", "--history", "--from", tool, "old"];
        project.migrator(history).fails(2, ["the checksums differ"]);
        let imported = project.migrator(["import", "--from", tool, "old"]).success();
        assert_eq!(imported.stdout.trim(), name);
        project.up_all();
        assert!(project.tables().starts_with('a'), "{tool}");
    }
}

#[test]
fn rails_becomes_one_base_that_is_applied_with_all_that_it_contains() {
    let structure = "CREATE TABLE a ();\nINSERT INTO \"schema_migrations\" (version) VALUES\n\
        ('20240102000000'),\n('20240101000000');\n";
    let table = "CREATE TABLE schema_migrations (version varchar PRIMARY KEY); \
        INSERT INTO schema_migrations VALUES ('20240101000000')";
    let files = [("db/structure.sql", structure), ("db/migrate/20240101000000_a.rb", "")];
    let project = project(table, &files);
    let history = ["import", "--history", "--from", "rails", "old"];
    project.migrator(history).fails(2, ["it contains 20240102000000, which is not applied"]);
    project.ask("INSERT INTO schema_migrations VALUES ('20240102000000')");
    let imported = project.migrator(history).success();
    assert_eq!(imported.stdout, "20240102000000-rails_structure\n");
    assert!(imported.stderr.contains("the base migration contains it"), "{}", imported.stderr);
    project.migrator(["migrate", "up", "all"]).success();
    std::fs::remove_file(project.path("old/db/structure.sql")).unwrap();
    project.write("old/db/schema.rb", "");
    project.migrator(["import", "--from", "rails", "old"]).fails(3, ["database new DIR --from"]);
}

#[test]
fn placeholders_get_their_values_or_are_refused() {
    let project = project("SELECT 1", &[("V1__a.sql", "CREATE TABLE ${name} ();\n")]);
    let import = ["import", "--from", "flyway", "old"];
    project.migrator(import).fails(2, ["V1__a.sql:1: ${name} has no value"]);
    project.migrator(["import", "--set", "name=b", "--from", "flyway", "old"]).success();
    project.up_all();
    assert_eq!(project.tables(), "b");
}
