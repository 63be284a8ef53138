//! Working directories of every length and name.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::support::{Sandbox, psql, server, wait};

/// The longest working directory whose sockets fit into it: on Linux, the path of a socket has at
/// most 107 bytes.
const LONGEST: usize = 107 - "/sock/.s.PGSQL.5432".len();

/// A path of `length` bytes below the sandbox.
fn long(sandbox: &Sandbox, length: usize) -> PathBuf {
    let mut path = sandbox.path("");
    let mut name = Vec::new();
    while path.as_os_str().len() + name.len() < length {
        name.push(if name.len() % 100 == 99 { b'/' } else { b'x' });
    }
    path.push(OsStr::from_bytes(&name));
    assert_eq!(path.as_os_str().len(), length, "{}", path.display());
    path
}

/// The directory of the server's first socket, as the server knows it.
fn socket_directory(working: &Path) -> PathBuf {
    let text = std::fs::read(working.join("data/postmaster.pid")).unwrap();
    OsStr::from_bytes(text.split(|byte| *byte == b'\n').nth(4).unwrap()).into()
}

fn ask(sandbox: &Sandbox, host: &Path, sql: &str) -> String {
    let mut command =
        sandbox.command(&psql(), ["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", "testdb", "-c", sql]);
    command.env("PGHOST", host).env("PGPORT", "5432").env("PGUSER", crate::support::whoami());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A cluster in `working` is made, loses its server, comes back with its row, is saved, and goes
/// without leaving anything.
fn lives_and_goes(sandbox: &mut Sandbox, working: &Path, is_short: bool) {
    sandbox.set("PG_WORKING_DIR", working);
    let shown = working.display();
    let started = sandbox.init([]).success();
    assert_eq!(started.stderr.contains("the socket is in"), is_short, "{shown}: {started}");
    let sockets = socket_directory(working);
    assert_eq!(sockets.starts_with(working), !is_short, "{shown}: {}", sockets.display());
    ask(sandbox, &sockets, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)");
    wait::signal("KILL", server::postmaster(&working.join("data")));
    let again = sandbox.init([]).success();
    assert!(again.stderr.contains("cluster started"), "{shown}: {again}");
    assert_eq!(ask(sandbox, &sockets, "SELECT n FROM kept"), "7\n", "{shown}");
    sandbox.database(["snapshot", "save", "one"]).success();
    ask(sandbox, &sockets, "DROP TABLE kept");
    sandbox.database(["snapshot", "restore", "one"]).success();
    assert_eq!(ask(sandbox, &sockets, "SELECT n FROM kept"), "7\n", "{shown}");
    sandbox.database(["snapshot", "rm", "one"]).success();
    let status = sandbox.database(["status", "--format", "json"]).success();
    assert!(status.stdout.contains("\"running\""), "{shown}: {status}");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    assert!(!working.join("data/postmaster.pid").exists(), "{shown}: stopped");
    sandbox.database(["cleanup"]).success();
    assert!(!working.join("data").exists(), "{shown}: removed");
    assert!(!is_short || !sockets.exists(), "{shown}: {} is left", sockets.display());
}

#[test]
fn a_working_directory_of_any_length_will_do() {
    for length in [LONGEST, LONGEST + 1, 93, 94, 150, 300] {
        let mut sandbox = Sandbox::new();
        let working = long(&sandbox, length);
        lives_and_goes(&mut sandbox, &working, length > LONGEST);
    }
}

#[test]
fn a_working_directory_of_any_name_will_do() {
    let names: [&str; 10] = [
        "two  blanks ",
        "it's",
        "\"quoted\"",
        "tab\tstop",
        "größe-日本",
        "$HOME `x` ;&|",
        "back\\slash",
        "-n",
        "%41%2f#?&=",
        "a:1: [b] {c} *",
    ];
    for name in names {
        let mut sandbox = Sandbox::new();
        let working = sandbox.path(name);
        lives_and_goes(&mut sandbox, &working, false);
    }
}

/// initdb refuses line breaks, and the server's settings have no name that is not UTF-8.
#[test]
fn a_working_directory_that_postgresql_cannot_name_is_refused() {
    let names: [(&[u8], &str); 3] = [
        (b"one\ntwo", "PG_WORKING_DIR contains a line break"),
        (b"one\rtwo", "PG_WORKING_DIR contains a line break"),
        (b"caf\xe9", "whose name is not UTF-8"),
    ];
    for (name, words) in names {
        let mut sandbox = Sandbox::new();
        sandbox.set("PG_WORKING_DIR", sandbox.path("").join(OsStr::from_bytes(name)));
        for verb in ["init", "status", "log", "cleanup"] {
            sandbox.database([verb]).fails(2, [words, "hint: "]);
        }
        assert_eq!(sandbox.entries(""), ["home", "tmp"]);
    }
}
