//! A pull into the database itself, without a file.
//!
//! One session loads all tables in one transaction. Meanwhile, other sessions read staging; with
//! several jobs, they read ahead. The procedures are the same as in a pulled file, so both ways
//! of loading follow the same rules. Only into an empty table, `COPY` writes directly. At the end,
//! db-tool reads each table back and compares it with the rows that it read on staging.

use std::time::{Duration, Instant};

use super::channel::{TableReceiver, channels};
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_ident;
use crate::pull::read::amount::Amount;
use crate::pull::read::source::{PullPlan, Source};
use crate::pull::select::table::Table;
use crate::pull::template::fill;
use crate::pull::write::file;
use crate::pull::{PullOptions, Pulled, Verdict};
use crate::sys::error::{Context, Error, Result};

/// Pulls into the database of `session`. If it fails, it changes nothing. `started` is the time at
/// which the pull began.
///
/// # Errors
/// An error if a table cannot be read or loaded; `Failed` if the loaded rows differ from those
/// read.
pub fn load(mut source: Source, session: Session, started: Instant) -> Result<Vec<Pulled>> {
    let mut loader =
        Loader { session, options: source.plan.options.clone(), compared: Duration::ZERO };
    loader.begin(&mut source.plan).context("cannot load")?;
    let tables = source.plan.tables.clone();
    let (channels, mut receivers) = channels(&tables, loader.options.jobs);
    let stop = channels.stop();
    let loaded = std::thread::scope(|scope| {
        let read = scope
            .spawn(move || source.each(|session, plan, table| channels.read(session, plan, table)));
        let places = tables.iter().zip(&mut receivers);
        let loaded: Result<Vec<Loaded>> =
            places.map(|(table, receiver)| loader.table(table, receiver)).collect();
        if loaded.is_err() {
            stop.now();
        }
        let cut = receivers.iter().any(TableReceiver::is_cut);
        drop(receivers);
        let read = read.join().unwrap_or_else(|_| Err(Error::unexpected("reading panicked")));
        // a receiver that was cut off does not know the reason; the reader does
        if cut { read.map(drop).and(loaded) } else { loaded }
    })?;
    let pulled = loader.end(&tables, loaded)?;
    let compared = loader.compared;
    tracing::debug!("rows loaded in {} ms", started.elapsed().saturating_sub(compared).as_millis());
    tracing::debug!("rows compared in {} ms", compared.as_millis());
    Ok(pulled)
}

struct Loader {
    session: Session,
    options: PullOptions,
    /// The time that reading back took.
    compared: Duration,
}

/// A table that was loaded but not compared yet.
struct Loaded {
    amount: Amount,
    elapsed: Duration,
}

impl Loader {
    /// Begins the transaction and looks up the columns that can be compared.
    fn begin(&mut self, plan: &mut PullPlan) -> Result<()> {
        self.session.batch(&file::begin(&plan.tables))?;
        self.session.batch(sql!("pull/into-begin"))?;
        self.log_warnings();
        for table in &mut plan.tables {
            self.look_up(table)?;
        }
        self.session.batch(file::WRITING)
    }

    fn look_up(&mut self, table: &mut Table) -> Result<()> {
        let query = sql!("pull/into-table");
        let row = self.session.query_one(query, &[&table.name, &table.columns, &table.types])?;
        let places: Vec<i64> = column(&row, "uncompared")?;
        table.uncompared = places.into_iter().filter_map(|place| place.try_into().ok()).collect();
        Ok(())
    }

    fn table(&mut self, table: &Table, receiver: &mut TableReceiver) -> Result<Loaded> {
        let started = Instant::now();
        let in_context = |error: Error| error.context(format!("cannot load {}", table.name));
        let options = self.open(table).map_err(in_context)?;
        let direct = options.is_some();
        let copy = match options {
            Some(options) => {
                let columns = columns("", &table.columns);
                format!("COPY {} ({columns}) FROM STDIN {options}", table.name)
            }
            None => "COPY pg_temp.pulled FROM STDIN".to_owned(),
        };
        let copied = self.session.copy_in(&copy, || receiver.next());
        let rows = copied.map_err(|error| in_context(self.dangling(error)))?;
        let amount = receiver.amount()?;
        if rows != amount.rows {
            return Err(differ(table, amount, rows));
        }
        self.close(table, direct, amount).map_err(in_context)?;
        Ok(Loaded { amount, elapsed: started.elapsed() })
    }

    /// Adds a hint to an error about a missing referenced row. The procedures report such rows
    /// themselves.
    fn dangling(&self, error: Error) -> Error {
        match self.session.sqlstate() {
            Some("23503") => error.hint(
                "rows that pulled rows refer to were not pulled: pull with --closure, or more tables",
            ),
            _ => error,
        }
    }

    /// Prepares the loading of a table. Returns options of `COPY` if rows can go directly into it;
    /// otherwise makes the temporary table "pulled".
    fn open(&mut self, table: &Table) -> Result<Option<String>> {
        if !self.options.keep_existing {
            let query = format!("SELECT pg_temp.pull_direct({}) AS direct", file::expected(table));
            let options: Option<String> = column(&self.session.query_one(&query, &[])?, "direct")?;
            if options.is_some() {
                return Ok(options);
            }
        }
        self.session.batch(&file::opening(table)).map(|()| None)
    }

    fn close(&mut self, table: &Table, direct: bool, amount: Amount) -> Result<()> {
        if direct {
            self.session.execute("CALL pg_temp.pull_indexes($1)", &[&table.name])?;
        } else {
            self.session.batch(&file::closing(table, &self.options, amount))?;
        }
        self.log_warnings();
        Ok(())
    }

    /// Logs the warnings of the procedures.
    fn log_warnings(&mut self) {
        let notices = self.session.take_notices();
        for notice in notices.iter().filter(|notice| notice.severity == "WARNING") {
            tracing::warn!("{}", notice.message);
        }
    }

    /// Compares the loaded rows with those read on staging.
    fn compare(&mut self, table: &Table, read: Amount) -> Result<Verdict> {
        if self.options.keep_existing {
            return Ok(Verdict::Kept);
        }
        let (left_out, compared): (Vec<_>, Vec<_>) = table
            .columns
            .iter()
            .cloned()
            .enumerate()
            .partition(|(at, _)| table.uncompared.contains(at));
        let names = |columns: Vec<(usize, String)>| {
            columns.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
        };
        let loaded = sql!("pull/into-loaded");
        let loaded = self.session.query_one(loaded, &[&table.name])?;
        let (rows, pulled): (String, String) =
            (column(&loaded, "rows")?, column(&loaded, "pulled")?);
        let query = fill(
            sql!("pull/into-rows"),
            &[
                ("@table@", &rows),
                ("@pulled@", &pulled),
                ("@cells@", &columns("t.", &names(compared))),
            ],
        );
        let mut found = Amount::default();
        self.session
            .copy_out(&query, |rows| {
                found.add(rows, &[]);
                Ok(())
            })
            .context(format!("cannot read back {}", table.name))?;
        if (found.rows, found.checksum) != (read.rows, read.checksum) {
            return Err(differ(table, read, found.rows));
        }
        Ok(Verdict::Equal { but: names(left_out) })
    }

    /// Restores the objects that were set aside, compares the tables, sets the sequences, and
    /// commits.
    fn end(&mut self, tables: &[Table], loaded: Vec<Loaded>) -> Result<Vec<Pulled>> {
        self.session.batch(file::END).context("cannot load")?;
        let started = Instant::now();
        // the search path affects how a reg… type is printed
        self.session.batch("SET LOCAL search_path = pg_catalog")?;
        let compare = |(table, Loaded { amount, elapsed }): (&Table, Loaded)| {
            let verdict = self.compare(table, amount)?;
            Ok(Pulled { table: table.name.clone(), amount, elapsed, verdict })
        };
        let pulled = tables.iter().zip(loaded).map(compare).collect::<Result<_>>()?;
        self.compared = started.elapsed();
        self.session.batch(&file::sequences(tables)).context("cannot load")?;
        self.log_warnings();
        self.session.batch("COMMIT").context("cannot load")?;
        Ok(pulled)
    }
}

fn differ(table: &Table, read: Amount, found: u64) -> Error {
    let what = if read.rows == found {
        format!("the {found} rows here differ from those on staging")
    } else {
        format!("{} rows were read on staging, {found} are here", read.rows)
    };
    Error::failed(format!("{}: {what}; nothing was changed", table.name))
        .hint("look for a trigger or a rule that changes rows of the table")
}

fn columns(of: &str, names: &[String]) -> String {
    names.iter().map(|name| format!("{of}{}", quote_ident(name))).collect::<Vec<_>>().join(", ")
}
