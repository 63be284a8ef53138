//! The variables: a pull refuses missing and wrong values before it reads any row.

use super::support::PullProject;
use crate::support::{Sandbox, finish, wait, wait_until};

const FOUR: [&str; 4] =
    ["STAGING_SSH_HOST", "STAGING_DB_URL", "STAGING_DUMP_TABLES", "STAGING_DUMP_FLAGS"];

#[test]
fn the_first_missing_variable_is_named() {
    for (at, name) in FOUR.iter().enumerate() {
        let mut sandbox = Sandbox::with_project("tests/fixture/legacy");
        FOUR[..at].iter().for_each(|set| sandbox.set(set, "x"));
        sandbox.database(["pull_staging"]).fails(3, [name]);
        let alias = sandbox.database(["pull-staging"]).fails(3, [name]);
        let others = FOUR.iter().filter(|other| other != &name);
        assert!(others.clone().all(|other| !alias.stderr.contains(other)), "{alias}");
    }
    let mut sandbox = Sandbox::with_project("tests/fixture/legacy");
    sandbox.set("STAGING_DB_URL", "");
    sandbox.database(["pull_staging", "--direct"]).fails(3, ["STAGING_DB_URL"]);
}

#[test]
fn a_table_that_is_not_there_stops_before_anything() {
    let mut pull = PullProject::new();
    pull.write("project/test-data.sql", "old\n");
    pull.set("STAGING_DUMP_TABLES", "shop.customer shop.absent");
    pull.pull([]).fails(5, ["shop.absent"]);
    pull.set("STAGING_DUMP_TABLES", "nothing.*");
    pull.pull([]).fails(5, ["nothing.*"]);
    assert_eq!(pull.patch(), "old\n");
    let left = pull.entries("project");
    assert!(!left.iter().any(|name| name.contains("part")), "{left:?}");
}

#[test]
fn flags_are_split_and_never_run() {
    let mut pull = PullProject::new();
    let ran = pull.path("ran");
    let flags = format!("--no-owner -T 'shop.$(touch {})' \"-Tshop.e*\"", ran.display());
    pull.set("STAGING_DUMP_FLAGS", flags);
    pull.pull([]).success();
    assert!(
        !ran.exists()
            && !pull.patch().contains("\n-- shop.egg")
            && pull.patch().contains("\n-- shop.kind")
    );
    for (flags, said) in [("'", "not closed"), ("-f x", "-f"), ("--host=x", "--host")] {
        pull.set("STAGING_DUMP_FLAGS", flags);
        pull.pull([]).fails(2, [said]);
    }
}

#[test]
fn a_server_that_is_not_there_is_waited_for_and_told() {
    let mut pull = PullProject::new();
    let nowhere = pull.path("tmp").display().to_string();
    pull.set("STAGING_DB_URL", format!("postgresql://u:hush@localhost/d?host={nowhere}"));
    let failed = pull.pull([]).fails(1, ["attempt 1 of 5", "attempt 4 of 5", &nowhere]);
    assert!(!failed.stderr.contains("hush"), "{failed}");
}

#[test]
fn rules_name_tables_that_are_pulled() {
    let pull = PullProject::new();
    pull.pull(["--where", "shop.absent=true"]).fails(2, ["shop.absent"]);
    pull.pull(["--limit", "shop.log=many"]).fails(2, ["many"]);
    pull.pull(["--where", "nothing"]).fails(2, ["nothing"]);
}

#[test]
fn what_only_pg_dump_knows_is_left_to_it() {
    let mut pull = PullProject::new();
    pull.set("STAGING_DUMP_TABLES", "shop.log shop.kind");
    pull.set("STAGING_DUMP_FLAGS", "--schema-only --no-owner");
    let told = pull.pull([]).success();
    assert_eq!(told.stderr.matches("only pg_dump can obey --schema-only").count(), 1, "{told}");
    let patch = pull.patch();
    assert!(patch.contains("CREATE TABLE shop.log") && !patch.contains("shop.egg"), "{patch}");
    pull.pull(["--limit", "shop.log=1"]).fails(2, ["--limit", "--schema-only"]);
    pull.set("STAGING_DUMP_FLAGS", "--no-such-flag");
    pull.pull([]).fails(2, ["--no-such-flag, an option that pg_dump does not have"]);
    pull.set("STAGING_DUMP_FLAGS", "--fi=elsewhere.sql");
    pull.pull([]).fails(2, ["the abbreviation --fi", "--file or --filter"]);
    assert_eq!(pull.patch(), patch);
    pull.set("STAGING_DUMP_FLAGS", "--schema-only");
    pull.set("STAGING_DUMP_TABLES", "shop.log shop.absent");
    pull.pull([]).fails(5, ["shop.absent"]);
}

#[test]
fn an_interrupt_leaves_the_old_file_and_nothing_else() {
    let pull = PullProject::new();
    pull.pull([]).success();
    let (old, names) = (pull.patch(), pull.entries("project"));
    let slow = "shop.log=pg_catalog.pg_sleep(3600) IS NOT NULL";
    for jobs in ["1", "2"] {
        let running = pull.spawn("database", ["pull_staging", "--jobs", jobs, "--where", slow]);
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        wait_until("the pull reads", || pull.ask(sleeping) == "1");
        wait::signal("INT", running.id());
        let ended = finish(running, None);
        assert_eq!(ended.signal, Some(2), "{ended}");
        assert_eq!(pull.patch(), old);
        let others: Vec<_> = pull
            .entries("project")
            .into_iter()
            .filter(|name| name != ".test-data.sql.pull")
            .collect();
        assert_eq!(others, names);
        wait_until("the server works no more on it", || pull.ask(sleeping) == "0");
    }
}

#[test]
fn programs_get_an_object_a_table() {
    let pull = PullProject::new();
    let told = pull.pull(["--log-format", "json"]).success();
    let objects: Vec<serde_json::Value> =
        told.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let kind = objects.iter().find(|object| object["table"] == "shop.kind").expect("a record");
    assert_eq!(
        (&kind["rows"], &kind["attempt"], &kind["level"]),
        (&2.into(), &1.into(), &"info".into()),
        "{told}"
    );
    assert!(kind["source"].as_str().is_some_and(|name| name.ends_with("/staging")), "{told}");
    assert!(kind["duration_ms"].is_u64() && kind["bytes"].is_u64(), "{told}");
    assert!(!pull.pull([]).success().stderr.contains("read shop.kind"), "the summary says it");
    let verbose = pull.pull(["--verbose"]).success();
    assert!(verbose.stderr.contains("read shop.kind: 2 rows"), "{verbose}");
}

#[test]
fn a_pattern_does_not_mean_the_bundle_nor_extensions() {
    let mut pull = PullProject::new();
    pull.on_staging("CREATE EXTENSION hstore; CREATE TABLE public.member (h int PRIMARY KEY) INHERITS (hectic.created_at); ALTER EXTENSION hstore ADD TABLE public.member");
    pull.set("STAGING_DUMP_TABLES", "*.*");
    pull.pull([]).success();
    let patch = pull.patch();
    assert!(
        patch.contains("\n-- shop.kind\n")
            && !patch.contains("\n-- hectic.")
            && !patch.contains("\n-- public.member\n")
    );
    pull.set("STAGING_DUMP_TABLES", "*.m?mber");
    pull.pull([]).fails(5, ["*.m?mber"]);
    pull.set("STAGING_DUMP_TABLES", "public.member hectic.migration_state");
    pull.pull([]).success();
    assert!(pull.patch().contains("\n-- hectic.migration_state\n"));
}
