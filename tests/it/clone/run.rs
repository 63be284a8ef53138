//! `database run --clone`.

use super::SOURCE;
use crate::support::project::deployed;
use crate::support::wait::{hear, signal};
use crate::support::{Sandbox, finish, psql, wait_until};

/// Prints the database of the connection that the command gets.
const WHERE: &str = "\"$0\" -XAtqc 'SELECT current_database()'";

#[track_caller]
fn run(sandbox: &Sandbox, flags: &[&str], script: &str) -> crate::support::Outcome {
    let psql = psql();
    let words = [&["run", "--clone"], flags, &["--", "sh", "-c", script, &psql]].concat();
    sandbox.run("database", words)
}

#[test]
fn a_command_gets_a_clone_that_goes_with_it() {
    let sandbox = deployed(SOURCE);
    let script = format!(
        "{WHERE}; \"$0\" -XAtqd \"$DB_URL\" -c 'SELECT name FROM shop.item'; \
                          echo $PGDATABASE $DATABASE_URL $PGURL $POSTGRESQL_DATABASE $DATABASE_TEMPLATE; exit 42"
    );
    let told = run(&sandbox, &[], &script).fails(42, []);
    let lines: Vec<_> = told.stdout.lines().collect();
    let [name, item, variables] = lines[..] else { panic!("{told}") };
    assert!(name.starts_with("app_clone_") && item == "hat", "{told}");
    assert_eq!(variables.matches(name).count(), 4, "{told}");
    assert!(variables.contains(" app_template_"), "{told}");
    assert_eq!(sandbox.clones().len(), 0);
    assert_eq!(run(&sandbox, &[], "cat; echo 1").success().stdout, "1\n");
}

#[test]
fn the_clone_of_a_failed_command_stays_on_request() {
    let sandbox = deployed(SOURCE);
    run(&sandbox, &["--keep-failed"], "true").success();
    assert_eq!(sandbox.clones().len(), 0);
    let told = run(&sandbox, &["--keep-failed", "--ttl", "2h"], WHERE.trim_end()).success();
    assert!(told.stdout.starts_with("app_clone_"));
    let told =
        run(&sandbox, &["--keep-failed", "--ttl", "2h"], "exit 3").fails(3, ["the clone stays"]);
    let url = told.stderr.lines().find_map(|line| line.strip_prefix("the clone stays: ")).unwrap();
    assert_eq!(sandbox.query(url, "SELECT name FROM shop.item"), "hat");
    let listed = sandbox.database(["clone", "list"]).success().stdout;
    assert!(listed.contains("in 119 min") || listed.contains("in 2 h"), "{listed}");
    sandbox.database(["run", "--keep-failed", "true"]).fails(3, ["--clone"]);
}

#[test]
fn the_patch_file_runs_in_the_clone() {
    let sandbox = deployed(SOURCE);
    sandbox.write("project/test-data.sql", "INSERT INTO shop.item (name) VALUES ('from patch');");
    let count = "\"$0\" -XAtqc 'SELECT count(*) FROM shop.item'";
    assert_eq!(run(&sandbox, &["--patch"], count).success().stdout, "2\n");
}

#[test]
fn signals_reach_the_command_and_the_clone_goes() {
    let sandbox = deployed(SOURCE);
    for (name, code) in [("TERM", 17), ("INT", 18), ("HUP", 19)] {
        let script = "trap 'exit 17' TERM; trap 'exit 18' INT; trap 'exit 19' HUP; echo ready; while :; do :; done";
        let mut child = sandbox.spawn("database", ["run", "--clone", "sh", "-c", script]);
        let pid = child.id();
        hear(child.stdout.as_mut().unwrap(), pid, |said| said == "ready\n");
        assert_eq!(sandbox.clones().len(), 1);
        signal(name, pid);
        finish(child, None).fails(code, []);
        assert_eq!(sandbox.clones().len(), 0);
    }
    let told = run(&sandbox, &[], "kill -KILL $$");
    assert_eq!((told.code, told.signal), (Some(137), None), "{told}");
}

#[test]
fn a_killed_run_takes_its_command_along_and_leaves_no_clone() {
    let sandbox = deployed(SOURCE);
    let script = "echo $$; exec sleep 3600";
    let mut child = sandbox.spawn("database", ["run", "--clone", "sh", "-c", script]);
    let pid = child.id();
    let said = hear(child.stdout.as_mut().unwrap(), pid, |said| said.ends_with('\n'));
    signal("KILL", pid);
    finish(child, None);
    let command = said.trim().parse().unwrap();
    wait_until("the command ends", || !crate::support::process::is_running(command));
    wait_until("the next command drops the clone", || {
        sandbox.database(["url"]).success();
        sandbox.clones().is_empty()
    });
}

#[test]
fn a_missing_program_costs_no_clone() {
    let sandbox = deployed(SOURCE);
    sandbox.database(["run", "--clone", "nonesuch"]).fails(127, ["no program nonesuch"]);
    assert_eq!(sandbox.databases_like("app\\_%"), "");
}

#[test]
fn the_template_of_a_clone_goes_with_the_clone() {
    let sandbox = deployed(SOURCE);
    let told = run(&sandbox, &[], "database clone").success();
    assert!(told.stdout.starts_with("postgresql://dev@localhost/app_clone_"), "{told}");
    assert_ne!(sandbox.databases_like("app\\_clone\\_%\\_template\\_%"), "");
    sandbox.database(["clone", "prune"]).success();
    assert_eq!(sandbox.databases_like("app\\_clone\\_%\\_template\\_%"), "");
    assert_ne!(sandbox.databases_like("app\\_template\\_%"), "");
}
