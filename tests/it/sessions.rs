//! The settings of the sessions that db-tool opens: timeouts of the database do not end them,
//! options of the caller hold in them, and no variable leads them to another server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::support::Sandbox;
use crate::support::project::{deployed, with_own_cache};
use crate::support::trace::own_cache;

const TABLE: &str = "CREATE TABLE t (i int) INHERITS (hectic.created_at);\n";

/// A TAP test: every timeout that the server knows, and whether it is off.
const ALL_OFF: &str = r"
\pset tuples_only on
\pset format unaligned
\echo 1..1
SELECT CASE count(*) FILTER (WHERE setting <> '0') WHEN 0 THEN '' ELSE 'not ' END || 'ok 1 '
  || string_agg(name || '=' || setting, ' ')
FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_session_timeout',
  'idle_in_transaction_session_timeout', 'transaction_timeout');
";

/// Makes a statement fail unless all timeouts are off.
const GUARD: &str = "DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_settings WHERE name ~ '^(statement|lock|transaction|idle_.*)_timeout$' AND setting <> '0')
  THEN RAISE EXCEPTION 'a timeout is set'; END IF; END $$;\n";

/// Sets timeouts for the database and for its role that are too short for any statement.
#[track_caller]
fn set_timeouts(sandbox: &Sandbox) {
    let set = "DO $$ DECLARE name text; BEGIN
      FOR name IN SELECT s.name FROM pg_settings s WHERE s.name IN ('statement_timeout', 'lock_timeout',
        'idle_session_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout') LOOP
        EXECUTE format('ALTER DATABASE app SET %I = ''1ms''', name);
        EXECUTE format('ALTER ROLE dev SET %I = ''1ms''', name);
      END LOOP; END $$";
    sandbox.ask_in("postgres", set);
}

#[test]
fn timeouts_of_the_database_end_nothing() {
    let mut sandbox = deployed(TABLE);
    own_cache(&mut sandbox);
    set_timeouts(&sandbox);
    sandbox.write("project/db/test/test.sql", ALL_OFF);
    sandbox.write("project/test-data.sql", [GUARD, "INSERT INTO t (i) VALUES (1);\n"].concat());
    sandbox.database(["test"]).success();
    sandbox.database(["patch"]).success();
    sandbox.write("project/db/src/entrypoint.sql", [GUARD, "RESET ALL;\n", GUARD].concat());
    sandbox.database(["hydrate"]).success();
    sandbox.write("project/db/src/entrypoint.sql", TABLE);
    let url = sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    sandbox.database(["diff", "--against", &url]).success();
    let up = [GUARD, "CREATE SEQUENCE one;\n"].concat();
    sandbox.write("project/db/migration/20250101000001-a/up.sql", &up);
    sandbox.write("project/db/migration/20250101000002-b/up.sql", GUARD);
    sandbox.run("migrator", ["migrate", "up", "all"]).success();
    sandbox.database(["secrets", "list"]).success();
    sandbox.database(["backup"]).success();
    sandbox.database(["restore", "--reindex"]).success();
    sandbox.ask_in("postgres", "ALTER DATABASE app RESET ALL");
    assert_eq!(sandbox.ask("SELECT i FROM t"), "1");
}

#[test]
fn options_of_the_migrator_and_of_the_caller_set_timeouts() {
    let mut sandbox = deployed(TABLE);
    set_timeouts(&sandbox);
    let shows = |lock: &str, statement: &str| {
        let check = format!(
            "DO $$ BEGIN ASSERT current_setting('lock_timeout') = '{lock}' AND \
             current_setting('statement_timeout') = '{statement}'; END $$;\n"
        );
        sandbox.write("project/db/migration/20250101000001-a/up.sql", &check);
        check
    };
    shows("7s", "0");
    sandbox.run("migrator", ["--lock-timeout", "7s", "verify"]).fails(4, ["cannot be undone"]);
    sandbox.run("migrator", ["--lock-timeout", "7s", "migrate", "up"]).success();
    let check = shows("8s", "9s");
    sandbox.set("PGOPTIONS", "-c lock_timeout=8s -c statement_timeout=9s");
    sandbox.write("project/test-data.sql", check);
    sandbox.database(["patch"]).success();
}

const SETTING: &str = "hectic.inheritance_extra_excluded_schemas";

/// A table that the bundle refuses unless the schema is exempt.
const BARE: &str = "CREATE TABLE bare (i int);\n";

#[test]
fn options_of_the_url_and_of_the_caller_hold_everywhere() {
    let mut sandbox = with_own_cache(BARE);
    sandbox.write("project/db/migration/20250101000001-a/up.sql", BARE);
    sandbox.write("project/db/migration/20250101000001-a/down.sql", "DROP TABLE bare;\n");
    sandbox.write("project/test-data.sql", BARE.replace("bare", "patched"));
    sandbox.database(["check"]).fails(1, ["bare"]);
    let url = sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    let works = |sandbox: &Sandbox| {
        sandbox.database(["check"]).success();
        sandbox.database(["diff", "--from-migrations"]).success();
        sandbox.run("migrator", ["verify"]).success();
        sandbox.database(["deploy"]).success();
        sandbox.ask("DROP TABLE bare, patched");
        sandbox.database(["hydrate"]).success();
        sandbox.database(["patch"]).success();
        sandbox.database(["cleanup"]).success();
    };
    sandbox.set("PGOPTIONS", format!("-c {SETTING}=public"));
    works(&sandbox);
    // the options of the URL take precedence
    sandbox.set("PGOPTIONS", format!("-c {SETTING}=elsewhere"));
    sandbox.set("DB_URL", format!("{url}&options=-c%20{SETTING}%3Dpublic"));
    works(&sandbox);
    sandbox.set("DB_URL", format!("{url}&options=-c%20{SETTING}%3Delsewhere"));
    sandbox.set("PGOPTIONS", format!("-c {SETTING}=public"));
    sandbox.run("migrator", ["verify"]).fails(4, ["bare"]);
    sandbox.database(["deploy"]).fails(1, ["bare"]);
}

#[test]
fn the_environment_leads_to_no_other_server() {
    let mut sandbox = deployed(TABLE);
    let service = sandbox.write("service", "[other]\nhost=other.invalid\nport=1\nhostaddr=::1\n");
    for (name, value) in [
        ("PGHOST", "other.invalid"),
        ("PGHOSTADDR", "::1"),
        ("PGPORT", "1"),
        ("PGUSER", "stranger"),
        ("PGDATABASE", "elsewhere"),
        ("PGSERVICE", "other"),
        ("PGSERVICEFILE", service.to_str().unwrap()),
    ] {
        sandbox.set(name, value);
    }
    sandbox.write("project/db/test/test.sql", ALL_OFF);
    sandbox.write("project/db/migration/20250101000001-a/up.sql", "SELECT 1;\n");
    sandbox.write("project/test-data.sql", "INSERT INTO t (i) VALUES (1);\n");
    sandbox.database(["test"]).success();
    sandbox.database(["patch"]).success();
    sandbox.run("migrator", ["migrate", "up"]).success();
    let found = sandbox.database(["psql", "-XAtc", "SELECT current_user, current_database()"]);
    assert_eq!(found.success().stdout, "dev|app\n");
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg/data").exists());
}

/// Acts as a pooler that refuses start-up options and passes on everything else to the socket.
/// Returns its port.
fn pooler(socket: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let socket = socket.clone();
            std::thread::spawn(move || serve(client, &socket));
        }
    });
    port
}

fn serve(mut client: TcpStream, socket: &Path) -> Option<()> {
    let mut length = [0; 4];
    client.read_exact(&mut length).ok()?;
    let mut packet = vec![0; u32::from_be_bytes(length) as usize - 4];
    client.read_exact(&mut packet).ok()?;
    if packet.windows(9).any(|window| window == b"\0options\0") {
        let fields = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
        let length = (u32::try_from(fields.len()).unwrap() + 4).to_be_bytes();
        client.write_all(&[b"E", &length[..], fields].concat()).ok()?;
        return client.shutdown(Shutdown::Both).ok();
    }
    let mut server = UnixStream::connect(socket).ok()?;
    server.write_all(&[&length[..], &packet].concat()).ok()?;
    let (mut from, mut to) = (client.try_clone().ok()?, server.try_clone().ok()?);
    let forth = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    forth.join().ok()
}

#[test]
fn a_pooler_that_refuses_options_gets_none() {
    let mut sandbox = deployed(TABLE);
    let port = pooler(sandbox.path("pg/sock/.s.PGSQL.5432"));
    let url = format!("postgresql://dev@127.0.0.1:{port}/app?sslmode=disable");
    sandbox.set("DB_URL", &url);
    sandbox.write("project/db/test/test.sql", ALL_OFF);
    sandbox.write("project/test-data.sql", "INSERT INTO t (i) VALUES (1);\n");
    sandbox.database(["test"]).success();
    sandbox.database(["patch"]).success();
    sandbox.database(["bundle", "status"]).success();
    assert_eq!(sandbox.ask("SELECT i FROM t"), "1");
    // db-tool does not leave out the options that the caller asks for
    sandbox.set("PGOPTIONS", "-c x.y=1");
    sandbox.database(["bundle", "status"]).fails(1, ["unsupported startup parameter: options"]);
}
