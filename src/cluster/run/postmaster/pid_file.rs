//! Reads `postmaster.pid`. PostgreSQL's `src/include/utils/pidfile.h` numbers the lines.

use std::path::{Path, PathBuf};

use crate::cluster::files::read_small;

/// The lines of a pid file that db-tool uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidFile {
    /// Line 1: the process id.
    pub pid: u32,
    /// Line 3: the start time in seconds since the epoch.
    pub started: u64,
    /// Line 4: the port. It is missing while the server starts.
    pub port: Option<u16>,
    /// Line 5: the first socket directory.
    pub socket_directory: Option<PathBuf>,
    /// Line 6: the first address on which it listens for TCP connections.
    pub listens_on: Option<String>,
    /// Whether line 8 is `ready` or `standby`: the server accepts connections.
    pub ready: bool,
    /// Whether line 8 is `stopping`: somebody has asked the server to stop.
    pub stopping: bool,
}

impl PidFile {
    /// Parses the text. `None` for an empty or incomplete file.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 1)?;
        let _data = lines.next()?;
        let started = lines.next()?.trim().parse().ok()?;
        let port = lines.next().and_then(|line| line.trim().parse().ok());
        let socket = lines.next().map(str::trim_end).filter(|line| !line.is_empty());
        let listens_on = lines.next().map(str::trim).filter(|line| !line.is_empty());
        let listens_on = listens_on.map(str::to_owned);
        let status = lines.nth(1).map(str::trim);
        let ready = matches!(status, Some("ready" | "standby"));
        let stopping = status == Some("stopping");
        let socket_directory = socket.map(PathBuf::from);
        Some(Self { pid, started, port, socket_directory, listens_on, ready, stopping })
    }

    /// Reads the file of a data directory. `None` if there is none or if it cannot be parsed.
    pub fn read(data: &Path) -> Option<Self> {
        // read bytes: a path in the file need not be UTF-8
        let bytes = read_small(&data.join("postmaster.pid")).ok()?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }
}

/// The process id of a stand-alone backend (`postgres --single`), which writes it as a negative
/// number.
pub(super) fn stand_alone(data: &Path) -> Option<u32> {
    let bytes = read_small(&data.join("postmaster.pid")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.lines().next()?.trim().strip_prefix('-')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "4711\n/w/data\n1700000000\n5432\n/w/sock\n\n  5432001   3\nready   \n";

    #[test]
    fn a_whole_file_is_read() {
        let file = PidFile::parse(WHOLE).expect("whole");
        assert_eq!((file.pid, file.started, file.port), (4711, 1_700_000_000, Some(5432)));
        assert_eq!(file.socket_directory, Some(PathBuf::from("/w/sock")));
        assert!(file.ready && file.listens_on.is_none());
        let listening = WHOLE.replace("sock\n\n", "sock\n127.0.0.1\n");
        let file = PidFile::parse(&listening).expect("whole");
        assert!(file.ready && file.listens_on.as_deref() == Some("127.0.0.1"));
    }

    #[test]
    fn a_starting_server_is_not_ready() {
        let starting = WHOLE.replace("ready   ", "starting");
        assert!(!PidFile::parse(&starting).expect("whole").ready);
        let stopping = PidFile::parse(&WHOLE.replace("ready   ", "stopping")).expect("whole");
        assert!(stopping.stopping && !stopping.ready);
        assert!(!PidFile::parse("4711\n/w/data\n1700000000\n").expect("short").ready);
    }

    #[test]
    fn garbage_is_no_file() {
        for text in ["", "\n", "x\ny\nz\n", "4711\n", "-5\n/w\n1\n", "0\n/w\n1\n", "1\n/w\n1\n"] {
            assert_eq!(PidFile::parse(text), None, "{text:?}");
        }
    }
}
