//! `--check`: reports the findings and the exit code that a pull would have, and changes nothing.

use super::support::PullProject;
use crate::support::Outcome;
use crate::support::sshd::Sshd;

#[test]
fn a_pull_that_would_work_is_described() {
    let mut pull = PullProject::new();
    let names = pull.entries("project");
    let dump = pull.on_staging("ANALYZE; SELECT count(*) FROM shop.log");
    let check = pull.pull(["--check", "--limit", "shop.log=2"]).success();
    for said in ["PostgreSQL ", "psql", "target", "can be shared", "about 1 s", "shop.kind"] {
        assert!(check.stdout.contains(said), "{said}: {check}");
    }
    let line =
        |table: &str| check.stdout.lines().find(|line| line.starts_with(table)).unwrap().to_owned();
    assert!(
        line("shop.customer").contains("about 3") && line("shop.log").contains("about 2"),
        "{check}"
    );
    assert!(
        line("shop.measure").contains("about 2") && line("shop.measure").ends_with("ok"),
        "{check}"
    );
    assert!(check.stderr.is_empty(), "{check}");
    assert_eq!(pull.entries("project"), names);
    assert_eq!(pull.on_staging("SELECT count(*) FROM shop.log"), dump.lines().last().unwrap());
    let _sshd = Sshd::start(&mut pull);
    pull.set("STAGING_SSH_HOST", "staging");
    let check = pull.pull(["--check"]).success();
    assert!(
        check.stdout.contains("ssh") && check.stdout.contains("staging, reached in"),
        "{check}"
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let mut pull = PullProject::new();
    pull.write("project/staging.toml", "[table.\"shop.log\"]\nline = \"null\"\n");
    pull.ask("CREATE ROLE half LOGIN");
    pull.on_staging(
        "GRANT USAGE ON SCHEMA shop, hectic TO half; GRANT SELECT ON ALL SEQUENCES IN SCHEMA shop TO half;
         GRANT SELECT ON ALL TABLES IN SCHEMA shop, hectic TO half; REVOKE SELECT ON shop.egg, shop.chicken FROM half;
         ALTER TABLE shop.measure ENABLE ROW LEVEL SECURITY",
    );
    pull.as_role("half");
    pull.set("STAGING_DUMP_TABLES", "shop.absent other.* shop.*");
    let check = pull
        .pull(["--check"])
        .fails(5, ["shop.absent, other.*", "shop.egg", "shop.customer.\"name\""]);
    let verdict = |table: &str| {
        let line = check.stdout.lines().find(|line| line.starts_with(table));
        line.unwrap_or_else(|| panic!("{table}: {check}")).to_owned()
    };
    for table in ["shop.absent", "other.*"] {
        assert!(verdict(table).ends_with("does not exist"), "{check}");
    }
    for table in ["shop.egg", "shop.chicken"] {
        assert!(verdict(table).ends_with("may not be read"), "{check}");
    }
    assert!(verdict("shop.measure").ends_with("row-level security hides rows"), "{check}");
    assert!(verdict("shop.customer").ends_with("without a decision: \"name\""), "{check}");
    assert!(verdict("shop.log").ends_with("ok"), "{check}");
}

#[test]
fn the_exit_code_is_that_of_the_pull() {
    let mut pull = PullProject::new();
    pull.on_staging(
        "CREATE TABLE shop.scan (id int PRIMARY KEY, o oid) INHERITS (hectic.created_at)",
    );
    let both = |pull: &PullProject, code: i32, more: &[&str]| {
        let run = |first: &[&str]| -> Outcome {
            pull.run("database", ["pull_staging"].iter().chain(first).chain(more))
        };
        run(&[]).fails(code, []);
        run(&["--check"]).fails(code, ["a pull would fail"]);
    };
    both(&pull, 1, &["--where", "shop.log=no_such_column > 1"]);
    both(&pull, 2, &["--where", "shop.absent=true"]);
    pull.set("STAGING_DUMP_TABLES", "shop.absent");
    both(&pull, 5, &[]);
    pull.set("STAGING_DUMP_TABLES", "shop.scan");
    pull.set("STAGING_DUMP_FLAGS", "-T shop.*");
    both(&pull, 5, &[]);
    pull.set("STAGING_DUMP_FLAGS", "");
    pull.on_staging("INSERT INTO shop.scan (id, o) VALUES (1, lo_from_bytea(0, 'x'))");
    both(&pull, 2, &[]);
    pull.set("STAGING_DUMP_TABLES", "shop.kind");
    pull.write("project/staging.toml", "[table.\"shop.kind\"]\nabsent = \"keep\"\n");
    both(&pull, 2, &[]);
}

#[test]
fn what_cannot_be_reached_is_told_quickly() {
    let mut pull = PullProject::new();
    let nowhere = pull.path("tmp").display().to_string();
    pull.set("STAGING_DB_URL", format!("postgresql://u:hush@localhost/d?host={nowhere}"));
    let check = pull.pull(["--check"]).fails(1, [&nowhere]);
    assert!(check.stdout.is_empty() && !check.stderr.contains("attempt"), "{check}");
    assert!(!check.stderr.contains("hush"), "{check}");
}
