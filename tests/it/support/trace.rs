//! The traces that a program leaves behind, and signals that end programs.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Child;

pub use super::wait::signal;
use super::{Outcome, Sandbox, cache, finish, server, wait_until};

/// Gives the sandbox its own cache, with the template that all share, so that no other test removes
/// the traces of its checks.
pub fn own_cache(sandbox: &mut Sandbox) {
    let shared = cache().join("db-tool/template");
    std::fs::create_dir_all(&shared).unwrap();
    std::fs::create_dir_all(sandbox.path("cache/db-tool")).unwrap();
    symlink(shared, sandbox.path("cache/db-tool/template")).unwrap();
    let cache = sandbox.path("cache");
    sandbox.set("XDG_CACHE_HOME", cache);
}

/// Entries in the registry of checks of a sandbox with a cache of its own.
pub fn registered(sandbox: &Sandbox) -> Vec<String> {
    let registry = sandbox.path("cache/db-tool/running");
    if registry.exists() { super::entries(&registry) } else { Vec::new() }
}

/// Fails the test if a check has left a file, a process or an entry in its registry.
#[track_caller]
pub fn nothing_left(sandbox: &Sandbox) {
    assert_eq!(sandbox.entries("tmp"), Vec::<String>::new(), "directories");
    assert_eq!(registered(sandbox), Vec::<String>::new(), "registry");
    // a program that a source has started ends a moment after the server that it talks to
    wait_until("processes end", || server::anything_below(&sandbox.path("")).is_empty());
}

/// Waits for `moment` and then ends `child` with a signal.
#[track_caller]
pub fn interrupt(child: Child, name: &str, moment: impl FnMut() -> bool) -> Outcome {
    wait_until("the moment to interrupt", moment);
    signal(name, child.id());
    finish(child, None)
}

/// Whether something in `directory` has a name that begins with `prefix`.
pub fn has(directory: &Path, prefix: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
}

/// The directory of the check that runs in the sandbox, if it exists yet.
pub fn private_directory(sandbox: &Sandbox) -> Option<std::path::PathBuf> {
    let name = sandbox.entries("tmp").into_iter().find(|name| name.starts_with("db-tool-check-"));
    name.map(|name| sandbox.path("tmp").join(name))
}
