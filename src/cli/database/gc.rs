//! `database gc`: removes what nobody needs any more, and prints it.

use crate::cli::output::text::size;
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::sys::error::{Error, Result};

pub(super) fn run(resolve: &Resolve, dry_run: bool) -> Result<()> {
    let mut garbage = resolve.collector().look();
    garbage.iter_mut().for_each(|garbage| garbage.measure());
    let (mut count, mut bytes, mut failures) = (0_u64, 0, Vec::new());
    for garbage in &garbage {
        let gone = if dry_run { Ok(true) } else { garbage.remove() };
        match gone {
            Ok(true) => {
                (count, bytes) = (count + 1, bytes + garbage.bytes);
                let done = if dry_run { "would remove" } else { "removed" };
                let (what, path) = (garbage.what, garbage.path.display());
                ui::data(|out| writeln!(out, "{done}\t{what}\t{path}\t{}", size(garbage.bytes)))?;
            }
            Ok(false) => {
                ui::status(&format!("{} is in use now, so it stays", garbage.path.display()))
            }
            Err(error) => failures.push(error),
        }
    }
    let things = if count == 1 { "thing" } else { "things" };
    let done = if dry_run { "would be removed" } else { "removed" };
    ui::status(&format!("{count} {things} {done}, {}", size(bytes)));
    let Some(first) = failures.into_iter().next() else { return Ok(()) };
    Err(Error::failed("not everything could be removed").detail(first.message()))
}
