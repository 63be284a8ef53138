//! A pull into the patch file.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use super::load::receipt::Contained;
use super::read::rows;
use super::read::rows::unwritable;
use super::read::source::{Chosen, Source};
use super::select::since::Share;
use super::write::file;
use super::write::file::Draft;
use super::write::parts::{Part, Parts};
use super::write::state::{Section, State};
use super::{Amount, Pulled, Table, Verdict};
use crate::postgres::connection::session::Session;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::steps::RECORD;

/// Pulls into `file`. With `resume`, it does not read the tables again that an interrupted pull has
/// read.
///
/// # Errors
/// An error if a table cannot be read or the file cannot be written. The tables read so far are
/// kept for `--resume`.
pub fn pull(mut source: Source, file: &Path, resume: bool) -> Result<Vec<Pulled>> {
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let parts = Parts::beside(&file, resume)?;
    let mut state = State::default();
    if let Some(since) = source.chosen.wanted.since.clone() {
        state = State::of(&file)?;
        source.share(&since, &state)?;
    }
    let written = write_file(&mut source, &state, &parts, &file);
    let kept = parts.count();
    if written.is_ok() || kept == 0 {
        parts.remove();
    }
    let all = source.chosen.tables.len();
    written.map_err(|error| match kept {
        0 => error,
        kept => error.hint(format!("use --resume to continue: {kept} of {all} tables are already read")),
    })
}

/// Writes a draft of the file and replaces the file by it. If that fails, the draft stays with the
/// parts.
fn write_file(
    source: &mut Source,
    state: &State,
    parts: &Parts,
    file: &Path,
) -> Result<Vec<Pulled>> {
    let mut draft = Draft::of(parts.scratch()?, file.to_owned());
    let assembled = match source.chosen.wanted.jobs.min(source.chosen.tables.len()) {
        ..=1 => {
            let Source { session, chosen, .. } = source;
            assemble(chosen, state, parts, &mut draft, file, |table, draft| {
                into(draft, session, chosen, table, parts)
            })
        }
        _ => source.each(|session, chosen, table| part(session, chosen, table, parts)).and_then(
            |read| {
                let mut read = read.into_iter();
                let next = |_: &Table, _: &mut Draft| {
                    read.next().ok_or_else(|| Error::unexpected("a table was not read"))
                };
                assemble(&source.chosen, state, parts, &mut draft, file, next)
            },
        ),
    };
    match assembled {
        Ok((sections, pulled)) => publish(&source.chosen, sections, draft, file).map(|()| pulled),
        Err(error) => {
            draft.leave();
            Err(error)
        }
    }
}

/// Appends a table's rows to the draft, unless an interrupted pull has read them.
fn into(
    draft: &mut Draft,
    session: &mut Session,
    chosen: &Chosen,
    table: &Table,
    parts: &Parts,
) -> Result<Part> {
    let how = chosen.how(table);
    if let Some(part) = found(parts, &how, table) {
        return Ok(part);
    }
    let from = draft.length;
    let pulled = read(session, chosen, table, draft)?;
    draft.flush().map_err(|error| unwritable(&error))?;
    let (file, bytes) = (draft.name(), from..draft.length);
    let part = Part { file, bytes, pulled, mark: table.share.mark.clone() };
    parts.keep(&how, &part)?;
    Ok(part)
}

/// Reads a table into a part file of its own, unless an interrupted pull has done so.
fn part(session: &mut Session, chosen: &Chosen, table: &Table, parts: &Parts) -> Result<Part> {
    let how = chosen.how(table);
    match found(parts, &how, table) {
        Some(part) => Ok(part),
        None => {
            parts.write(&how, table.share.mark.clone(), |out| read(session, chosen, table, out))
        }
    }
}

fn found(parts: &Parts, how: &str, table: &Table) -> Option<Part> {
    let part = parts.find(how)?;
    tracing::warn!("{}: read before the interruption, on an older snapshot", table.name);
    Some(part)
}

/// Reads a table and writes its rows with the statements around them.
fn read(
    session: &mut Session,
    chosen: &Chosen,
    table: &Table,
    out: &mut dyn Write,
) -> Result<Pulled> {
    let (started, wanted) = (Instant::now(), &chosen.wanted);
    let mut amount = Amount::default();
    if !table.share.is_empty {
        write(out, &file::open(table, wanted.format))?;
        amount = rows::rows(session, table, wanted, out)?;
        write(out, &file::close(table, wanted, amount))?;
    }
    let (name, elapsed) = (table.name.clone(), started.elapsed());
    record(chosen, &name, amount, elapsed);
    Ok(Pulled { table: name, amount, elapsed, verdict: Verdict::Written })
}

/// Writes a log record for programs about a table that was read.
pub(super) fn record(chosen: &Chosen, table: &str, amount: Amount, elapsed: Duration) {
    let Amount { rows, bytes, .. } = amount;
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        target: RECORD,
        source = chosen.source, table, rows, bytes, attempt = chosen.attempt,
        duration_ms = milliseconds, "read {table}: {rows} rows, {bytes} bytes in {milliseconds} ms"
    );
}

/// Puts the file together. For each table, the rows that stay from the old file come first, then
/// the new part. If `next` wrote the part to the end of the draft, it is in its place already.
fn assemble(
    chosen: &Chosen,
    state: &State,
    parts: &Parts,
    draft: &mut Draft,
    file: &Path,
    mut next: impl FnMut(&Table, &mut Draft) -> Result<Part>,
) -> Result<(Vec<Section>, Vec<Pulled>)> {
    let (mut sections, mut pulled) = (Vec::new(), Vec::new());
    write(draft, &file::head(&chosen.tables))?;
    for table in &chosen.tables {
        for old in state.sections.iter().filter(|section| table.share.stays(&section.how)) {
            let from = crate::sys::process::open_regular(file).on("read", file)?;
            sections.extend(section(table, draft, &from, old.from..old.to, old.content.clone())?);
        }
        let part = next(table, draft)?;
        let content = Contained::of(&part.pulled, chosen.wanted.keep_existing);
        let read = if part.file == draft.name() {
            placed(table, part.bytes, content)
        } else {
            section(table, draft, &parts.open(&part)?, part.bytes, content)?
        };
        sections.extend(read.map(|section| Section { mark: part.mark, ..section }));
        pulled.push(part.pulled);
    }
    write(draft, &file::tail(&chosen.tables))?;
    Ok((sections, pulled))
}

/// Replaces the patch file and its state.
fn publish(chosen: &Chosen, sections: Vec<Section>, draft: Draft, file: &Path) -> Result<()> {
    let contents: Vec<&Contained> = sections.iter().map(|section| &section.content).collect();
    let sha256 = draft.publish(&contents)?;
    if chosen.wanted.since.is_none() {
        State::forget(file);
        return Ok(());
    }
    State { sha256, sections }.publish(file)
}

/// Appends a range of `from` to the draft as rows of a table.
fn section(
    table: &Table,
    draft: &mut Draft,
    from: &File,
    bytes: Range<u64>,
    content: Contained,
) -> Result<Option<Section>> {
    let start = draft.length;
    file::append(draft, from, bytes)?;
    Ok(placed(table, start..draft.length, content))
}

/// Describes a table's rows in this range of the draft. Returns `None` for an empty range.
fn placed(table: &Table, bytes: Range<u64>, content: Contained) -> Option<Section> {
    let Share { how, mark, .. } = table.share.clone();
    (!bytes.is_empty()).then_some(Section { how, from: bytes.start, to: bytes.end, mark, content })
}

fn write(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(|error| unwritable(&error))
}
