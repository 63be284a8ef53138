//! Servers whose data directory somebody has deleted.
//!
//! PostgreSQL ends such a server, but it looks only once a minute. Until then, the server holds the
//! lock of the data directory, so no other can start there. At its end, it removes its sockets by
//! their paths, even if they belong to the next server by then.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::is_server;
use crate::sys::error::Result;
use crate::sys::process::{self, Patience, ProcessInfo};

/// The time that the processes have to end.
const LIMIT: Duration = Duration::from_secs(5);

/// Ends the server whose data directory was `data`. Its data is gone, so there is nothing to wait
/// for. Returns whether there was one.
pub(in crate::cluster) fn end(data: &Path) -> Result<bool> {
    let found = !members(data).is_empty();
    for signal in [Signal::SIGQUIT, Signal::SIGKILL] {
        for process in members(data) {
            let pid = Pid::from_raw(process.pid.cast_signed());
            let _ = kill(pid, signal);
            // a stopped process receives no other signal but SIGKILL before it is continued
            let _ = kill(pid, Signal::SIGCONT);
        }
        let gone = || Ok(members(data).is_empty().then_some(()));
        if process::wait_for(LIMIT, Patience::Stubborn, gone)?.is_some() {
            break;
        }
    }
    Ok(found)
}

/// The processes of such a server. The server runs for the owner of the working directory.
fn members(data: &Path) -> Vec<ProcessInfo> {
    let owner = data.parent().and_then(|directory| std::fs::metadata(directory).ok());
    let Some(owner) = owner.map(|facts| facts.uid()) else { return Vec::new() };
    let mut found = process::working_in_deleted(data);
    found.retain(|one| is_server(&one.name) && !one.in_container && one.uid == owner);
    found
}
