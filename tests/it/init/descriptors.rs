//! The server outlives the command, and keeps no file, pipe or terminal of the caller.

use crate::support::{Sandbox, server};

fn descriptors(pid: u32) -> Vec<String> {
    // a worker of the server may have ended
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let entries = entries.flatten();
    let links = entries.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.map(|link| link.display().to_string()).collect()
}

/// Session id and controlling terminal; `man 5 proc_pid_stat`, fields 6 and 7.
fn session_and_terminal(pid: u32) -> (u32, i32) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    (fields[3].parse().unwrap(), fields[4].parse().unwrap())
}

fn servers(sandbox: &Sandbox) -> Vec<u32> {
    let pids = server::processes_below(&sandbox.path("pg"));
    assert!(pids.len() > 3, "postmaster and its children");
    pids
}

#[test]
fn a_command_substitution_returns() {
    for no_tty in ["0", "1"] {
        let mut sandbox = Sandbox::with_cluster();
        sandbox.set("NO_TTY", no_tty);
        let line = "x=$(postgres-init --export sh 2>&1); eval \"$(echo \"$x\" | grep ^export)\"; \
                    echo \"$POSTGRESQL_DATABASE\"";
        assert_eq!(sandbox.shell(line).success().stdout, "testdb\n");
    }
}

#[test]
fn a_pipe_ends_with_the_command() {
    for no_tty in ["0", "1"] {
        let mut sandbox = Sandbox::with_cluster();
        sandbox.set("NO_TTY", no_tty);
        let shown = sandbox.shell("postgres-init 2>&1 | cat").success();
        assert!(shown.stdout.contains("cluster created"), "{shown}");
        // a shell with job control or a CI runner leaves more descriptors open than the standard
        // three
        let shown = sandbox.shell("postgres-init --fresh 3>&1 9>&1 2>&1 | cat").success();
        assert!(shown.stdout.contains("cluster made anew"), "{shown}");
        sandbox.ask_in("postgres", "SELECT 1");
    }
}

#[test]
fn no_inherited_descriptor_is_open_in_any_server_process() {
    let sandbox = Sandbox::with_cluster();
    sandbox.shell("postgres-init 9>held-file 8<tmp 5>&9 >out 2>err").success();
    let forbidden = ["held-file", "tmp", "out", "err"].map(|n| sandbox.path(n));
    assert!(descriptors(sandbox.postmaster()).len() > 3);
    for pid in servers(&sandbox) {
        let open = descriptors(pid);
        for path in &forbidden {
            assert!(!open.contains(&path.display().to_string()), "{pid}: {open:?}");
        }
    }
    assert!(sandbox.read("err").contains("cluster created"));
}

#[test]
fn standard_input_is_nothing_and_output_is_the_log() {
    let mut sandbox = Sandbox::with_cluster();
    // if the logging collector runs, it replaces them by its own pipe
    sandbox.set("PG_DISABLE_LOGGING", "1");
    sandbox.run_with_input("postgres-init", [""; 0], "input").success();
    let link = |fd| std::fs::read_link(format!("/proc/{}/fd/{fd}", sandbox.postmaster())).unwrap();
    assert_eq!(link(0), std::path::Path::new("/dev/null"));
    for fd in [1, 2] {
        assert_eq!(link(fd), sandbox.path("pg/log/server.log"));
    }
}

#[test]
fn the_server_has_a_session_of_its_own_and_no_terminal() {
    let sandbox = Sandbox::with_cluster();
    // the command gets its own terminal, which goes away with it
    let shown = sandbox.run("script", ["-qec", "postgres-init", "/dev/null"]).success();
    assert!(shown.stdout.contains("cluster created"), "{shown}");
    let postmaster = sandbox.postmaster();
    assert_eq!(session_and_terminal(postmaster), (postmaster, 0));
    assert_eq!(sandbox.ask_in("postgres", "SELECT 1"), "1", "no hang-up reached it");
}

#[test]
fn the_server_sees_nothing_of_the_callers_environment() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("HECTIC_DOTENV_CONTENT", "TOKEN=hunter2");
    sandbox.set("AWS_SECRET_ACCESS_KEY", "hunter2");
    sandbox.set("PGPASSWORD", "hunter2");
    sandbox.init([]).success();
    let postmaster = sandbox.postmaster();
    let environment = std::fs::read(format!("/proc/{postmaster}/environ")).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("LC_ALL=C"), "{environment}");
    assert!(!environment.contains("hunter2"), "{environment}");
}

#[test]
fn the_project_directory_is_not_held_by_the_server() {
    let sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    let directory = std::fs::read_link(format!("/proc/{}/cwd", sandbox.postmaster()));
    assert_eq!(directory.unwrap(), sandbox.path("pg/data"));
}
