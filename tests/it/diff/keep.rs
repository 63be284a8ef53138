//! Private clusters that stay if the user asks for it.

use super::support::LiveProject;
use crate::support::{program, project};

/// Removes each working directory that `told` names, by the command that `told` gives. Returns
/// their number.
fn removed(sandbox: &crate::support::Sandbox, told: &str) -> usize {
    let commands: Vec<&str> =
        told.lines().filter_map(|line| line.split("remove it:").nth(1)).map(str::trim).collect();
    for command in &commands {
        let directory = command.split("PG_WORKING_DIR=").nth(1).unwrap();
        let directory = directory.split(' ').next().unwrap().trim_matches('\'');
        assert!(std::path::Path::new(directory).join("data").is_dir(), "{told}");
        let database = program("database");
        let command = command.replacen("database cleanup", &format!("{database} cleanup"), 1);
        sandbox.run("sh", ["-c", &command]).success();
        assert!(!std::path::Path::new(directory).join("data").exists(), "{told}");
    }
    commands.len()
}

#[test]
fn both_sides_stay_and_can_be_looked_at() {
    let sandbox = project::with_source("CREATE SCHEMA s;");
    sandbox.write("project/db/migration/20250101000000-first/up.sql", "CREATE SCHEMA t;");
    let kept =
        sandbox.database(["diff", "--from-migrations", "--keep"]).fails(1, ["2 differences"]);
    let urls: Vec<&str> = kept.stderr.lines().filter_map(|l| l.split("--url ").nth(1)).collect();
    assert_eq!(urls.len(), 2, "{kept}");
    for (url, schema) in urls.iter().zip(["t", "s"]) {
        let url = url.strip_suffix(" psql").unwrap().trim_matches('\'');
        let query = format!("SELECT to_regnamespace('{schema}') IS NOT NULL");
        let found = sandbox.run("database", ["--url", url, "psql", "-XAtc", &query]).success();
        assert_eq!(found.stdout, "t\n", "{kept}");
        let query = "SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE '%collector%'";
        let found = sandbox.run("database", ["--url", url, "psql", "-XAtc", query]).success();
        assert_eq!(found.stdout, "0\n", "{kept}");
    }
    assert_eq!(removed(&sandbox, &kept.stderr), 2);
}

#[test]
fn a_side_that_fails_stays_too() {
    let live = LiveProject::new("SELECT 1;");
    live.source("CREATE SCHEMA s; SELECT 1/0;");
    let failed = live.diff(["--keep"]).fails(4, ["division by zero", "the cluster is kept"]);
    assert_eq!(removed(&live, &failed.stderr), 1);
}
