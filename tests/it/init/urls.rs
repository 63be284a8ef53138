//! The place of the cluster, and the role and database that the project's URL names.

use std::os::unix::fs::symlink;

use crate::support::{Sandbox, bindir, whoami};

const WHO: &str = "SELECT current_user || ' ' || current_database()";

fn with_url(url: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("DB_URL", url.replace("$PG_WORKING_DIR", sandbox.path("pg").to_str().unwrap()));
    sandbox
}

#[test]
fn the_url_of_the_documentation_works_as_printed() {
    let sandbox = with_url("postgresql://user@localhost/dbname?host=$PG_WORKING_DIR&port=5432");
    sandbox.init([]).success();
    let url = sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    assert_eq!(sandbox.query(&url, WHO), "user dbname");
    let rights = "SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = 'user'";
    assert_eq!(sandbox.query(&url, rights), "t|t");
    assert_eq!(
        sandbox.query(
            &url,
            "SELECT datdba::regrole FROM pg_database \
        WHERE datname = 'dbname'"
        ),
        "\"user\""
    );
    let sock = url.replace("/pg&", "/pg/sock&");
    assert_eq!(sandbox.query(&sock, WHO), "user dbname", "the other socket");
}

#[test]
fn names_are_taken_as_they_are() {
    for (role, database) in
        [("Mixed Case", "Größe"), ("quo\"te", "it's; DROP"), ("select", "user"), ("\\back", "a$$b")]
    {
        let encode =
            |name: &str| -> String { name.bytes().map(|byte| format!("%{byte:02X}")).collect() };
        let sandbox = with_url(&format!(
            "postgresql://{}@localhost/{}?host=$PG_WORKING_DIR",
            encode(role),
            encode(database)
        ));
        sandbox.init([]).success();
        let url = sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
        assert_eq!(sandbox.query(&url, WHO), format!("{role} {database}"));
    }
}

#[test]
fn the_default_database_is_testdb() {
    let sandbox = Sandbox::with_cluster();
    let started = sandbox.init([]).success();
    assert!(started.stderr.contains("/testdb?host="), "{started}");
    assert_eq!(sandbox.ask_in("testdb", WHO), format!("{} testdb", whoami()));
}

#[test]
fn pg_database_beats_the_urls_and_both_exist() {
    let mut sandbox = with_url("postgresql://dev@localhost/shop?host=$PG_WORKING_DIR");
    sandbox.set("PG_DATABASE", "other");
    let started = sandbox.init(["--export", "sh"]).success();
    assert!(started.stdout.contains("POSTGRESQL_DATABASE='other'"), "{started}");
    assert_eq!(sandbox.ask_in("shop", "SELECT 1"), "1");
    assert_eq!(sandbox.ask_in("other", "SELECT 1"), "1");
}

#[test]
fn the_port_is_pg_ports_else_the_urls() {
    let mut sandbox = with_url("postgresql://dev@localhost/shop?host=$PG_WORKING_DIR&port=7001");
    sandbox.init([]).success();
    assert!(sandbox.path("pg/sock/.s.PGSQL.7001").exists());
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.unset("DB_URL");
    sandbox.set("PG_PORT", "7002");
    sandbox.init([]).success();
    assert!(sandbox.path("pg/sock/.s.PGSQL.7002").exists());
}

#[test]
fn impossible_ports_are_refused() {
    let mut sandbox = Sandbox::with_cluster();
    for port in ["00", "70000", "65536", "-1", "five", "54 32"] {
        sandbox.set("PG_PORT", port);
        sandbox.init([]).fails(2, ["PG_PORT", port]);
    }
    sandbox.unset("PG_PORT");
    for port in ["0", "70000"] {
        let url = format!("postgresql://dev@localhost/shop?host=/tmp&port={port}");
        sandbox.set("DB_URL", url);
        sandbox.init([]).fails(2, ["port"]);
    }
    assert!(!sandbox.path("pg/data").exists());
}

#[test]
fn a_url_that_points_elsewhere_gets_nothing_and_is_told() {
    let sandbox = with_url("postgresql://dev@localhost/shop?host=/somewhere/else");
    sandbox.init([]).success();
    let told = sandbox.init([]).success();
    assert!(told.stderr.contains("does not point to the cluster"), "{told}");
    let found = "SELECT count(*) FROM pg_roles WHERE rolname = 'dev'";
    assert_eq!(sandbox.ask_in("postgres", found), "0");
    sandbox.database(["init"]).fails(2, ["does not point to the cluster"]);
}

#[test]
fn without_a_place_both_variables_are_named() {
    let sandbox = Sandbox::new();
    sandbox.init([]).fails(3, ["PG_WORKING_DIR", "LOCAL_DIR"]);
}

#[test]
fn the_default_place_is_below_the_project() {
    let mut sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("project")).unwrap();
    sandbox.set("LOCAL_DIR", sandbox.path("project"));
    sandbox.init([]).success();
    assert!(sandbox.path("project/focus/postgresql/data/PG_VERSION").exists());
    sandbox.run("postgres-cleanup", [""; 0]).success();
}

#[test]
fn relative_paths_start_at_the_current_directory() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PG_WORKING_DIR", "./pg");
    sandbox.set("PG_LOG_PATH", "logs");
    sandbox.set("DB_URL", "postgresql://dev@localhost/shop?host=/nowhere");
    sandbox.init([]).success();
    assert!(sandbox.path("pg/data/PG_VERSION").exists());
    assert!(sandbox.path("logs/server.log").exists());
    assert_eq!(sandbox.ask_in("postgres", "SELECT 1"), "1");
    sandbox.set("PG_BINDIR", "relative");
    sandbox.init([]).fails(127, ["PG_BINDIR"]);
}

#[test]
fn a_link_leads_to_the_cluster() {
    let mut sandbox = with_url("postgresql://dev@localhost/shop?host=$PG_WORKING_DIR");
    std::fs::create_dir(sandbox.path("real")).unwrap();
    symlink(sandbox.path("real"), sandbox.path("pg")).unwrap();
    sandbox.init([]).success();
    assert!(sandbox.path("real/data/PG_VERSION").exists());
    let url = sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    assert_eq!(sandbox.query(&url, WHO), "dev shop");
    sandbox.set("PG_REUSE", "1");
    sandbox.set("PG_WORKING_DIR", sandbox.path("real"));
    let found = sandbox.init([]).success();
    assert!(found.stderr.contains("found running"), "the same cluster by its other name: {found}");
}

#[test]
fn a_place_that_holds_other_things_is_refused_and_stays() {
    let mut sandbox = Sandbox::new();
    sandbox.write("file", "mine");
    symlink("/nowhere/at/all", sandbox.path("dangling")).unwrap();
    symlink(sandbox.path("home"), sandbox.path("link-home")).unwrap();
    for (place, word) in [
        ("file", "which is a file"),
        ("dangling", "a link that leads nowhere"),
        ("home", "home directory"),
        ("link-home", "home directory"),
        ("line\nbreak", "line break"),
    ] {
        sandbox.set("PG_WORKING_DIR", sandbox.path(place));
        sandbox.init([]).fails(2, ["PG_WORKING_DIR", word]);
    }
    sandbox.set("PG_WORKING_DIR", "/");
    sandbox.init([]).fails(2, ["PG_WORKING_DIR"]);
    assert_eq!(sandbox.read("file"), "mine");
    assert_eq!(sandbox.entries("home"), [""; 0]);
    assert_eq!(sandbox.entries(""), ["dangling", "file", "home", "link-home", "tmp"]);
}

#[test]
fn spaces_quotes_and_other_scripts_are_fine_in_every_path() {
    let mut sandbox = Sandbox::new();
    let place = "it's \"a\" $x `é` \\ ü; %41&?#";
    let working = sandbox.path(place);
    std::fs::create_dir_all(working.join("bin")).unwrap();
    sandbox.set("PG_WORKING_DIR", working.join("pg"));
    sandbox.set("PG_LOG_PATH", working.join("log '\""));
    sandbox.set(
        "PG_CONF_FILE",
        sandbox.write(&format!("{place}/c.conf"), "work_mem = '7MB'\nlisten_addresses = ''\n"),
    );
    sandbox.set("XDG_CACHE_HOME", sandbox.path("home").join(place));
    for name in crate::support::entries(&bindir()) {
        symlink(bindir().join(&name), working.join("bin").join(name)).unwrap();
    }
    sandbox.set("PG_BINDIR", working.join("bin"));
    let shown = sandbox.shell(
        "eval \"$(postgres-init --export sh)\" && \
         \"$PG_BINDIR/psql\" -XAt -d \"$PGURL\" -c 'SHOW work_mem; SHOW unix_socket_directories'",
    );
    let shown = shown.success();
    let quoted =
        |path: std::path::PathBuf| format!("\"{}\"", path.to_str().unwrap().replace('"', "\"\""));
    let sockets = format!("{}, {}", quoted(working.join("pg/sock")), quoted(working.join("pg")));
    assert_eq!(shown.stdout, format!("7MB\n{sockets}\n"));
    sandbox.run("postgres-cleanup", [""; 0]).success();
    assert!(!working.join("pg/data/postmaster.pid").exists());
}
