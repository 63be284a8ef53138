//! Staging at one moment: the session that holds its snapshot, and the tables that are read on it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{access, rows};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::pull::load::receipt;
use crate::pull::select::table;
use crate::pull::select::table::Table;
use crate::pull::write::file;
use crate::pull::{Amount, Pattern, Rule, Wanted};
use crate::sys::error::{Error, Result};

/// What is pulled from where; all of it is read on the snapshot of its session.
pub struct Source {
    pub(in crate::pull) session: Session,
    conninfo: Conninfo,
    pub(in crate::pull) chosen: Chosen,
}

/// What is read, now that staging's catalogs were looked at.
pub(in crate::pull) struct Chosen {
    /// How messages call the source.
    pub(in crate::pull) source: String,
    /// The attempt at which it was reached.
    pub(in crate::pull) attempt: u32,
    /// The tables, what is referred to first.
    pub(in crate::pull) tables: Vec<Table>,
    /// What is read of them, and how. Its rules call tables by their names.
    pub(in crate::pull) wanted: Wanted,
}

impl Source {
    /// Looks up what is wanted. No row is read.
    ///
    /// # Errors
    /// `NoSuchTable` for a table that is not there; `Conflict` for one that cannot be pulled, for a
    /// column without a decision, and for a rule about no pulled table.
    pub fn open(
        mut session: Session,
        conninfo: &Conninfo,
        name: &str,
        attempt: u32,
        mut wanted: Wanted,
    ) -> Result<Self> {
        rows::begin(&mut session, None)?;
        let mut tables = table::chosen(&mut session, &wanted.selection)?;
        if let Some(masks) = &wanted.masks {
            masks.apply(&mut tables)?;
        }
        access::require_columns(&mut session, &tables)?;
        resolve(&mut wanted.conditions, &tables)?;
        resolve(&mut wanted.limits, &tables)?;
        let chosen = Chosen { source: name.to_owned(), attempt, tables, wanted };
        Ok(Self { session, conninfo: conninfo.clone(), chosen })
    }

    /// Does `work` with every table, several at once where the jobs say so. What came of it is in the
    /// order of the tables; who fails takes what is left away from the others.
    ///
    /// # Errors
    /// The first that fails.
    pub(in crate::pull) fn each<T: Send>(
        &mut self,
        work: impl Fn(&mut Session, &Chosen, &Table) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let Self { session, conninfo, chosen } = self;
        let tables = &chosen.tables;
        let jobs = chosen.wanted.jobs.min(tables.len());
        if jobs <= 1 {
            return tables.iter().map(|table| work(session, chosen, table)).collect();
        }
        let snapshot = rows::snapshot(session)?;
        let ended: Vec<Mutex<Option<T>>> = tables.iter().map(|_| Mutex::new(None)).collect();
        let next = AtomicUsize::new(0);
        let job = || -> Result<()> {
            let mut session = crate::pull::connect(conninfo)
                .map_err(|error| error.hint("each job has a connection: lower --jobs"))?;
            rows::begin(&mut session, Some(&snapshot))?;
            loop {
                let at = next.fetch_add(1, Ordering::SeqCst);
                let (Some(table), Some(place)) = (tables.get(at), ended.get(at)) else { break };
                let came = work(&mut session, chosen, table)?;
                place.lock().map(|mut place| *place = Some(came)).ok();
            }
            Ok(())
        };
        at_once(jobs, || job().inspect_err(|_| next.store(tables.len(), Ordering::SeqCst)))?;
        let came = ended.into_iter().map(|place| place.into_inner().ok().flatten());
        came.map(|came| came.ok_or_else(|| Error::unexpected("a table was not read"))).collect()
    }
}

impl Chosen {
    /// What a table's part is made by: where it is the same, so are the rows that would be read.
    pub(in crate::pull) fn how(&self, table: &Table) -> String {
        let wanted = &self.wanted;
        let open = file::open(table, wanted.format);
        let close = file::close(table, wanted, Amount::default());
        receipt::of_text(&format!("{}\n{open}{}\n{close}", self.source, rows::query(table, wanted)))
    }
}

/// Runs `job` on so many threads.
fn at_once(jobs: usize, job: impl Fn() -> Result<()> + Sync) -> Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(&job)).collect();
        let panicked = |_| Err(Error::unexpected("a job panicked"));
        let ended: Vec<_> =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect();
        ended.into_iter().collect()
    })
}

/// Gives each rule the name of its table.
pub(in crate::pull) fn resolve(rules: &mut [Rule], tables: &[Table]) -> Result<()> {
    for rule in rules {
        let pattern = Pattern::parse(&rule.table)?;
        let table = tables.iter().find(|table| table.is(&pattern)).ok_or_else(|| {
            Error::conflict(format!("{} is not among the pulled tables", rule.table))
                .hint("name it with its schema, as in shop.orders")
        })?;
        rule.table.clone_from(&table.name);
    }
    Ok(())
}
