//! Keepers: processes of db-tool in the background that stop a server when nobody uses it any more.
//!
//! One keeper keeps the lease of each holder. Another one, if `idle_stop` is set, watches over a
//! server without sessions. A keeper works in a session of its own, so that neither a closed
//! terminal nor Ctrl-C reaches it, and it holds no descriptor of its caller. Its messages go to the
//! server's log.
//!
//! A keeper changes the cluster only under the cluster's lock. A command that takes a new lease
//! holds this lock, too, so that no keeper stops the server in between.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use time::OffsetDateTime;

use super::lease::{Holder, Leases};
use crate::cluster::{self, Layout, Lock};
use crate::sys::error::{IoContext, Kind, Result};
use crate::sys::no_follow;
use crate::sys::process::{ActingAs, Command, Environment, Patience};

/// The first argument of a program that works as a keeper.
pub const KEEPER: &str = "keeper";

/// The longest single wait for the end of a holder; then the keeper waits again.
const WAIT: Duration = Duration::from_secs(24 * 3600);

/// The program that keepers run, which is the caller's own, and its environment.
#[derive(Debug, Clone)]
pub struct KeeperProgram {
    /// The path of the program.
    pub program: PathBuf,
    /// The environment.
    pub environment: Environment,
}

impl KeeperProgram {
    /// Starts a keeper for the lease of `holder`, unless one keeps it already.
    pub(super) fn keep(&self, layout: &Layout, holder: &Holder) -> Result<()> {
        let Some(lock) = Leases::of(layout).lock(holder)? else { return Ok(()) };
        let process = holder.process();
        let arguments = [("--pid", u64::from(process.pid)), ("--started", process.started)];
        self.start(layout, "lease", &arguments, &lock)
    }

    /// Starts a keeper of the kind `what` that has `lock` locked.
    pub(super) fn start(
        &self,
        layout: &Layout,
        what: &str,
        numbers: &[(&str, u64)],
        lock: &File,
    ) -> Result<()> {
        let mut arguments: Vec<OsString> = [KEEPER, what, "--directory"].map(Into::into).into();
        arguments.push(layout.working_directory().into());
        arguments.extend(["--log-directory".into(), layout.logs().into()]);
        arguments.extend(["--owner".into(), layout.owner().to_string().into()]);
        for (name, number) in numbers {
            arguments.extend([name.into(), number.to_string().into()]);
        }
        Command::new(&self.program, &self.environment.for_server())
            .args(arguments)
            .directory(Path::new("/"))
            .serve(open_log(layout)?, &[lock])
            .map(drop)
    }
}

/// Keeps the lease of a process until it has ended. If the lease was the last one, stops the server.
pub fn keep_lease(layout: &Layout, holder: &Holder) -> Result<()> {
    while !holder.process().wait_for_end(WAIT)? {}
    let leases = Leases::of(layout);
    // after a clean-up there is nothing to do
    if !layout.leases().is_dir() {
        return Ok(());
    }
    let _lock = lock_patiently(layout)?;
    leases.forget(holder)?;
    if !leases.ends_with_last() || !leases.holders().is_empty() {
        return Ok(());
    }
    log(layout, &format!("process {}, the last user of this server, has ended", holder.pid));
    stop(layout)?;
    leases.set_ends_with_last(false)?;
    leases.forget(holder)
}

/// Stops the server and says so in its log.
pub(super) fn stop(layout: &Layout) -> Result<()> {
    log(layout, "stopping the server; its data stays, and postgres-init starts it again");
    cluster::stop(layout, Patience::Stubborn).map(drop)
}

/// Takes the cluster's lock, however long another command holds it.
fn lock_patiently(layout: &Layout) -> Result<Lock> {
    let _acting = ActingAs::owner(layout.owner())?;
    loop {
        match Lock::wait(&layout.lock()) {
            Err(error) if error.kind() == Kind::Conflict => {}
            other => return other,
        }
    }
}

/// Writes a line to the server's log. Nobody reads the error of a keeper, so there is none.
pub(super) fn log(layout: &Layout, message: &str) {
    let now = OffsetDateTime::now_utc();
    let (date, time) = (now.date(), now.time());
    let (hour, minute, second) = time.as_hms();
    if let Ok(mut log) = open_log(layout) {
        let line = format!("{date} {hour:02}:{minute:02}:{second:02} UTC db-tool: {message}\n");
        let _ = log.write_all(line.as_bytes());
    }
}

fn open_log(layout: &Layout) -> Result<File> {
    let _acting = ActingAs::owner(layout.owner())?;
    let path = layout.server_log();
    no_follow::append(&path, 0o600).on("write", &path)
}

/// The log of a process whose messages nobody reads.
pub(super) fn nowhere() -> Result<File> {
    let path = Path::new("/dev/null");
    File::options().write(true).open(path).on("open", path)
}
