//! `database clone`: a copy of the database for each test.

mod helpers;
mod life;
mod parallel;
mod run;
mod template;

use std::process::{Child, Command, Stdio};

use crate::support::project::{deployed, with_source};
use crate::support::wait::signal;
use crate::support::{Sandbox, finish, psql, wait_until};

/// A table with one row.
const SOURCE: &str = "CREATE SCHEMA shop;\nCREATE TABLE shop.item (name text) INHERITS (hectic.created_at);\nINSERT INTO shop.item (name) VALUES ('hat');\n";

/// A process that can own a clone. Dropping it kills it.
struct Owner(Child);

impl Owner {
    fn start() -> Self {
        let mut sleep = Command::new("sleep");
        Self(sleep.arg("3600").stdin(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Sandbox {
    /// The URL of a new clone.
    #[track_caller]
    fn clone_with<const N: usize>(&self, arguments: [&str; N]) -> String {
        let words = ["clone"].into_iter().chain(arguments);
        let made = self.run("database", words).success();
        let url = made.stdout.strip_suffix('\n').unwrap().to_owned();
        assert!(url.starts_with("postgresql://dev@localhost/") && !url.contains('\n'), "{made}");
        url
    }

    /// The names of the databases that match a pattern of LIKE, joined by blanks.
    #[track_caller]
    fn databases_like(&self, pattern: &str) -> String {
        let names = "SELECT coalesce(string_agg(datname, ' ' ORDER BY datname), '')";
        self.ask_in("postgres", &format!("{names} FROM pg_database WHERE datname LIKE '{pattern}'"))
    }

    /// The names of the clones that have a name made up by db-tool.
    #[track_caller]
    fn clones(&self) -> Vec<String> {
        self.databases_like("app\\_clone\\_%").split_whitespace().map(str::to_owned).collect()
    }
}

#[test]
fn a_clone_has_the_content_of_the_sources_and_not_that_of_the_database() {
    let sandbox = deployed(SOURCE);
    sandbox.ask("INSERT INTO shop.item (name) VALUES ('only here')");
    let url = sandbox.clone_with([]);
    assert_eq!(sandbox.query(&url, "SELECT string_agg(name, ',') FROM shop.item"), "hat");
    sandbox.query(&url, "DELETE FROM shop.item");
    assert_eq!(sandbox.ask("SELECT count(*) FROM shop.item"), "2");
    let other = sandbox.clone_with([]);
    assert_ne!(url, other);
    assert_eq!(sandbox.query(&other, "SELECT name FROM shop.item"), "hat");
}

#[test]
fn a_clone_is_made_while_the_database_has_sessions() {
    let sandbox = deployed(SOURCE);
    let url = sandbox.url("app");
    let told = sandbox.run(
        &psql(),
        [
            "-XAtq",
            "-d",
            &url,
            "-c",
            "BEGIN",
            "-c",
            "LOCK TABLE shop.item",
            "-c",
            "\\! database clone",
        ],
    );
    assert!(told.success().stdout.starts_with("postgresql://dev@localhost/app_clone_"));
}

#[test]
fn the_patch_file_runs_only_on_request() {
    let sandbox = deployed(SOURCE);
    sandbox.write("project/test-data.sql", "INSERT INTO shop.item (name) VALUES ('from patch');");
    let count = |url: &str| sandbox.query(url, "SELECT count(*) FROM shop.item");
    assert_eq!(count(&sandbox.clone_with(["--patch"])), "2");
    assert_eq!(count(&sandbox.clone_with([])), "1");
    let both = sandbox.databases_like("app\\_template\\_%");
    assert_eq!(both.split(' ').count(), 2, "each content has a template: {both}");
    assert_eq!(count(&sandbox.clone_with(["--patch"])), "2");
    assert_eq!(sandbox.databases_like("app\\_template\\_%"), both);
}

#[test]
fn a_clone_has_the_secrets() {
    let mut sandbox = deployed(SOURCE);
    sandbox.set("HECTIC_DOTENV_CONTENT", "TOKEN=opensesame\n");
    let read = |url: &str| sandbox.query(url, "SELECT hectic.get_secret('TOKEN')");
    let url = sandbox.clone_with([]);
    assert_eq!(read(&url), "opensesame");
    let mut sandbox = sandbox;
    sandbox.set("HECTIC_DOTENV_CONTENT", "TOKEN=other\n");
    let other = sandbox.clone_with([]);
    assert_eq!(sandbox.query(&other, "SELECT hectic.get_secret('TOKEN')"), "other");
}

#[test]
fn a_clone_has_the_owner_the_privileges_and_the_settings_of_the_database() {
    let sandbox = deployed(SOURCE);
    sandbox.ask(
        "CREATE ROLE reader; CREATE ROLE \"ow ner\" SUPERUSER; REVOKE CONNECT ON DATABASE app FROM PUBLIC; \
         GRANT CONNECT, TEMPORARY ON DATABASE app TO reader WITH GRANT OPTION; \
         ALTER DATABASE app SET search_path = shop, \"it's\"; ALTER DATABASE app CONNECTION LIMIT 7; \
         ALTER ROLE reader IN DATABASE app SET work_mem = '5MB'; ALTER DATABASE app OWNER TO \"ow ner\"",
    );
    let name = |url: &str| sandbox.query(url, "SELECT current_database()");
    let clone = name(&sandbox.clone_with([]));
    let facts = |database: &str| {
        sandbox.ask_in(
            "postgres",
            &format!(
                "SELECT datdba::regrole, datacl, datconnlimit, encoding, datcollate, datctype, \
                 (SELECT string_agg(setrole::regrole || setconfig::text, ' ' ORDER BY setrole) \
                  FROM pg_db_role_setting WHERE setdatabase = d.oid), \
                 (SELECT count(*) FROM pg_shdepend WHERE dbid = 0 AND objid = d.oid) \
                 FROM pg_database d WHERE datname = '{database}'"
            ),
        )
    };
    assert_eq!(facts(&clone), facts("app"));
    assert!(facts(&clone).contains("reader=T*c*"), "{}", facts(&clone));
    let refused = sandbox.run(&psql(), ["-Xd", &sandbox.url("app"), "-c", "DROP ROLE reader"]);
    refused.fails(1, ["some objects depend on it"]);
}

#[test]
fn names_may_have_quotes_and_63_bytes() {
    let sandbox = deployed(SOURCE);
    let odd = r#"a "b" 'c' \d %"#;
    let url = sandbox.clone_with(["--name", odd]);
    assert_eq!(sandbox.query(&url, "SELECT current_database()"), odd);
    let long = "ü".repeat(31) + "x";
    let url = sandbox.clone_with(["--name", &long]);
    assert_eq!(sandbox.query(&url, "SELECT current_database()"), long);
    sandbox.database(["clone", "--name", &long]).fails(2, ["already", "database clone drop"]);
    sandbox.database(["clone", "--name", &(long + "y")]).fails(2, ["64 bytes", "\nhint:"]);
    sandbox.database(["clone", "--name", ""]).fails(2, ["is empty"]);
    sandbox.database(["clone", "--name", "app"]).fails(2, ["\"app\" already"]);
    assert_eq!(sandbox.clones().len(), 0, "no failed command leaves a database");
    sandbox.database(["clone", "drop", odd]).success();
    assert_eq!(sandbox.databases_like("a \"%"), "");
}

#[test]
fn a_database_with_a_long_name_has_clones() {
    let mut sandbox = with_source(SOURCE);
    let name = "x".repeat(63);
    sandbox.set(
        "DB_URL",
        format!("postgresql://dev@localhost/{name}?host={}", sandbox.path("pg").display()),
    );
    sandbox.database(["deploy", "--no-patch"]).success();
    let url = sandbox.clone_with([]);
    assert_eq!(sandbox.query(&url, "SELECT name FROM shop.item"), "hat");
    assert_eq!(sandbox.query(&url, "SELECT length(current_database())"), "63");
}

#[test]
fn the_cluster_must_run_and_have_the_database() {
    let sandbox = with_source(SOURCE);
    sandbox.database(["clone"]).fails(2, ["there is no cluster", "database deploy"]);
    sandbox.database(["init"]).success();
    let url = sandbox.clone_with([]);
    assert_eq!(sandbox.query(&url, "SELECT name FROM shop.item"), "hat");
    assert_eq!(sandbox.clones().len(), 1);
    sandbox.ask_in("postgres", "DROP DATABASE app");
    sandbox.database(["clone"]).fails(2, ["no database \"app\"", "\nhint:"]);
    signal("INT", sandbox.postmaster());
    wait_until("the server stops", || !sandbox.has_server());
    sandbox.database(["clone"]).fails(2, ["does not run", "database init"]);
}

#[test]
fn a_server_that_was_idle_wakes_up() {
    let mut sandbox = deployed(SOURCE);
    sandbox.database(["clone", "template"]).success();
    sandbox.set("PG_IDLE_STOP", "200ms");
    sandbox.database(["init"]).success();
    wait_until("the server stops", || !sandbox.has_server());
    sandbox.database(["clone"]).success();
}

#[test]
fn a_source_that_fails_leaves_no_template() {
    let sandbox = deployed(SOURCE);
    sandbox.write("project/db/src/entrypoint.sql", format!("{SOURCE}SELECT 1/0;\n"));
    let told = sandbox.database(["clone"]).fails(1, ["division by zero", "template of clones"]);
    assert_eq!(told.stdout, "");
    assert_eq!(sandbox.databases_like("app\\_%"), "");
    sandbox.write("project/db/src/entrypoint.sql", "CREATE ROLE twice;\n");
    sandbox.clone_with([]);
    sandbox.write("project/db/src/entrypoint.sql", "CREATE ROLE twice; -- again\n");
    sandbox
        .database(["clone"])
        .fails(1, ["role \"twice\" already exists", "only if it is missing"]);
}

#[test]
fn a_full_server_is_waited_for() {
    let sandbox = deployed(SOURCE);
    sandbox.clone_with([]);
    let limit = sandbox.ask("SHOW max_connections").parse::<usize>().unwrap();
    let url = sandbox.url("app");
    let hold = || {
        let mut session = sandbox.command(&psql(), ["-XAtq", "-d", &url]);
        session.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        session.spawn().unwrap()
    };
    let mut held: Vec<Child> = (0..limit).map(|_| hold()).collect();
    wait_until("the server is full", || {
        let told = sandbox.run(&psql(), ["-Xd", &url, "-c", ""]);
        let is_full = told.stderr.contains("too many clients");
        if !is_full {
            held.push(hold());
        }
        is_full
    });
    let clone = sandbox.spawn("database", ["clone"]);
    let queue = sandbox.path("pg/.clone/queue");
    wait_until("the command waits", || queue.exists());
    for mut session in held {
        drop(session.stdin.take());
        finish(session, None);
    }
    let told = finish(clone, None).success();
    assert!(told.stdout.contains("/app_clone_"), "{told}");
}
