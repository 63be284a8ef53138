//! `--into-database`: the same rows by the same rules, in one transaction, compared afterwards.

use super::load::TABLES;
use super::support::PullProject;
use crate::support::{finish, wait, wait_until};

const SLEEPING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
const INTO: &str = "--into-database";

/// A description of each index, with all its properties.
const INDEXES: &str = "SELECT string_agg(concat_ws(' ', pg_get_indexdef(indexrelid), obj_description(indexrelid, 'pg_class'), indisclustered), ';' \
                       ORDER BY indexrelid::regclass::text) FROM pg_index i JOIN pg_class c ON c.oid = indrelid JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'shop'";

fn rows(pull: &PullProject) -> String {
    pull.ask("SELECT count(*) FROM shop.customer")
}

#[test]
fn every_row_arrives_and_arrives_again() {
    let pull = PullProject::new();
    for jobs in ["1", "2", "2"] {
        let loaded = pull.pull([INTO, "--jobs", jobs]).success();
        assert!(!loaded.stderr.contains("warning"), "{loaded}");
        assert_eq!(loaded.stderr.matches(" equal\n").count(), 8, "{loaded}");
        TABLES.iter().for_each(|table| pull.same(table));
    }
    let next = "INSERT INTO shop.customer (name) VALUES ('Dee') RETURNING id";
    assert_eq!(pull.ask(next), pull.on_staging(next), "sequences stand where they stood");
    let keys = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated";
    assert_eq!(pull.ask(keys), pull.on_staging(keys));
    assert!(!pull.path("project/test-data.sql").exists(), "no file is written");
}

#[test]
fn rows_outside_the_pull_stay() {
    let mut pull = PullProject::new();
    pull.ask("INSERT INTO shop.customer (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'old'), (77, 'mine')");
    pull.pull([INTO]).success();
    let names = "SELECT string_agg(name, ' ' ORDER BY id) FROM shop.customer";
    assert_eq!(pull.ask(names), "Ann Bob Cem mine");
    assert_eq!(pull.ask("SELECT nextval('shop.customer_id_seq')"), "78", "ahead of every row");
    pull.ask("UPDATE shop.chicken SET egg = NULL");
    pull.set("STAGING_DUMP_FLAGS", "--inserts --on-conflict-do-nothing");
    let kept = pull.pull([INTO]).success();
    assert!(kept.stderr.contains("beside what was here"), "{kept}");
    assert_eq!(pull.ask("SELECT egg IS NULL FROM shop.chicken"), "t");
}

#[test]
fn indexes_are_what_they_were() {
    let pull = PullProject::new();
    pull.ask(
        "CREATE INDEX \"On What\" ON shop.\"Order Line\" USING btree (lower(what) text_pattern_ops DESC) INCLUDE (customer) WITH (fillfactor = 70) WHERE what <> ''; \
         COMMENT ON INDEX shop.\"On What\" IS 'it''s'; CREATE UNIQUE INDEX lone ON shop.every (i2); CREATE INDEX near ON shop.every (ts); \
         CLUSTER shop.every USING near; CREATE INDEX whole ON shop.measure (v)",
    );
    let before = pull.ask(INDEXES);
    let file = "SELECT pg_relation_filenode('shop.\"On What\"')";
    let old = pull.ask(file);
    pull.pull([INTO]).success();
    assert_eq!(pull.ask(INDEXES), before);
    assert_ne!(pull.ask(file), old, "made anew");
}

#[test]
fn a_failure_changes_nothing() {
    let pull = PullProject::new();
    let before = pull.ask(INDEXES);
    pull.pull([INTO, "--where", "shop.customer=id <> 2"]).fails(1, ["Order Line", "foreign key"]);
    pull.ask("CREATE UNIQUE INDEX lone ON shop.log (line)");
    pull.pull([INTO, "--jobs", "2"]).fails(1, ["shop.log", "lone"]);
    pull.ask("DROP INDEX shop.lone; ALTER TABLE shop.log ADD CHECK (line <> 'x')");
    pull.pull([INTO]).fails(1, ["shop.log", "check constraint"]);
    assert_eq!(rows(&pull), "0");
    assert_eq!(pull.ask("SELECT last_value FROM shop.customer_id_seq"), "1", "nor a sequence");
    assert_eq!(pull.ask(INDEXES), before);
}

#[test]
fn staging_that_goes_away_changes_nothing() {
    let pull = PullProject::new();
    for jobs in ["1", "3"] {
        let slow = "shop.log=pg_catalog.pg_sleep(3600) IS NOT NULL";
        let running =
            pull.spawn("database", ["pull_staging", INTO, "--jobs", jobs, "--where", slow]);
        wait_until("the pull reads", || pull.ask(SLEEPING) == "1");
        pull.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
        );
        finish(running, None).fails(1, ["shop.log", "terminating connection"]);
        assert_eq!(rows(&pull), "0");
    }
}

#[test]
fn an_interrupt_changes_nothing() {
    let pull = PullProject::new();
    let before = pull.ask(INDEXES);
    for jobs in ["1", "3"] {
        let slow = "shop.log=pg_catalog.pg_sleep(3600) IS NOT NULL";
        let running =
            pull.spawn("database", ["pull_staging", INTO, "--jobs", jobs, "--where", slow]);
        wait_until("the pull reads", || pull.ask(SLEEPING) == "1");
        wait::signal("INT", running.id());
        let ended = finish(running, None);
        assert_eq!(ended.signal, Some(2), "{ended}");
        wait_until("nobody works on it", || {
            pull.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'database pull_staging'") == "0"
        });
        assert_eq!(rows(&pull), "0");
        assert_eq!(pull.ask(INDEXES), before);
    }
}

#[test]
fn a_failure_here_does_not_wait_for_staging() {
    let pull = PullProject::new();
    pull.ask("ALTER TABLE shop.customer ADD CHECK (id > 1)");
    let slow = "shop.log=pg_catalog.pg_sleep(3600) IS NOT NULL";
    pull.pull([INTO, "--jobs", "8", "--where", slow])
        .fails(1, ["shop.customer", "check constraint"]);
    assert_eq!(pull.ask(SLEEPING), "0", "nobody reads any more");
}

#[test]
fn masked_values_are_compared_after_masking() {
    let mut pull = PullProject::new();
    pull.set("STAGING_DUMP_TABLES", "shop.customer shop.kind");
    pull.write(
        "project/staging.toml",
        "[table.\"shop.customer\"]\nname = \"hash\"\nboss = \"null\"\n[table.\"shop.kind\"]\ncode = { sql = \"t.code || '!'\" }\n",
    );
    let loaded = pull.pull([INTO]).success();
    assert!(loaded.stderr.contains(" equal, not compared: name\n"), "{loaded}");
    assert!(loaded.stderr.contains(" equal\n"), "{loaded}");
    assert_eq!(pull.ask("SELECT string_agg(code, ' ' ORDER BY code) FROM shop.kind"), "a! b!");
    assert_eq!(pull.ask("SELECT count(boss) FROM shop.customer WHERE length(name) = 64"), "0");
}

#[test]
fn other_columns_are_told_and_not_compared() {
    let pull = PullProject::new();
    pull.on_staging("ALTER TABLE shop.kind ADD COLUMN extra int DEFAULT 5");
    pull.ask("ALTER TABLE shop.chicken ADD COLUMN own int NOT NULL DEFAULT 3; ALTER TABLE shop.every ALTER n TYPE numeric(5,1)");
    pull.on_staging("UPDATE shop.every SET n = 7.77");
    for _ in 0..2 {
        let told = pull.pull([INTO]).success();
        assert!(told.stderr.contains("only on staging, left out: extra"), "{told}");
        assert!(told.stderr.contains("only here, by default: own"), "{told}");
        assert!(told.stderr.contains("n (numeric(5,1), there numeric)"), "{told}");
        assert!(told.stderr.contains(" equal, not compared: n\n"), "{told}");
        assert!(told.stderr.contains(" equal, not compared: extra\n"), "{told}");
        assert_eq!(pull.ask("SELECT own FROM shop.chicken"), "3");
        assert_eq!(pull.ask("SELECT DISTINCT n FROM shop.every"), "7.8");
    }
}

#[test]
fn values_that_are_not_what_they_were_are_a_failure() {
    let mut pull = PullProject::new();
    pull.set("STAGING_DUMP_TABLES", "shop.priced");
    let create = |of| {
        format!(
            "CREATE DOMAIN shop.price AS {of}; CREATE TABLE shop.priced (id int PRIMARY KEY, p shop.price) INHERITS (hectic.created_at)"
        )
    };
    pull.on_staging(&create("numeric"));
    pull.on_staging("INSERT INTO shop.priced (id, p) VALUES (1, 7.77)");
    pull.ask(&create("numeric(5,1)"));
    pull.pull([INTO]).fails(1, ["shop.priced", "differ", "nothing was changed"]);
    pull.ask("INSERT INTO shop.priced (id, p) VALUES (2, 1)");
    pull.pull([INTO]).fails(1, ["shop.priced", "differ"]);
    assert_eq!(pull.ask("SELECT string_agg(p::text, ' ') FROM shop.priced"), "1.0");
}

#[test]
fn what_is_about_the_file_is_refused() {
    let mut pull = PullProject::new();
    pull.pull([INTO, "--format", "copy"]).fails(2, ["--format"]);
    pull.pull([INTO, "--resume"]).fails(2, ["--resume"]);
    pull.pull([INTO, "--incremental"]).fails(2, ["--incremental"]);
    pull.set("STAGING_DUMP_FLAGS", "--schema-only");
    pull.pull([INTO]).fails(2, ["--into-database", "--schema-only"]);
    pull.set("STAGING_DUMP_FLAGS", "");
    pull.set("DB_URL", "postgresql://dev@db.example.org/app");
    pull.pull([INTO]).fails(2, ["db.example.org", "not on this machine"]);
}
