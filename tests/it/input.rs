//! Bad input: the programs print a clear error, lose nothing and leave nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::project::{self, with_own_cache};
use crate::support::trace::nothing_left;
use crate::support::{Outcome, is_root, repository};

/// A check of `source` fails with exit 1 and these words, and leaves nothing.
#[track_caller]
fn fails<const N: usize>(source: &str, words: [&str; N]) -> Outcome {
    let sandbox = with_own_cache(source);
    let failed = sandbox.database(["check"]).fails(1, words);
    nothing_left(&sandbox);
    failed
}

#[test]
fn a_syntax_error_in_an_included_file() {
    let sandbox = with_own_cache("SELECT 1;\n\\ir deep/one.sql\n");
    sandbox.write("project/db/src/deep/one.sql", "SELECT 1;\n\\ir two.sql\n");
    sandbox.write("project/db/src/deep/two.sql", "\nSELECT\n  1 +* ,;\n");
    sandbox.database(["check"]).fails(1, ["deep/two.sql:3:", "  1 +* ,;", "42601"]);
    nothing_left(&sandbox);
}

#[test]
fn a_source_with_byte_order_mark_and_carriage_returns() {
    let sandbox = with_own_cache("\u{feff}SELECT 'ä';\r\nSELECT\r\n  'ü', missing;\r\n");
    let failed = sandbox.database(["check"]).fails(1, ["entrypoint.sql:3:8", "42703"]);
    assert!(!failed.stderr.contains('\r'), "{failed}");
    sandbox.write("project/db/src/entrypoint.sql", "\u{feff}SELECT 'ä';\r\n");
    sandbox.database(["check"]).success();
}

#[test]
fn what_psql_does_not_know_or_find() {
    fails("SELECT 1;\n\\ir no/such.sql\n", ["entrypoint.sql:2", "no/such.sql", "No such file"]);
    fails("SELECT 1;\n\\nonsense x\n", ["entrypoint.sql:2", "invalid command \\nonsense"]);
    fails("\\set x 1\nSELECT :y;\n", ["entrypoint.sql:2", "syntax error"]);
    fails("\\copy t from 'no.csv'\n", ["no.csv"]);
    fails("\\if true\nSELECT 1/0;\n\\endif\n", ["division by zero", "22012"]);
}

/// As in psql itself, `\q` ends only the file in which it stands, and `\!` only runs a program.
#[test]
fn commands_that_leave_psql() {
    let sandbox =
        with_own_cache("\\ir part.sql\nSELECT 'after' AS x \\gset\n\\! touch reached-:x\n");
    sandbox.write("project/db/src/part.sql", "\\! exit 3\n\\q\nSELECT 1/0;\n");
    sandbox.database(["check"]).success();
    assert_eq!(sandbox.entries("project"), ["db", "reached-:x"]);
}

#[test]
fn sources_that_are_no_text() {
    fails("SELECT '\0';\n", ["entrypoint.sql"]);
    let sandbox = with_own_cache("");
    sandbox.write("project/db/src/entrypoint.sql", b"SELECT '\xff\xfe';\n");
    sandbox.database(["check"]).fails(1, ["entrypoint.sql:1", "invalid byte sequence"]);
    sandbox.write("project/db/src/entrypoint.sql", "");
    sandbox.database(["check"]).success();
    nothing_left(&sandbox);
}

/// The sample project works in any directory.
#[test]
fn any_path_will_do() {
    for name in ["with space", "it's \"quoted\"", "größe-日本", "$HOME;`x`", "-n", "a:1: b"] {
        let mut sandbox = with_own_cache("");
        let local = sandbox.path(name);
        project::copy(&repository().join("nix/template"), &local);
        sandbox.set("LOCAL_DIR", &local);
        sandbox.database(["check"]).success();
        let temporary = sandbox.path("tmp").join(name);
        std::fs::create_dir(&temporary).unwrap();
        std::fs::set_permissions(&temporary, PermissionsExt::from_mode(0o1777)).unwrap();
        sandbox.set_temporary(&temporary);
        std::fs::write(local.join("db/src/entrypoint.sql"), "SELECT 1;\nSELEKT 2;\n").unwrap();
        let place = format!("{name}/db/src/entrypoint.sql:2:1");
        sandbox.database(["check"]).fails(1, [&place, "2 | SELEKT 2;"]);
        std::fs::remove_dir(&temporary).unwrap();
        nothing_left(&sandbox);
    }
}

#[test]
fn a_path_that_is_not_utf_8() {
    let mut sandbox = with_own_cache("");
    let local = sandbox.path("").join(OsStr::from_bytes(b"caf\xe9"));
    project::copy(&repository().join("nix/template"), &local);
    sandbox.set("LOCAL_DIR", &local);
    sandbox.database(["check"]).success();
    std::fs::write(local.join("db/src/entrypoint.sql"), "SELECT 1;\nSELEKT 2;\n").unwrap();
    sandbox.database(["check"]).fails(1, ["entrypoint.sql:2", "42601"]);
    nothing_left(&sandbox);
}

#[test]
fn a_tmpdir_too_long_for_sockets() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    let long = sandbox.path("tmp").join("l".repeat(120));
    std::fs::create_dir(&long).unwrap();
    std::fs::set_permissions(&long, PermissionsExt::from_mode(0o1777)).unwrap();
    sandbox.set_temporary(&long);
    let checked = sandbox.database(["check"]).success();
    assert!(checked.stderr.contains("is too long for a socket"), "{checked}");
    let (_, rest) = checked.stderr.split_once("the socket is in ").expect("its place");
    let short = std::path::Path::new(rest.lines().next().unwrap());
    assert!(short.is_absolute() && !short.exists(), "{} is gone as well", short.display());
    std::fs::remove_dir(&long).expect("empty");
    nothing_left(&sandbox);
}

#[test]
fn a_tmpdir_that_is_none() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    let file = sandbox.write("home/file", "");
    for bad in ["/nonexistent/tmp", file.to_str().unwrap(), "/proc"] {
        sandbox.set_temporary(bad);
        sandbox.database(["check"]).fails(1, [bad]);
    }
    let closed = sandbox.path("home/closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o500)).unwrap();
    sandbox.set_temporary(&closed);
    // root can write anywhere, but the server's user needs access to the directory
    let blocked = if is_root() { "is closed to that user" } else { "set TMPDIR to" };
    sandbox.database(["check"]).fails(1, [closed.to_str().unwrap(), blocked]);
    nothing_left(&sandbox);
}

/// Without a writable home, as in containers and build sandboxes.
#[test]
fn without_a_cache_it_takes_longer() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    sandbox.unset("XDG_CACHE_HOME");
    sandbox.set("HOME", "/dev/null");
    let checked = sandbox.database(["check"]).success();
    assert!(checked.stderr.contains("no cache can be used"), "{checked}");
    sandbox.set("PG_TEMPLATE", "off");
    let checked = sandbox.database(["check"]).success();
    assert!(!checked.stderr.contains("no cache"), "{checked}");
    nothing_left(&sandbox);
}

#[test]
fn a_cache_that_is_read_only() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    std::fs::create_dir_all(sandbox.path("home/.cache/db-tool")).unwrap();
    let cache = sandbox.path("home/.cache/db-tool");
    if is_root() {
        // permissions do not stop root, so a file in the place of the directory does
        std::fs::remove_dir(&cache).unwrap();
        symlink("/proc/self", &cache).unwrap();
    } else {
        std::fs::set_permissions(&cache, PermissionsExt::from_mode(0o500)).unwrap();
    }
    sandbox.set("XDG_CACHE_HOME", sandbox.path("home/.cache"));
    let checked = sandbox.database(["check"]).success();
    assert!(checked.stderr.contains("no cache can be used"), "{checked}");
    nothing_left(&sandbox);
}

#[test]
fn without_home() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    sandbox.unset("HOME");
    sandbox.database(["check"]).success();
    nothing_left(&sandbox);
}

#[test]
fn without_postgresql() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    sandbox.set("PG_BINDIR", "/nonexistent/bin");
    sandbox.database(["check"]).fails(127, ["/nonexistent/bin", "PG_BINDIR"]);
    nothing_left(&sandbox);
}

#[test]
fn a_source_that_loses_its_connection() {
    let own = "SELECT pg_terminate_backend(pg_backend_pid());\nSELECT 1;\n";
    fails(own, ["entrypoint.sql:1", "terminating connection"]);
    let dropped = "\\c postgres\nDROP DATABASE app;\n\\c app\n";
    fails(dropped, ["entrypoint.sql:3", "does not exist"]);
}

#[test]
fn a_source_that_drops_the_database() {
    let sandbox = with_own_cache("\\c postgres\nDROP DATABASE app;\n");
    sandbox.write("project/test-data.sql", "SELECT 1;\n");
    sandbox.database(["check"]).fails(1, ["patching failed", "does not exist"]);
    nothing_left(&sandbox);
}

#[test]
fn a_source_that_ends_the_server() {
    for signal in ["KILL", "QUIT", "INT", "TERM"] {
        let source = format!(
            "CREATE TEMPORARY TABLE t (x text);\n\
             COPY t FROM PROGRAM 'kill -s {signal} $(head -n 1 postmaster.pid)';\n\
             DO $$ BEGIN WHILE pg_read_file('postmaster.pid') !~ 'stopping' LOOP\n\
             PERFORM pg_sleep(0.01); END LOOP; END $$;\n\\c\nSELECT 1;\n"
        );
        fails(&source, ["hydrating failed", "entrypoint.sql"]);
    }
}

#[test]
fn a_crash_is_told_with_the_servers_own_words() {
    let source = "CREATE TEMPORARY TABLE t (x text);\nCOPY t FROM PROGRAM 'kill -s KILL $PPID';\n";
    fails(source, ["entrypoint.sql:2", "terminated by signal 9"]);
}

/// A file may not grow beyond a limit, as on a full disk.
#[test]
fn a_source_that_needs_more_space_than_there_is() {
    let sandbox = with_own_cache(
        "CREATE TEMPORARY TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 400000) AS i;\n",
    );
    let outcome = sandbox.run("bash", ["-c", "ulimit -f 20000; exec database check"]);
    outcome.fails(1, ["entrypoint.sql:1", "File too large"]);
    nothing_left(&sandbox);
}

const DOTENV: &str =
    "\u{feff}export TOKEN=\"two\r\nlines\"\r\n# comment\r\nOTHER = 'a $b #c' # x\r\n";
const HAS_SECRETS: &str = "DO $$ BEGIN\n\
    ASSERT hectic.get_secret('TOKEN') = E'two\\nlines';\n\
    ASSERT hectic.get_secret('OTHER') = 'a $b #c';\nEND $$;\n";

#[test]
fn a_dotenv_as_editors_write_it() {
    let mut sandbox = with_own_cache(HAS_SECRETS);
    sandbox.database(["check"]).fails(1, ["entrypoint.sql"]);
    let file = sandbox.write("home/secrets", DOTENV);
    sandbox.set("HECTIC_DOTENV_FILE", file);
    sandbox.database(["check"]).success();
    sandbox.unset("HECTIC_DOTENV_FILE");
    sandbox.write("project/.env.testing", DOTENV);
    sandbox.set("ENVIRONMENT", "testing");
    sandbox.database(["check"]).success();
    sandbox.set("ENVIRONMENT", "absent");
    sandbox.set("HECTIC_DOTENV_CONTENT", DOTENV);
    sandbox.database(["check"]).success();
    nothing_left(&sandbox);
}

#[test]
fn a_dotenv_that_cannot_be_read() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    sandbox.set("HECTIC_DOTENV_FILE", "/nowhere/secrets");
    sandbox.database(["check"]).fails(3, ["/nowhere/secrets"]);
    let directory = sandbox.path("home");
    sandbox.set("HECTIC_DOTENV_FILE", &directory);
    sandbox.database(["check"]).fails(3, [directory.to_str().unwrap()]);
    nothing_left(&sandbox);
}

#[test]
fn a_broken_dotenv_is_told_without_its_values() {
    for (text, line) in [
        ("A=fine\nB='hush-hush\n", "line 2"),
        ("A=fine\n\nhush-hush\n", "line 3"),
        ("A=\"hush\\qhush\"\n", "line 1"),
        ("A=hush\nA=hush\n", "line 2"),
    ] {
        let mut sandbox = with_own_cache("SELECT 1;\n");
        sandbox.set("HECTIC_DOTENV_CONTENT", text);
        let failed = sandbox.database(["--verbose", "check"]).fails(1, ["dotenv", line]);
        assert!(!failed.stderr.contains("hush"), "{failed}");
        nothing_left(&sandbox);
    }
}

#[test]
fn a_broken_file_of_settings_is_told_without_its_values() {
    let sandbox = with_own_cache("SELECT 1;\n");
    sandbox.write("project/.env", "PG_PORT=hush hush\n");
    let failed = sandbox.database(["check"]).fails(1, ["project/.env"]);
    assert!(!failed.stderr.contains("hush"), "{failed}");
}

#[test]
fn a_large_environment() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    for number in 0..8 {
        sandbox.set(&format!("LARGE_{number}"), "x".repeat(100_000));
    }
    sandbox.database(["check"]).success();
    nothing_left(&sandbox);
}

/// Variables that the caller exports for other servers and other languages have no effect.
#[test]
fn the_callers_environment_changes_nothing() {
    let mut sandbox = with_own_cache("SELECT 'ä';\nSELEKT 1;\n");
    for (name, value) in [
        ("PGHOST", "db.invalid"),
        ("PGPORT", "1"),
        ("PGUSER", "nobody"),
        ("PGDATABASE", "elsewhere"),
        ("PGPASSWORD", "hush"),
        ("PGOPTIONS", "-c search_path=nowhere"),
        ("PGCLIENTENCODING", "LATIN1"),
        ("PGDATA", "/nowhere"),
        ("LC_ALL", "C"),
        ("LANGUAGE", "de"),
    ] {
        sandbox.set(name, value);
    }
    let failed = sandbox.database(["check"]).fails(1, ["entrypoint.sql:2:1", "42601"]);
    assert!(!failed.stderr.contains("hush"), "{failed}");
    nothing_left(&sandbox);
}
