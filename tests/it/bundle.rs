//! The hectic bundle in databases: its scenarios, and the commands that apply it.

mod proof;

use std::path::PathBuf;

use crate::support::{Outcome, Sandbox, bindir, entries, finish, project, repository, whoami};

/// A running cluster with a key and without the bundle anywhere.
fn vanilla() -> Sandbox {
    let sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    sandbox.give_key();
    sandbox
}

fn fixture(name: &str) -> PathBuf {
    repository().join("tests/fixture/bundle").join(name)
}

fn psql(sandbox: &Sandbox, file: &str) -> Outcome {
    let url = sandbox.url("app");
    let file = fixture(file).display().to_string();
    sandbox.database(["-u", &url, "psql", "-X", "-q", "-o", "/dev/null", "-f", &file])
}

/// Runs a scenario in a database that has the bundle.
#[track_caller]
fn scenario(name: &str) {
    let sandbox = vanilla();
    sandbox.database(["-u", &sandbox.url("app"), "bundle", "upgrade"]).success();
    psql(&sandbox, name).success();
    sandbox.database(["-u", &sandbox.url("app"), "bundle", "upgrade"]).success();
}

#[test]
fn tables_inherit_created_at() {
    scenario("created_at.sql");
}

#[test]
fn immutable_tables_are_blocked() {
    scenario("immutable.sql");
}

#[test]
fn objects_are_commented_and_pinned() {
    scenario("objects.sql");
}

#[test]
fn secrets_are_loaded_or_refused_as_a_whole() {
    scenario("secret.sql");
}

#[test]
fn secrets_rest_sealed() {
    scenario("sealed.sql");
}

#[test]
fn triggers_come_and_go_with_inheritance() {
    scenario("triggers.sql");
}

#[test]
fn the_files_work_by_hand() {
    psql(&vanilla(), "empty/by-hand.sql").success();
}

#[test]
fn a_lesser_role_gets_as_far_as_it_can() {
    psql(&vanilla(), "empty/not-superuser.sql").success();
}

#[test]
fn older_tables_are_taken_in() {
    psql(&vanilla(), "empty/older-tables.sql").success();
}

#[test]
fn no_scenario_is_forgotten() {
    let here = std::fs::read_to_string(repository().join("tests/it/bundle.rs")).unwrap();
    for directory in ["", "empty/"] {
        for name in entries(&fixture(directory)).iter().filter(|name| name.ends_with(".sql")) {
            assert!(here.contains(&format!("\"{directory}{name}\"")), "{directory}{name}");
        }
    }
}

#[test]
fn a_failing_scenario_is_seen() {
    psql(&vanilla(), "objects.sql").fails(3, ["hectic.version"]);
}

#[test]
fn four_applications_at_once_are_one() {
    let sandbox = vanilla();
    let children: Vec<_> =
        (0..4).map(|_| sandbox.spawn("database", ["bundle", "upgrade"])).collect();
    for child in children {
        finish(child, None).success();
    }
    assert_eq!(sandbox.ask("SELECT count(*) FROM hectic.version"), "1");
    psql(&sandbox, "objects.sql").success();
}

#[test]
fn another_version_stops_hydration_before_anything_is_touched() {
    let sandbox = project::deployed("");
    for (version, hint) in [
        ("0.1.0", "database bundle upgrade"),
        ("99.0", "Update the tool"),
        ("banana", "Use the tool that made this database"),
    ] {
        sandbox.ask(&format!("UPDATE hectic.version SET version = '{version}'"));
        sandbox.ask("COMMENT ON SCHEMA hectic IS 'untouched'");
        sandbox.database(["hydrate"]).fails(13, [version, "hint: ", hint]);
        let comment = "SELECT obj_description('hectic'::regnamespace, 'pg_namespace')";
        assert_eq!(sandbox.ask(comment), "untouched");
    }
}

#[test]
fn a_failing_application_leaves_nothing_behind() {
    let sandbox = vanilla();
    sandbox.ask("CREATE SCHEMA hectic; CREATE VIEW hectic.updated_at AS SELECT 1 AS x;");
    sandbox.database(["hydrate"]).fails(1, ["cannot apply the hectic bundle", "updated_at"]);
    let left = "SELECT string_agg(relname, ',') FROM pg_class \
                WHERE relnamespace = 'hectic'::regnamespace";
    assert_eq!(sandbox.ask(left), "updated_at");
    assert_eq!(sandbox.ask("SELECT count(*) FROM pg_event_trigger"), "0");
    assert_eq!(
        sandbox.ask("SELECT count(*) FROM pg_proc WHERE pronamespace = 'hectic'::regnamespace"),
        "0"
    );
}

#[test]
fn a_role_without_superuser_is_told_which_step_needs_one() {
    let sandbox = vanilla();
    sandbox.ask("CREATE ROLE plain LOGIN");
    let url = format!("host={} user=plain dbname=app", sandbox.path("pg").display());
    let refused = sandbox.database(["-u", &url, "hydrate"]).fails(1, ["plain", "CREATE"]);
    assert!(refused.stderr.contains("hint: GRANT CREATE ON DATABASE app TO plain"), "{refused}");
    sandbox.ask("GRANT CREATE ON DATABASE app TO plain");
    sandbox.ask("GRANT CREATE ON SCHEMA public TO plain");
    let applied = sandbox.database(["-u", &url, "hydrate"]).success();
    let warning = applied.stderr.lines().find(|line| line.starts_with("warning: ")).unwrap();
    assert!(warning.contains("event trigger") || warning.contains("superuser"), "{applied}");
    assert_eq!(sandbox.database(["bundle", "status"]).success().stdout, "0.5.3, full, current\n");
    assert_eq!(sandbox.ask("SELECT count(*) FROM pg_event_trigger"), "0");
    sandbox.ask(&format!("ALTER SCHEMA hectic OWNER TO \"{}\"", whoami()));
    sandbox.database(["-u", &sandbox.url("app"), "hydrate"]).success();
    assert_eq!(sandbox.ask("SELECT count(*) FROM pg_event_trigger"), "4");
}

#[test]
fn a_dump_restores_and_is_the_same() {
    let sandbox = Sandbox::with_project("nix/template");
    sandbox.database(["deploy"]).success();
    sandbox.ask("CREATE DATABASE copy");
    let dump = |database: &str| {
        let tool = bindir().join("pg_dump").display().to_string();
        let dump = sandbox.run(&tool, ["-d", &sandbox.url(database)]).success().stdout;
        // newer clients frame the dump with a key that differs each time
        let lines = dump.lines().filter(|line| !line.contains("restrict "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let original = dump("app");
    let copy = sandbox.url("copy");
    let restore = ["-u", &copy, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null"];
    sandbox.run_with_input("database", restore, &original).success();
    assert!(original == dump("copy"), "the copy's dump differs");
    assert_eq!(
        sandbox.database(["-u", &copy, "bundle", "status"]).success().stdout,
        "0.5.3, full, current\n"
    );
    let stray = ["-u", &copy, "psql", "-c", "CREATE TABLE stray (id int)"];
    sandbox.database(stray).fails(1, ["hectic.created_at"]);
}

#[test]
fn a_projects_extensions_do_not_collide() {
    let sandbox = project::deployed("");
    sandbox.write(
        "project/db/src/entrypoint.sql",
        "SELECT format('CREATE EXTENSION %I', name) FROM pg_available_extension_versions v\n\
         WHERE trusted AND NOT installed AND requires IS NULL\n  AND version = (SELECT default_version \
         FROM pg_available_extensions a WHERE a.name = v.name) \\gexec\n\
         SELECT count(*) > 1 AS enough FROM pg_extension \\gset\n\\echo :enough\n",
    );
    let hydrated = sandbox.database(["hydrate"]).success();
    assert!(hydrated.stdout.ends_with("t\n"), "{hydrated}");
    sandbox.database(["bundle", "upgrade"]).success();
}

#[test]
fn tables_of_an_extension_need_not_inherit() {
    let sandbox = project::deployed("");
    // while an extension's script runs, its tables are members already, as here
    let sql = "BEGIN; SET LOCAL hectic.inheritance_extra_excluded_schemas = 'public';
               CREATE TABLE member (id int); ALTER EXTENSION plpgsql ADD TABLE member; COMMIT;
               ALTER TABLE member ADD COLUMN more int;";
    sandbox.ask(sql);
    sandbox.database(["hydrate"]).success();
}

#[test]
fn exclusions_of_a_database_last() {
    let sandbox = project::deployed("");
    sandbox.ask("CREATE SCHEMA etl");
    let make = "CREATE TABLE etl.row (id int)";
    sandbox.write("project/db/src/entrypoint.sql", make);
    sandbox.database(["hydrate"]).fails(1, ["42P16", "etl.row", "hectic.created_at"]);
    sandbox.ask("ALTER DATABASE app SET hectic.inheritance_extra_excluded_schemas = 'etl,legacy'");
    sandbox.database(["hydrate"]).success();
}

#[test]
fn a_project_exempts_its_own_schemas() {
    let sandbox = project::with_source("");
    let exempt = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET \
                  hectic.inheritance_extra_excluded_schemas = ''etl''', current_database()); END $$;";
    let (schema, table) = ("CREATE SCHEMA etl;", "CREATE TABLE etl.line (id int);");
    sandbox.write("project/db/src/entrypoint.sql", format!("{schema}{exempt}{table}"));
    for (version, up, down) in [
        (20_250_101_000_001_u64, format!("{schema}{exempt}"), "DROP SCHEMA etl;"),
        (20_250_101_000_002, table.to_owned(), "DROP TABLE etl.line;"),
    ] {
        let directory = format!("project/db/migration/{version}-step");
        sandbox.write(&format!("{directory}/up.sql"), &up);
        sandbox.write(&format!("{directory}/down.sql"), down);
    }
    sandbox.database(["check"]).success();
    sandbox.database(["init"]).success();
    sandbox.database(["bundle", "upgrade"]).success();
    sandbox.run("migrator", ["migrate", "up", "all"]).success();
    sandbox.database(["diff", "--from-migrations"]).success();
}
