//! A data directory that two PID namespaces share: a project that is mounted into a container.
//!
//! `unshare` makes the containers. Only root can do that, so the tests do nothing for an ordinary
//! user.

use std::path::PathBuf;
use std::process::{Child, Stdio};

use crate::support::process::is_running;
use crate::support::wait::{signal, try_signal};
use crate::support::{Sandbox, is_root, wait_until};

/// A shell in its own namespaces. It ends with the test, together with all processes that it
/// started.
struct Container(Child);

impl Container {
    /// Runs `script` in new namespaces of the kinds that `flags` name, and returns when it has created
    /// `ready` in the sandbox.
    fn start(sandbox: &Sandbox, flags: &str, script: &str) -> Self {
        let script =
            format!("{script} && : > '{}' && exec sleep 600", sandbox.path("ready").display());
        let words = ["-m", "-f", "--kill-child", flags, "sh", "-e", "-c", script.as_str()];
        let mut command = sandbox.command("unshare", words.into_iter().filter(|w| !w.is_empty()));
        command.stdout(Stdio::null()).stderr(Stdio::inherit());
        let mut container = Self(command.spawn().unwrap());
        wait_until("the container is ready", || {
            assert!(container.0.try_wait().unwrap().is_none(), "the container has ended");
            sandbox.path("ready").exists()
        });
        container
    }

    /// A server on the sandbox's cluster, which is mounted at `inside` in the container.
    fn with_server(sandbox: &Sandbox, inside: &str) -> Self {
        let (pg, inside) = (sandbox.path("pg"), sandbox.path(inside));
        std::fs::create_dir_all(&inside).unwrap();
        let script = format!(
            "mount --bind '{pg}' '{inside}'; \
             PG_REUSE=1 PG_WORKING_DIR='{inside}' postgres-init",
            pg = pg.display(),
            inside = inside.display()
        );
        Self::start(sandbox, "-ipn", &script)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A sandbox whose cluster was stopped.
fn stopped(name: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let working = sandbox.path(name);
    sandbox.set("PG_WORKING_DIR", &working);
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox
}

/// Commands that would heal, stop, replace or remove the cluster refuse, and the pid file stays.
fn is_left_alone(sandbox: &mut Sandbox, why: &str) {
    let data = format!("{}/data", sandbox.variable("PG_WORKING_DIR").unwrap().to_str().unwrap());
    let file = std::path::Path::new(&data).join("postmaster.pid");
    let before = std::fs::read(&file).unwrap();
    let verbs: [(&str, &[&str], bool); 5] = [
        ("postgres-init", &[], true),
        ("postgres-init", &[], false),
        ("postgres-cleanup", &[], true),
        ("database", &["cleanup"], true),
        ("database", &["init"], false),
    ];
    for (program, arguments, reuse) in verbs {
        sandbox.unset("PG_REUSE");
        if reuse {
            sandbox.set("PG_REUSE", "1");
        }
        let refused = sandbox.run(program, arguments);
        assert_eq!(refused.code, Some(2), "{program} {arguments:?}: {refused}");
        assert!(refused.stderr.contains(why), "{program} {arguments:?}: {refused}");
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
}

#[test]
fn a_server_in_a_container_is_seen_from_outside() {
    if !is_root() {
        return;
    }
    let mut sandbox = stopped("pg");
    let _container = Container::with_server(&sandbox, "inside");
    is_left_alone(&mut sandbox, "runs in a container");
}

#[test]
fn a_server_outside_is_noticed_in_a_container_by_its_socket() {
    if !is_root() {
        return;
    }
    let sandbox = stopped("pg");
    sandbox.init([]).success();
    let server = sandbox.postmaster();
    let inside = sandbox.path("inside");
    std::fs::create_dir(&inside).unwrap();
    let script = format!(
        "mount --bind '{pg}' '{inside}'; mount -t proc proc /proc; export PG_WORKING_DIR='{inside}'; \
         for verb in postgres-init postgres-cleanup; do $verb 2>>'{out}' || echo \"code $?\" >>'{out}'; done",
        pg = sandbox.path("pg").display(),
        inside = inside.display(),
        out = sandbox.path("out").display()
    );
    let _container = Container::start(&sandbox, "-ipn", &script);
    let said = sandbox.read("out");
    assert_eq!(said.matches("code 2").count(), 2, "{said}");
    assert_eq!(said.matches("a server answers on").count(), 2, "{said}");
    assert!(is_running(server));
    assert_eq!(sandbox.ask_in("postgres", "SELECT 1"), "1");
}

#[test]
fn a_server_whose_socket_is_hidden_is_noticed_by_its_lock() {
    if !is_root() {
        return;
    }
    // the path is too long for a socket, so the socket is in a short directory, which the container
    // does not share
    let name = "x".repeat(100);
    let sandbox = stopped(&name);
    sandbox.init([]).success();
    let file = sandbox.read(&format!("{name}/data/postmaster.pid"));
    let sockets = PathBuf::from(file.lines().nth(4).unwrap());
    assert!(sockets.is_dir() && !sockets.starts_with(sandbox.path("")), "{}", sockets.display());
    let inside = sandbox.path("inside");
    std::fs::create_dir(&inside).unwrap();
    let script = format!(
        "mount --bind '{pg}' '{inside}'; mount -t proc proc /proc; mount -t tmpfs none '{sockets}'; \
         export PG_WORKING_DIR='{inside}'; \
         for verb in postgres-init postgres-cleanup; do $verb 2>>'{out}' || echo \"code $?\" >>'{out}'; done",
        pg = sandbox.path(&name).display(),
        sockets = sockets.display(),
        inside = inside.display(),
        out = sandbox.path("out").display()
    );
    let _container = Container::start(&sandbox, "-ipn", &script);
    let said = sandbox.read("out");
    assert_eq!(said.matches("code 2").count(), 2, "{said}");
    assert_eq!(said.matches(".server.lock is held").count(), 2, "{said}");
    assert!(sandbox.path(&format!("{name}/data/postmaster.pid")).exists());
}

#[test]
fn a_program_that_outlives_its_server_is_named() {
    let sandbox = stopped("pg");
    sandbox.init([]).success();
    let server = sandbox.postmaster();
    let stray = sandbox.path("pg/stray");
    // a program that does not read its input makes the COPY fail
    let program = format!(
        "cat >/dev/null; sleep 600 </dev/null >/dev/null 2>&1 & echo $! >{}",
        stray.display()
    );
    sandbox.ask_in("postgres", &format!("COPY (SELECT 1) TO PROGRAM '{program}'"));
    let stray: u32 = sandbox.read("pg/stray").trim().parse().unwrap();
    try_signal("KILL", server);
    let refused = sandbox.init([]);
    try_signal("KILL", stray);
    let named = format!("is held by process {stray} (sleep)");
    refused.fails(2, [named.as_str(), "COPY … TO PROGRAM"]);
    sandbox.init([]).success();
}

#[test]
fn a_server_at_the_same_path_of_another_mount_namespace_is_a_stranger() {
    if !is_root() {
        return;
    }
    let sandbox = stopped("pg");
    let other = stopped("pg");
    // in the container, the path of the first cluster leads to the second one
    let script = format!(
        "mount --bind '{other}' '{pg}'; PG_REUSE=1 postgres-init",
        other = other.path("pg").display(),
        pg = sandbox.path("pg").display()
    );
    let _container = Container::start(&sandbox, "", &script);
    let file = other.read("pg/data/postmaster.pid");
    let stranger: u32 = file.lines().next().unwrap().parse().unwrap();
    for verb in ["postgres-cleanup", "postgres-init"] {
        std::fs::write(sandbox.path("pg/data/postmaster.pid"), &file).unwrap();
        sandbox.run(verb, [""; 0]).success();
        assert!(is_running(stranger), "{verb} ended a stranger's server");
        sandbox.run("postgres-cleanup", [""; 0]).success();
    }
    signal("QUIT", stranger);
}
