//! Another time than the machine's, by libfaketime. The clock that counts from the start of the machine stays.

use std::path::PathBuf;

use super::{Sandbox, repository};

/// Lets the programs of a sandbox see a clock that is off by `step`, such as `-2d`. Servers are not reached: they get
/// no variables of the caller.
pub fn put(sandbox: &mut Sandbox, step: &str) {
    sandbox.set("LD_PRELOAD", library());
    sandbox.set("FAKETIME", step);
    for name in ["FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"] {
        sandbox.set(name, "1");
    }
}

/// Lets them see the machine's again.
pub fn put_right(sandbox: &mut Sandbox) {
    sandbox.unset("LD_PRELOAD");
}

/// libfaketime, as `cargo x test` has found or unpacked it. Absence is failure.
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
