//! A pull into the patch file.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use super::file::{self, Draft};
use super::parts::{Part, Parts};
use super::read::{self, unwritable};
use super::since::Share;
use super::source::{Chosen, Source};
use super::state::{Section, State};
use super::{Amount, Pulled, Table, Verdict};
use crate::error::{IoContext, Result};
use crate::postgres::session::Session;
use crate::steps::RECORD;

/// Pulls into `file`. With `resume`, tables that an interrupted pull has read are not read again.
///
/// # Errors
/// What a table cannot be read for, and the file not written; the tables read so far are kept then.
pub fn pull(mut source: Source, file: &Path, resume: bool) -> Result<Vec<Pulled>> {
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let parts = Parts::beside(&file, resume)?;
    let mut state = State::default();
    if let Some(since) = source.chosen.wanted.since.clone() {
        state = State::of(&file)?;
        source.share(&since, &state)?;
    }
    let written = source
        .each(|session, chosen, table| part(session, chosen, table, &parts))
        .and_then(|read| assemble(&source.chosen, &read, &state, &file).map(|()| read));
    let kept = parts.count();
    if written.is_ok() || kept == 0 {
        parts.remove();
    }
    let all = source.chosen.tables.len();
    let pulled = written.map(|parts| parts.into_iter().map(|part| part.pulled).collect());
    pulled.map_err(|error| match kept {
        0 => error,
        kept => error.hint(format!("--resume goes on: {kept} of {all} tables are read and kept")),
    })
}

/// A table's part, read unless it is there.
fn part(session: &mut Session, chosen: &Chosen, table: &Table, parts: &Parts) -> Result<Part> {
    let (how, wanted) = (chosen.how(table), &chosen.wanted);
    if let Some(part) = parts.find(&how) {
        tracing::warn!("{}: read before the interruption, on an older snapshot", table.name);
        return Ok(part);
    }
    parts.write(&how, table.share.mark.clone(), |out| {
        let started = Instant::now();
        let mut amount = Amount::default();
        if !table.share.is_empty {
            write(out, &file::open(table, wanted.format))?;
            amount = read::rows(session, table, wanted, out)?;
            write(out, &file::close(table, wanted, amount))?;
        }
        let (name, elapsed) = (table.name.clone(), started.elapsed());
        record(chosen, &name, amount, elapsed);
        Ok(Pulled { table: name, amount, elapsed, verdict: Verdict::Written })
    })
}

/// Tells programs what was read.
pub(super) fn record(chosen: &Chosen, table: &str, amount: Amount, elapsed: Duration) {
    let Amount { rows, bytes, .. } = amount;
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        target: RECORD,
        source = chosen.source, table, rows, bytes, attempt = chosen.attempt,
        duration_ms = milliseconds, "read {table}: {rows} rows, {bytes} bytes in {milliseconds} ms"
    );
}

/// Puts each table's part behind what stays of it in the file that is there, and all in its place.
fn assemble(chosen: &Chosen, parts: &[Part], state: &State, file: &Path) -> Result<()> {
    let mut draft = Draft::beside(file)?;
    write(&mut draft, &file::head(&chosen.tables))?;
    let mut sections = Vec::new();
    for (table, part) in chosen.tables.iter().zip(parts) {
        for old in state.sections.iter().filter(|section| table.share.stays(&section.how)) {
            sections.extend(section(table, &mut draft, file, Some(old.from..old.to))?);
        }
        let read = section(table, &mut draft, &part.file, None)?;
        sections.extend(read.map(|section| Section { mark: part.mark.clone(), ..section }));
    }
    write(&mut draft, &file::tail(&chosen.tables))?;
    let sha256 = draft.publish()?;
    if chosen.wanted.since.is_none() {
        State::forget(file);
        return Ok(());
    }
    State { sha256, sections }.publish(file)
}

/// Appends what stands in `from`, all of it or these bytes, as rows of a table.
fn section(
    table: &Table,
    draft: &mut Draft,
    from: &Path,
    bytes: Option<Range<u64>>,
) -> Result<Option<Section>> {
    let start = draft.length;
    let read = File::open(from).on("read", from)?;
    file::append(draft, &read, bytes.unwrap_or(0..u64::MAX))?;
    let Share { how, mark, .. } = table.share.clone();
    Ok((start < draft.length).then_some(Section { how, from: start, to: draft.length, mark }))
}

fn write(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(|error| unwritable(&error))
}
