//! A commit that the server has acknowledged survives the server, however the server ends.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::support::{Sandbox, project, server, wait};

/// The number of times that the test kills the server; `DB_TOOL_TEST_KILLS` sets another.
const KILLS: u64 = 20;

/// Kills every process of the server at once, as the removal of a container does.
fn kill_server(sandbox: &Sandbox) {
    for pid in server::processes_below(&sandbox.path("pg/data")) {
        wait::try_signal("KILL", pid);
    }
}

fn kill_and_start(sandbox: &mut Sandbox) {
    kill_server(sandbox);
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    sandbox.unset("PG_REUSE");
}

/// Commits numbers from `first` on, until the server is killed after so many commits. Returns the
/// last number whose commit psql saw acknowledged.
fn commit_until_killed(sandbox: &Sandbox, first: u64, count: u64) -> u64 {
    let mut command = sandbox.command("database", ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut psql = command.spawn().unwrap();
    let statements: String = (first..first + 4 * count)
        .map(|n| format!("INSERT INTO acknowledged (n) VALUES ({n});\n\\echo {n}\n"))
        .collect();
    let mut input = psql.stdin.take().unwrap();
    let writer = std::thread::spawn(move || drop(input.write_all(statements.as_bytes())));
    let mut last = first - 1;
    for line in BufReader::new(psql.stdout.take().unwrap()).lines().map_while(Result::ok) {
        last = line.parse().unwrap();
        if last == first + count {
            kill_server(sandbox);
        }
    }
    writer.join().unwrap();
    psql.wait().unwrap();
    last
}

#[test]
fn a_killed_server_has_lost_no_acknowledged_commit() {
    let mut sandbox = project::deployed("");
    sandbox.ask("CREATE TABLE acknowledged (n bigint) INHERITS (hectic.created_at)");
    let kills = std::env::var("DB_TOOL_TEST_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let (mut next, mut random) = (1, 42_u64);
    for kill in 1..=kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let last = commit_until_killed(&sandbox, next, (random >> 33) % 50);
        kill_and_start(&mut sandbox);
        let count = format!("SELECT count(*) FROM acknowledged WHERE n BETWEEN {next} AND {last}");
        assert_eq!(sandbox.ask(&count), (last + 1 - next).to_string(), "after kill {kill}");
        next += 1000;
    }
}

#[test]
fn what_a_verb_reports_as_done_survives_a_killed_server() {
    let mut sandbox = project::deployed("");
    sandbox.ask("CREATE TABLE done (what text) INHERITS (hectic.created_at)");
    kill_and_start(&mut sandbox);
    sandbox.run_with_input("database", ["secrets", "set", "A"], "one").success();
    kill_and_start(&mut sandbox);
    assert_eq!(sandbox.database(["secrets", "get", "A"]).success().stdout.trim_end(), "one");
    sandbox.write("two.env", "B=two\n");
    sandbox.database(["secrets", "load", "-f", "two.env"]).success();
    kill_and_start(&mut sandbox);
    assert_eq!(sandbox.database(["secrets", "get", "B"]).success().stdout.trim_end(), "two");
    sandbox.write("project/test-data.sql", "INSERT INTO done (what) VALUES ('patch');\n");
    sandbox.database(["patch"]).success();
    kill_and_start(&mut sandbox);
    sandbox.write("project/db/src/entrypoint.sql", "INSERT INTO done (what) VALUES ('hydrate');\n");
    sandbox.database(["hydrate"]).success();
    kill_and_start(&mut sandbox);
    let migration = "project/db/migration/20250101000000-x";
    sandbox.write(&format!("{migration}/up.sql"), "INSERT INTO done (what) VALUES ('migrate');\n");
    sandbox.write(&format!("{migration}/down.sql"), "SELECT 1;\n");
    sandbox.run("migrator", ["migrate", "up", "all"]).success();
    kill_and_start(&mut sandbox);
    let done = sandbox.ask("SELECT string_agg(what, ' ' ORDER BY what) FROM done");
    assert_eq!(done, "hydrate migrate patch");
    let info = sandbox.run("migrator", ["info"]).success();
    assert!(info.stdout.contains("20250101000000"), "{info}");
}

/// The old keys are gone, and the secrets on disk are sealed with the new one.
#[test]
fn a_rotation_that_drops_keys_survives_a_killed_server() {
    let mut sandbox = project::deployed("");
    let secrets: String = (1..=40).map(|n| format!("S{n}=v{n}\n")).collect();
    sandbox.write("all.env", secrets);
    sandbox.database(["secrets", "load", "-f", "all.env"]).success();
    sandbox.ask("CHECKPOINT");
    // as in a database whose commits do not wait for the disk
    sandbox.ask("ALTER DATABASE app SET synchronous_commit = off");
    for _ in 0..3 {
        sandbox.database(["secrets", "rotate", "--drop-old"]).success();
        kill_and_start(&mut sandbox);
        let count = "SELECT count(*) FROM hectic.secret WHERE value = 'v' || substr(key, 2)";
        assert_eq!(sandbox.ask(count), "40");
    }
}
