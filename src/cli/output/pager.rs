//! Shows text through a pager on a terminal, and prints it unchanged elsewhere.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::Path;

use super::ui;
use crate::cli::resolve::Resolve;
use crate::sys::error::{IoContext, Result};
use crate::sys::process::{Command, StandardOutput};
use crate::sys::scratch::Scratch;

/// Shows `file`. On a terminal, replaces this process by the pager.
pub(in crate::cli) fn show(resolve: &Resolve, file: &Path) -> Result<()> {
    if is_plain(resolve) {
        let mut log = crate::sys::process::open_regular(file).on("read", file)?;
        return ui::data(|out| std::io::copy(&mut log, out).map(drop));
    }
    let error = pager(resolve, file).replace_process();
    Err(error.hint("set PAGER to an installed program, or pipe the output"))
}

/// Shows a text and returns afterwards.
pub(in crate::cli) fn show_text(resolve: &Resolve, text: &str) -> Result<()> {
    let print = || ui::data(|out| out.write_all(text.as_bytes()));
    if is_plain(resolve) {
        return print();
    }
    let scratch = Scratch::new(&resolve.temporary_directory())?;
    let file = scratch.write("text", text)?;
    let shown = pager(resolve, &file).stream(StandardOutput::Inherited, |_| ());
    // without a working pager, print the text
    if shown.is_ok_and(|status| status.success()) { Ok(()) } else { print() }
}

fn is_plain(resolve: &Resolve) -> bool {
    !std::io::stdout().is_terminal() || resolve.env.switch("NO_TTY")
}

fn pager(resolve: &Resolve, file: &Path) -> Command {
    let pager = resolve.env.os("PAGER").unwrap_or(OsStr::new("less"));
    // F: a short text stays on the screen; R: colours work; X: the screen is not cleared
    let less = resolve.env.os("LESS").unwrap_or(OsStr::new("FRX"));
    Command::on_file(pager, file, &resolve.environment()).env("LESS", less)
}
