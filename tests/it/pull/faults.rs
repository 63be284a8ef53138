//! Failures on the way: the old file stays as it is, nothing is left, and the message names the
//! next step.

use std::process::Child;

use super::support::PullProject;
use crate::support::process::command_lines;
use crate::support::sshd::{Sshd, tunnels};
use crate::support::wait::hear;
use crate::support::{Outcome, finish, psql, wait, wait_until};

/// A pull that reads until the test stops it.
const SLOW: [&str; 2] = ["--where", "shop.log=pg_catalog.pg_sleep(3600) IS NOT NULL"];
/// Counts the sessions that sleep.
const SLEEPING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";

/// A pull that goes through sshd, with a file of an earlier one.
fn through_ssh() -> (PullProject, Sshd, Untouched) {
    let mut pull = PullProject::new();
    let sshd = Sshd::start(&mut pull);
    pull.set("STAGING_SSH_HOST", "staging");
    let url = pull.url("staging") + " password=sesame-of-staging";
    pull.set("STAGING_DB_URL", url);
    pull.pull([]).success();
    let untouched = Untouched::of(&pull);
    (pull, sshd, untouched)
}

/// The files that a failed pull must not change.
struct Untouched {
    patch: String,
    names: Vec<String>,
}

impl Untouched {
    fn of(pull: &PullProject) -> Self {
        Self { patch: pull.patch(), names: pull.entries("project") }
    }

    /// Checks that nothing has changed, except for the tables that `--resume` needs.
    #[track_caller]
    fn check(&self, pull: &PullProject) {
        let mut names = pull.entries("project");
        names.retain(|name| name != ".test-data.sql.pull");
        assert!(pull.patch() == self.patch, "the file has changed");
        assert_eq!(names, self.names);
        wait_until("no ssh is left", || tunnels(pull) == 0);
        wait_until("nobody works on it", || pull.ask(SLEEPING) == "0");
    }
}

fn start<'a>(pull: &PullProject, options: impl IntoIterator<Item = &'a str>) -> Child {
    let running = pull.spawn("database", ["pull_staging"].into_iter().chain(options));
    wait_until("the pull reads", || pull.ask(SLEEPING) == "1");
    running
}

/// Does something to a pull that reads slowly, and returns its outcome.
fn during(pull: &PullProject, done: impl FnOnce(&Child)) -> Outcome {
    let running = start(pull, SLOW);
    done(&running);
    finish(running, None)
}

#[test]
fn a_key_that_is_refused_is_told() {
    let (pull, _sshd, untouched) = through_ssh();
    pull.write("ssh/authorized_keys", "");
    let failed = pull.pull([]).fails(1, ["Permission denied (publickey)", "BatchMode=yes staging"]);
    assert!(!failed.stderr.contains("attempt"), "another try would not help: {failed}");
    untouched.check(&pull);
}

#[test]
fn a_session_that_is_cut_is_told() {
    let (pull, sshd, untouched) = through_ssh();
    let failed = during(&pull, |_| sshd.cut()).fails(1, ["shop.log", "lost", "--resume"]);
    assert!(!failed.stderr.contains("sesame-of-staging"), "{failed}");
    untouched.check(&pull);
}

#[test]
fn a_backend_that_ends_is_told() {
    let (pull, _sshd, untouched) = through_ssh();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    let ended = during(&pull, |_| drop(pull.ask(end)));
    ended.fails(1, ["shop.log", "administrator command", "--resume"]);
    untouched.check(&pull);
}

#[test]
fn a_table_that_is_locked_is_waited_for_so_long_and_no_longer() {
    let (mut pull, _sshd, untouched) = through_ssh();
    pull.on_staging("ALTER DATABASE staging SET statement_timeout = '100ms'");
    let slowly = "shop.log=pg_catalog.pg_sleep(0.2) IS NOT NULL";
    pull.pull(["--where", slowly]).success();
    pull.pull([]).success();
    let lock = "SET statement_timeout = 0; BEGIN; LOCK TABLE shop.log; SELECT pg_sleep(3600)";
    let staging = pull.url("staging");
    let arguments = ["-X", "-d", &staging, "-c", lock];
    let mut locked = pull.spawn(&psql(), arguments);
    wait_until("the table is locked", || pull.ask(SLEEPING) == "1");
    pull.pull(["--direct", "--timeout", "1"]).fails(1, ["lock timeout", "--timeout"]);
    // pg_dump waits as well; meanwhile its arguments are visible
    pull.set("STAGING_DUMP_FLAGS", "--no-such-flag");
    pull.pull([]).fails(2, ["no-such-flag"]);
    pull.set("STAGING_DUMP_FLAGS", "--data-only --disable-triggers");
    let running = pull.spawn("database", ["pull_staging", "--verbose"]);
    wait_until("pg_dump runs", || command_lines().iter().any(|line| line.contains("-triggers")));
    assert!(!command_lines().iter().any(|line| line.contains("sesame-of-staging")));
    wait::signal("INT", running.id());
    let ended = finish(running, None);
    assert!(ended.signal == Some(2) && !ended.stderr.contains("sesame-of-staging"), "{ended}");
    locked.kill().unwrap();
    let _ = locked.wait();
    pull.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    untouched.check(&pull);
}

#[test]
fn a_server_that_is_full_is_waited_for() {
    let mut pull = PullProject::new();
    pull.on_staging("CREATE ROLE reader LOGIN CONNECTION LIMIT 0; GRANT USAGE ON SCHEMA shop TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO reader; GRANT SELECT ON ALL SEQUENCES IN SCHEMA shop TO reader");
    let url = format!("host={} dbname=staging user=reader", pull.path("pg/sock").display());
    pull.set("STAGING_DB_URL", url);
    pull.pull([]).fails(1, ["attempt 4 of 5", "too many connections"]);
    pull.on_staging("ALTER ROLE reader CONNECTION LIMIT 1");
    pull.pull(["--jobs", "2"]).fails(1, ["too many connections", "lower --jobs"]);
    pull.pull([]).success();
    pull.on_staging("ALTER TABLE shop.log ENABLE ROW LEVEL SECURITY");
    pull.pull([]).fails(1, ["shop.log", "row-level security"]);
}

#[test]
fn a_disk_that_is_full_is_told() {
    let (pull, _sshd, untouched) = through_ssh();
    let command = "trap '' XFSZ; ulimit -f 8; exec database pull_staging \"$@\"";
    for jobs in ["1", "2"] {
        let failed = pull.run("sh", ["-c", command, "sh", "--jobs", jobs]);
        failed.fails(1, ["File too large", "make room"]);
        untouched.check(&pull);
    }
}

#[test]
fn a_signal_ends_it_at_every_stage() {
    let (mut pull, _sshd, untouched) = through_ssh();
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        let ended = during(&pull, |running| {
            wait::signal(name, running.id());
        });
        assert_eq!(ended.signal, Some(number), "{ended}");
        untouched.check(&pull);
    }
    // a host that accepts the connection and never answers
    let config = pull.read("ssh/config");
    pull.write("ssh/config", config + "ProxyCommand sh -c 'cat >/dev/null'\n");
    let connecting = pull.spawn("database", ["pull_staging"]);
    wait_until("ssh runs", || tunnels(&pull) > 0);
    signal(&pull, connecting, &untouched);
    // the server disappears between two attempts
    pull.set("STAGING_SSH_HOST", "-");
    let nowhere = format!("host={} dbname=d", pull.path("tmp").display());
    pull.set("STAGING_DB_URL", nowhere);
    let mut waiting = pull.spawn("database", ["pull_staging"]);
    let pid = waiting.id();
    let said = hear(waiting.stderr.as_mut().unwrap(), pid, |said| said.contains("; attempt 1 of"));
    assert!(said.contains("; attempt 1 of"), "{said}");
    signal(&pull, waiting, &untouched);
}

#[track_caller]
fn signal(pull: &PullProject, running: Child, untouched: &Untouched) {
    wait::signal("INT", running.id());
    let ended = finish(running, None);
    assert_eq!(ended.signal, Some(2), "{ended}");
    untouched.check(pull);
}

#[test]
fn nothing_outlives_a_pull_that_is_killed() {
    let (pull, _sshd, untouched) = through_ssh();
    let ended = during(&pull, |running| {
        wait::signal("KILL", running.id());
    });
    assert_eq!(ended.signal, Some(9));
    wait_until("no ssh is left", || tunnels(&pull) == 0);
    untouched.check(&pull);
    pull.pull([]).success();
    assert_eq!(pull.entries("project"), untouched.names, "the next one tidies up");
}

#[test]
fn the_password_is_nowhere_to_be_seen() {
    let (pull, _sshd, untouched) = through_ssh();
    for options in [["--log-format", "json"], ["--verbose", "--timeout=9"]] {
        let running = start(&pull, SLOW.into_iter().chain(["--jobs", "2"]).chain(options));
        let lines = command_lines();
        assert!(lines.iter().any(|line| line.contains("BatchMode")), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("sesame-of-staging")), "{lines:?}");
        wait::signal("INT", running.id());
        let ended = finish(running, None);
        assert!(!format!("{ended}").contains("sesame-of-staging"), "{ended}");
        untouched.check(&pull);
    }
    assert!(!pull.patch().contains("sesame-of-staging"));
}
