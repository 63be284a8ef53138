//! A real ssh server on a port of its own, and an ssh that knows it and nothing else.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Sandbox, is_root, whoami};

/// The configuration of sshd. It may do no more than forward, as an ordinary user.
const CONFIG: &str = "ListenAddress 127.0.0.1
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
";

/// A running sshd. Dropping this value ends it.
pub struct Sshd {
    child: Child,
}

impl Sshd {
    /// Starts an sshd, and puts an `ssh` into the sandbox's `PATH` that knows it as the host
    /// `staging`.
    #[track_caller]
    pub fn start(sandbox: &mut Sandbox) -> Self {
        let directory = sandbox.path("ssh");
        std::fs::create_dir(&directory).unwrap();
        for key in ["host", "id"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(directory.join(key))
                .status();
            assert!(made.unwrap().success(), "ssh-keygen");
        }
        std::fs::copy(directory.join("id.pub"), directory.join("authorized_keys")).unwrap();
        let port = super::server::free_port();
        let here = directory.display();
        let config = format!(
            "{CONFIG}Port {port}\nHostKey {here}/host\nAuthorizedKeysFile {here}/authorized_keys\n"
        );
        sandbox.write("ssh/sshd_config", config);
        let key = sandbox.read("ssh/host.pub");
        sandbox.write("ssh/known_hosts", format!("[127.0.0.1]:{port} {key}"));
        let client = format!(
            "Host *\nHostName 127.0.0.1\nPort {port}\nUser {}\nIdentityFile {here}/id\nIdentitiesOnly yes\n\
             UserKnownHostsFile {here}/known_hosts\nGlobalKnownHostsFile /dev/null\n",
            user()
        );
        sandbox.write("ssh/config", client);
        Self::wrap(sandbox);
        Self { child: spawn(&directory) }
    }

    /// Wraps ssh to use files of the sandbox, because `HOME` does not move `~/.ssh`. The wrapper
    /// records its arguments.
    fn wrap(sandbox: &mut Sandbox) {
        let here = sandbox.path("ssh").display().to_string();
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$*\" >> {here}/arguments\nexec /usr/bin/ssh -F {here}/config \"$@\"\n"
        );
        let wrapper = sandbox.write("bin/ssh", script);
        std::fs::set_permissions(&wrapper, PermissionsExt::from_mode(0o755)).unwrap();
        let mut path = sandbox.path("bin").into_os_string();
        path.push(":");
        path.push(sandbox.variable("PATH").unwrap());
        sandbox.set("PATH", path);
    }

    /// Kills sshd at once, with every connection.
    pub fn kill(&mut self) {
        let below = below(self.child.id());
        let _ = self.child.kill();
        kill(&below);
        let _ = self.child.wait();
    }

    /// Cuts every connection at once. sshd keeps listening.
    pub fn cut(&self) {
        kill(&below(self.child.id()));
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn kill(pids: &[u32]) {
    for pid in pids {
        super::wait::try_signal("KILL", pid);
    }
}

/// The number of the sandbox's running ssh clients.
pub fn tunnels(sandbox: &Sandbox) -> usize {
    let config = sandbox.path("ssh/config").display().to_string();
    super::process::command_lines().iter().filter(|line| line.contains(&config)).count()
}

/// The children of a process and their children: a session is sshd's grandchild.
fn below(pid: u32) -> Vec<u32> {
    let children = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(children).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    children.flat_map(|pid| below(pid).into_iter().chain([pid])).collect()
}

/// The user that sshd runs as. It can let in nobody else.
fn user() -> String {
    if is_root() { "postgres".to_owned() } else { whoami() }
}

fn spawn(directory: &Path) -> Child {
    let sshd = std::env::var_os("DB_TOOL_TEST_SSHD");
    let sshd =
        PathBuf::from(sshd.expect("DB_TOOL_TEST_SSHD is unset: run the tests with `cargo x test`"));
    let library =
        sshd.parent().unwrap().join("../lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let mut command = Command::new(&sshd);
    if is_root() {
        let owned = Command::new("chown").args(["-R", &user()]).arg(directory).status();
        assert!(owned.unwrap().success(), "chown");
        std::os::unix::fs::chown(directory.join("id"), Some(0), Some(0)).unwrap();
        command = Command::new("setpriv");
        command.args(["--reuid", &user(), "--regid", &user(), "--clear-groups", "--"]).arg(&sshd);
    }
    command
        .env("LD_LIBRARY_PATH", library)
        .args(["-D", "-e", "-f"])
        .arg(directory.join("sshd_config"));
    let mut child = command.stderr(Stdio::piped()).spawn().expect("sshd starts");
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let listens = said.by_ref().map_while(Result::ok).any(|line| line.contains("Server listening"));
    assert!(listens, "sshd does not listen");
    std::thread::spawn(move || said.for_each(drop));
    child
}
