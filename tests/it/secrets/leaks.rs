//! No value is found anywhere: not on disk, not in logs, not in the visible state of processes.
//!
//! Each search has a control: the same search finds a value that is there.

use std::path::Path;
use std::process::Stdio;

use crate::support::{Sandbox, finish, process, project, server, wait_until};

/// No part of this string occurs by chance. It is long enough that a search finds it in base64 at
/// every alignment.
const CANARY: &str = "c4n4ry-Zq7kP2-vWx9Lm-Rt5Ys8-Hj3Nb6";
const CONTROL: &str = "c0ntr0l-Gd4Fz1-uQe8Kp-Xw2Bv7-Mi5Ta9";

/// The needle as it is, in hexadecimal, and in base64 at each of the three alignments.
fn forms(needle: &str) -> Vec<Vec<u8>> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let hex = needle.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let base64 = |bytes: &[u8]| -> Vec<u8> {
        let groups = bytes.chunks_exact(3);
        let word =
            |group: &[u8]| group.iter().fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
        groups.flat_map(|group| [18, 12, 6, 0].map(|by| DIGITS[word(group) >> by & 63])).collect()
    };
    let aligned = (0..3).map(|from| base64(&needle.as_bytes()[from..]));
    [needle.as_bytes().to_vec(), hex.into_bytes()].into_iter().chain(aligned).collect()
}

/// The files below `directory`, and the other places, in which the search finds the needle.
fn found(needle: &str, directories: &[&Path]) -> Vec<String> {
    let mut places = Vec::new();
    let mut pending: Vec<_> = directories.iter().map(|path| path.to_path_buf()).collect();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() && holds(&std::fs::read(&path).unwrap(), needle) {
            places.push(path.display().to_string());
        }
    }
    places.sort();
    places
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    forms(needle).iter().any(|form| haystack.windows(form.len()).any(|window| window == &form[..]))
}

/// A deployed cluster that logs as much as it can.
fn loud() -> Sandbox {
    let mut sandbox =
        project::with_source("CREATE TABLE plain (x text) INHERITS (hectic.created_at);");
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "auto_explain");
    let conf = sandbox.write(
        "loud.conf",
        "shared_preload_libraries = 'auto_explain'\nlogging_collector = off\nlog_statement = 'all'\n\
         log_min_duration_statement = 0\nlog_parameter_max_length_on_error = -1\nlog_error_verbosity = verbose\n\
         log_min_messages = debug1\nauto_explain.log_min_duration = 0\nauto_explain.log_nested_statements = on\n\
         auto_explain.log_verbose = on\ndebug_print_parse = on\ndebug_print_rewritten = on\ndebug_print_plan = on\n\
         wal_compression = off\nlisten_addresses = ''\nfsync = off\n",
    );
    sandbox.set("PG_CONF_FILE", conf);
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox
}

#[test]
fn the_search_finds_every_form() {
    for form in forms(CANARY) {
        assert!(holds(&[b"..", &form[..], b".."].concat(), CANARY));
        assert!(!holds(&form, CONTROL));
    }
}

#[test]
fn a_value_is_nowhere_on_disk_nor_in_the_loudest_log() {
    let sandbox = loud();
    sandbox.write("home/canary.env", format!("A={CANARY}\nB=b\n"));
    let file = sandbox.path("home/canary.env").display().to_string();
    sandbox.database(["secrets", "load", "-f", &file]).success();
    sandbox.database(["hydrate", "-H", "-f", &file]).fails(1, ["plain"]);
    sandbox.run_with_input("database", ["secrets", "set", "C"], CANARY).success();
    for arguments in [
        &["secrets", "get", "A"][..],
        &["secrets", "export"],
        &["secrets", "list"],
        &["secrets", "rotate"],
    ] {
        sandbox.run("database", arguments).success();
    }
    let read =
        "SELECT length(hectic.get_secret('A')), (SELECT sum(length(value)) FROM hectic.secret)";
    assert_eq!(sandbox.ask(read), format!("{}|{}", CANARY.len(), 2 * CANARY.len() + 1));
    sandbox.ask("ANALYZE; SELECT 1");
    // a dotenv with a mistake, and a value that does not open
    sandbox.write("home/bad.env", format!("A={CANARY}\n{CANARY}\n"));
    sandbox.database(["secrets", "load", "-f", "home/bad.env"]).fails(1, ["dotenv line 2"]);
    sandbox.ask("UPDATE hectic.secret_sealed SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE key = 'A'");
    sandbox.run("database", ["psql", "-Xc", "SELECT hectic.get_secret('A')"]).fails(1, []);
    sandbox.database(["secrets", "get", "A"]).fails(1, []);
    // a control: a literal is found in the table, the log, the WAL and the dump
    sandbox.ask(&format!("INSERT INTO plain (x) VALUES ('{CONTROL}')"));
    for (program, file) in [("pg_dump", "dump.sql"), ("pg_dumpall", "dumpall.sql")] {
        let url = sandbox.url("app");
        let program = crate::support::bindir().join(program);
        let dump = sandbox.run(program.to_str().unwrap(), ["-d", &url]).success();
        sandbox.write(&format!("out/{file}"), dump.stdout);
    }
    sandbox.database(["backup", "out/backup"]).success();
    sandbox.run("sh", ["-c", "cd out/backup && for f in *.tar*; do case $f in *.zst) zstd -dqc $f | tar -x;; *.gz) tar -xzf $f;; *) tar -xf $f;; esac; done"]).success();
    sandbox.ask("CHECKPOINT");
    let (cluster, out, temporary) = (sandbox.path("pg"), sandbox.path("out"), sandbox.path("tmp"));
    let places = [&*cluster, &out, &temporary];
    assert_eq!(found(CANARY, &places), Vec::<String>::new());
    let control = found(CONTROL, &places);
    for place in ["server.log", "/pg_wal/", "/base/", "dump.sql", "dumpall.sql", "out/backup/"] {
        assert!(control.iter().any(|path| path.contains(place)), "{place}: {control:#?}");
    }
}

/// Everything of a user's processes that other users, or the server's superuser, can see.
fn visible(sandbox: &Sandbox) -> Vec<u8> {
    let mut seen = Vec::new();
    let servers = server::processes_below(&sandbox.path("pg/data"));
    for process in process::all() {
        seen.extend(process.read("cmdline"));
        if servers.contains(&process.pid) {
            seen.extend(process.read("environ"));
        }
    }
    seen
}

#[test]
fn a_value_is_in_no_argument_list_and_no_environment_of_the_server() {
    let waits = "\\! until test -e finish; do sleep 0.02; done\n";
    let mut sandbox = project::with_source(waits);
    sandbox.set("HECTIC_DOTENV_CONTENT", format!("A={CANARY}\n"));
    let mut deploy = sandbox.spawn("database", ["deploy", "--no-patch"]);
    // a control: an argument list that shows a value
    let mut control = sandbox.command("sh", ["-c", &format!("read -r _; : {CONTROL}")]);
    let mut control = control.stdin(Stdio::piped()).spawn().unwrap();
    wait_until("it deploys to its end", || {
        let seen = visible(&sandbox);
        assert!(!holds(&seen, CANARY));
        let hydrating = seen.windows(13).any(|window| window == b"entrypoint.sq");
        if hydrating && holds(&seen, CONTROL) {
            sandbox.write("project/finish", "");
        }
        deploy.try_wait().unwrap().is_some()
    });
    drop(control.stdin.take());
    finish(control, None);
    finish(deploy, None).success();
    assert!(sandbox.path("project/finish").exists(), "it hydrated, and what can be seen was seen");
    assert_eq!(sandbox.ask("SELECT hectic.get_secret('A')"), CANARY);
    assert!(!holds(&visible(&sandbox), CANARY));
    // the environment of the server's own children
    let environment = "CREATE TEMPORARY TABLE e (x text); COPY e FROM PROGRAM 'env'; SELECT string_agg(x, ';') FROM e";
    let environment = sandbox.ask(environment);
    assert!(environment.contains("PATH=") && !environment.contains("HECTIC"), "{environment}");
}
