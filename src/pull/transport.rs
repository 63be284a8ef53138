//! The tunnel to staging: `ssh` forwards a socket on this machine to the server.
//!
//! One ssh process carries all sessions. The client runs here, so the password stays here. ssh
//! never asks for input (`BatchMode`) and detects a dead connection by itself. Its messages go to a
//! file, which an error quotes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::postgres::connection::conninfo::{Conninfo, Target};
use crate::sys::error::{Error, Kind, Result};
use crate::sys::process::{Command, Environment, Patience, Server, describe, wait_for};
use crate::sys::scratch::Scratch;

/// The number of attempts to connect.
const ATTEMPTS: u32 = 5;

/// The file for the messages of ssh.
const LOG: &str = "ssh.log";

/// The pause after the first failed attempt. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Messages of ssh, the system or a server about a failure that may be temporary.
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

/// Runs `attempt`, again after a temporary failure, and logs each failure. Returns the number of
/// attempts, too.
///
/// # Errors
/// The last failure.
/// The last failure.
pub fn with_retries<T>(mut attempt: impl FnMut() -> Result<T>) -> Result<(T, u32)> {
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

/// A socket on this machine that leads to the server while this value lives.
pub struct Tunnel {
    ssh: Server,
    target: Target,
    directory: Scratch,
}

impl Tunnel {
    /// Connects to `host`, a name in ssh's configuration, and from there to the first server of
    /// `conninfo`.
    ///
    /// # Errors
    /// `ProgramMissing` if ssh is not installed; `Failed`, with ssh's messages, if it ends or takes
    /// too long.
    pub fn open(
        host: &str,
        conninfo: &Conninfo,
        timeout: Duration,
        environment: &Environment,
    ) -> Result<Self> {
        if host.starts_with('-') {
            return Err(Error::conflict(format!("STAGING_SSH_HOST {host} is not a host"))
                .hint("name a host as ssh knows it, or - to connect without ssh"));
        }
        let target = conninfo.targets().first().cloned();
        let target = target.ok_or_else(|| Error::unexpected("no server to connect to"))?;
        let directory = Scratch::new(Path::new("/tmp"))?;
        let socket = directory.path().join(format!(".s.PGSQL.{}", target.port));
        let forward = format!("{}:{}", socket.display(), there(&target));
        let ssh = command(host, &forward, timeout, environment)
            .until_we_end()
            .serve(directory.create(LOG)?, &[])
            .map_err(|error| error.hint("install OpenSSH's client, or use --direct"))?;
        let mut tunnel = Self { ssh, target, directory };
        // ssh limits the time to connect, and logging in takes longer
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

    /// The connection string that leads through this tunnel.
    pub fn conninfo(&self, conninfo: &Conninfo) -> Conninfo {
        conninfo.through(self.directory.path(), &self.target)
    }

    /// Adds ssh's messages to an error.
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

    fn failure(&self, host: &str, outcome: &str) -> Error {
        self.explain(Error::failed(format!("cannot reach {host}: ssh {outcome}"))).hint(format!(
            "see whether `ssh -o BatchMode=yes {host} true` works: nobody is asked for a password"
        ))
    }
}

impl Drop for Tunnel {
    /// Ends ssh.
    fn drop(&mut self) {
        self.ssh.signal(Signal::SIGTERM);
        let ended = wait_for(Duration::from_secs(2), Patience::Stubborn, || Ok(self.ssh.ended()));
        if !matches!(ended, Ok(Some(_))) {
            self.ssh.signal(Signal::SIGKILL);
            let _ = wait_for(Duration::from_secs(1), Patience::Stubborn, || Ok(self.ssh.ended()));
        }
    }
}

/// Builds the ssh command. Options override every setting of the user that could make ssh ask for
/// input, share a connection, or leave it running.
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

/// The server's address for ssh's forwarding option.
fn there(target: &Target) -> String {
    match target.hostaddr {
        _ if target.is_socket() => target.to_string(),
        Some(address) if address.is_ipv6() => format!("[{address}]:{}", target.port),
        Some(address) => format!("{address}:{}", target.port),
        None if target.host.contains(':') => format!("[{}]:{}", target.host, target.port),
        None => format!("{}:{}", target.host, target.port),
    }
}
