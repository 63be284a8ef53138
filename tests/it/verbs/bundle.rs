//! `database bundle`: the version of the bundle in a database, and its upgrade.

use crate::support::{Sandbox, project, repository};

fn upgraded_setup() -> String {
    let setup = repository().join("tests/fixture/bundle/upgrade/0.1.0-setup.sql");
    std::fs::read_to_string(setup).unwrap()
}

#[test]
fn status_tells_every_state() {
    let sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    let status = || sandbox.database(["bundle", "status"]).success().stdout;
    assert_eq!(status(), "absent (this tool brings 0.5.3)\n");
    sandbox.database(["bundle", "upgrade"]).success();
    assert_eq!(status(), "0.5.3, full, current\n");
    for (version, expected) in [
        ("0.10.0", "0.10.0, full, newer than 0.5.3\n"),
        ("0.1.0", "0.1.0, full, older than 0.5.3\n"),
        ("0.1.7", "0.1.7, full, unknown to this tool (0.5.3)\n"),
        ("banana", "banana, full, unknown to this tool (0.5.3)\n"),
    ] {
        sandbox.ask(&format!("UPDATE hectic.version SET version = '{version}'"));
        assert_eq!(status(), expected);
    }
    sandbox.ask("DROP TABLE hectic.version");
    assert_eq!(status(), "there, full, without a version\n");
}

#[test]
fn upgrade_says_what_it_did() {
    let sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    let upgrade = || sandbox.database(["bundle", "upgrade"]).success().stderr;
    assert_eq!(upgrade(), "full bundle 0.5.3 applied\n");
    assert_eq!(upgrade(), "full bundle 0.5.3 is current; applied again\n");
    sandbox.ask("DROP TABLE hectic.version");
    assert_eq!(
        upgrade(),
        "upgraded to the full bundle 0.5.3 (was: there, full, without a version)\n"
    );
}

#[test]
fn the_shell_tools_bundle_is_upgraded() {
    let sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    sandbox.run_with_input("database", ["psql", "-Xq"], &upgraded_setup()).success();
    let upgraded = sandbox.database(["bundle", "upgrade"]).success();
    assert!(
        upgraded.stderr.contains("upgraded to the full bundle 0.5.3 (was: 0.1.0"),
        "{upgraded}"
    );
    let check = repository().join("tests/fixture/bundle/upgrade/0.1.0-check.sql");
    sandbox.database(["psql", "-Xq", "-f", check.to_str().unwrap()]).success();
    sandbox.database(["hydrate"]).success();
}

#[test]
fn a_failing_upgrade_changes_nothing() {
    let sandbox = project::with_source("");
    sandbox.database(["init"]).success();
    sandbox.run_with_input("database", ["psql", "-Xq"], &upgraded_setup()).success();
    sandbox.ask(
        "DROP EVENT TRIGGER other_name; CREATE SEQUENCE hectic.secret_plain; \
                 ALTER TABLE hectic.version ADD CHECK (version = '0.1.0')",
    );
    sandbox.database(["bundle", "upgrade"]).fails(1, ["cannot upgrade the bundle from 0.1.0"]);
    let kept = "SELECT string_agg(key, ',' ORDER BY key) || (SELECT version FROM hectic.version) \
                FROM hectic.secret";
    assert_eq!(sandbox.ask(kept), "EMPTY,ODD,TOKEN0.1.0");
}

fn run(sandbox: &Sandbox, fixture: &str) {
    let file = repository().join("tests/fixture/bundle").join(fixture).display().to_string();
    sandbox.database(["psql", "-Xq", "-o", "/dev/null", "-f", &file]).success();
}

/// A database with this older version gets the event triggers and functions of this bundle, and
/// keeps its rows.
fn event_triggers_give_way(from: &str) {
    let sandbox = project::deployed("");
    sandbox.give_key();
    sandbox.ask("SELECT hectic.set_secret('KEPT', 'as it is')");
    sandbox.ask("CREATE TABLE kept () INHERITS (hectic.created_at, hectic.updated_at)");
    run(&sandbox, &format!("upgrade/{from}-setup.sql"));
    let status = sandbox.database(["bundle", "status"]).success().stdout;
    assert_eq!(status, format!("{from}, full, older than 0.5.3\n"));
    sandbox.ask("ALTER EVENT TRIGGER hectic_sync_inherited_triggers DISABLE");
    sandbox.ask("CREATE TABLE unwatched () INHERITS (kept)");
    let upgraded = sandbox.database(["bundle", "upgrade"]).success();
    let warning =
        "the event trigger hectic_sync_inherited_triggers was disabled and is enabled now";
    let version = format!("upgraded to the full bundle 0.5.3 (was: {from}");
    for word in [version.as_str(), warning] {
        assert!(upgraded.stderr.contains(word), "{upgraded}");
    }
    assert_eq!(sandbox.ask("SELECT hectic.get_secret('KEPT')"), "as it is");
    let triggers = "SELECT string_agg(tgrelid::regclass::text, ' ' ORDER BY tgrelid) FROM pg_trigger \
                    WHERE tgname = 'hectic_set_updated_at'";
    assert_eq!(sandbox.ask(triggers), "hectic.updated_at kept unwatched");
    run(&sandbox, "objects.sql");
    run(&sandbox, "created_at.sql");
}

#[test]
fn event_triggers_of_0_4_0_give_way() {
    event_triggers_give_way("0.4.0");
}

#[test]
fn triggers_of_immutable_tables_of_0_5_1_are_renamed() {
    let sandbox = project::deployed("");
    run(&sandbox, "upgrade/0.5.1-setup.sql");
    let triggers = |table: &str| {
        sandbox.ask(&format!(
            "SELECT string_agg(tgname || ' ' || tgenabled::text, ', ' ORDER BY tgname) \
             FROM pg_trigger WHERE tgrelid = '{table}'::regclass"
        ))
    };
    let old = "hectic_block_immutable_rows D, hectic_block_immutable_statements O";
    assert_eq!(triggers("frozen"), old);
    let upgraded = sandbox.database(["bundle", "upgrade"]).success();
    assert!(upgraded.stderr.contains("(was: 0.5.1"), "{upgraded}");
    let new = "hectic_block_immutable_dml D, hectic_block_immutable_truncate O";
    assert_eq!(triggers("frozen"), new);
    sandbox.ask("CREATE TABLE other (id int) INHERITS (hectic.created_at, hectic.immutable)");
    for table in ["hectic.immutable", "other"] {
        assert_eq!(triggers(table), new.replace(" D", " O"), "{table}");
    }
    run(&sandbox, "objects.sql");
}

#[test]
fn the_history_of_0_5_1_is_kept() {
    let sandbox = project::deployed("");
    for (version, up) in [(1, "SELECT 1;"), (2, "SELECT 2;"), (3, "SELECT nonsense;")] {
        sandbox.write(&format!("project/db/migration/2025010100000{version}-m/up.sql"), up);
        sandbox.write(&format!("project/db/migration/2025010100000{version}-m/down.sql"), "");
    }
    sandbox.database(["migrator", "migrate", "up", "2"]).success();
    sandbox.database(["migrator", "migrate", "down"]).success();
    sandbox.database(["migrator", "migrate", "up", "all"]).fails(4, ["nonsense"]);
    let names = "SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint \
                 WHERE conrelid = 'hectic.migration_state'::regclass";
    let (info, fresh) =
        (sandbox.database(["migrator", "info"]).success().stdout, sandbox.ask(names));
    let list = "SELECT string_agg(m::text, ' ') FROM hectic.migration m";
    let listed = sandbox.ask(list);
    run(&sandbox, "upgrade/0.5.1-setup.sql");
    sandbox.ask("CREATE ROLE reader; GRANT SELECT ON hectic.migration TO reader");
    for verb in [&["info"][..], &["validate"], &["migrate", "up"]] {
        let words = [&["migrator"], verb].concat();
        sandbox.run("database", words).fails(13, ["another release", "database bundle upgrade"]);
    }
    sandbox.database(["backup"]).success();
    let described = sandbox.read("project/focus/postgresql-backup/backup.json");
    assert!(described.contains("\"default\": \"20250101000002-m\""), "{described}");
    sandbox.database(["bundle", "upgrade"]).success();
    assert_eq!(sandbox.database(["migrator", "info"]).success().stdout, info);
    assert_eq!((sandbox.ask(list), sandbox.ask(names)), (listed, fresh));
    let may = "SELECT has_table_privilege('reader', 'hectic.migration', 'SELECT')";
    assert_eq!(sandbox.ask(may), "t");
}

#[test]
fn event_triggers_of_0_5_0_give_way() {
    event_triggers_give_way("0.5.0");
}

/// A database of 0.2.0 or 0.3.0 with these rows in its plain table.
fn plain(from: &str, rows: &str) -> Sandbox {
    let sandbox = project::deployed("");
    let setup = repository().join("tests/fixture/bundle/upgrade/plain-setup.sql");
    let (from, setup) = (format!("from={from}"), setup.display().to_string());
    sandbox.database(["psql", "-Xq", "-o", "/dev/null", "-v", &from, "-f", &setup]).success();
    if !rows.is_empty() {
        let table = "hectic.secret (key, value, updated_at)";
        sandbox.ask(&format!("INSERT INTO {table} SELECT *, '2020-02-02' FROM (VALUES {rows}) r"));
    }
    sandbox
}

const ROWS: &str = "('TOKEN', E'multi\nline'), ('A.b_1', 's3cr3t'), ('EMPTY', '')";

#[test]
fn plain_secrets_are_sealed() {
    for from in ["0.2.0", "0.3.0"] {
        let sandbox = plain(from, ROWS);
        let upgraded = sandbox.database(["bundle", "upgrade"]).success();
        for word in
            ["write-ahead log", "VACUUM FULL pg_catalog.pg_statistic", &format!("was: {from}")]
        {
            assert!(upgraded.stderr.contains(word), "{upgraded}");
        }
        assert!(!upgraded.stderr.contains("s3cr3t"), "{upgraded}");
        let values = "SELECT string_agg(concat_ws('=', key, value, updated_at::date), ' ' ORDER BY key) FROM hectic.secret";
        let all = "A.b_1=s3cr3t=2020-02-02 EMPTY==2020-02-02 TOKEN=multi\nline=2020-02-02";
        assert_eq!(sandbox.ask(values), all);
        assert_eq!(sandbox.ask("SELECT token FROM uses_secret"), "multi\nline");
        assert_eq!(
            sandbox.ask("SELECT count(*) FROM pg_class WHERE relname = 'secret' AND relkind = 'r'"),
            "0"
        );
        let sealed =
            "SELECT bool_and(position('s3cr3t'::bytea IN sealed) = 0) FROM hectic.secret_sealed";
        assert_eq!(sandbox.ask(sealed), "t");
        let objects = repository().join("tests/fixture/bundle/objects.sql").display().to_string();
        sandbox.database(["psql", "-Xq", "-o", "/dev/null", "-f", &objects]).success();
        sandbox.database(["hydrate"]).success();
    }
}

#[test]
fn secrets_that_cannot_be_sealed_stop_the_upgrade() {
    let untouched = |sandbox: &Sandbox, from: &str| {
        assert_eq!(sandbox.ask("SELECT version FROM hectic.version"), from);
        assert_eq!(sandbox.ask("SELECT hectic.get_secret('TOKEN')"), "multi\nline");
        assert_eq!(sandbox.ask("SELECT to_regclass('hectic.secret_plain') IS NULL"), "t");
    };
    // pieces of a value that lost its quotes, as the shell tools read them
    let pieces =
        format!("{ROWS}, ('s3cr3t piece', 'x'), ('-----s3cr3t', 'x'), ('BIG', repeat('x', 65537))");
    let sandbox = plain("0.3.0", &pieces);
    let refused = sandbox
        .database(["bundle", "upgrade"])
        .fails(1, ["cannot upgrade the bundle from 0.3.0: 3 of the secrets"]);
    assert!(!refused.stderr.contains("s3cr3t") && refused.stderr.contains("TRUNCATE"), "{refused}");
    untouched(&sandbox, "0.3.0");

    let sandbox = plain("0.2.0", ROWS);
    sandbox.give_key();
    std::fs::write(sandbox.path("pg/hectic.key"), "# none\n").unwrap();
    let refused =
        sandbox.database(["bundle", "upgrade"]).fails(3, ["holds no key", "openssl rand"]);
    assert!(!refused.stderr.contains("s3cr3t"), "{refused}");
    untouched(&sandbox, "0.2.0");
}

#[test]
fn no_secrets_need_no_key() {
    let sandbox = plain("0.3.0", "");
    sandbox.give_key();
    std::fs::write(sandbox.path("pg/hectic.key"), "# none\n").unwrap();
    let upgraded = sandbox.database(["bundle", "upgrade"]).success();
    assert!(!upgraded.stderr.contains("write-ahead log"), "{upgraded}");
    assert_eq!(sandbox.ask("SELECT count(*) FROM hectic.secret"), "0");
}

#[test]
fn a_newer_or_unknown_version_is_refused_and_nothing_changes() {
    let sandbox = project::deployed("");
    for (version, word) in [("0.10.0", "newer db-tool"), ("banana", "no release of db-tool made")] {
        sandbox.ask(&format!("UPDATE hectic.version SET version = '{version}'"));
        let refused = sandbox.database(["bundle", "upgrade"]).fails(13, [version, word]);
        assert!(refused.stderr.contains("nothing was changed"), "{refused}");
        assert_eq!(sandbox.ask("SELECT version FROM hectic.version"), version);
    }
}

#[test]
fn it_needs_a_connection_and_a_verb() {
    let mut sandbox = project::with_source("");
    sandbox.database(["bundle", "status"]).fails(1, ["no server listens there"]);
    sandbox.database(["bundle"]).fails(3, ["Usage: database bundle"]);
    sandbox.database(["bundle", "remove"]).fails(9, ["remove"]);
    sandbox.unset("DB_URL");
    sandbox.database(["bundle", "status"]).fails(3, ["DB_URL"]);
}
