//! Staging at one moment: the session that holds the snapshot, and the tables to read on it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{access, rows};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::pull::select::find;
use crate::pull::select::table::Table;
use crate::pull::write::file;
use crate::pull::{Amount, Pattern, PullOptions, Rule};
use crate::sys::digest::sha256;
use crate::sys::error::{Error, Result};

/// A source of rows. All sessions read on the snapshot of its session.
pub struct Source {
    pub(in crate::pull) session: Session,
    conninfo: Conninfo,
    pub(in crate::pull) plan: PullPlan,
}

/// The tables to read and the options, after the catalogs were read.
pub(in crate::pull) struct PullPlan {
    /// The source's name in messages.
    pub(in crate::pull) source: String,
    /// The number of the attempt that connected.
    pub(in crate::pull) attempt: u32,
    /// The tables; referenced tables come before the tables that refer to them.
    pub(in crate::pull) tables: Vec<Table>,
    /// The options. Their rules name tables by qualified names.
    pub(in crate::pull) options: PullOptions,
}

impl Source {
    /// Looks up the selected tables. Reads no row.
    ///
    /// # Errors
    /// `NoSuchTable` for a table that does not exist; `Conflict` for a table that cannot be pulled,
    /// for a column without a decision, and for a rule about a table that is not pulled.
    pub fn open(
        mut session: Session,
        conninfo: &Conninfo,
        name: &str,
        attempt: u32,
        mut options: PullOptions,
    ) -> Result<Self> {
        rows::begin(&mut session, None)?;
        let mut tables = find::chosen(&mut session, &options.selection)?;
        if let Some(masks) = &options.masks {
            masks.apply(&mut tables)?;
        }
        access::require_columns(&mut session, &tables)?;
        resolve(&mut options.conditions, &tables)?;
        resolve(&mut options.limits, &tables)?;
        let plan = PullPlan { source: name.to_owned(), attempt, tables, options };
        Ok(Self { session, conninfo: conninfo.clone(), plan })
    }

    /// Runs `work` on every table, with as many sessions as there are jobs. Returns the results in
    /// the order of the tables. When one session fails, no session begins another table.
    ///
    /// # Errors
    /// The first error of a session.
    pub(in crate::pull) fn each<T: Send>(
        &mut self,
        work: impl Fn(&mut Session, &PullPlan, &Table) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let Self { session, conninfo, plan } = self;
        let tables = &plan.tables;
        let jobs = plan.options.jobs.min(tables.len());
        if jobs <= 1 {
            return tables.iter().map(|table| work(session, plan, table)).collect();
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
                let came = work(&mut session, plan, table)?;
                place.lock().map(|mut place| *place = Some(came)).ok();
            }
            Ok(())
        };
        at_once(jobs, || job().inspect_err(|_| next.store(tables.len(), Ordering::SeqCst)))?;
        let came = ended.into_iter().map(|place| place.into_inner().ok().flatten());
        came.map(|came| came.ok_or_else(|| Error::unexpected("a table was not read"))).collect()
    }
}

impl PullPlan {
    /// A fingerprint of everything that decides which rows are read of a table and how they are
    /// written. Two reads with equal fingerprints are interchangeable.
    pub(in crate::pull) fn fingerprint(&self, table: &Table) -> String {
        let options = &self.options;
        let open = file::open(table, options.format);
        let close = file::close(table, options, Amount::default());
        sha256(format!("{}\n{open}{}\n{close}", self.source, rows::query(table, options)))
    }
}

/// Runs `job` on `jobs` threads.
fn at_once(jobs: usize, job: impl Fn() -> Result<()> + Sync) -> Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(&job)).collect();
        let panicked = |_| Err(Error::unexpected("a job panicked"));
        let ended: Vec<_> =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect();
        ended.into_iter().collect()
    })
}

/// Replaces the table's name in each rule by the qualified name.
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
