//! `database deploy` beside an existing cluster: it builds a new one there, and loses nothing.

use crate::support::bystander::Bystander;
use crate::support::trace::{has, interrupt};
use crate::support::{Sandbox, project, server, wait_until};

const SOURCE: &str = "CREATE TABLE item (id int) INHERITS (hectic.created_at);\n";
/// A source that never ends by itself.
const ENDLESS: &str = "SELECT pg_sleep(3600);\n";

/// A deployed project, and a row that its sources do not make.
fn deployed() -> Sandbox {
    let sandbox = project::deployed(SOURCE);
    sandbox.ask("INSERT INTO item (id) VALUES (1)");
    sandbox
}

fn rows(sandbox: &Sandbox) -> String {
    sandbox.ask("SELECT count(*) FROM item")
}

#[test]
fn the_replaced_cluster_is_one_command_away() {
    let sandbox = deployed();
    let inode = |name: &str| {
        std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(sandbox.path(name)).unwrap())
    };
    let before = inode("pg/data");
    let again = sandbox.database(["deploy", "--no-patch"]).success();
    crate::support::assert_golden("deploy-again.txt", &again.block(&sandbox));
    assert_eq!(rows(&sandbox), "0");
    sandbox.assert_snapshots(["before-deploy"]);
    assert_eq!(inode("pg/snapshot/before-deploy/data"), before, "renamed, not copied");
    let back = sandbox.database(["snapshot", "restore", "before-deploy"]).success();
    assert!(back.stderr.contains("restored before-deploy"), "{back}");
    assert_eq!(rows(&sandbox), "1");
}

#[test]
fn there_is_one_generation() {
    let sandbox = deployed();
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox.ask("INSERT INTO item (id) VALUES (2), (3)");
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox.assert_snapshots(["before-deploy"]);
    sandbox.database(["snapshot", "restore", "before-deploy"]).success();
    assert_eq!(rows(&sandbox), "2");
}

#[test]
fn a_failure_leaves_the_old_cluster_running() {
    let sandbox = deployed();
    let before = sandbox.postmaster();
    for (file, text) in [
        ("project/db/src/entrypoint.sql", "SELECT nonsense;"),
        ("project/test-data.sql", "nonsense;"),
    ] {
        sandbox.write("project/db/src/entrypoint.sql", SOURCE);
        sandbox.write(file, text);
        sandbox.database(["deploy"]).fails(1, ["nonsense", "is as it was"]);
        assert_eq!(sandbox.postmaster(), before);
        assert_eq!(rows(&sandbox), "1");
        sandbox.assert_snapshots([]);
    }
}

#[test]
fn a_stopped_cluster_stays_stopped_after_a_failure() {
    let sandbox = deployed();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.write("project/db/src/entrypoint.sql", "SELECT nonsense;");
    sandbox.database(["deploy"]).fails(1, ["is as it was"]);
    assert_eq!(server::processes_below(&sandbox.path("pg")), Vec::<u32>::new());
    sandbox.init([]).success();
    assert_eq!(rows(&sandbox), "1");
}

#[test]
fn an_interruption_leaves_the_old_cluster_running() {
    let sandbox = deployed();
    let before = sandbox.postmaster();
    sandbox.write("project/db/src/entrypoint.sql", ENDLESS);
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let deploy = sandbox.spawn("database", ["deploy"]);
        let outcome = interrupt(deploy, name, || builds(&sandbox));
        assert_eq!(outcome.signal, Some(number), "{outcome}");
        assert_eq!(sandbox.postmaster(), before);
        assert_eq!(rows(&sandbox), "1");
        sandbox.assert_snapshots([]);
    }
}

#[test]
fn a_killed_deploy_leaves_the_old_cluster_running_and_the_next_command_tidies() {
    let sandbox = deployed();
    let before = sandbox.postmaster();
    sandbox.write("project/db/src/entrypoint.sql", ENDLESS);
    let deploy = sandbox.spawn("database", ["deploy"]);
    interrupt(deploy, "KILL", || builds(&sandbox));
    assert_eq!(rows(&sandbox), "1");
    sandbox.init([]).success();
    assert_eq!(sandbox.postmaster(), before);
    assert_eq!(rows(&sandbox), "1");
    sandbox.assert_snapshots([]);
    wait_until("one server is left", || {
        server::processes_below(&sandbox.path("pg")).into_iter().all(|pid| {
            let place = std::fs::read_link(format!("/proc/{pid}/cwd"));
            place.is_ok_and(|place| place == sandbox.path("pg/data"))
        })
    });
}

/// Whether the sources run in a cluster beside the old one.
fn builds(sandbox: &Sandbox) -> bool {
    has(&sandbox.path("pg"), "data.new-")
        && sandbox.beside("data.new-").iter().any(|name| {
            let place = sandbox.path("pg").join(name).join("sock");
            has(&place, ".s.PGSQL") && sleeps(&place)
        })
}

/// Whether a session behind the socket in `place` is asleep.
fn sleeps(place: &std::path::Path) -> bool {
    let url = format!("host={} dbname=postgres user={}", place.display(), crate::support::whoami());
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%' AND pid <> pg_backend_pid()";
    let psql = std::process::Command::new(crate::support::bindir().join("psql"))
        .args(["-XAt", "-d", &url, "-c", sql])
        .output();
    psql.is_ok_and(|output| output.stdout == b"1\n")
}

#[test]
fn sessions_that_the_swap_ends_are_counted() {
    let sandbox = deployed();
    let _one = Bystander::session(&sandbox, "SELECT pg_sleep(3600)");
    let one = sandbox.database(["deploy", "--no-patch"]).success();
    assert!(one.stderr.contains("1 session in the old cluster was ended"), "{one}");
    let _two = Bystander::session(&sandbox, "SELECT pg_sleep(3600)");
    let _three = Bystander::session(&sandbox, "SELECT pg_sleep(3600)");
    let two = sandbox.database(["deploy", "--no-patch"]).success();
    assert!(two.stderr.contains("2 sessions in the old cluster were ended"), "{two}");
}

#[test]
fn a_users_snapshot_of_this_name_is_never_replaced() {
    let sandbox = deployed();
    sandbox.database(["snapshot", "save", "before-deploy"]).fails(2, ["before-deploy"]);
    // an older release let users take the name
    sandbox.database(["snapshot", "save", "mine"]).success();
    let (mine, theirs) =
        (sandbox.path("pg/snapshot/mine"), sandbox.path("pg/snapshot/before-deploy"));
    std::fs::rename(mine, &theirs).unwrap();
    let before = sandbox.postmaster();
    sandbox.database(["deploy"]).fails(2, ["was not saved by deploy", "move it away"]);
    assert_eq!(sandbox.postmaster(), before);
    sandbox.assert_snapshots(["before-deploy"]);
    std::fs::remove_dir_all(&theirs).unwrap();
    std::fs::create_dir(&theirs).unwrap();
    sandbox.database(["deploy"]).fails(2, ["was not saved by deploy"]);
    assert!(theirs.is_dir());
}

#[test]
fn what_a_kill_between_the_renames_leaves_is_finished() {
    let sandbox = deployed();
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox.ask("INSERT INTO item (id) SELECT generate_series(1, 5)");
    sandbox.database(["deploy", "--no-patch"]).success();
    let place = |name: &str| sandbox.path("pg").join(name);
    // a command was killed before the replaced cluster moved into the snapshots
    std::fs::rename(place("snapshot/before-deploy/data"), place("data.before-deploy-1")).unwrap();
    std::fs::remove_dir_all(place("snapshot/before-deploy")).unwrap();
    sandbox.init([]).success();
    sandbox.assert_snapshots(["before-deploy"]);
    // it was killed before the snapshot got its name
    std::fs::rename(place("snapshot/before-deploy"), place("snapshot/.before-deploy-2")).unwrap();
    // it was killed before the data directory moved there
    std::fs::create_dir(place("snapshot/.before-deploy-3")).unwrap();
    sandbox.init([]).success();
    sandbox.assert_snapshots(["before-deploy"]);
    sandbox.database(["snapshot", "restore", "before-deploy"]).success();
    assert_eq!(rows(&sandbox), "5");
}

#[test]
fn settings_roles_and_connections_survive_the_swap() {
    let sandbox = deployed();
    sandbox.write(
        "project/db/src/entrypoint.sql",
        format!(
            "{SOURCE}CREATE ROLE reader LOGIN;\nALTER ROLE dev SET work_mem = '9MB';\n\
             ALTER DATABASE app SET statement_timeout = '1h';\nALTER ROLE reader IN DATABASE app SET jit = off;\n\
             ALTER SYSTEM SET log_min_duration_statement = '5s';\n"
        ),
    );
    sandbox.database(["deploy", "--no-patch"]).success();
    let url = sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    assert_eq!(sandbox.query(&url, "SHOW work_mem"), "9MB");
    assert_eq!(sandbox.query(&url, "SHOW statement_timeout"), "1h");
    assert_eq!(sandbox.query(&url, "SHOW log_min_duration_statement"), "5s");
    assert_eq!(sandbox.query(&url, "SHOW fsync"), "on");
    assert_eq!(sandbox.query(&url.replace("dev@", "reader@"), "SHOW jit"), "off");
}

#[test]
fn a_rotation_meanwhile_leaves_the_secrets_readable() {
    let sandbox = deployed();
    sandbox.write("one.env", "A=one\n");
    sandbox.database(["secrets", "load", "-f", "one.env"]).success();
    let gate = sandbox.path("gate");
    let waits = format!("{SOURCE}\\! while ! [ -e '{}' ]; do sleep 0.05; done\n", gate.display());
    sandbox.write("project/db/src/entrypoint.sql", waits);
    let deploy = sandbox.spawn("database", ["deploy", "--no-patch", "-f", "one.env"]);
    wait_until("it builds", || !sandbox.beside("data.new-").is_empty());
    wait_until("the sources run", || {
        let place = sandbox.path("pg").join(&sandbox.beside("data.new-")[0]).join("hectic.key");
        place.exists()
            && server::anything_below(&sandbox.path("")).iter().any(|p| p.contains("sleep"))
    });
    sandbox.database(["secrets", "rotate", "--drop-old"]).success();
    std::fs::write(&gate, "").unwrap();
    crate::support::finish(deploy, None)
        .fails(2, ["hectic.key was changed meanwhile", "as it was"]);
    assert_eq!(sandbox.database(["secrets", "get", "A"]).success().stdout, "one\n");
    sandbox.database(["deploy", "--no-patch", "-f", "one.env"]).success();
    assert_eq!(sandbox.database(["secrets", "get", "A"]).success().stdout, "one\n");
}

#[test]
fn deploy_can_stop_the_new_server() {
    let sandbox = deployed();
    let deployed = sandbox.database(["deploy", "--no-patch", "--cleanup"]).success();
    assert!(deployed.stderr.contains("deployed and stopped"), "{deployed}");
    assert_eq!(server::processes_below(&sandbox.path("pg")), Vec::<u32>::new());
    sandbox.assert_snapshots(["before-deploy"]);
}
