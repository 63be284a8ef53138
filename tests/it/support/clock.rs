//! Another time than the machine's, by libfaketime. The monotonic clock stays.

use std::path::PathBuf;

use super::trace::own_cache;
use super::{Sandbox, cache, repository};

/// Shows the programs of a sandbox a clock that is off by `step`, such as `-2d`. Servers do not see
/// it, because they get no variables of the caller. The sandbox gets a cache of its own: its
/// commands would take clones of other tests for old ones, and drop them.
pub fn put(sandbox: &mut Sandbox, step: &str) {
    if sandbox.variable("XDG_CACHE_HOME") == Some(cache().as_os_str()) {
        own_cache(sandbox);
    }
    sandbox.set("LD_PRELOAD", library());
    sandbox.set("FAKETIME", step);
    for name in ["FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"] {
        sandbox.set(name, "1");
    }
}

/// Shows them the machine's clock again.
pub fn put_right(sandbox: &mut Sandbox) {
    sandbox.unset("LD_PRELOAD");
}

/// The libfaketime that `cargo x test` has found or unpacked. Fails if there is none.
fn library() -> PathBuf {
    let named = std::env::var_os("DB_TOOL_TEST_FAKETIME").map(PathBuf::from);
    let unpacked = || {
        let arch = std::env::consts::ARCH;
        let name = format!("usr/lib/{arch}-linux-gnu/faketime/libfaketimeMT.so.1");
        Some(repository().join("target/faketime").join(name)).filter(|library| library.is_file())
    };
    let found = named.or_else(unpacked);
    found.expect("DB_TOOL_TEST_FAKETIME is unset: run the tests with `cargo x test`")
}
