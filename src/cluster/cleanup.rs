//! Removes a development cluster: all files that db-tool made, and no others.

use std::path::{Path, PathBuf};

use super::build::is_ours;
use super::files::{act_for, is_private, remove_file};
use super::layout::{GITIGNORE, is_log, port_file_in, server_lock_of};
use super::recovery::recover;
use super::tcp::certificate;
use super::template::snapshot;
use super::{Layout, Lock, Snapshot, build, stop, takeover};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{ActingAs, Patience};

/// The result of a clean-up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Whether a server was stopped.
    pub stopped: bool,
    /// Whether the working directory itself was removed.
    pub gone: bool,
    /// The names of the snapshots. They stay, because the user may want to restore them later.
    pub snapshots: Vec<String>,
    /// The files that stay, because db-tool did not make them.
    pub left: Vec<PathBuf>,
}

/// Stops the cluster and removes it. The error is `Conflict` (exit 2) if there is no cluster of
/// ours.
pub fn clean_up(layout: &Layout) -> Result<Cleaned> {
    let directory = layout.working_directory();
    let data = layout.data();
    let _acting = act_for(layout)?;
    if !is_ours(&data) && !was_interrupted(layout)? {
        return Err(Error::conflict(format!("no cluster of this tool in {}", directory.display()))
            .hint("nothing was removed; check PG_WORKING_DIR"));
    }
    let was_handed_over = takeover::was_handed_over(layout);
    let lock = Lock::wait(&layout.lock())?;
    let stopped = stop(layout, Patience::Interruptible)?;
    recover(layout)?;
    let port_files = socket_files(layout)?;
    // remove the data directory first: its marker proves that the other files are ours
    if is_ours(&data) {
        build::discard(layout, &data)?;
    }
    for path in &port_files {
        remove_file(path)?;
    }
    snapshot::tidy(layout)?;
    let snapshots = Snapshot::all(layout)?;
    let snapshots: Vec<_> = snapshots.iter().map(|one| one.name().to_owned()).collect();
    // keep .gitignore for the snapshots, which nobody should commit either
    let ignores = is_our_gitignore(layout) && !snapshots.is_empty();
    if snapshots.is_empty() {
        // without data the key opens nothing; for the data of a snapshot it is still needed
        remove_file(&layout.key())?;
        for path in entries(directory)?.iter().filter(|path| is_unfinished_key(path)) {
            remove_file(path)?;
        }
    }
    for path in [layout.passfile(), port_file_in(directory)] {
        remove_file(&path)?;
    }
    certificate::remove(layout)?;
    let _ = std::fs::remove_dir(layout.sock());
    remove_short_directory(layout)?;
    // also look in the default directory: PG_LOG_PATH may have been set later
    for logs in [layout.logs(), &directory.join("log")] {
        if logs.starts_with(directory) {
            remove_logs(logs)?;
        }
    }
    remove_known(&layout.leases(), is_lease_file)?;
    remove_known(&layout.clones(), is_file_of_clones)?;
    remove_file(&server_lock_of(&data))?;
    // last: it shows the next command that this one was interrupted
    if is_our_gitignore(layout) && !ignores {
        remove_file(&layout.gitignore())?;
    }
    lock.remove()?;
    let gone = remove_or_return(layout, was_handed_over && snapshots.is_empty())?;
    let mut left = if gone { Vec::new() } else { left_in(directory)? };
    let ignored = [layout.gitignore(), layout.key()];
    left.retain(|path| !(ignores && ignored.contains(path)));
    left.retain(|path| snapshots.is_empty() || *path != layout.snapshots());
    Ok(Cleaned { stopped, gone, snapshots, left })
}

/// Whether a clean-up was killed here: the data directory is gone, and the working directory still is
/// one of ours. Only files with names of ours are removed then, too.
fn was_interrupted(layout: &Layout) -> Result<bool> {
    let no_data = layout.data().symlink_metadata().is_err();
    Ok(no_data && is_our_gitignore(layout) && Snapshot::all(layout)?.is_empty())
}

/// Removes the working directory if it is empty. If it stays and root had handed it over to the
/// server's user, root takes it back. The caller passes false for `returned` while there are
/// snapshots, which the server's user must still reach.
fn remove_or_return(layout: &Layout, returned: bool) -> Result<bool> {
    let directory = layout.working_directory();
    let gone = {
        let _acting = ActingAs::controller_of(directory.parent().unwrap_or(directory))?;
        std::fs::remove_dir(directory).is_ok()
    };
    if !gone && returned {
        takeover::take_back(layout)?;
    }
    Ok(gone)
}

fn is_our_gitignore(layout: &Layout) -> bool {
    crate::sys::process::read_text(layout.gitignore()).is_ok_and(|text| text == GITIGNORE)
}

/// The sockets and their lock files, which a killed server leaves.
pub(super) fn socket_files(layout: &Layout) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for directory in [layout.working_directory().to_owned(), layout.sock()] {
        if directory.is_dir() {
            found.extend(entries(&directory)?.into_iter().filter(|path| is_socket_file(path)));
        }
    }
    Ok(found)
}

/// Removes the files of a directory of ours that have names of ours. A keeper whose lease was removed
/// finds nothing to do.
fn remove_known(directory: &Path, is_ours: fn(&Path) -> bool) -> Result<()> {
    if !directory.is_dir() {
        return Ok(());
    }
    for path in entries(directory)?.iter().filter(|path| is_ours(path)) {
        remove_file(path)?;
    }
    let _ = std::fs::remove_dir(directory);
    Ok(())
}

/// Hints about clones, and the locks of the commands that make them.
fn is_file_of_clones(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_hint = name.len() == 32 && name.chars().all(|c| c.is_ascii_hexdigit());
    is_hint || matches!(&*name, "lock" | "queue") || name.starts_with("pin-")
}

fn is_lease_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbers = name.strip_prefix("idle-").unwrap_or(&name);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    matches!(&*name, "asleep" | "ends-with-last") || numbers.split('-').all(is_number)
}

/// Whether a killed command left this file while it wrote a key.
fn is_unfinished_key(path: &Path) -> bool {
    path.file_name().unwrap_or_default().to_string_lossy().starts_with(".hectic.key.")
}

fn is_socket_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let port =
        name.strip_prefix(".s.PGSQL.").map(|rest| rest.strip_suffix(".lock").unwrap_or(rest));
    port.is_some_and(|port| port.parse::<u16>().is_ok())
}

pub(super) fn remove_short_directory(layout: &Layout) -> Result<()> {
    let short = layout.short_socket_directory();
    // everybody may write in /tmp, so the name proves nothing
    if !is_private(&short, layout.owner()) {
        return Ok(());
    }
    for path in entries(&short)?.iter().filter(|path| is_socket_file(path)) {
        remove_file(path)?;
    }
    let _ = std::fs::remove_dir(&short);
    Ok(())
}

/// Removes the logs of the server and of the commands, and the directory if it is then empty.
fn remove_logs(logs: &Path) -> Result<()> {
    if !logs.is_dir() {
        return Ok(());
    }
    for path in entries(logs)?.iter().filter(|path| is_log(path)) {
        remove_file(path)?;
    }
    let _ = std::fs::remove_dir(logs);
    Ok(())
}

fn left_in(directory: &Path) -> Result<Vec<PathBuf>> {
    // the directory may belong to root again
    let _ourselves = ActingAs::ourselves();
    entries(directory)
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = std::fs::read_dir(directory)
        .and_then(|entries| {
            entries.map(|entry| entry.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>()
        })
        .on("read", directory)?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::super::layout::{OLD_SERVER_LOG, socket_in};
    use super::*;

    #[test]
    fn only_our_logs_are_removed() {
        for ours in [
            "server.log",
            "hydrate.log",
            "patch.log",
            "postgresql-2026-01-02_030405.csv",
            OLD_SERVER_LOG,
        ] {
            assert!(is_log(&Path::new("/w/log").join(ours)), "{ours}");
        }
        for other in [
            "diary.log",
            "export.csv",
            "package.json",
            "postgresql-notes.txt",
            "postgresql-15-main.log",
            "postgresql-0000-00-00_000000.log.1",
            "x",
        ] {
            assert!(!is_log(&Path::new("/w/log").join(other)), "{other}");
        }
    }

    #[test]
    fn a_short_directory_of_somebody_else_is_left_alone() {
        let place = tempfile::tempdir().expect("temporary directory");
        let owner = crate::sys::process::OsUser::current().uid;
        let layout = Layout::new(place.path().to_owned(), None, owner);
        let short = layout.short_socket_directory();
        let socket = place.path().join(".s.PGSQL.1");
        std::fs::write(&socket, "").expect("written");
        std::os::unix::fs::symlink(place.path(), &short).expect("linked");
        let removed = remove_short_directory(&layout);
        std::fs::remove_file(&short).expect("the link is still there");
        assert!(removed.is_ok() && socket.exists());
    }

    #[test]
    fn socket_files_are_recognised_by_their_whole_name() {
        for (name, expected) in [
            (".s.PGSQL.5432", true),
            (".s.PGSQL.5432.lock", true),
            (".s.PGSQL.mine", false),
            (".s.PGSQL.70000", false),
            ("notes", false),
        ] {
            assert_eq!(
                is_socket_file(&socket_in(Path::new("/w"), 1).with_file_name(name)),
                expected
            );
        }
    }
}
