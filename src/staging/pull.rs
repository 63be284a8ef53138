//! A pull into the patch file.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use super::file::{self, Draft};
use super::parts::{Part, Parts};
use super::read::{self, unwritable};
use super::source::{Chosen, Source};
use super::{Amount, Pulled, Table};
use crate::error::{IoContext, Result};
use crate::postgres::session::Session;

/// Pulls into `file`. With `resume`, tables that an interrupted pull has read are not read again.
///
/// # Errors
/// What a table cannot be read for, and the file not written; the tables read so far are kept then.
pub fn pull(mut source: Source, file: &Path, resume: bool) -> Result<Vec<Pulled>> {
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let parts = Parts::beside(&file, resume)?;
    let written = source
        .each(|session, chosen, table| part(session, chosen, table, &parts))
        .and_then(|read| assemble(&source.chosen, read, &file));
    if written.is_ok() || parts.count() == 0 {
        parts.remove();
        return written;
    }
    let (read, all) = (parts.count(), source.chosen.tables.len());
    written.map_err(|error| {
        error.hint(format!("--resume goes on: {read} of {all} tables are read and kept"))
    })
}

/// A table's part, read unless it is there.
fn part(session: &mut Session, chosen: &Chosen, table: &Table, parts: &Parts) -> Result<Part> {
    let wanted = &chosen.wanted;
    let (open, close) =
        (file::open(table, wanted.format), file::close(table, wanted, Amount::default()));
    let how = format!("{}\n{open}{}\n{close}", chosen.source, read::query(table, wanted));
    if let Some(part) = parts.find(&how) {
        tracing::warn!("{}: read before the interruption, on an older snapshot", table.name);
        return Ok(part);
    }
    parts.write(&how, |out| {
        let started = Instant::now();
        write(out, &open)?;
        let amount = read::rows(session, table, wanted, out)?;
        write(out, &file::close(table, wanted, amount))?;
        Ok(Pulled { table: table.name.clone(), amount, elapsed: started.elapsed() })
    })
}

/// Puts the parts together, in the file's place.
fn assemble(chosen: &Chosen, parts: Vec<Part>, file: &Path) -> Result<Vec<Pulled>> {
    let mut draft = Draft::beside(file)?;
    write(&mut draft, &file::head(&chosen.tables))?;
    for part in &parts {
        let mut read = std::fs::File::open(&part.file).on("read", &part.file)?;
        file::append(&mut draft, &mut read)?;
    }
    write(&mut draft, &file::tail(&chosen.tables))?;
    draft.publish()?;
    Ok(parts.into_iter().map(|part| part.pulled).collect())
}

fn write(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(|error| unwritable(&error))
}
