//! Commands that are refused, and similar ones that are allowed.

use super::refusals;
use crate::postgres::psql::lexer::scan;

fn refused(text: &str, transactional: bool) -> Vec<(usize, String)> {
    let found = refusals(&scan(text).unwrap(), transactional);
    assert!(found.iter().all(|refusal| !refusal.hint.is_empty()));
    found.into_iter().map(|refusal| (refusal.line, refusal.what)).collect()
}

/// Checks that each text is refused with these words, in a transaction or not.
fn check(corpus: &[(&str, &str)]) {
    for (text, what) in corpus {
        let expected = vec![(1, (*what).to_owned())];
        assert_eq!(refused(text, true), expected, "{text:?}");
        assert_eq!(refused(text, false), expected, "{text:?}");
    }
}

fn allow(corpus: &[&str]) {
    for text in corpus {
        assert_eq!(refused(text, true), [], "{text:?}");
    }
}

#[test]
fn programs_are_refused() {
    check(&[
        ("\\! rm -rf x \\\\ y", "`\\! rm -rf x \\\\ y` runs a program"),
        ("\\!", "`\\!` runs a program"),
        ("select 1; \\! x", "`\\! x` runs a program"),
        ("\\set x `date`", "`\\set x `date`` runs a program"),
        ("\\echo a b'c'`d`", "`\\echo a b'c'`d`` runs a program"),
        ("\\o |cat", "`\\o |cat` runs a program"),
        ("\\out '|cat'", "`\\out '|cat'` runs a program"),
        ("\\w |cat", "`\\w |cat` runs a program"),
        ("\\write '\\174cat'", "`\\write '\\174cat'` runs a program"),
        ("select 1 \\g |cat", "`\\g |cat` runs a program"),
        ("select 1\\gx (format=csv) |cat", "`\\gx (format=csv) |cat` runs a program"),
        ("\\copy t from program 'x'", "`\\copy t from program 'x'` runs a program"),
        ("\\copy (select 1) TO Program 'x'", "`\\copy (select 1) TO Program 'x'` runs a program"),
        ("\\o :file", "`\\o :file` may run a program"),
        ("\\o '':file", "`\\o '':file` may run a program"),
    ]);
    allow(&[
        "\\o file",
        "\\o out/:file",
        "\\o",
        "select 1 \\g file",
        "select 1 \\g (format=csv) file",
        "\\echo |cat '`date`'",
        "\\copy t from 'program'",
        "\\copy t(program) from file",
        "select '\\! x', $$\\! x$$ -- \\! x\n/* \\! x */;",
    ]);
}

#[test]
fn what_leaves_the_session_is_refused() {
    let leaves = ["c", "c - postgres", "connect x", "q", "quit"];
    for command in leaves {
        let what = format!("`\\{command}` leaves the session of the migrator");
        check(&[(&format!("\\{command}"), &what)]);
    }
    for command in ["e", "edit x", "ef f", "ev v"] {
        check(&[(&format!("\\{command}"), &format!("`\\{command}` opens an editor"))]);
    }
    let input = "reads the standard input, which is not the migration's";
    for command in ["prompt x y", "password", "i -", "ir '-'", "include -;", "copy t from pstdin"] {
        check(&[(&format!("\\{command}"), &format!("`\\{command}` {input}"))]);
    }
    check(&[("select 1 \\watch 1", "`\\watch 1` repeats a statement without end")]);
    allow(&[
        "\\copy t from stdin\n\\! x\n\\.\n",
        "\\copy t to pstdout",
        "\\i a-b",
        "\\s file",
        "\\cd x",
        "\\restrict key\n\\unrestrict key",
        "select $1 \\bind 1 \\g",
    ]);
}

#[test]
fn psqls_modes_are_its_own() {
    let changes = "changes how the migrator's psql treats errors and transactions";
    for name in super::MODES {
        for command in ["\\set", "\\unset", "\\getenv"] {
            let text = format!("{command} {name} on");
            check(&[(&text, &format!("`{text}` {changes}"))]);
        }
    }
    check(&[
        ("\\set AUTO'COMMIT' off", &format!("`\\set AUTO'COMMIT' off` {changes}")),
        (
            "\\set :name off",
            "`\\set :name off` may change how the migrator's psql treats errors and transactions",
        ),
        ("\\setenv PGHOST x", "`\\setenv PGHOST x` changes what psql connects to or runs"),
        ("\\setenv PSQL_PAGER x", "`\\setenv PSQL_PAGER x` changes what psql connects to or runs"),
        ("\\setenv :a x", "`\\setenv :a x` changes what psql connects to or runs"),
    ]);
    // psql ignores a `\gset` of such a variable
    allow(&[
        "\\set",
        "\\set x AUTOCOMMIT",
        "\\set autocommit on",
        "select 1 \\gset A",
        "\\setenv X y",
    ]);
}

#[test]
fn pipelines_are_refused() {
    for command in ["startpipeline", "endpipeline", "syncpipeline", "flush", "getresults 1"] {
        let what =
            "changes when statements run, so that the migrator would notice a failed one too late";
        check(&[(&format!("\\{command}"), &format!("`\\{command}` {what}"))]);
    }
}

#[test]
fn the_migrators_lock_stays() {
    let gives_up = |command| format!("`{command}` gives up the migrator's lock");
    check(&[
        ("discard /* x */ all;", &gives_up("DISCARD ALL")),
        ("select pg_catalog.pg_advisory_unlock_all();", &gives_up("pg_advisory_unlock_all")),
        ("select \"pg_advisory_unlock_all\"()", &gives_up("pg_advisory_unlock_all")),
    ]);
    allow(&[
        "discard plans;",
        "select 'pg_advisory_unlock_all', $$pg_advisory_unlock_all()$$;",
        "grant execute on function pg_advisory_unlock_all() to x;",
        "create function f() returns void begin atomic select pg_advisory_unlock_all(); end;",
        "select pg_advisory_unlock(1);",
    ]);
}

/// Checks that each text is refused only in a transaction.
fn check_in_transaction(does: &str, corpus: &[(&str, &str)]) {
    for (text, command) in corpus {
        assert_eq!(refused(text, true), [(1, format!("`{command}` {does}"))], "{text:?}");
        assert_eq!(refused(text, false), [], "{text:?}");
    }
}

#[test]
fn the_transaction_is_the_migrators() {
    check_in_transaction(
        "takes the transaction out of the migrator's hands",
        &[
            ("begin;", "BEGIN"),
            ("Begin isolation level serializable;", "BEGIN"),
            ("start transaction;", "START TRANSACTION"),
            ("/* x */ commit", "COMMIT"),
            ("end work;", "END WORK"),
            ("rollback;", "ROLLBACK"),
            ("rollback and chain;", "ROLLBACK"),
            ("abort;", "ABORT"),
            ("prepare transaction 'x';", "PREPARE TRANSACTION"),
            ("commit prepared 'x';", "COMMIT PREPARED"),
            ("rollback prepared 'x';", "ROLLBACK PREPARED"),
            ("commit \\;", "COMMIT"),
            ("commit \\g", "COMMIT"),
        ],
    );
    allow(&[
        "savepoint a; rollback to a; rollback work to savepoint a; release a;",
        "do $$ begin commit; end $$;",
        "create procedure p() language sql begin atomic select 1; end;",
        "create function f() returns int language plpgsql as 'begin return 1; end';",
        "copy t from stdin;\ncommit;\n\\.\n",
        "-- commit;\nselect 'commit;'; select (commit) from t; prepare transaction as select 1;",
        "set transaction isolation level serializable;",
    ]);
}

#[test]
fn characteristics_that_would_not_work_are_refused() {
    let writes =
        "decides whether transactions may write, and the migrator records the migration in one";
    check_in_transaction(
        writes,
        &[
            ("set transaction read only;", "SET TRANSACTION READ ONLY"),
            (
                "set local transaction isolation level serializable, read only;",
                "SET LOCAL TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY",
            ),
            ("set local transaction_read_only = on;", "SET LOCAL TRANSACTION_READ_ONLY ON"),
        ],
    );
    check(&[
        (
            "set session characteristics as transaction read only;",
            &format!("`SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY` {writes}"),
        ),
        (
            "set default_transaction_read_only to 'on';",
            &format!("`SET DEFAULT_TRANSACTION_READ_ONLY TO` {writes}"),
        ),
    ]);
    check_in_transaction(
        "has no effect on the migration, because its transaction is open already",
        &[
            (
                "set session characteristics as transaction isolation level serializable;",
                "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            ),
            ("set default_transaction_deferrable = on;", "SET DEFAULT_TRANSACTION_DEFERRABLE ON"),
        ],
    );
    assert_eq!(refused("set transaction snapshot 'x';", true).len(), 1);
    allow(&[
        "set transaction isolation level repeatable read, read write, not deferrable;",
        "set local transaction_isolation = 'serializable'; set transaction_deferrable = on;",
        "set session transaction_read_only = off; set transaction_timeout = 1;",
        "alter role x set default_transaction_isolation = 'serializable';",
    ]);
}

#[test]
fn what_cannot_be_in_a_transaction_is_refused_there() {
    check_in_transaction(
        "cannot run in a transaction",
        &[
            ("create index concurrently on t (a);", "CREATE INDEX CONCURRENTLY"),
            ("create unique index concurrently i on t (a);", "CREATE UNIQUE INDEX CONCURRENTLY"),
            ("drop index concurrently if exists i;", "DROP INDEX CONCURRENTLY"),
            ("reindex (verbose) table concurrently t;", "REINDEX CONCURRENTLY"),
            ("reindex (concurrently) index i;", "REINDEX CONCURRENTLY"),
            ("reindex database d;", "REINDEX DATABASE"),
            (
                "alter table only s.\"t t\" detach partition \"p\" concurrently;",
                "DETACH PARTITION CONCURRENTLY",
            ),
            ("vacuum (full) t;", "VACUUM"),
            ("create database d;", "CREATE DATABASE"),
            ("drop database if exists d;", "DROP DATABASE"),
            ("alter database \"d\" set tablespace t;", "ALTER DATABASE SET TABLESPACE"),
            ("create tablespace t location '/x';", "CREATE TABLESPACE"),
            ("alter system set a = 1;", "ALTER SYSTEM"),
            ("cluster verbose;", "CLUSTER"),
        ],
    );
    allow(&[
        "create index \"concurrently\" on t (a);",
        "reindex table t; reindex index \"CONCURRENTLY\";",
        "alter table t detach partition p; alter table t detach partition p finalize;",
        "alter table t add column vacuum int; create table system (a int);",
        "refresh materialized view concurrently m; cluster t; cluster t using i; analyze;",
        "alter type t add value 'x'; alter database d set a = 1; create subscription s;",
    ]);
}

#[test]
fn branches_that_are_not_taken_are_judged() {
    let text = "\\if false\n\\! x\ncommit;\n\\else\n\\elif `x`\n\\endif\n";
    let lines: Vec<_> = refused(text, true).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [2, 3, 5]);
}
