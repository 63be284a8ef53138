//! Starts the server of an initialised data directory, and waits until it accepts connections.
//!
//! One of three events ends the wait: the server writes `ready` into its pid file, the server ends,
//! or the time is up. A stale pid file says `ready`, too, so its pid must be that of the process we
//! started.
//!
//! If the server ends, db-tool reads the cause from the log. It may replace a kept cluster only if
//! the data itself is damaged. It reports all other causes, such as a socket in use or a wrong
//! setting, so that the user can remove them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::access::make_closed;
use super::postmaster;
use super::postmaster::{Liveness, PidFile, Postmaster, heal, heal_socket};
use crate::cluster::files::{make_private, refuse_link, replace_file};
use crate::cluster::layout::socket_in;
use crate::cluster::tcp::hba;
use crate::cluster::template::tablespace;
use crate::cluster::template::trim::trim_logs;
use crate::cluster::{Cluster, Lifetime, Running};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::no_follow;
use crate::sys::process;
use crate::sys::process::{Patience, Server, wait_for};

/// The longest wait for a start, which includes the recovery of a large cluster. If the server
/// ends, db-tool notices at once.
const START_LIMIT: Duration = Duration::from_secs(600);
/// After this time, db-tool says why it waits.
const SLOW_AFTER: Duration = Duration::from_secs(5);
/// The bytes of a log that an error shows.
const LOG_TAIL: u64 = 4096;

/// Log files with their sizes.
type Sizes = BTreeMap<PathBuf, u64>;

/// The reason why a server did not start.
#[derive(Debug)]
pub enum StartFailure {
    /// The data directory is damaged.
    Data(Error),
    /// Any other reason.
    Other(Error),
}

impl From<StartFailure> for Error {
    fn from(failure: StartFailure) -> Self {
        match failure {
            StartFailure::Data(error) | StartFailure::Other(error) => error,
        }
    }
}

impl From<Error> for StartFailure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Cluster {
    /// Starts the server and waits until it accepts connections.
    pub fn start(self) -> std::result::Result<Running, StartFailure> {
        self.start_with(Patience::Interruptible)
    }

    /// Starts the server as [`Self::start`] does. With `Patience::Stubborn` signals do not end the
    /// wait, because the start undoes an interrupted change.
    pub(in crate::cluster) fn start_with(
        self,
        patience: Patience,
    ) -> std::result::Result<Running, StartFailure> {
        let _acting = self.spec.act()?;
        let data = self.spec.layout.data();
        if matches!(Liveness::of(&data)?, Liveness::Stale) {
            heal(&data)?;
        }
        tablespace::relink(&data)?;
        self.write_conf()?;
        self.write_hba()?;
        self.spec.prepare_certificates()?;
        self.spec.remember_port()?;
        self.make_socket_directories()?;
        for directory in self.spec.layout.sockets(self.spec.settings.port).directories {
            heal_socket(&socket_in(&directory, self.spec.settings.port), &data)?;
        }
        trim_logs(&self.spec.layout);
        let log = self.open_server_log()?;
        let lock = self.lock_for_server()?;
        let before = self.log_sizes();
        let mut server = self
            .toolchain
            .server_command("postgres", self.spec.settings.server_user.as_ref())?
            .arg("-D")
            .arg(&data)
            .args(self.spec.overrides().arguments())
            .serve(log, &lock.iter().collect::<Vec<_>>())?;
        drop(lock);
        match self.wait_ready(&mut server, patience) {
            Ok(Some(postmaster)) => Ok(Running { cluster: self, postmaster }),
            Ok(None) => Err(self.diagnose(&mut server, &before)),
            Err(error) => {
                self.give_up(&mut server);
                Err(error.into())
            }
        }
    }

    /// Takes the lock that the server holds as long as it lives. A throwaway cluster needs none,
    /// because nobody shares it.
    fn lock_for_server(&self) -> Result<Option<File>> {
        match self.spec.settings.lifetime {
            Lifetime::Throwaway => Ok(None),
            Lifetime::Kept => postmaster::lock_for_server(&self.spec.layout.data()).map(Some),
        }
    }

    fn wait_ready(&self, server: &mut Server, patience: Patience) -> Result<Option<Postmaster>> {
        let data = self.spec.layout.data();
        let started = std::time::Instant::now();
        let mut announced = false;
        let found = wait_for(START_LIMIT, patience, || {
            if let Some(file) = PidFile::read(&data)
                && file.pid == server.pid()
                && file.ready
            {
                return Ok(Some(Some(Postmaster::started(&data, file))));
            }
            if server.ended().is_some() {
                return Ok(Some(None));
            }
            if !announced && started.elapsed() > SLOW_AFTER {
                announced = true;
                tracing::info!("the server is still starting; after a crash it recovers first");
            }
            Ok(None)
        })?;
        found.ok_or_else(|| {
            Error::failed("the server is not ready after ten minutes")
                .hint(format!("look at {}", self.spec.layout.server_log().display()))
        })
    }

    /// Stops a server that is not ready yet.
    fn give_up(&self, server: &mut Server) {
        server.signal(Signal::SIGQUIT);
        let ended = || Ok(server.ended().map(drop));
        if !matches!(wait_for(Duration::from_secs(10), Patience::Stubborn, ended), Ok(Some(()))) {
            server.signal(Signal::SIGKILL);
            let _ = wait_for(Duration::from_secs(5), Patience::Stubborn, || Ok(server.ended()));
        }
    }

    fn diagnose(&self, server: &mut Server, before: &Sizes) -> StartFailure {
        // the logging collector may still write the last lines when the postmaster has ended
        let _ = postmaster::wait_until_alone(&self.spec.layout.data());
        let log = self.log_since(before);
        let status = server.ended().map_or("ended".to_owned(), process::describe);
        let error = Error::failed(format!(
            "the server of {} did not start: it {status}",
            self.spec.layout.working_directory().display()
        ))
        .detail(log.trim_end().to_owned());
        let error = match remedy(&log) {
            Some(hint) => error.hint(hint),
            // the logs of a throwaway cluster are removed with its directory
            None if self.spec.settings.lifetime == Lifetime::Throwaway => error,
            None => error.hint(format!("see {}", self.spec.layout.logs().display())),
        };
        if is_damage(&log) { StartFailure::Data(error) } else { StartFailure::Other(error) }
    }

    /// The sizes of all log files, in each directory where the server may write them.
    fn log_sizes(&self) -> Sizes {
        let directories = [self.spec.layout.logs().to_owned(), self.spec.layout.data().join("log")];
        let entries = directories.iter().filter_map(|directory| std::fs::read_dir(directory).ok());
        entries
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.len())))
            .collect()
    }

    /// The text that the server has written since the log files had these sizes. Sizes are compared
    /// instead of times, because file times come from a coarser clock.
    fn log_since(&self, before: &Sizes) -> String {
        let grown = |path: &PathBuf, size: u64| {
            let from = before.get(path).copied().unwrap_or(0);
            (size > from).then(|| read_from(path, from).unwrap_or_default())
        };
        self.log_sizes().iter().filter_map(|(path, size)| grown(path, *size)).collect()
    }

    /// Writes db-tool's block into `postgresql.conf`.
    fn write_conf(&self) -> Result<()> {
        match self.new_conf()? {
            Some(text) => replace_file(&self.spec.layout.data().join("postgresql.conf"), &text),
            None => Ok(()),
        }
    }

    /// The text of `postgresql.conf` with db-tool's block. `None` if the file has this text already.
    pub(in crate::cluster) fn new_conf(&self) -> Result<Option<String>> {
        let path = self.spec.layout.data().join("postgresql.conf");
        refuse_link(&path, self.spec.settings.server_user.as_ref())?;
        let existing = crate::sys::process::read_regular(&path).unwrap_or_default();
        let existing = String::from_utf8_lossy(&existing);
        let settings = self.spec.conf(&self.spec.settings.preload_libraries(&self.toolchain)?);
        let written = settings.written_into(&existing);
        Ok((written != existing).then_some(written))
    }

    /// Writes db-tool's lines into `pg_hba.conf`.
    fn write_hba(&self) -> Result<()> {
        let path = self.spec.layout.data().join("pg_hba.conf");
        refuse_link(&path, self.spec.settings.server_user.as_ref())?;
        let existing = crate::sys::process::read_regular(&path).unwrap_or_default();
        let existing = String::from_utf8_lossy(&existing);
        let written = hba::written_into(&existing, self.spec.settings.tcp.as_ref());
        if written == existing {
            return Ok(());
        }
        replace_file(&path, &written)
    }

    fn make_socket_directories(&self) -> Result<()> {
        let layout = &self.spec.layout;
        let sockets = layout.sockets(self.spec.settings.port);
        if sockets.short {
            let why = match layout.has_comma() {
                true => "has a comma, which connection strings take for a list",
                false => "is too long for a socket",
            };
            tracing::info!(
                "{} {why}; the socket is in {}",
                layout.working_directory().display(),
                sockets.directories[0].display()
            );
            return make_private(&sockets.directories[0], layout.owner());
        }
        let sock = layout.sock();
        make_closed(&sock).on("create", &sock)
    }

    fn open_server_log(&self) -> Result<File> {
        let path = self.spec.layout.server_log();
        refuse_link(self.spec.layout.logs(), self.spec.settings.server_user.as_ref())?;
        // if root calls, the directory belongs to another user
        no_follow::append(&path, 0o600).on("write", &path)
    }
}

/// The end of a log, for an error to show.
pub(in crate::cluster) fn tail_of(log: &Path) -> String {
    read_from(log, 0).unwrap_or_default()
}

fn read_from(path: &Path, from: u64) -> std::io::Result<String> {
    let mut file = crate::sys::process::open_regular(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(LOG_TAIL))))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether the end of the log proves that the data directory is damaged. All messages that are not
/// in this list count as other causes, so that no cluster is replaced on a guess.
fn is_damage(log: &str) -> bool {
    const NOT_THE_DATA: [&str; 4] =
        ["No space left on device", "Permission denied", "Too many open files", "Out of memory"];
    const DAMAGE: [&str; 12] = [
        "incorrect checksum in control file",
        "could not locate a valid checkpoint record",
        "invalid checkpoint record",
        "could not locate required checkpoint record",
        "is not a valid data directory",
        "database files are incompatible with server",
        "invalid magic number",
        "invalid page in block",
        "data directory appears to be corrupt",
        "contains unexpected data",
        "required WAL directory",
        "pg_control\": read 0",
    ];
    const FILES: [&str; 7] =
        ["global/", "base/", "pg_wal", "pg_xact", "pg_multixact", "pg_subtrans", "pg_notify"];
    // the server prints this before it has a log, on several lines
    let no_control_file = "could not find the database system";
    if log.contains(no_control_file) && !NOT_THE_DATA.iter().any(|words| log.contains(words)) {
        return true;
    }
    let of_the_end = |line: &&str| line.contains("FATAL:") || line.contains("PANIC:");
    log.lines().filter(of_the_end).any(|line| {
        let lost_file = FILES.iter().any(|file| line.contains(file))
            && (line.contains("could not open")
                || line.contains("could not read")
                || line.contains("could not access"));
        let damage = lost_file || DAMAGE.iter().any(|words| line.contains(words));
        damage && !NOT_THE_DATA.iter().any(|words| line.contains(words))
    })
}

/// The hints for frequent failures.
fn remedy(log: &str) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 9] = [
        (
            "SSL is not supported by this build",
            "this PostgreSQL was built without TLS: unset PG_TLS, or choose another one in PG_BINDIR",
        ),
        (
            "could not create any TCP/IP sockets",
            "set PG_LISTEN to an address of this machine, or PG_PORT to another port",
        ),
        (
            ".lock\" already exists",
            "another server uses this socket: stop it, or set PG_PORT to another port",
        ),
        (
            "could not create any Unix-domain socket",
            "another server uses this socket: stop it, or set PG_PORT to another port",
        ),
        (
            "already in use",
            "another server uses this port: stop it, or set PG_PORT to another port",
        ),
        (
            "could not access file",
            "install the library, or take it out of PG_SHARED_PRELOAD_LIBRARIES (or PG_CONF_FILE)",
        ),
        (
            "contains errors",
            "mend the setting in PG_CONF_FILE or postgresql.conf; the log names the line",
        ),
        ("No space left on device", "free some space on the disk and start again"),
        ("Permission denied", "give the server's user access to the path in the log"),
    ];
    KNOWN.iter().find(|(words, _)| log.contains(words)).map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_from_surroundings() {
        for damage in [
            "PANIC:  could not read file \"global/pg_control\": read 0 of 296",
            "FATAL:  incorrect checksum in control file",
            "PANIC:  could not locate a valid checkpoint record",
            "postgres: could not find the database system\nExpected to find it in the directory \
             \"/w\",\nbut could not open file \"/w/global/pg_control\": No such file or directory",
            "FATAL:  could not open directory \"pg_wal\": No such file or directory",
            "FATAL:  required WAL directory \"pg_wal\" does not exist",
            "FATAL:  \"base/1\" is not a valid data directory",
        ] {
            assert!(is_damage(damage), "{damage}");
        }
        for surroundings in [
            "FATAL:  could not access file \"pg_cron\": No such file or directory",
            "FATAL:  lock file \"/w/.s.PGSQL.5432.lock\" already exists",
            "FATAL:  configuration file \"/w/data/postgresql.conf\" contains errors",
            "FATAL:  could not write to file \"pg_wal/xlogtemp.9\": No space left on device",
            "FATAL:  could not open file \"global/pg_control\": Permission denied",
            "postgres: could not find the database system\nExpected to find it in the directory \
             \"/w\",\nbut could not open file \"/w/global/pg_control\": Permission denied",
            "LOG:  invalid checkpoint record",
            "",
        ] {
            assert!(!is_damage(surroundings), "{surroundings}");
        }
    }
}
