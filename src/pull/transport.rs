//! The way to staging: a socket on this machine whose other end `ssh` connects to the server there.
//!
//! One ssh process carries every session; the client, and with it the password, stays here. ssh never
//! asks anything (`BatchMode`) and notices a dead connection by itself. What it says goes to a file,
//! to be shown when something fails.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::postgres::connection::conninfo::{Conninfo, Target};
use crate::sys::error::{Error, Kind, Result};
use crate::sys::process::{Command, Environment, Patience, Server, describe, wait_for};
use crate::sys::scratch::Scratch;

/// How often something is tried that may pass.
const ATTEMPTS: u32 = 5;

/// The file that gets the messages of ssh.
const LOG: &str = "ssh.log";

/// How long to wait after the first failure; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What ssh, the system or a server says of a state that passes.
const PASSING: &[&str] = &[
    "Connection closed",
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "Network is unreachable",
    "No route to host",
    "Temporary failure in name resolution",
    "in recovery mode",
    "no answer in time",
    "no server listens there",
    "shutting down",
    "starting up",
    "the server ended the connection",
    "too many clients",
    "too many connections",
];

/// Tries a few times what fails for a reason that may pass, and tells of each time. Says also how
/// often it was tried.
///
/// # Errors
/// The last failure.
pub fn patiently<T>(mut attempt: impl FnMut() -> Result<T>) -> Result<(T, u32)> {
    let mut pause = FIRST_PAUSE;
    for number in 1..ATTEMPTS {
        let error = match attempt() {
            Err(error) if may_pass(&error) => error,
            ended => return Ok((ended?, number)),
        };
        let seconds = pause.as_secs_f32();
        tracing::warn!(
            attempt = number,
            "{error}; attempt {number} of {ATTEMPTS}, the next in {seconds} s"
        );
        wait_for(pause, Patience::Interruptible, || Ok(None::<()>))?;
        pause *= 2;
    }
    Ok((attempt()?, ATTEMPTS))
}

fn may_pass(error: &Error) -> bool {
    let said = |text: &str| PASSING.iter().any(|passing| text.contains(passing));
    error.kind() == Kind::Failed
        && (said(error.message()) || error.details().iter().any(|detail| said(detail)))
}

/// A socket here that leads to a server there, as long as it lives.
pub struct Tunnel {
    ssh: Server,
    target: Target,
    directory: Scratch,
}

impl Tunnel {
    /// Connects to `host`, as ssh knows it, and from there to the first server of `conninfo`.
    ///
    /// # Errors
    /// `ProgramMissing` without ssh; `Failed`, with what ssh said, when it ends or takes too long.
    pub fn open(
        host: &str,
        conninfo: &Conninfo,
        timeout: Duration,
        environment: &Environment,
    ) -> Result<Self> {
        if host.starts_with('-') {
            return Err(Error::conflict(format!("STAGING_SSH_HOST {host} is no host"))
                .hint("name a host as ssh knows it, or - to connect without ssh"));
        }
        let target = conninfo.targets().first().cloned();
        let target = target.ok_or_else(|| Error::unexpected("no server to connect to"))?;
        let directory = Scratch::new(Path::new("/tmp"))?;
        let socket = directory.path().join(format!(".s.PGSQL.{}", target.port));
        let forward = format!("{}:{}", socket.display(), there(&target));
        let ssh = command(host, &forward, timeout, environment)
            .until_we_end()
            .serve(directory.create(LOG)?, None)
            .map_err(|error| error.hint("install OpenSSH's client, or use --direct"))?;
        let mut tunnel = Self { ssh, target, directory };
        // ssh has its own limit for connecting; a login takes longer
        let ready = wait_for(timeout * 2, Patience::Interruptible, || {
            if let Some(status) = tunnel.ssh.ended() {
                return Err(tunnel.failure(host, &describe(status)));
            }
            Ok(socket.exists().then_some(()))
        })?;
        match ready {
            Some(()) => Ok(tunnel),
            None => Err(tunnel.failure(host, "took too long")),
        }
    }

    /// The connection through this tunnel.
    pub fn conninfo(&self, conninfo: &Conninfo) -> Conninfo {
        conninfo.through(self.directory.path(), &self.target)
    }

    /// An error with what ssh has said meanwhile.
    #[must_use]
    pub fn explain(&self, error: Error) -> Error {
        match self.said().trim() {
            "" => error,
            said => error.detail(format!("ssh said: {said}")),
        }
    }

    fn said(&self) -> String {
        let log: PathBuf = self.directory.path().join(LOG);
        crate::sys::process::read_regular(log)
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .unwrap_or_default()
    }

    fn failure(&self, host: &str, how: &str) -> Error {
        self.explain(Error::failed(format!("cannot reach {host}: ssh {how}"))).hint(format!(
            "see whether `ssh -o BatchMode=yes {host} true` works: nobody is asked for a password"
        ))
    }
}

impl Drop for Tunnel {
    /// The tunnel ends with its user.
    fn drop(&mut self) {
        self.ssh.signal(Signal::SIGTERM);
        let ended = wait_for(Duration::from_secs(2), Patience::Stubborn, || Ok(self.ssh.ended()));
        if !matches!(ended, Ok(Some(_))) {
            self.ssh.signal(Signal::SIGKILL);
            let _ = wait_for(Duration::from_secs(1), Patience::Stubborn, || Ok(self.ssh.ended()));
        }
    }
}

/// Nothing of a person's configuration may make ssh ask, share, or leave the connection.
fn command(host: &str, forward: &str, timeout: Duration, environment: &Environment) -> Command {
    let connect = format!("ConnectTimeout={}", timeout.as_secs().max(1));
    let options = [
        "BatchMode=yes",
        "ExitOnForwardFailure=yes",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=3",
        "ControlMaster=no",
        "ControlPath=none",
        "ControlPersist=no",
        "ClearAllForwardings=no",
        "RequestTTY=no",
        "RemoteCommand=none",
        "ForkAfterAuthentication=no",
        "LogLevel=INFO",
        &connect,
    ];
    let options = options.iter().flat_map(|option| ["-o", option]);
    Command::new("ssh", environment).args(options).args(["-N", "-L", forward, "--", host])
}

/// The server as ssh's other end connects to it.
fn there(target: &Target) -> String {
    match target.hostaddr {
        _ if target.is_socket() => target.to_string(),
        Some(address) if address.is_ipv6() => format!("[{address}]:{}", target.port),
        Some(address) => format!("{address}:{}", target.port),
        None if target.host.contains(':') => format!("[{}]:{}", target.host, target.port),
        None => format!("{}:{}", target.host, target.port),
    }
}
