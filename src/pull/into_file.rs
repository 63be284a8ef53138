//! A pull into the patch file.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use super::load::receipt::TableReceipt;
use super::read::rows;
use super::read::rows::unwritable;
use super::read::source::{PullPlan, Source};
use super::select::watermark::Increment;
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
    if let Some(since) = source.plan.options.since.clone() {
        state = State::of(&file)?;
        source.find_increments(&since, &state)?;
    }
    let written = write_file(&mut source, &state, &parts, &file);
    let kept = parts.count();
    if written.is_ok() || kept == 0 {
        parts.remove();
    }
    let all = source.plan.tables.len();
    written.map_err(|error| match kept {
        0 => error,
        kept => {
            error.hint(format!("use --resume to continue: {kept} of {all} tables are already read"))
        }
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
    let assembled = match source.plan.options.jobs.min(source.plan.tables.len()) {
        ..=1 => {
            let Source { session, plan, .. } = source;
            assemble(plan, state, parts, &mut draft, file, |table, draft| {
                into(draft, session, plan, table, parts)
            })
        }
        _ => {
            source.each(|session, plan, table| part(session, plan, table, parts)).and_then(|read| {
                let mut read = read.into_iter();
                let next = |_: &Table, _: &mut Draft| {
                    read.next().ok_or_else(|| Error::unexpected("a table was not read"))
                };
                assemble(&source.plan, state, parts, &mut draft, file, next)
            })
        }
    };
    match assembled {
        Ok((sections, pulled)) => publish(&source.plan, sections, draft, file).map(|()| pulled),
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
    plan: &PullPlan,
    table: &Table,
    parts: &Parts,
) -> Result<Part> {
    let fingerprint = plan.fingerprint(table);
    if let Some(part) = found(parts, &fingerprint, table) {
        return Ok(part);
    }
    let from = draft.length;
    let pulled = read(session, plan, table, draft)?;
    draft.flush().map_err(|error| unwritable(&error))?;
    let (file, bytes) = (draft.name(), from..draft.length);
    let part = Part { file, bytes, pulled, mark: table.increment.mark.clone() };
    parts.keep(&fingerprint, &part)?;
    Ok(part)
}

/// Reads a table into a part file of its own, unless an interrupted pull has done so.
fn part(session: &mut Session, plan: &PullPlan, table: &Table, parts: &Parts) -> Result<Part> {
    let fingerprint = plan.fingerprint(table);
    match found(parts, &fingerprint, table) {
        Some(part) => Ok(part),
        None => parts.write(&fingerprint, table.increment.mark.clone(), |out| {
            read(session, plan, table, out)
        }),
    }
}

fn found(parts: &Parts, fingerprint: &str, table: &Table) -> Option<Part> {
    let part = parts.find(fingerprint)?;
    tracing::warn!("{}: read before the interruption, on an older snapshot", table.name);
    Some(part)
}

/// Reads a table and writes its rows with the statements around them.
fn read(
    session: &mut Session,
    plan: &PullPlan,
    table: &Table,
    out: &mut dyn Write,
) -> Result<Pulled> {
    let (started, options) = (Instant::now(), &plan.options);
    let mut amount = Amount::default();
    if !table.increment.is_empty {
        write(out, &file::open(table, options.format))?;
        amount = rows::rows(session, table, options, out)?;
        write(out, &file::close(table, options, amount))?;
    }
    let (name, elapsed) = (table.name.clone(), started.elapsed());
    record(plan, &name, amount, elapsed);
    Ok(Pulled { table: name, amount, elapsed, verdict: Verdict::Written })
}

/// Writes a log record for programs about a table that was read.
pub(super) fn record(plan: &PullPlan, table: &str, amount: Amount, elapsed: Duration) {
    let Amount { rows, bytes, .. } = amount;
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        target: RECORD,
        source = plan.source, table, rows, bytes, attempt = plan.attempt,
        duration_ms = milliseconds, "read {table}: {rows} rows, {bytes} bytes in {milliseconds} ms"
    );
}

/// Puts the file together. For each table, the rows that stay from the old file come first, then
/// the new part. If `next` wrote the part to the end of the draft, it is in its place already.
fn assemble(
    plan: &PullPlan,
    state: &State,
    parts: &Parts,
    draft: &mut Draft,
    file: &Path,
    mut next: impl FnMut(&Table, &mut Draft) -> Result<Part>,
) -> Result<(Vec<Section>, Vec<Pulled>)> {
    let (mut sections, mut pulled) = (Vec::new(), Vec::new());
    write(draft, &file::head(&plan.tables))?;
    for table in &plan.tables {
        for old in
            state.sections.iter().filter(|section| table.increment.stays(&section.fingerprint))
        {
            let from = crate::sys::process::open_regular(file).on("read", file)?;
            sections.extend(section(table, draft, &from, old.from..old.to, old.content.clone())?);
        }
        let part = next(table, draft)?;
        let content = TableReceipt::of(&part.pulled, plan.options.keep_existing);
        let read = if part.file == draft.name() {
            placed(table, part.bytes, content)
        } else {
            section(table, draft, &parts.open(&part)?, part.bytes, content)?
        };
        sections.extend(read.map(|section| Section { mark: part.mark, ..section }));
        pulled.push(part.pulled);
    }
    write(draft, &file::tail(&plan.tables))?;
    Ok((sections, pulled))
}

/// Replaces the patch file and its state.
fn publish(plan: &PullPlan, sections: Vec<Section>, draft: Draft, file: &Path) -> Result<()> {
    let contents: Vec<&TableReceipt> = sections.iter().map(|section| &section.content).collect();
    let sha256 = draft.publish(&contents)?;
    if plan.options.since.is_none() {
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
    content: TableReceipt,
) -> Result<Option<Section>> {
    let start = draft.length;
    file::append(draft, from, bytes)?;
    Ok(placed(table, start..draft.length, content))
}

/// Describes a table's rows in this range of the draft. Returns `None` for an empty range.
fn placed(table: &Table, bytes: Range<u64>, content: TableReceipt) -> Option<Section> {
    let Increment { fingerprint, mark, .. } = table.increment.clone();
    (!bytes.is_empty()).then_some(Section {
        fingerprint,
        from: bytes.start,
        to: bytes.end,
        mark,
        content,
    })
}

fn write(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(|error| unwritable(&error))
}
