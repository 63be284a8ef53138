//! Several tables at once: each worker has a session of its own on the shared snapshot.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::NamedTempFile;

use super::file::{self, Draft};
use super::read::{self, unwritable};
use super::{Pulled, Table, Wanted, one};
use crate::error::{Error, Result};
use crate::postgres::conninfo::Conninfo;

/// A table that was read, beside the draft that it belongs into.
type Part = (Pulled, NamedTempFile);

/// Reads the tables with `jobs` sessions and appends them to `draft` in their order.
pub(super) fn pull(
    conninfo: &Conninfo,
    snapshot: &str,
    jobs: usize,
    tables: &[Table],
    wanted: &Wanted,
    draft: &mut Draft,
    file: &Path,
) -> Result<Vec<Pulled>> {
    let parts: Vec<Mutex<Option<Part>>> = tables.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        let mut session = super::connect(conninfo)?;
        read::begin(&mut session, Some(snapshot))?;
        while let Some((table, place)) = take(&next, tables, &parts) {
            let mut out = BufWriter::with_capacity(1 << 18, file::part(file)?);
            let pulled = one(&mut session, table, wanted, &mut out)?;
            out.flush().map_err(|error| unwritable(&error))?;
            let part = out.into_inner().map_err(|error| unwritable(error.error()))?;
            if let Ok(mut place) = place.lock() {
                *place = Some((pulled, part));
            }
        }
        Ok(())
    };
    // who fails takes what is left away from the others
    let stop_on_error = || work().inspect_err(|_| next.store(tables.len(), Ordering::SeqCst));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(stop_on_error)).collect();
        let ended: Vec<Result<()>> = workers
            .into_iter()
            .map(|worker| {
                worker.join().unwrap_or_else(|_| Err(Error::unexpected("a job panicked")))
            })
            .collect();
        ended.into_iter().collect::<Result<()>>()
    })?;
    let append = |place: Mutex<Option<Part>>| {
        let part = place.into_inner().ok().flatten();
        let (pulled, mut part) = part.ok_or_else(|| Error::unexpected("a table was not read"))?;
        file::append(draft, part.as_file_mut())?;
        Ok(pulled)
    };
    parts.into_iter().map(append).collect()
}

/// The next table that nobody reads yet.
fn take<'a, T>(
    next: &AtomicUsize,
    tables: &'a [Table],
    parts: &'a [T],
) -> Option<(&'a Table, &'a T)> {
    let at = next.fetch_add(1, Ordering::SeqCst);
    Some((tables.get(at)?, parts.get(at)?))
}
