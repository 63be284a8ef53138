//! The helpers in `clients/`, in real tests of the runners that they are for.

use std::path::{Path, PathBuf};
use std::process::Command;

use db_tool_test::{Options, TestDatabase};

use super::SOURCE;
use crate::support::project::deployed;
use crate::support::{Outcome, Sandbox, finish, program, repository};

/// A project with a patch file, and the variables by which the helpers find db-tool.
fn project() -> Sandbox {
    let mut sandbox = deployed(SOURCE);
    sandbox.write("project/test-data.sql", "INSERT INTO shop.item (name) VALUES ('cap');\n");
    sandbox.set("DB_TOOL", program("database"));
    sandbox
}

/// The directory into which `cargo x test` has fetched the clients.
fn place() -> PathBuf {
    let named = std::env::var_os("DB_TOOL_TEST_CLIENTS").map(PathBuf::from);
    named.unwrap_or_else(|| repository().join("target/clients"))
}

/// Runs the interpreter of a client with its libraries.
fn run(sandbox: &Sandbox, client: &str, arguments: &[&str], directory: &Path) -> Outcome {
    let program = place().join(client);
    assert!(program.is_file(), "no {}: run the tests with `cargo x test`", program.display());
    let mut command = sandbox.command(program.to_str().unwrap(), arguments);
    piped(command.current_dir(directory))
}

fn piped(command: &mut Command) -> Outcome {
    use std::process::Stdio;
    finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), None)
}

/// The one clone that is left is that of the failed test: `said` has its URL, and it has its row.
#[track_caller]
fn the_failed_one_stays(sandbox: &Sandbox, said: &str) {
    let clones = sandbox.clones();
    let [clone] = &clones[..] else { panic!("{clones:?}\n{said}") };
    assert!(said.contains(&format!("postgresql://dev@localhost/{clone}?")), "{said}");
    let rows = "SELECT count(*) FROM shop.item WHERE name = 'of the failed test'";
    assert_eq!(sandbox.ask_in(clone, rows), "1");
    let listed = sandbox.database(["clone", "list"]).success();
    assert!(listed.stdout.contains("in 60 min") || listed.stdout.contains("in 59 min"), "{listed}");
}

/// A directory with the plugin, as an installation has it, and the tests.
fn installed(sandbox: &Sandbox) -> PathBuf {
    let plugin = repository().join("clients/python/pytest_db_tool.py");
    sandbox.write("python/pytest_db_tool.py", std::fs::read(plugin).unwrap());
    sandbox.write("python/conftest.py", "pytest_plugins = ['pytest_db_tool']\n");
    let tests = repository().join("tests/fixture/clients/test_shop.py");
    sandbox.write("python/test_shop.py", std::fs::read(tests).unwrap());
    sandbox.path("python")
}

fn pytest(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let words = ["-B", "-m", "pytest", "-p", "no:cacheprovider"];
    run(sandbox, "python", &[&words[..], arguments].concat(), &installed(sandbox))
}

#[test]
fn pytest_has_a_database_for_each_test() {
    let sandbox = project();
    let outcome = pytest(&sandbox, &[]);
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert!(outcome.stdout.contains("1 failed, 7 passed"), "{outcome}");
    assert!(outcome.stdout.contains("- Database of the failed test -"), "{outcome}");
    the_failed_one_stays(&sandbox, &outcome.stdout);
}

#[test]
fn workers_of_xdist_have_their_own_databases() {
    let sandbox = project();
    let outcome = pytest(&sandbox, &["-n", "3"]);
    assert!(outcome.stdout.contains("1 failed, 7 passed"), "{outcome}");
    the_failed_one_stays(&sandbox, &outcome.stdout);
}

#[test]
fn a_test_without_a_cluster_says_why() {
    let sandbox = project();
    sandbox.database(["cleanup"]).success();
    let outcome = pytest(&sandbox, &["-k", "fails"]);
    assert!(outcome.stdout.contains("`database clone --owner "), "{outcome}");
    assert!(outcome.stdout.contains("hint: "), "{outcome}");
}

#[test]
fn node_has_a_database_for_each_test() {
    let mut sandbox = project();
    sandbox.set("HELPER", repository().join("clients/node/index.js"));
    let tests = repository().join("tests/fixture/clients/shop.test.mjs");
    let here = sandbox.path("");
    let outcome = run(&sandbox, "node-postgres", &["--test", tests.to_str().unwrap()], &here);
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert!(outcome.stdout.contains("pass 4\n"), "{outcome}");
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    the_failed_one_stays(&sandbox, &said);
}

#[test]
fn vitest_has_a_database_for_each_test() {
    let mut sandbox = project();
    sandbox.set("HELPER", repository().join("clients/node/index.js"));
    let tests = repository().join("tests/fixture/clients/shop.test.mjs");
    sandbox.write("node/shop.test.mjs", std::fs::read(tests).unwrap());
    let modules = place().join("vitest.d/node_modules");
    std::os::unix::fs::symlink(&modules, sandbox.path("node/node_modules")).unwrap();
    let vitest = modules.join("vitest/vitest.mjs");
    let here = sandbox.path("node");
    let words = [vitest.to_str().unwrap(), "run", "--root", here.to_str().unwrap()];
    let outcome = run(&sandbox, "vitest", &words, &here);
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert!(outcome.stdout.contains("1 failed"), "{outcome}");
    assert!(outcome.stdout.contains("4 passed"), "{outcome}");
    the_failed_one_stays(&sandbox, &outcome.stderr);
}

/// Runs the ignored test of this file with this name in the sandbox.
fn rust(sandbox: &Sandbox, name: &str) -> Outcome {
    let tests = std::env::current_exe().unwrap();
    let name = format!("clone::helpers::{name}");
    let words = [name.as_str(), "--exact", "--ignored", "--nocapture"];
    piped(&mut sandbox.command(tests.to_str().unwrap(), words))
}

#[test]
fn rust_has_a_database_for_each_test() {
    let sandbox = project();
    let outcome = rust(&sandbox, "in_a_sandbox_that_passes").success();
    assert!(outcome.stdout.contains("1 passed"), "{outcome}");
    assert_eq!(sandbox.clones(), [""; 0]);
    let outcome = rust(&sandbox, "in_a_sandbox_that_fails");
    assert_eq!(outcome.code, Some(101), "{outcome}");
    assert!(outcome.stderr.contains("the database of the failed test: postgres"), "{outcome}");
    the_failed_one_stays(&sandbox, &outcome.stderr);
}

#[test]
fn rust_says_why_there_is_no_database() {
    let mut sandbox = project();
    sandbox.set("DB_TOOL", "/no/database");
    let outcome = rust(&sandbox, "in_a_sandbox_that_passes");
    assert_eq!(outcome.code, Some(101), "{outcome}");
    assert!(outcome.stderr.contains("name its program in DB_TOOL"), "{outcome}");
}

async fn insert(database: &TestDatabase, name: &str) -> i64 {
    let (client, connection) =
        tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let statement = "INSERT INTO shop.item (name) VALUES ($1)";
    client.execute(statement, &[&name]).await.unwrap();
    client.query_one("SELECT count(*) FROM shop.item", &[]).await.unwrap().get(0)
}

#[tokio::test]
#[ignore = "another test runs it, in its sandbox"]
async fn in_a_sandbox_that_passes() {
    let database = TestDatabase::new();
    assert_eq!(insert(&database, "one").await, 2);
    let patched = Options::new().patch().create().unwrap();
    assert_ne!(patched.name(), database.name());
    assert_eq!(insert(&patched, "one").await, 3);
}

#[tokio::test]
#[ignore = "another test runs it, in its sandbox"]
async fn in_a_sandbox_that_fails() {
    let database = TestDatabase::new();
    insert(&database, "of the failed test").await;
    assert_eq!(database.name(), "nothing");
}
