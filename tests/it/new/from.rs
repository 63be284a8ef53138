//! `database new --from`: a project of an existing database, with its proof.

use super::nowhere;
use crate::support::trace::interrupt;
use crate::support::{
    Outcome, Sandbox, assert_golden, finish, is_root, project, psql, repository, wait_until,
};

/// A database `app` that belongs to `dev`, with this SQL, and an empty directory `work`.
fn existing(sql: &str) -> Sandbox {
    existing_in(project::with_source(""), sql)
}

fn existing_in(mut sandbox: Sandbox, sql: &str) -> Sandbox {
    sandbox.database(["init"]).success();
    let file = sandbox.write("existing.sql", sql);
    let psql = ["psql", "-Xqv", "ON_ERROR_STOP=1", "-f", file.to_str().unwrap()];
    sandbox.database(psql).success();
    for name in ["LOCAL_DIR", "DB_URL", "PG_WORKING_DIR", "PG_SHARED_PRELOAD_LIBRARIES"] {
        sandbox.unset(name);
    }
    sandbox.run("mkdir", ["work"]).success();
    sandbox.go("work");
    sandbox
}

fn url(sandbox: &Sandbox) -> String {
    format!("postgresql://dev:hush-url@localhost/app?host={}", sandbox.path("pg/sock").display())
}

/// The same, for sessions that cannot write.
fn read_only(sandbox: &Sandbox) -> String {
    url(sandbox) + "&options=-c%20default_transaction_read_only%3Don"
}

fn shop() -> Sandbox {
    existing(&std::fs::read_to_string(repository().join("tests/fixture/new/shop.sql")).unwrap())
}

fn take<const N: usize>(sandbox: &Sandbox, more: [&str; N]) -> Outcome {
    let url = read_only(sandbox);
    sandbox.run("database", ["new", "taken", "--from", &url].into_iter().chain(more))
}

/// All files below a directory with their texts, sorted by path.
fn files(sandbox: &Sandbox, below: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in sandbox.entries(below) {
        let path = format!("{below}/{name}");
        match sandbox.path(&path).is_dir() {
            true => found.extend(files(sandbox, &path)),
            false => found.push((path.clone(), sandbox.read(&path))),
        }
    }
    found
}

#[test]
fn a_database_of_every_kind_becomes_a_project() {
    let mut sandbox = shop();
    let taken = take(&sandbox, []).success();
    for said in ["check passed", "make the same database", "baseline migration can be undone"] {
        assert!(taken.stderr.contains(said), "{said}\n{taken}");
    }
    assert!(taken.stdout.is_empty(), "diff is silent\n{taken}");
    let all = files(&sandbox, "work/taken");
    for (path, text) in &all {
        assert!(!text.contains("hush"), "{path}: a secret\n{text}");
    }
    assert!(!taken.stderr.contains("hush") && taken.stderr.contains("app.token"), "{taken}");
    assert_golden("new-from.txt", &sandbox.read("work/taken/db/src/entrypoint.sql"));
    let toml = sandbox.read("work/taken/database.toml");
    assert!(
        toml.contains("//dev@localhost/app?") && toml.contains("bundle = \"history\""),
        "{toml}"
    );
    // nothing was written there
    assert_eq!(sandbox.ask("SELECT to_regnamespace('hectic') IS NULL"), "t");

    sandbox.go("work/taken");
    let url = url(&sandbox);
    let compared = sandbox.database(["diff", "--against", &url]).success();
    assert!(compared.stdout.is_empty(), "{compared}");
    sandbox.run("migrator", ["verify"]).success();
    sandbox.database(["deploy"]).success();
    let tested = sandbox.database(["test"]).success();
    assert!(tested.stdout.contains("ok 1 - the number of tables is "), "{tested}");
    sandbox.database(["cleanup"]).success();
    // the existing database learns that it has the baseline
    let name = sandbox.entries("work/taken/db/migration").remove(0);
    sandbox.run("migrator", ["--db-url", &url, "baseline", &name]).success();
    let info = sandbox.run("migrator", ["--db-url", &url, "migrate", "up", "all"]).success();
    assert!(!info.stderr.contains("error"), "{info}");
    sandbox.database(["diff", "--against", &url]).success();
    // and another project now finds the history there
    sandbox.go("work");
    sandbox.database(["new", "again", "--from", &url]).success();
    let toml = sandbox.read("work/again/database.toml");
    assert!(toml.contains("bundle = \"history\"") && !toml.contains("bundle hectic"), "{toml}");
}

#[test]
fn rows_of_named_tables_are_sources() {
    let mut sandbox = shop();
    let tables =
        ["--data", "shop.customer", "--data", "billing.invoice", "--data", "billing.payment"];
    take(&sandbox, tables).success();
    let rows = sandbox.read("work/taken/db/src/rows.sql");
    assert!(rows.contains("anna@example.at") && rows.contains("2030-01-01"), "{rows}");
    sandbox.go("work/taken");
    sandbox.database(["deploy"]).success();
    let count = "SELECT (SELECT count(*) FROM shop.customer) || ',' || (SELECT count(*) FROM billing.payment_rest) \
                 || ',' || nextval('billing.invoice_invoice_id_seq')";
    assert_eq!(sandbox.database(["psql", "-XAtc", count]).success().stdout, "2,1,3\n");
    sandbox.database(["cleanup"]).success();
}

#[test]
fn a_table_that_does_not_exist_is_told_and_nothing_is_written() {
    let sandbox = existing("CREATE TABLE t ();");
    take(&sandbox, ["--data", "no.such"]).fails(5, ["no table no.such"]);
    take(&sandbox, ["--data", "t", "--data", "pg_toast"]).fails(5, ["no table pg_toast"]);
    assert!(sandbox.entries("work").is_empty());
}

#[test]
fn a_database_with_the_full_bundle_keeps_it() {
    let mut sandbox = Sandbox::with_project("nix/template");
    sandbox.database(["deploy", "--no-patch"]).success();
    for name in ["LOCAL_DIR", "DB_URL", "PG_WORKING_DIR", "PG_SHARED_PRELOAD_LIBRARIES"] {
        sandbox.unset(name);
    }
    std::fs::create_dir(sandbox.path("work")).unwrap();
    sandbox.go("work");
    let taken = take(&sandbox, ["--data", "shop.country"]).success();
    assert!(taken.stdout.is_empty(), "{taken}");
    let toml = sandbox.read("work/taken/database.toml");
    assert!(toml.contains("bundle = \"full\"") && !toml.contains("ignore"), "{toml}");
    for (path, text) in files(&sandbox, "work/taken/db/src") {
        assert!(
            !text.contains("CREATE SCHEMA hectic") && !text.contains("hectic_"),
            "{path}\n{text}"
        );
    }
}

#[test]
fn the_schema_public_may_have_another_owner_or_be_gone() {
    for sql in [
        "CREATE ROLE other; ALTER SCHEMA public OWNER TO other; GRANT ALL ON SCHEMA public TO PUBLIC;",
        "ALTER SCHEMA public OWNER TO dev; COMMENT ON SCHEMA public IS NULL;",
        "CREATE SCHEMA shop; CREATE TABLE shop.t (); DROP SCHEMA public;",
    ] {
        let taken = take(&existing(sql), []).success();
        assert!(taken.stdout.is_empty(), "{sql}\n{taken}");
    }
}

#[test]
fn an_ordinary_user_takes_a_database_in() {
    if !is_root() {
        return;
    }
    let mut sandbox = project::with_source("");
    sandbox.act_as("nobody");
    let sandbox = existing_in(sandbox, "CREATE EXTENSION citext; CREATE TABLE t (c citext);");
    take(&sandbox, ["--data", "t"]).success();
}

#[test]
fn a_role_that_may_only_read_is_enough() {
    let sandbox = existing(
        "CREATE ROLE visitor LOGIN; CREATE SCHEMA shop; CREATE TABLE shop.t (id int PRIMARY KEY);\n\
         CREATE EXTENSION citext; GRANT USAGE ON SCHEMA shop TO visitor; GRANT SELECT ON shop.t TO visitor;",
    );
    let url = read_only(&sandbox).replace("//dev:hush-url@", "//visitor@");
    let taken = sandbox.database(["new", "taken", "--from", &url, "--data", "shop.t"]).success();
    assert!(taken.stdout.is_empty(), "{taken}");
    assert!(sandbox.read("work/taken/database.toml").contains("//dev@localhost/app?"));
    assert!(sandbox.read("work/taken/db/src/shop/grants.sql").contains("TO visitor"));
}

#[test]
fn missing_extensions_are_named() {
    let sandbox = existing(
        "CREATE EXTENSION citext; CREATE EXTENSION hstore; SET allow_system_table_mods = on;\n\
         UPDATE pg_extension SET extname = 'no_such_' || extname WHERE extname IN ('citext', 'hstore');",
    );
    let missing = ["needs extensions", "no_such_citext, no_such_hstore", "nothing was written"];
    take(&sandbox, []).fails(127, missing);
    assert!(sandbox.entries("work").is_empty());
}

#[test]
fn what_pg_dump_loses_fails_the_proof_and_the_files_stay() {
    let sandbox = existing(
        "CREATE LANGUAGE other HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler;",
    );
    let hint = "correct the files in";
    take(&sandbox, []).fails(1, ["the project is written", "other", hint, "database check"]);
    assert!(sandbox.path("work/taken/db/src/entrypoint.sql").exists());
}

#[test]
fn files_in_the_way_are_found_before_the_database_is_asked() {
    let sandbox = nowhere();
    sandbox.write("work/taken/database.toml", "");
    let nobody = "postgresql://x@localhost/y?host=/nowhere";
    let arguments = ["new", "taken", "--from", nobody];
    sandbox.database(arguments).fails(2, ["database.toml", "written nothing"]);
    std::fs::remove_file(sandbox.path("work/taken/database.toml")).unwrap();
    sandbox.database(arguments).fails(1, ["/nowhere"]);
    assert!(sandbox.entries("work/taken").is_empty());
}

#[test]
fn an_interruption_leaves_nothing_and_no_program_gets_the_password_as_an_argument() {
    let sandbox = existing("CREATE TABLE t ();");
    let hold = "BEGIN; LOCK TABLE t; SELECT pg_sleep(3600);";
    let holder = sandbox.spawn(&psql(), ["-Xqc", hold, "-d", &sandbox.url("app")]);
    let count = |state: &str| {
        sandbox.ask(&format!("SELECT count(*) FROM pg_stat_activity WHERE {state}")) == "1"
    };
    wait_until("the table is locked", || count("wait_event = 'PgSleep'"));
    let url = read_only(&sandbox);
    let taking = sandbox.spawn("database", ["new", "taken", "--from", &url]);
    let waits = "application_name = 'pg_dump' AND wait_event_type = 'Lock'";
    let taken = interrupt(taking, "INT", || count(waits) && !arguments("pg_dump").contains("hush"));
    assert_eq!(taken.signal, Some(2), "{taken}");
    assert!(sandbox.entries("work").is_empty());
    assert_eq!(sandbox.entries("tmp"), Vec::<String>::new());
    sandbox.ask("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    finish(holder, None);
}

/// The arguments of all processes with this name.
fn arguments(name: &str) -> String {
    let ours = crate::support::process::all().filter(|process| process.name() == name);
    let arguments: Vec<String> = ours.map(|process| process.words().join(" ")).collect();
    assert!(!arguments.is_empty(), "{name} runs");
    arguments.concat()
}
