//! `database status`: the server, its start time, the sizes of databases, and the sessions.

use crate::support::{finish, project, server, wait_until};

#[test]
fn a_running_cluster_is_described() {
    let mut sandbox = project::deployed("");
    let url = format!("postgresql://dev:hush@localhost/app?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", url);
    let status = sandbox.database(["status"]).success();
    let pid = sandbox.postmaster();
    let lines: Vec<&str> = status.stdout.lines().collect();
    assert_eq!(lines[0], format!("running:  {}", sandbox.path("pg").display()));
    assert!(lines[1].starts_with("since:    "), "{status}");
    assert!(lines[1].ends_with(&format!(" s ago, pid {pid}")), "{status}");
    assert!(lines[2].starts_with("version:  1"), "{status}");
    assert!(lines[3].starts_with("size:     ") && lines[3].ends_with(" MB"), "{status}");
    assert_eq!(lines[4], "sessions: 0");
    let socket = sandbox.path("pg/sock").display().to_string();
    let url = format!("postgresql://dev@localhost/app?host={socket}&port=5432");
    assert_eq!(lines[5], format!("url:      {url}"), "no password");
    assert_eq!(sandbox.query(&url, "SELECT current_user"), "dev", "the URL works");
    assert!(lines[6].starts_with("logs:     files: 2 of at most 20, "), "{status}");
    assert!(lines[7].starts_with("cache:    templates: "), "{status}");
    assert_eq!((lines.len(), status.stderr.as_str()), (8, ""));
}

#[test]
fn sessions_are_counted() {
    let sandbox = project::deployed("");
    let sleeper = sandbox.spawn("database", ["psql", "-c", "SELECT pg_sleep(3600)"]);
    wait_until("the session is counted", || {
        sandbox.database(["status"]).stdout.contains("sessions: 1\n")
    });
    sandbox.run("postgres-cleanup", [""; 0]).success();
    finish(sleeper, None);
}

#[test]
fn every_other_state_has_its_word() {
    let sandbox = project::with_source("");
    let place = sandbox.path("pg").display().to_string();
    let said = |expected: &str, json: &str| {
        let status = sandbox.database(["status"]).success();
        assert_eq!(status.stdout, format!("{expected}{place}\n"));
        assert_eq!(sandbox.database(["status", "--json"]).success().stdout, json);
    };
    said("no cluster in ", "{\"state\":\"absent\"}\n");
    sandbox.database(["init"]).success();
    let pid = sandbox.postmaster();
    crate::support::wait::signal("KILL", pid);
    wait_until("the server is dead", || server::processes_below(&sandbox.path("pg")).is_empty());
    said("stopped (the server was killed): ", "{\"state\":\"stale\"}\n");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.database(["deploy", "-H", "-P", "-c"]).success();
    said("stopped: ", "{\"state\":\"stopped\"}\n");
}

#[test]
fn json_has_every_field() {
    let sandbox = project::deployed("");
    let status = sandbox.database(["status", "--json"]).success().stdout;
    let pid = sandbox.postmaster();
    assert!(status.starts_with(&format!("{{\"state\":\"running\",\"pid\":{pid},")), "{status}");
    for field in ["up_seconds", "version", "size", "sessions", "url", "logs", "templates"] {
        assert!(status.contains(&format!("\"{field}\":")), "{field} in {status}");
    }
}
