//! Staging is only read, and its rows are loaded on this machine only.

use super::support::PullProject;
use crate::support::project::deployed;

const WRITING: [&[&str]; 13] = [
    &["hydrate"],
    &["deploy"],
    &["init"],
    &["patch"],
    &["test"],
    &["cleanup"],
    &["restore"],
    &["snapshot", "restore", "x"],
    &["bundle", "upgrade"],
    &["secrets", "unset", "X"],
    &["secrets", "rotate"],
    &["migrator", "migrate", "up", "all"],
    &["pull_staging", "--into-database"],
];

#[test]
fn nothing_that_writes_runs_on_staging() {
    let mut pull = PullProject::new();
    let url = pull.variable("DB_URL").unwrap().to_string_lossy().into_owned();
    let elsewhere = url.replace("host=", "port=5432&host=");
    for staging in [
        url.as_str(),
        &elsewhere,
        "postgresql://reader:hush@127.0.0.1/app",
        "host=localhost dbname=app",
    ] {
        pull.set("STAGING_DB_URL", staging);
        for verb in WRITING {
            let refused =
                pull.run("database", verb).fails(2, ["STAGING_DB_URL", "never writes to staging"]);
            assert!(!refused.stderr.contains("hush"), "{refused}");
        }
    }
    std::fs::create_dir_all(pull.path("project/db/migration")).unwrap();
    for verb in [
        ["url"].as_slice(),
        &["secrets", "list"],
        &["bundle", "status"],
        &["migrator", "info"],
        &["status"],
    ] {
        pull.run("database", verb).success();
    }
    pull.unset("STAGING_SSH_HOST");
    pull.database(["patch"]).fails(2, ["STAGING_DB_URL"]);
    assert_eq!(pull.ask("SELECT count(*) FROM shop.customer"), "0");
}

#[test]
fn behind_ssh_another_machine_has_the_same_names() {
    let mut sandbox = deployed("SELECT;");
    sandbox.set("STAGING_SSH_HOST", "staging");
    sandbox.set("STAGING_DB_URL", "postgresql://reader@localhost/app");
    sandbox.database(["patch"]).success();
    sandbox
        .database(["pull_staging", "--direct", "--into-database"])
        .fails(3, ["STAGING_DUMP_TABLES"]);
    sandbox.set("STAGING_DUMP_TABLES", "x");
    sandbox.set("STAGING_DUMP_FLAGS", "");
    sandbox.database(["pull_staging", "--direct", "--into-database"]).fails(2, ["STAGING_DB_URL"]);
    sandbox.set("STAGING_DB_URL", "postgresql://reader@db.invalid/app");
    sandbox.set("DB_URL", "postgresql://dev@DB.invalid/app");
    sandbox.database(["patch"]).fails(2, ["STAGING_DB_URL"]);
}

#[test]
fn pulled_rows_stay_on_this_machine() {
    let mut pull = PullProject::new();
    pull.pull([]).success();
    pull.set("DB_URL", "postgresql://dev@db.invalid/app");
    pull.database(["patch"]).fails(2, ["db.invalid", "not on this machine"]);
    std::fs::remove_file(pull.path("project/test-data.sql.sha256")).unwrap();
    pull.database(["patch"]).fails(2, ["db.invalid", "not on this machine"]);
    pull.pull(["--into-database"]).fails(2, ["db.invalid"]);
}
