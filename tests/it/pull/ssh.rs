//! Through a real sshd: ssh carries the rows and never the password, and an error says that ssh is
//! missing.

use super::support::PullProject;
use crate::support::sshd::{Sshd, tunnels};

#[test]
fn rows_come_through_ssh() {
    let mut pull = PullProject::new();
    let _sshd = Sshd::start(&mut pull);
    pull.pull([]).success();
    let direct = pull.patch();
    pull.set("STAGING_SSH_HOST", "staging");
    let url = pull.url("staging") + " password=hush";
    pull.set("STAGING_DB_URL", url);
    let pulled = pull.pull(["--jobs", "2", "--verbose"]).success();
    assert_eq!(pull.patch(), direct);
    let arguments = pull.read("ssh/arguments");
    assert!(arguments.contains("BatchMode=yes") && !arguments.contains("hush"), "{arguments}");
    assert!(!format!("{pulled}{direct}").contains("hush"), "{pulled}");
    assert_eq!(tunnels(&pull), 0, "no ssh is left");
}

#[test]
fn ssh_that_is_refused_is_told_with_what_it_said() {
    let mut pull = PullProject::new();
    let mut sshd = Sshd::start(&mut pull);
    pull.set("STAGING_SSH_HOST", "staging");
    pull.write("ssh/known_hosts", "");
    pull.pull([]).fails(1, ["Host key verification failed", "BatchMode"]);
    sshd.kill();
    pull.pull([]).fails(1, ["attempt 4 of 5", "Connection refused"]);
    assert_eq!(tunnels(&pull), 0, "no ssh is left");
}

#[test]
fn a_database_that_ssh_cannot_reach_is_told() {
    let mut pull = PullProject::new();
    let _sshd = Sshd::start(&mut pull);
    pull.set("STAGING_SSH_HOST", "staging");
    pull.set("STAGING_DB_URL", "postgresql://u:hush@127.0.0.1:9/d");
    let failed = pull.pull([]).fails(1, ["ssh said", "Connection refused"]);
    assert!(!failed.stderr.contains("hush"), "{failed}");
}

#[test]
fn a_connection_that_is_cut_leaves_the_old_file() {
    let mut pull = PullProject::new();
    let mut sshd = Sshd::start(&mut pull);
    pull.set("STAGING_SSH_HOST", "staging");
    pull.pull([]).success();
    let old = pull.patch();
    let slow = "shop.log=pg_catalog.pg_sleep(3600) IS NOT NULL";
    let running = pull.spawn("database", ["pull_staging", "--where", slow]);
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    crate::support::wait_until("the pull reads", || pull.ask(sleeping) == "1");
    sshd.kill();
    crate::support::finish(running, None).fails(1, ["shop.log", "lost"]);
    assert_eq!(pull.patch(), old);
    assert_eq!(tunnels(&pull), 0, "no ssh is left");
}

#[test]
fn a_host_that_is_an_option_is_refused() {
    let mut pull = PullProject::new();
    pull.set("STAGING_SSH_HOST", "-oProxyCommand=true");
    pull.pull([]).fails(2, ["STAGING_SSH_HOST"]);
}
