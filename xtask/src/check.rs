//! All checks that need no server: formatting, lints, the tidy test, the documentation, the
//! dependencies.

use crate::failure::{Failure, Result};
use crate::program;

/// All checks, the quick ones first.
pub(crate) fn run() -> Result<()> {
    components()?;
    program::run(program::cargo().args(["fmt", "--all", "--check"])).map_err(|_| {
        Failure::new("the formatting differs from rustfmt's: `cargo x fmt` corrects it")
    })?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    program::run(program::cargo().args(clippy))?;
    program::run(program::cargo().args(["test", "--quiet", "--test", "tidy"]))?;
    // Private items too: links in the comments of internals rot like any others.
    let doc = ["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"];
    program::run(program::cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings"))?;
    dependencies()
}

/// Checks the rules of `deny.toml`, if cargo-deny is installed. It does not check advisories: they
/// need a network, and a new one has nothing to do with a change.
fn dependencies() -> Result<()> {
    if !works("deny") {
        eprintln!("cargo-deny is not installed: the rules of deny.toml were not checked");
        return Ok(());
    }
    let deny = ["deny", "--offline", "check", "bans", "licenses", "sources"];
    program::run(program::cargo().args(deny))
}

/// Applies the suggestions that clippy can apply, then rustfmt.
pub(crate) fn fix() -> Result<()> {
    components()?;
    let clippy = ["clippy", "--fix", "--workspace", "--all-targets", "--allow-dirty"];
    program::run(program::cargo().args(clippy).arg("--allow-staged"))?;
    format()
}

/// Runs rustfmt on every crate.
pub(crate) fn format() -> Result<()> {
    components()?;
    program::run(program::cargo().args(["fmt", "--all"]))
}

/// Adds rustfmt and clippy if they are missing, as in a minimal toolchain.
fn components() -> Result<()> {
    let missing: Vec<&str> = ["fmt", "clippy"].into_iter().filter(|name| !works(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("The toolchain lacks {}: adding it with rustup.", missing.join(" and "));
    // Runs in the repository's directory, so that rustup changes the toolchain in use here.
    let add = ["component", "add", "rustfmt", "clippy"];
    program::run(program::new("rustup").args(add)).map_err(|_| {
        Failure::not_installed(
            "rustfmt and clippy are needed and rustup cannot add them: install them as you \
             installed cargo (Debian, Ubuntu: apt-get install rustfmt rust-clippy)",
        )
    })
}

fn works(name: &str) -> bool {
    program::succeeds(program::cargo().args([name, "--version"]))
}
