//! A process is the cluster's server only if that is proven; only then does it get a signal.

use super::{pid_file, stopped};
use crate::support::bystander::Bystander;
use crate::support::process::is_running;
use crate::support::wait::signal;
use crate::support::{Outcome, Sandbox, bindir, server, wait_until};

/// Long work during which a backend does not check whether the postmaster still lives.
const BUSY: &str =
    "SELECT count(n) FROM (SELECT generate_series(1, 1000000000000000::bigint) AS n) AS endless";

fn cleanup(sandbox: &Sandbox) -> Outcome {
    sandbox.run("postgres-cleanup", [""; 0]).success()
}

/// Runs every command that may meet the pid file: clean-up, keeping, making anew. The process
/// `innocent` survives them all.
fn heals(sandbox: &mut Sandbox, text: &str, innocent: Option<&mut Bystander>) {
    let file = sandbox.path("pg/data/postmaster.pid");
    std::fs::write(&file, text).unwrap();
    cleanup(sandbox);
    assert!(!file.exists(), "healed");
    std::fs::write(&file, text).unwrap();
    sandbox.init([]).success();
    assert!(sandbox.has_work());
    cleanup(sandbox);
    std::fs::write(&file, text).unwrap();
    sandbox.unset("PG_REUSE");
    sandbox.init([]).success();
    assert_eq!(sandbox.ask_in("postgres", "SELECT 1"), "1");
    if let Some(innocent) = innocent {
        assert!(innocent.is_alive(), "a stranger was signalled");
    }
}

#[test]
fn an_empty_or_garbage_file_is_healed() {
    for text in ["", "\n\n\n", "garbage", "\0\0\0\0", "-1\n/w\n1\n", "99999999999999\n/w\n1\n"] {
        heals(&mut stopped(), text, None);
    }
}

#[test]
fn the_file_of_a_server_that_is_gone_is_healed() {
    let mut sandbox = stopped();
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let text = pid_file(&sandbox, gone.id(), 10);
    heals(&mut sandbox, &text, None);
}

#[test]
fn a_strangers_pid_is_never_signalled() {
    let mut sandbox = stopped();
    let mut stranger = Bystander::asleep_in(&sandbox.path("pg"));
    let text = pid_file(&sandbox, stranger.pid(), 0);
    heals(&mut sandbox, &text, Some(&mut stranger));
}

#[test]
fn a_process_in_the_data_directory_that_is_no_server_is_never_signalled() {
    for age in [0, 3600] {
        let mut sandbox = stopped();
        let mut recycled = Bystander::asleep_in(&sandbox.path("pg/data"));
        let text = pid_file(&sandbox, recycled.pid(), age);
        heals(&mut sandbox, &text, Some(&mut recycled));
    }
}

#[test]
fn a_pipe_or_a_link_for_a_file_is_healed() {
    let sandbox = stopped();
    let file = sandbox.path("pg/data/postmaster.pid");
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
    cleanup(&sandbox);
    assert!(file.symlink_metadata().is_err(), "healed");
    let mut other = Sandbox::with_cluster();
    other.init([]).success();
    std::os::unix::fs::symlink(other.path("pg/data/postmaster.pid"), &file).unwrap();
    cleanup(&sandbox);
    assert!(file.symlink_metadata().is_err(), "healed");
    other.set("PG_REUSE", "1");
    other.init([]).success();
    assert!(other.path("pg/data/postmaster.pid").exists());
}

/// The clock may change by hours while a server runs: when a machine wakes up, or by NTP.
#[test]
fn a_live_server_is_known_whatever_the_clock_says() {
    let sandbox = stopped();
    sandbox.init([]).success();
    let server = sandbox.postmaster();
    let mut session = Bystander::session(&sandbox, BUSY);
    let file = sandbox.path("pg/data/postmaster.pid");
    for started in ["1000000000", "1", "9999999999"] {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        lines[2] = started;
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        for verb in ["postgres-init", "database"] {
            let arguments = if verb == "database" { &["status"][..] } else { &[] };
            sandbox.run(verb, arguments).success();
        }
        let attached = sandbox.init(["--fresh"]).success();
        assert!(attached.stderr.contains("attached"), "{attached}");
        assert!(is_running(server) && session.is_alive(), "line 3 says {started}");
    }
    cleanup(&sandbox);
    assert!(!is_running(server), "stopped");
}

#[test]
fn a_running_backup_counts_as_a_session() {
    let sandbox = stopped();
    sandbox.init([]).success();
    let stream = bindir().join("pg_receivewal");
    let (url, target) = (sandbox.url("postgres"), sandbox.path("tmp"));
    let words = ["-d", url.as_str(), "-D", target.to_str().unwrap()];
    let mut backup = Bystander::start(sandbox.command(stream.to_str().unwrap(), words));
    let streams = "SELECT count(*) FROM pg_stat_replication";
    wait_until("WAL is streamed", || sandbox.ask_in("postgres", streams) != "0");
    let attached = sandbox.init(["--fresh"]).success();
    assert!(attached.stderr.contains("1 other session works"), "{attached}");
    assert!(sandbox.has_work() && backup.is_alive());
}

#[test]
fn another_clusters_server_is_never_signalled() {
    let mut sandbox = stopped();
    let mut other = Sandbox::with_cluster();
    other.init([]).success();
    let text = other.read("pg/data/postmaster.pid");
    heals(&mut sandbox, &text, None);
    other.set("PG_REUSE", "1");
    assert_eq!(other.ask_in("postgres", "SELECT 1"), "1");
}

#[test]
fn a_command_called_in_the_data_directory_spares_itself() {
    let sandbox = stopped();
    std::fs::write(sandbox.path("pg/data/postmaster.pid"), "").unwrap();
    let mut command = sandbox.command("postgres-cleanup", [""; 0]);
    command.current_dir(sandbox.path("pg/data"));
    assert_eq!(command.status().unwrap().code(), Some(0));
    assert!(!sandbox.path("pg/data/postmaster.pid").exists());
}

#[test]
fn a_killed_server_is_started_again() {
    let mut sandbox = stopped();
    sandbox.init([]).success();
    sandbox.ask_in("postgres", "INSERT INTO work VALUES (1)");
    sandbox.ask_in("postgres", "CREATE TABLE durable ()");
    let killed = sandbox.postmaster();
    signal("KILL", killed);
    wait_until("it ends", || !is_running(killed));
    let again = sandbox.init([]).success();
    assert!(again.stderr.contains("cluster started"), "{again}");
    assert_eq!(sandbox.ask_in("postgres", "SELECT count(*) FROM work"), "1");
    sandbox.unset("PG_REUSE");
}

#[test]
fn backends_that_a_killed_postmaster_left_are_ended() {
    for reuse in [true, false] {
        let mut sandbox = stopped();
        sandbox.init([]).success();
        let _session = Bystander::session(&sandbox, BUSY);
        let busy = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%generate_series%' \
                    AND pid <> pg_backend_pid()";
        let backend: u32 = sandbox.ask_in("postgres", busy).parse().unwrap();
        let killed = sandbox.postmaster();
        signal("KILL", killed);
        wait_until("it ends", || !is_running(killed));
        assert!(is_running(backend), "it works on without its postmaster");
        if !reuse {
            sandbox.unset("PG_REUSE");
            sandbox.set("PG_FRESH", "1");
        }
        sandbox.init([]).success();
        assert!(!is_running(backend));
        assert_eq!(sandbox.has_work(), reuse);
    }
}

#[test]
fn cleanup_ends_what_a_killed_postmaster_left() {
    let sandbox = stopped();
    sandbox.init([]).success();
    let _session = Bystander::session(&sandbox, BUSY);
    let killed = sandbox.postmaster();
    signal("KILL", killed);
    wait_until("it ends", || !is_running(killed));
    cleanup(&sandbox);
    assert_eq!(server::processes_below(&sandbox.path("pg")), [0; 0]);
    assert!(!sandbox.path("pg/data/postmaster.pid").exists());
}
