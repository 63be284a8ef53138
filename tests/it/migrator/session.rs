//! One psql session for a whole run: no state of one migration reaches the next.

use crate::support::migrator::{MigratorProject, table};
use crate::support::psql;

const ALONE: &str = "-- migrator: no-transaction\n";

/// Reports every difference from a fresh session.
const CHECK: &str = "DO $check$
BEGIN
  ASSERT current_user = 'dev' AND session_user = 'dev', 'role';
  ASSERT current_setting('search_path') = '\"$user\", public', 'search_path';
  ASSERT (SELECT setting = reset_val FROM pg_settings WHERE name = 'work_mem'), 'work_mem';
  ASSERT coalesce(current_setting('my.thing', true), '') = '', 'my.thing';
  ASSERT current_setting('standard_conforming_strings') = 'on', 'strings';
  ASSERT current_setting('client_encoding') = 'UTF8', 'encoding';
  ASSERT current_setting('hectic.migration_mode') = 'on', 'migration_mode';
  ASSERT NOT EXISTS (SELECT FROM pg_prepared_statements), 'prepared statements';
  ASSERT NOT EXISTS (SELECT FROM pg_cursors), 'cursors';
  ASSERT NOT EXISTS (SELECT FROM pg_listening_channels()), 'channels';
  ASSERT to_regclass('pg_temp.scratch') IS NULL, 'temporary tables';
  ASSERT (SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), 'locks';
  BEGIN
    PERFORM currval('counter');
    RAISE 'sequences';
  EXCEPTION WHEN object_not_in_prerequisite_state THEN
    NULL;
  END;
END
$check$;
";

#[test]
fn nothing_of_the_servers_session_is_left() {
    for first in ["", ALONE] {
        let project = MigratorProject::new();
        project.ask("CREATE ROLE other; CREATE SEQUENCE counter");
        project.write_up(
            1,
            &format!(
                "{first}SELECT nextval('counter');\n\
                 CREATE TEMP TABLE scratch (id int);\n\
                 DECLARE c CURSOR WITH HOLD FOR SELECT 1;\n\
                 PREPARE p AS SELECT 1;\n\
                 LISTEN news;\n\
                 SELECT pg_advisory_lock(42), pg_advisory_lock(42), pg_advisory_lock_shared(-1);\n\
                 SELECT pg_advisory_lock(1, -2), pg_advisory_lock_shared(-3, 4);\n\
                 SET work_mem = '1MB'; SET my.thing = 'set'; SET search_path = nowhere;\n\
                 SET client_encoding = 'LATIN1'; SET standard_conforming_strings = off;\n\
                 SET SESSION AUTHORIZATION other;\nSET ROLE other;\n"
            ),
        );
        project.write_up(2, CHECK);
        project.write_up(3, &format!("{ALONE}{CHECK}"));
        project.up_all();
        assert_eq!(project.states(), "1 Migrated, 2 Migrated, 3 Migrated");
    }
}

#[test]
fn nothing_of_psql_is_left() {
    for first in ["", ALONE] {
        let project = MigratorProject::new();
        project.write_up(
            1,
            &format!(
                "{first}\\set mine 'a value'\n\\set two 'line 1\\nECHO = ''all'''\n\
                 SELECT 'hidden' AS got \\gset\n\
                 \\set ECHO all\n\\set QUIET off\n\\set VERBOSITY terse\n\\set FETCH_COUNT 1\n\
                 \\unset SHOW_CONTEXT\n\\pset format csv\n\\pset null NONE\n\\pset border 2\n\
                 \\t on\n\\x on\n\\timing on\n\\encoding LATIN1\n\\cd ..\n\\o elsewhere.txt\n"
            ),
        );
        project.write_up(
            2,
            "\\if :{?mine}\nSELECT 1/0;\n\\endif\n\\if :{?got}\nSELECT 1/0;\n\\endif\n\
             \\if :{?two}\nSELECT 1/0;\n\\endif\n\
             \\echo [:ECHO] [:QUIET] [:VERBOSITY] [:FETCH_COUNT] [:SHOW_CONTEXT]\n\
             SELECT 'one' AS first, NULL AS second, length('ä') AS third;\n\
             \\i here.txt\n",
        );
        project.write("here.txt", "\\echo from here\n");
        project
            .write_up(3, "\\echo [:ECHO] [:QUIET] [:VERBOSITY] [:FETCH_COUNT] [:SHOW_CONTEXT]\n");
        let said = project.up_all().stderr;
        let variables: Vec<&str> = said.lines().filter(|line| line.starts_with('[')).collect();
        assert_eq!(variables, ["[errors] [on] [verbose] [0] [always]"; 2], "{said}");
        for line in [" first | second | third ", " one   |        |     1", "from here"] {
            assert!(said.contains(line), "{line}: {said}");
        }
        let after = said.split_once("applied").unwrap().1;
        assert!(!after.contains("Time:"), "{said}");
    }
}

#[test]
fn a_value_that_looks_like_psqls_own_list_of_variables_runs_nothing() {
    let project = MigratorProject::new();
    project.write_up(1, "\\set x 'a\\n\\\\! touch hacked = ''b'''\n");
    project.write_up(2, &table("t2"));
    project.up_all();
    assert!(!project.path("hacked").exists());
    assert_eq!(project.tables(), "t2");
}

#[test]
fn what_a_migration_says_goes_to_standard_error() {
    let project = MigratorProject::new();
    project.write_up(
        1,
        "DO $$ BEGIN RAISE NOTICE 'remember this'; END $$;\nSELECT 'a row';\n\\echo said\n",
    );
    let applied = project.migrator(["migrate", "up", "--json"]).success();
    for words in ["remember this", "a row", "said"] {
        assert!(applied.stderr.contains(words), "{words}: {applied}");
        assert!(!applied.stdout.contains(words), "{words}: {applied}");
    }
    let quiet = project.migrator(["-q", "migrate", "redo"]).success();
    assert_eq!(quiet.stderr, "", "{quiet}");
}

#[test]
fn a_session_that_waits_for_a_migration_is_not_ended_as_idle() {
    let project = MigratorProject::new();
    // the setting is off in the migrator's session only; a query of the test itself may be slow
    project.ask("ALTER ROLE dev IN DATABASE app SET idle_session_timeout = '100ms'");
    project.write_up(1, "SELECT pg_sleep(0.5);\n");
    project.write_up(2, "-- migrator: no-transaction\nSELECT 2;\n");
    project.up_all();
    assert_eq!(project.states(), "1 Migrated, 2 Migrated");
}

#[test]
fn no_startup_file_is_read() {
    let project = MigratorProject::with_tables(1);
    project.write("home/.psqlrc", "\\set ON_ERROR_STOP 0\n\\echo PSQLRC\n");
    let applied = project.up_all();
    assert!(!applied.stderr.contains("PSQLRC"), "{applied}");
}

#[test]
fn reference_data_in_immutable_tables_migrates() {
    let project = MigratorProject::new();
    project.write_up(
        1,
        "CREATE TABLE ref (id int, label text) INHERITS (hectic.created_at, hectic.immutable);\n",
    );
    let gexec = "SELECT format('INSERT INTO ref (id) VALUES (%s)', n) FROM generate_series(3, 5) n \\gexec\n";
    let writes = "INSERT INTO ref (id) VALUES (1), (2);\nUPDATE ref SET label = 'x';\n\
                  DELETE FROM ref WHERE id = 2;\n\
                  \\ir more.sql\n";
    for (number, first) in [(2, ""), (3, ALONE)] {
        let down = format!("{first}DELETE FROM ref;\n");
        let name = crate::support::migrator::name(number);
        project.write_migration(&name, &format!("{first}{gexec}{writes}"), &down);
        project.write(
            &format!("migration/{name}/more.sql"),
            "COPY ref (id) FROM stdin;\n6\n\\.\nDELETE FROM ref WHERE id = 6;\n",
        );
    }
    project.up_all();
    assert_eq!(
        project.ask("SELECT string_agg(id || label, ' ' ORDER BY id) FROM ref"),
        "1x 1x 3x 3x 4x 4x 5x 5x"
    );
    project.migrator(["migrate", "down", "2"]).success();
    assert_eq!(project.ask("SELECT count(*) FROM ref"), "0");
    let insert = ["-X", "-d", &project.url("app"), "-c", "INSERT INTO ref (id) VALUES (9)"];
    project.run(&psql(), insert).fails(1, ["immutable table public.ref"]);
}

/// Fails unless the transaction has this isolation level.
fn check_level(level: &str) -> String {
    format!(
        "DO $check$ BEGIN\n  ASSERT current_setting('transaction_isolation') = '{level}', 'level';\n\
         END $check$;\n"
    )
}

#[test]
fn a_migration_chooses_the_isolation_level_of_its_transaction() {
    let project = MigratorProject::new();
    let choices = [
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;", "serializable"),
        (
            "-- why\nSET LOCAL lock_timeout = 0;\n\
             SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE, DEFERRABLE;",
            "repeatable read",
        ),
        ("SET LOCAL transaction_isolation = 'serializable';", "serializable"),
        ("SET transaction_deferrable = on;", "read committed"),
        ("\\ir level.psql", "repeatable read"),
    ];
    for (version, (first, level)) in (1..).zip(choices) {
        let migration = format!("{first}\n{}{}", check_level(level), table(&format!("t{version}")));
        project.write_up(version, &migration);
    }
    let included = format!("migration/{}/level.psql", crate::support::migrator::name(5));
    project.write(&included, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;\n");
    // the level of one migration does not reach the next
    project.write_up(6, &check_level("read committed"));
    project.up_all();
    assert_eq!(
        project.states(),
        "1 Migrated, 2 Migrated, 3 Migrated, 4 Migrated, 5 Migrated, 6 Migrated"
    );
}

#[test]
fn a_level_after_the_first_query_fails_and_an_escape_is_noticed() {
    let project = MigratorProject::new();
    project.write_up(1, "SELECT 1;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n");
    project.up_fails(4, ["must be called before any query"]);
    let escape = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n\
                  SELECT 'COMMIT' \\gexec\nSELECT 'BEGIN' \\gexec\n";
    project.write_up(1, escape);
    project.up_fails(4, ["the migration ended its own transaction"]);
    project.write_up(1, "SET TRANSACTION READ ONLY;\n");
    project.up_fails(2, ["decides whether transactions may write", "remove it"]);
}
