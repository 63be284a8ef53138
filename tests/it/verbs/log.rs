//! `database log`: the logs of the server and of the verbs.

use std::fs::{File, FileTimes};
use std::time::{Duration, SystemTime};

use crate::support::{Sandbox, program, project};

/// Logs without a server: `alpha.log` is the newest, then `beta.log`, then `alphabet.log`.
fn with_logs() -> Sandbox {
    let sandbox = project::with_source("");
    for (age, name) in ["alpha.log", "beta.log", "alphabet.log"].iter().enumerate() {
        let path = sandbox.write(&format!("pg/log/{name}"), format!("I am {name}\n"));
        let hours = Duration::from_secs(age as u64 * 3600 * 5);
        let times = FileTimes::new().set_modified(SystemTime::now() - hours);
        File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    }
    sandbox
}

#[test]
fn list_numbers_the_newest_first() {
    let sandbox = with_logs();
    let list = sandbox.database(["log", "list"]).success().stdout;
    let words: Vec<Vec<&str>> = list.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(words[0][..2], ["1", "15"], "number and bytes: {list}");
    assert_eq!(words[1], ["2", "14", "5", "h", "ago", "beta.log"]);
    assert_eq!(words[2], ["3", "18", "10", "h", "ago", "alphabet.log"]);
    assert_eq!(words.len(), 3);
}

#[test]
fn a_log_is_found_by_number_name_or_part() {
    let sandbox = with_logs();
    let shown = |which: &str| sandbox.database(["log", which]).success().stdout;
    assert_eq!(sandbox.database(["log"]).success().stdout, "I am alpha.log\n", "the newest");
    assert_eq!(shown("3"), "I am alphabet.log\n");
    assert_eq!(shown("alpha.log"), "I am alpha.log\n", "an exact name");
    assert_eq!(shown("eta.l"), "I am beta.log\n", "a part that only one has");
}

#[test]
fn what_does_not_fit_exactly_one_is_an_error() {
    let sandbox = with_logs();
    sandbox.database(["log", "alpha"]).fails(2, ["alpha.log, alphabet.log", "hint:"]);
    sandbox.database(["log", "gamma"]).fails(3, ["gamma", "database log list"]);
    sandbox.database(["log", "4"]).fails(3, ["4"]);
}

#[test]
fn without_logs_the_list_is_empty_and_showing_fails() {
    let sandbox = project::with_source("");
    assert_eq!(sandbox.database(["log", "list"]).success().stdout, "");
    sandbox.database(["log"]).fails(3, ["there is no log yet"]);
}

#[test]
fn the_servers_log_is_there_and_plain_when_piped() {
    let sandbox = project::deployed("");
    sandbox.run("database", ["psql", "-c", "SELECT nonsense"]);
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let shown = sandbox.database(["log", "postgresql-"]).success();
    assert!(shown.stdout.contains("column \"nonsense\" does not exist"), "{shown}");
    assert!(!shown.stdout.contains('\u{1b}') && shown.stderr.is_empty(), "{shown}");
    let files = sandbox.entries("pg/log");
    let name = files.iter().find(|name| name.starts_with("postgresql-")).unwrap();
    assert_eq!(shown.stdout, sandbox.read(&format!("pg/log/{name}")));
}

#[test]
fn logs_in_the_data_directory_and_at_pg_log_path_are_found() {
    let mut sandbox = project::with_source("");
    sandbox.write("pg/data/log/inside.log", "inside\n");
    sandbox.write("elsewhere/outside.log", "outside\n");
    sandbox.set("PG_LOG_PATH", sandbox.path("elsewhere"));
    assert_eq!(sandbox.database(["log", "inside.log"]).success().stdout, "inside\n");
    assert_eq!(sandbox.database(["log", "outside.log"]).success().stdout, "outside\n");
}

#[test]
fn a_terminal_gets_the_pager() {
    let mut sandbox = with_logs();
    let command = format!("{} log beta.log", program("database"));
    sandbox.set("PAGER", "sed s/^/paged:/");
    let on_terminal = |sandbox: &Sandbox| {
        let record = sandbox.path("tmp/typescript").display().to_string();
        sandbox.run("script", ["-qec", &command, &record]).success().stdout
    };
    assert_eq!(on_terminal(&sandbox), "paged:I am beta.log\r\n");
    sandbox.set("NO_TTY", "1");
    assert_eq!(on_terminal(&sandbox), "I am beta.log\r\n");
    sandbox.set("NO_TTY", "0");
    assert_eq!(on_terminal(&sandbox), "paged:I am beta.log\r\n");
}
