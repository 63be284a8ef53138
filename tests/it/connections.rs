//! The connection of each verb: libpq's rules, tested through both ways in. `database psql` hands
//! the connection on to libpq itself, `database bundle status` opens it in db-tool. Both must
//! agree.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::support::tls::TlsServer;
use crate::support::{Outcome, Sandbox, finish, project, wait_until};

const IS_TLS: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// Connects both ways; both must succeed or fail as `expected`.
#[track_caller]
fn connects(sandbox: &Sandbox, url: &str, expected: bool) -> [Outcome; 2] {
    let psql = sandbox.database(["-u", url, "psql", "-XAtc", IS_TLS]);
    let tool = sandbox.database(["-u", url, "bundle", "status"]);
    assert_eq!(psql.code == Some(0), expected, "psql on {url}:\n{psql}");
    assert_eq!(tool.code == Some(0), expected, "the tool on {url}:\n{tool}");
    [psql, tool]
}

#[test]
fn sslmode_up_to_require_negotiates() {
    let server = TlsServer::start();
    for (user, mode, expected) in [
        ("trusted", "disable", Some("f")),
        ("trusted", "allow", Some("f")),
        ("trusted", "prefer", Some("t")),
        ("trusted", "require", Some("t")),
        ("tlsonly", "disable", None),
        ("tlsonly", "allow", Some("t")),
        ("tlsonly", "prefer", Some("t")),
        ("tlsonly", "require", Some("t")),
        ("plainonly", "disable", Some("f")),
        ("plainonly", "allow", Some("f")),
        ("plainonly", "prefer", Some("f")),
        ("plainonly", "require", None),
    ] {
        let url = server.url(&format!("user={user} sslmode={mode}"));
        let [psql, _] = connects(&server.sandbox, &url, expected.is_some());
        assert_eq!(psql.stdout.trim_end(), expected.unwrap_or(""), "{user} {mode}");
    }
}

#[test]
fn certificates_are_verified() {
    let server = TlsServer::start();
    let (ours, other) = (server.file("ca.crt"), server.file("other.crt"));
    let (ours, other) = (ours.display(), other.display());
    for mode in ["require", "verify-ca", "verify-full"] {
        let with = |rest: &str| server.url(&format!("user=tlsonly sslmode={mode} {rest}"));
        connects(&server.sandbox, &with(&format!("sslrootcert={ours}")), true);
        connects(&server.sandbox, &with(&format!("sslrootcert={other}")), false);
        let port = server.port;
        let named = format!(
            "host=wrong.example hostaddr=127.0.0.1 port={port} dbname=app user=tlsonly \
             sslmode={mode} sslrootcert={ours}"
        );
        connects(&server.sandbox, &named, mode != "verify-full");
    }
    for mode in ["verify-ca", "verify-full"] {
        let url = server.url(&format!("user=tlsonly sslmode={mode}"));
        let [_, tool] = connects(&server.sandbox, &url, false);
        assert!(tool.stderr.contains("root.crt") && tool.stderr.contains("hint:"), "{tool}");
    }
}

#[test]
fn client_certificates_are_shown() {
    let server = TlsServer::start();
    let (certificate, key) = (server.file("client.crt"), server.file("client.key"));
    let files = format!("sslcert={} sslkey={}", certificate.display(), key.display());
    connects(&server.sandbox, &server.url(&format!("user=certuser {files}")), true);
    connects(&server.sandbox, &server.url("user=certuser"), false);
    connects(
        &server.sandbox,
        &server.url(&format!("user=certuser sslmode=disable {files}")),
        false,
    );
    // the same files in the place where libpq looks by default
    let home = server.sandbox.path("home/.postgresql");
    std::fs::create_dir(&home).unwrap();
    for (from, to) in [
        (&certificate, "postgresql.crt"),
        (&key, "postgresql.key"),
        (&server.file("ca.crt"), "root.crt"),
    ] {
        std::fs::copy(from, home.join(to)).unwrap();
    }
    connects(&server.sandbox, &server.url("user=certuser sslmode=verify-full"), true);
}

#[test]
fn hydration_goes_over_tls_too() {
    let server = TlsServer::start();
    server.sandbox.write(
        "project/db/src/entrypoint.sql",
        format!("\\pset tuples_only\n\\pset format unaligned\n{IS_TLS};\n"),
    );
    let ca = server.file("ca.crt");
    let url = server.url(&format!("user=trusted sslmode=verify-full sslrootcert={}", ca.display()));
    let hydrated = server.sandbox.database(["-u", &url, "hydrate"]).success();
    assert!(hydrated.stdout.ends_with("t\n"), "{hydrated}");
}

/// Writes a password file for `scramuser`.
fn with_passfile(server: &TlsServer, name: &str, mode: u32) {
    let text =
        format!("elsewhere:*:*:*:wrong\nlocalhost:{}:app:scramuser:s\\:cr\\\\et\n", server.port);
    let path = server.sandbox.write(name, text);
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn a_password_comes_from_the_url_or_a_file() {
    let mut server = TlsServer::start();
    let url = server.url("user=scramuser");
    for refused in connects(&server.sandbox, &url, false) {
        assert!(refused.stderr.contains("password"), "{refused}");
    }
    connects(&server.sandbox, &server.url("user=scramuser password='s:cr\\\\et'"), true);
    let encoded = format!("postgresql://scramuser:s%3Acr%5Cet@localhost:{}/app", server.port);
    connects(&server.sandbox, &encoded, true);
    with_passfile(&server, "home/.pgpass", 0o600);
    connects(&server.sandbox, &url, true);
    for mode in ["disable", "require"] {
        connects(&server.sandbox, &format!("{url} sslmode={mode}"), true);
    }
    connects(&server.sandbox, &format!("{url} sslmode=require channel_binding=require"), true);
    with_passfile(&server, "home/.pgpass", 0o644);
    let [_, tool] = connects(&server.sandbox, &url, false);
    assert!(tool.stderr.contains(".pgpass") && !tool.stderr.contains("cr\\et"), "{tool}");
    with_passfile(&server, "other.pass", 0o600);
    let passfile = server.sandbox.path("other.pass").display().to_string();
    connects(&server.sandbox, &format!("{url} passfile={passfile}"), true);
    server.sandbox.set("PGPASSFILE", &passfile);
    connects(&server.sandbox, &url, true);
    server.sandbox.unset("PGPASSFILE");
    server.sandbox.set("PGPASSWORD", "s:cr\\et");
    connects(&server.sandbox, &url, true);
}

#[test]
fn a_wrong_password_is_not_repeated() {
    let server = TlsServer::start();
    for refused in connects(&server.sandbox, &server.url("user=scramuser password=hunter2"), false)
    {
        assert!(!refused.stderr.contains("hunter2"), "{refused}");
        assert!(refused.stderr.contains("password authentication failed"), "{refused}");
    }
}

#[test]
fn a_service_file_names_connections() {
    let mut server = TlsServer::start();
    let services = format!(
        "[svc]\nhost=localhost\nport={}\ndbname=app\nuser=scramuser\npassword=s:cr\\et\n",
        server.port
    );
    server.sandbox.write("home/.pg_service.conf", &services);
    connects(&server.sandbox, "service=svc", true);
    connects(&server.sandbox, "postgresql:///?service=svc", true);
    let [_, tool] = connects(&server.sandbox, "service=nope dbname=app", false);
    assert!(tool.stderr.contains("the connection's service is not defined"), "{tool}");
    server.sandbox.set("PGSERVICE", "svc");
    server.sandbox.set("PGUSER", "nobody_here");
    let who = ["-u", "postgresql:///", "psql", "-XAtc", "SELECT current_user"];
    assert_eq!(server.sandbox.database(who).success().stdout, "scramuser\n");
    server.sandbox.unset("PGSERVICE");
    std::fs::remove_file(server.sandbox.path("home/.pg_service.conf")).unwrap();
    let moved = server.sandbox.write("services", &services);
    server.sandbox.set("PGSERVICEFILE", moved);
    connects(&server.sandbox, "service=svc", true);
}

#[test]
fn several_hosts_are_tried_in_turn() {
    let server = TlsServer::start();
    let none = server.sandbox.path("none").display().to_string();
    let port = server.port;
    let url =
        |rest: &str| format!("host={none},localhost port=1,{port} dbname=app user=trusted {rest}");
    connects(&server.sandbox, &url(""), true);
    connects(&server.sandbox, &url("target_session_attrs=read-write"), true);
    connects(&server.sandbox, &url("target_session_attrs=standby"), false);
    connects(&server.sandbox, &url("target_session_attrs=prefer-standby"), true);
}

#[test]
fn what_cannot_be_reached_is_told() {
    let sandbox = project::with_source("");
    let nowhere = sandbox.path("nowhere").display().to_string();
    for (url, word) in [
        (format!("host={nowhere} user=x dbname=y"), "no server listens"),
        ("host=127.0.0.1 port=1 user=x dbname=y".into(), "no server listens"),
        ("host=no-such.invalid user=x dbname=y".into(), "no-such.invalid"),
    ] {
        let [_, tool] = connects(&sandbox, &url, false);
        assert!(tool.stderr.contains(word) && tool.stderr.contains("hint:"), "{tool}");
    }
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = mute.local_addr().unwrap().port();
    let url = format!("host=127.0.0.1 port={port} user=x dbname=y connect_timeout=2");
    connects(&sandbox, &url, false);
}

#[test]
fn a_database_or_role_that_is_not_there_is_told() {
    let sandbox = project::deployed("");
    let socket = sandbox.path("pg").display().to_string();
    for (rest, word) in
        [("dbname=nope user=dev", "\"nope\""), ("dbname=app user=nobody_here", "\"nobody_here\"")]
    {
        for refused in connects(&sandbox, &format!("host={socket} {rest}"), false) {
            assert!(refused.stderr.contains(word), "{refused}");
        }
    }
}

#[test]
fn a_password_is_on_no_argument_list() {
    let mut sandbox = project::deployed("");
    let socket = sandbox.path("pg").display().to_string();
    let sleep = "SELECT pg_sleep(3600)";
    let url = format!("postgresql://dev:hushhush@localhost/app?host={socket}");
    sandbox.set("DB_URL", url);
    sandbox.write("project/db/src/entrypoint.sql", sleep);
    sandbox.write("project/test-data.sql", sleep);
    sandbox.write("project/db/test/test.sql", sleep);
    let asleep = format!("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '{sleep}%'");
    for arguments in [&["hydrate"][..], &["patch"], &["test"], &["psql", "-c", sleep]] {
        let child = sandbox.spawn("database", arguments);
        wait_until("the statement runs", || sandbox.ask(&asleep) == "1");
        let lines = crate::support::process::command_lines();
        assert!(lines.iter().any(|line| line.contains("psql")), "{arguments:?}");
        assert!(!lines.iter().any(|line| line.contains("hushhush")), "{arguments:?}");
        crate::support::wait::signal("INT", child.id());
        let ended = finish(child, None);
        assert!(!ended.stderr.contains("hushhush"), "{ended}");
        wait_until("the statement ends", || sandbox.ask(&asleep) == "0");
    }
}

#[test]
fn the_argument_beats_db_url_beats_pgurl() {
    let mut sandbox = project::deployed("");
    let url = |database: &str| {
        format!("postgresql://dev@localhost/{database}?host={}", sandbox.path("pg").display())
    };
    let (first, second, third) = (url("one"), url("two"), url("three"));
    for name in ["one", "two", "three"] {
        sandbox.ask(&format!("CREATE DATABASE {name}"));
    }
    let show = "SELECT current_database() AS name \\gset\n\\echo :name\n";
    sandbox.write("project/db/src/entrypoint.sql", show);
    sandbox.write("project/test-data.sql", show);
    sandbox.write("project/db/test/test.sql", show);
    sandbox.unset("DB_URL");
    sandbox.set("PGURL", &third);
    let everywhere = |sandbox: &Sandbox, option: &[&str], name: &str| {
        for verb in ["hydrate", "patch", "test"] {
            let outcome = sandbox.run("database", [option, &[verb]].concat()).success();
            assert_eq!(outcome.stdout, format!("{name}\n"), "{verb}");
        }
        let psql = ["psql", "-XAtc", "SELECT current_database()"];
        let outcome = sandbox.run("database", [option, &psql].concat()).success();
        assert_eq!(outcome.stdout, format!("{name}\n"));
    };
    everywhere(&sandbox, &[], "three");
    sandbox.set("DB_URL", &second);
    everywhere(&sandbox, &[], "two");
    everywhere(&sandbox, &["--url", &first], "one");
}

#[test]
fn verbs_that_make_a_cluster_refuse_a_url_that_points_elsewhere() {
    let mut sandbox = project::deployed("CREATE TABLE mark () INHERITS (hectic.created_at);");
    let other = sandbox.path("other").display().to_string();
    for url in [
        format!("postgresql://dev@localhost/app?host={other}"),
        "postgresql://dev@localhost:5432/app".into(),
        "host=127.0.0.1 dbname=app user=dev".into(),
        "host=db.example.com dbname=app user=dev password=hush".into(),
        "host=localhost hostaddr=192.0.2.1 dbname=app user=dev".into(),
    ] {
        for verb in ["init", "deploy"] {
            let refused = sandbox.database(["--url", &url, verb]).fails(2, ["hint:"]);
            assert!(!refused.stderr.contains("hush"), "{refused}");
        }
        sandbox.database(["--url", &url, "cleanup"]).fails(2, ["hint:"]);
        sandbox.set("DB_URL", &url);
        sandbox.database(["init"]).fails(2, ["hint:"]);
        sandbox.database(["deploy"]).fails(2, ["hint:"]);
        assert_eq!(sandbox.ask("SELECT to_regclass('mark') IS NULL"), "f", "{url}");
    }
    for remote in ["host=db.example.com dbname=app", "host=localhost hostaddr=192.0.2.1"] {
        sandbox.set("DB_URL", remote);
        for verb in ["init", "deploy", "cleanup"] {
            sandbox.database([verb]).fails(2, ["is not on this machine"]);
        }
    }
    assert_eq!(sandbox.ask("SELECT to_regclass('mark') IS NULL"), "f");
}

#[test]
fn a_url_may_mean_the_cluster_by_its_directory_or_its_socket() {
    let mut sandbox = project::with_source("");
    for directory in ["pg", "pg/sock"] {
        let host = sandbox.path(directory).display().to_string();
        sandbox.set("DB_URL", format!("postgresql://dev@localhost/app?host={host}&port=5432"));
        sandbox.database(["init"]).success();
        let who = ["psql", "-XAtc", "SELECT current_user"];
        assert_eq!(sandbox.database(who).success().stdout, "dev\n");
    }
}
