//! Rows of another database, brought into a patch file.
//!
//! Every table is read on one snapshot, in the order of its key, as `COPY` writes it, and goes into
//! the file as it arrives: nothing is held. With several jobs the tables are read by as many sessions
//! on the same snapshot, each into a part of its own, and put together in the order of the foreign
//! keys. The file replaces the old one when it is whole, and not before.

mod dump;
mod file;
mod flags;
mod mask;
mod order;
mod parallel;
mod pattern;
mod read;
mod sums;
mod table;
mod transport;
mod words;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

pub use dump::dump;
pub use flags::{Flags, Format};
pub use mask::Masks;
pub use pattern::Pattern;
pub use read::Amount;
pub use sums::verify;
pub use table::{Selection, Table};
pub use transport::{Tunnel, patiently};
pub use words::{split, split_names};

use crate::error::{Error, Result};
use crate::postgres::conninfo::Conninfo;
use crate::postgres::session::Session;
use file::Draft;

/// What is pulled, and how it is written.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The tables.
    pub selection: Selection,
    /// How rows are written.
    pub format: Format,
    /// How many rows an `INSERT` has.
    pub rows_per_insert: usize,
    /// Rows that are there stay as they are.
    pub keep_existing: bool,
    /// Which rows of a table are pulled: SQL.
    pub conditions: Vec<Rule>,
    /// How many rows of a table are pulled.
    pub limits: Vec<Rule>,
    /// What becomes of values on their way, if anything.
    pub masks: Option<Masks>,
    /// How many sessions read at once.
    pub jobs: usize,
}

/// Something that is said of one table.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The table, as a person names it; once the tables are known, as they do.
    pub table: String,
    /// What is said.
    pub text: String,
}

/// What was pulled of a table.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// The table.
    pub table: String,
    /// Its rows.
    pub amount: Amount,
    /// How long it took.
    pub elapsed: Duration,
}

/// Connects under our name; other sessions of a pull come by the same way.
///
/// # Errors
/// See [`Session::connect`].
pub fn connect(conninfo: &Conninfo) -> Result<Session> {
    Session::connect(&conninfo.with_settings("database pull_staging", &[]))
}

/// Pulls into `file`.
///
/// # Errors
/// `NoSuchTable` for a table that is not on staging, before any row is read.
pub fn pull(
    mut session: Session,
    conninfo: &Conninfo,
    mut wanted: Wanted,
    file: &Path,
) -> Result<Vec<Pulled>> {
    read::begin(&mut session, None)?;
    let mut tables = table::chosen(&mut session, &wanted.selection)?;
    if let Some(masks) = &wanted.masks {
        masks.apply(&mut tables)?;
    }
    resolve(&mut wanted.conditions, &tables)?;
    resolve(&mut wanted.limits, &tables)?;
    let mut draft = Draft::beside(file)?;
    write(&mut draft, &file::head(&tables))?;
    let jobs = wanted.jobs.min(tables.len());
    let pulled = if jobs > 1 {
        let snapshot = read::snapshot(&mut session)?;
        parallel::pull(conninfo, &snapshot, jobs, &tables, &wanted, &mut draft, file)?
    } else {
        let each = tables.iter().map(|table| one(&mut session, table, &wanted, &mut draft));
        each.collect::<Result<Vec<_>>>()?
    };
    write(&mut draft, &file::tail(&tables))?;
    draft.publish()?;
    Ok(pulled)
}

/// Makes a draft's worth of one table.
fn one(
    session: &mut Session,
    table: &Table,
    wanted: &Wanted,
    out: &mut dyn Write,
) -> Result<Pulled> {
    let started = Instant::now();
    write(out, &file::open(table, wanted.format))?;
    let amount = read::rows(session, table, wanted, out)?;
    write(out, &file::close(table, wanted, amount))?;
    Ok(Pulled { table: table.name.clone(), amount, elapsed: started.elapsed() })
}

fn write(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(|error| read::unwritable(&error))
}

/// Gives each rule the name of its table.
fn resolve(rules: &mut [Rule], tables: &[Table]) -> Result<()> {
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
