//! `database log`: the logs of the server and of the verbs, newest first.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::sys::error::{Error, Result};

/// A log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub path: PathBuf,
    /// The file's name without its directory.
    pub name: String,
    /// The size in bytes.
    pub size: u64,
    /// The time of the last write.
    pub modified: SystemTime,
}

/// Lists the logs in `directories`, newest first. A directory that does not exist has none.
pub fn list(directories: &[PathBuf]) -> Vec<Log> {
    let mut logs: Vec<Log> = directories.iter().flat_map(|directory| logs_in(directory)).collect();
    logs.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.name.cmp(&b.name)));
    logs
}

/// Finds the log that `wanted` names: its number in the list, its exact name, or a part of its
/// name. `None` means the newest log.
///
/// # Errors
/// `Missing` if no log fits, `Conflict` if several do.
pub fn select(logs: Vec<Log>, wanted: Option<&str>) -> Result<Log> {
    let names: Vec<String> = logs.iter().map(|log| log.name.clone()).collect();
    let nothing =
        |what: String| Error::missing(what).hint("`database log list` shows what there is");
    let Some(wanted) = wanted else {
        return logs.into_iter().next().ok_or_else(|| nothing("there is no log yet".into()));
    };
    if let Some(exact) = names.iter().position(|name| name == wanted) {
        return take(logs, exact);
    }
    if let Ok(index) = wanted.parse::<usize>()
        && (1..=logs.len()).contains(&index)
    {
        return take(logs, index - 1);
    }
    let fitting: Vec<usize> = (0..names.len()).filter(|&i| names[i].contains(wanted)).collect();
    match fitting[..] {
        [only] => take(logs, only),
        [] => Err(nothing(format!("no log is called {wanted}"))),
        _ => {
            let names = fitting.iter().map(|&i| names[i].as_str()).collect::<Vec<_>>().join(", ");
            Err(Error::conflict(format!("{wanted} fits several logs: {names}"))
                .hint("give more of the name, or its number in `database log list`"))
        }
    }
}

fn take(logs: Vec<Log>, index: usize) -> Result<Log> {
    logs.into_iter().nth(index).ok_or_else(|| Error::unexpected("a log vanished from the list"))
}

fn logs_in(directory: &Path) -> Vec<Log> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let files = entries.flatten().filter_map(|entry| {
        let facts = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(Log {
            path: entry.path(),
            name: entry.file_name().to_string_lossy().into_owned(),
            size: facts.len(),
            modified: facts.modified().ok()?,
        })
    });
    files.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs() -> Vec<Log> {
        let log = |name: &str| Log {
            path: name.into(),
            name: name.into(),
            size: 0,
            modified: SystemTime::UNIX_EPOCH,
        };
        ["server.log", "hydrate.log", "patch.log", "2"].map(log).to_vec()
    }

    #[test]
    fn by_index_name_and_part() {
        let name = |wanted| select(logs(), wanted).map(|log| log.name);
        assert_eq!(name(None).as_deref(), Ok("server.log"));
        assert_eq!(name(Some("3")).as_deref(), Ok("patch.log"));
        assert_eq!(name(Some("hydr")).as_deref(), Ok("hydrate.log"));
        assert_eq!(name(Some("2")).as_deref(), Ok("2"), "an exact name beats an index");
    }

    #[test]
    fn what_does_not_fit_once_is_an_error() {
        use crate::sys::error::Kind;
        let kind = |wanted| select(logs(), Some(wanted)).map_err(|error| error.kind());
        assert_eq!(kind(".log"), Err(Kind::Conflict));
        assert_eq!(kind("nope"), Err(Kind::Missing));
        assert_eq!(kind("0"), Err(Kind::Missing));
        assert_eq!(select(Vec::new(), None).map_err(|e| e.kind()), Err(Kind::Missing));
    }
}
