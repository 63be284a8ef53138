//! Finds out whether a pull would work, and estimates its duration. It queries the catalogs and
//! reads no row of any table. It finds all problems at once, as the errors that the pull would
//! report.

use std::time::{Duration, Instant};

use super::PullOptions;
use super::read::access;
use super::read::access::State;
use super::read::{rows, source};
use super::select::choice;
use super::select::closure;
use super::select::find;
use super::select::find::{Found, Selection};
use super::select::table;
use super::select::table::Table;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Context, Error, Result};

/// The highest rate of a pull in bytes per second. Even on a fast network, reading and writing the
/// rows takes this long.
const FASTEST: f64 = 50e6;

/// The result of a check of staging.
#[derive(Debug, Default)]
pub struct Health {
    /// The server's version.
    pub version: String,
    /// The role that reads.
    pub role: String,
    /// The server is a standby.
    pub standby: bool,
    /// Several sessions can read one snapshot.
    pub shares_snapshot: bool,
    /// The measured transfer rate in bytes per second.
    pub rate: f64,
    /// An estimate of the pull's duration.
    pub estimate: Duration,
    /// The tables that were named, and those that the closure adds.
    pub tables: Vec<TableHealth>,
    /// The errors that a pull would report, in the order in which it would meet them.
    pub problems: Vec<Error>,
}

/// A table in the report of a check.
#[derive(Debug)]
pub struct TableHealth {
    /// The table's name, or a pattern that matches no table.
    pub name: String,
    /// An estimate of the rows that the pull reads. `None` if it cannot be estimated.
    pub rows: Option<i64>,
    /// The table's size on staging in bytes.
    pub bytes: i64,
    /// The reasons why the table cannot be pulled.
    pub obstacles: Vec<String>,
}

/// Checks everything that a pull depends on.
///
/// # Errors
/// An error that prevents the check, such as a failed query. Errors that would only prevent the
/// pull are in the report.
pub fn check(mut session: Session, options: &PullOptions) -> Result<Health> {
    rows::begin(&mut session, None)?;
    let row = session.query_one(sql!("pull/server"), &[])?;
    let mut health = Health {
        version: column(&row, "version")?,
        role: column(&row, "role")?,
        standby: column(&row, "standby")?,
        rate: rate(&mut session)?,
        ..Health::default()
    };
    let ended = tables(&mut session, options, &mut health);
    health.problems.extend(ended.err());
    Ok(health)
}

/// Asks another server for its version.
///
/// # Errors
/// See [`Session::connect`].
pub fn server_version(conninfo: &Conninfo) -> Result<String> {
    let mut session = super::connect(conninfo)?;
    let row = session.query_one(sql!("pull/server"), &[])?;
    column(&row, "version")
}

fn rate(session: &mut Session) -> Result<f64> {
    let (started, mut bytes) = (Instant::now(), 0);
    session.copy_out(sql!("pull/rate"), |chunk| {
        bytes += chunk.len();
        Ok(())
    })?;
    Ok((bytes as f64 / started.elapsed().as_secs_f64()).min(FASTEST))
}

/// Checks the tables, as far as earlier problems allow. An error ends the check, because it ends
/// the transaction.
fn tables(session: &mut Session, options: &PullOptions, health: &mut Health) -> Result<()> {
    let Some(found) = readable(session, &options.selection, health)? else { return Ok(()) };
    let mut tables = find::planned(session, found)?;
    decisions(session, options, &mut tables, health)?;
    health.shares_snapshot = true;
    if let Err(error) = rows::snapshot(session) {
        health.shares_snapshot = false;
        return if options.jobs > 1 { Err(error) } else { Ok(()) };
    }
    amounts(session, options.clone(), &tables, health)
}

/// Finds the tables that exist and that the role may read. Adds a line to the report for each
/// table.
fn readable(
    session: &mut Session,
    selection: &Selection,
    health: &mut Health,
) -> Result<Option<Found>> {
    let mut selection = selection.clone();
    let absent = find::take_absent(session, &mut selection)?;
    health.problems.extend(find::no_such(&absent));
    for name in absent {
        let obstacles = vec!["does not exist".to_owned()];
        health.tables.push(TableHealth { name, rows: None, bytes: 0, obstacles });
    }
    if selection.include.is_empty() {
        return Ok(None);
    }
    let mut found = find::find(session, &selection)?;
    let tables = &mut found.tables;
    health.problems.extend(access::require(session, tables).err());
    for state in access::states(session, &table::oids(tables))? {
        let State { rows, bytes, .. } = state;
        let name = tables.iter().find(|table| table.oid == state.oid).map(|table| &table.name);
        let (name, obstacles) = (name.cloned().unwrap_or_default(), state.obstacles());
        tables.retain(|table| obstacles.is_empty() || table.oid != state.oid);
        health.tables.push(TableHealth { name, rows, bytes, obstacles });
    }
    Ok((!found.tables.is_empty()).then_some(found))
}

/// Applies the masks. Finds columns without a decision and columns that the role may not read.
fn decisions(
    session: &mut Session,
    options: &PullOptions,
    tables: &mut [Table],
    health: &mut Health,
) -> Result<()> {
    if let Some(masks) = &options.masks {
        for table in tables.iter() {
            let undecided = masks.undecided(table).unwrap_or_default();
            if !undecided.is_empty() {
                health.obstacle(table, format!("without a decision: {}", undecided.join(", ")));
            }
        }
        health.problems.extend(masks.apply(tables).err());
    }
    for state in access::states(session, &table::oids(tables))? {
        let Some(table) = tables.iter().find(|table| table.oid == state.oid) else { continue };
        if let Some(denied) = state.denied(table) {
            health.obstacle(table, denied);
        }
    }
    health.problems.extend(access::require_columns(session, tables).err());
    Ok(())
}

/// Estimates the rows and bytes of the pull. The server plans each query, which also finds errors
/// in the conditions.
fn amounts(
    session: &mut Session,
    mut options: PullOptions,
    tables: &[Table],
    health: &mut Health,
) -> Result<()> {
    let resolved = source::resolve(&mut options.conditions, tables)
        .and_then(|()| source::resolve(&mut options.limits, tables));
    if let Err(error) = resolved {
        // the table may be missing, which is in the report already
        let unresolved = health.problems.is_empty().then_some(error);
        health.problems.extend(unresolved);
        return Ok(());
    }
    let mut total = 0.0;
    for table in tables {
        session.batch(rows::path(table, &options))?;
        let planned = planned(session, &rows::query(table, &options))
            .context(format!("cannot pull {}", table.name))?;
        let is_restricted = choice::is_restricted(table, &options);
        let Some(line) = health.tables.iter_mut().find(|line| line.name == table.name) else {
            continue;
        };
        let all = line.rows.filter(|rows| *rows > 0);
        if closure::is_partial(table, &options) {
            line.rows = None; // nobody knows
        } else if is_restricted {
            line.rows = planned;
        }
        let part = |all: i64| line.rows.map_or(1.0, |rows| (rows as f64 / all as f64).min(1.0));
        total += line.bytes as f64 * all.map_or(1.0, part);
    }
    health.estimate = Duration::from_secs_f64(total / health.rate);
    Ok(())
}

/// Asks the server's planner how many rows a `COPY` will return.
fn planned(session: &mut Session, copy: &str) -> Result<Option<i64>> {
    let select = copy.strip_prefix("COPY (").and_then(|text| text.strip_suffix(") TO STDOUT"));
    let Some(select) = select else { return Ok(None) };
    let row = session.query(&format!("EXPLAIN {select}"), &[])?.into_iter().next();
    let plan: Option<String> = row.map(|row| column(&row, "QUERY PLAN")).transpose()?;
    let rows = plan.as_deref().and_then(|plan| plan.split("rows=").nth(1)?.split(' ').next());
    Ok(rows.and_then(|rows| rows.parse().ok()))
}

impl Health {
    fn obstacle(&mut self, table: &Table, obstacle: String) {
        if let Some(line) = self.tables.iter_mut().find(|line| line.name == table.name) {
            line.obstacles.push(obstacle);
        }
    }

    /// Combines all problems into one error, of the kind that the pull would report.
    pub fn verdict(&mut self) -> Result<()> {
        let mut problems = std::mem::take(&mut self.problems).into_iter();
        let Some(mut first) = problems.next() else { return Ok(()) };
        for problem in problems {
            first = first.detail(format!("also: {problem}"));
            first = problem.details().iter().cloned().fold(first, Error::detail);
            first = problem.hints().iter().cloned().fold(first, Error::hint);
        }
        Err(first.context("a pull would fail"))
    }
}
