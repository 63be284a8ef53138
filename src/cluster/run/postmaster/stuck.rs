//! A server that PostgreSQL itself lets hang.
//!
//! If a fast shutdown arrives just after the crash of a backend, while the postmaster starts its
//! processes anew, then PostgreSQL 15 may never end:
//!
//! - The startup process waits for a checkpoint (`RequestCheckpoint`), but the postmaster has already
//!   ended the checkpointer that would write it.
//! - Or only the checkpointer is left, and the postmaster has not told it to shut down.
//!
//! Nobody can connect to such a server, somebody has asked it to stop, and its commits are in the
//! write-ahead log. So an immediate shutdown loses nothing.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::{PidFile, Postmaster, leftovers};
use crate::sys::error::Result;
use crate::sys::process::{ProcessInfo, title};

/// A server in this state for so long does not get out of it: PostgreSQL ends a startup process at
/// once, and a checkpointer that writes a checkpoint uses the processor or waits for the disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// The time between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Looks at a server that should stop, and ends it if it hangs.
pub(super) struct StuckWatch {
    /// The time since which the server has looked the same, and its look.
    since: Option<(Instant, HangSign)>,
    looked: Instant,
}

/// The sign of a server that hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HangSign {
    /// A startup process without a checkpointer.
    Startup,
    /// Only a checkpointer, which has used so many clock ticks.
    Checkpointer(u64),
}

impl StuckWatch {
    /// The first look comes later: most servers end at once, and a look costs some milliseconds.
    pub(super) fn new() -> Self {
        Self { since: None, looked: Instant::now() }
    }

    pub(super) fn look(&mut self, server: &Postmaster) -> Result<()> {
        if self.looked.elapsed() < INTERVAL {
            return Ok(());
        }
        self.looked = Instant::now();
        let found = look_of(server);
        match (found, self.since) {
            (Some(found), Some((since, before))) if found == before => {
                if since.elapsed() < PATIENCE {
                    return Ok(());
                }
            }
            (found, _) => {
                self.since = found.map(|found| (Instant::now(), found));
                return Ok(());
            }
        }
        tracing::info!(
            "the server (pid {}) hangs in a shutdown during its recovery: it is stopped immediately",
            server.file.pid
        );
        self.since = None;
        server.signal(Signal::SIGQUIT)
    }
}

/// The sign that a server which should stop may hang.
fn look_of(server: &Postmaster) -> Option<HangSign> {
    PidFile::read(&server.data).filter(|file| file.pid == server.file.pid && file.stopping)?;
    let children = leftovers(&server.data).into_iter().filter(|one| one.pid != server.file.pid);
    let titled: Vec<_> = children.filter_map(|one| Some((title(one.pid)?, one))).collect();
    look(&titled)
}

fn look(children: &[(String, ProcessInfo)]) -> Option<HangSign> {
    let of = |what: &str| children.iter().find(|(title, _)| title.contains(what));
    match (of("startup"), of("checkpointer")) {
        (Some(_), None) => Some(HangSign::Startup),
        (None, Some((_, checkpointer))) if !checkpointer.waits_for_disk => {
            // a session, an archiver or a walsender may have a reason to keep the server waiting
            let known = |(title, one): &(String, ProcessInfo)| {
                one.pid == checkpointer.pid || title.contains("logger")
            };
            children.iter().all(known).then_some(HangSign::Checkpointer(checkpointer.ticks))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::inspect;

    fn children(titles: &[&str]) -> Vec<(String, ProcessInfo)> {
        let own = inspect(std::process::id()).expect("it runs");
        let child = |(number, title): (u32, &&str)| {
            (format!("postgres: {title} "), ProcessInfo { pid: number, ticks: 7, ..own.clone() })
        };
        (1..).zip(titles).map(child).collect()
    }

    #[test]
    fn a_server_that_has_a_reason_to_wait_does_not_hang() {
        assert_eq!(look(&children(&["logger", "startup"])), Some(HangSign::Startup));
        assert_eq!(look(&children(&["logger", "checkpointer"])), Some(HangSign::Checkpointer(7)));
        assert_eq!(look(&children(&["checkpointer"])), Some(HangSign::Checkpointer(7)));
        for reason in ["dev app [local] idle", "walsender dev [local]", "archiver archiving 00"] {
            assert_eq!(look(&children(&["logger", "checkpointer", reason])), None, "{reason}");
        }
        assert_eq!(look(&children(&["startup", "checkpointer"])), None);
        assert_eq!(look(&children(&["logger"])), None);
        let mut writing = children(&["checkpointer"]);
        writing[0].1.waits_for_disk = true;
        assert_eq!(look(&writing), None);
    }
}
