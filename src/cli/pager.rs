//! A file on a terminal goes through a pager; piped, it is printed as it is.

use std::ffi::OsStr;
use std::fs::File;
use std::io::IsTerminal;
use std::path::Path;

use super::resolve::Resolve;
use super::ui;
use crate::error::{IoContext, Result};
use crate::process::Command;

/// Shows `file`.
pub(super) fn show(resolve: &Resolve, file: &Path) -> Result<()> {
    let plain = !std::io::stdout().is_terminal() || resolve.env.switch("NO_TTY");
    if plain {
        let mut log = File::open(file).on("read", file)?;
        return ui::data(|out| std::io::copy(&mut log, out).map(drop));
    }
    let pager = resolve.env.os("PAGER").unwrap_or(OsStr::new("less"));
    let error = Command::on_file(pager, file, &resolve.environment()).replace_process();
    Err(error.hint("set PAGER to a program that is there, or pipe the output"))
}
