//! Proposals for `staging.toml`. They guess the content of columns from their names and from a
//! sample of values.
//!
//! The server examines the values (`sql/query/pull/scan.sql`) and returns only counts. Both sides
//! of a foreign key get the same proposal; otherwise the masked rows would no longer match.

mod kind;
mod propose;

use std::collections::{BTreeMap, BTreeSet};

use super::rules::{Decision, Masks};
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_ident;
use crate::pull::read::{access, rows};
use crate::pull::select::find;
use crate::pull::select::find::Selection;
use crate::pull::select::links;
use crate::pull::select::table;
use crate::pull::select::table::Table;
use crate::pull::template::fill;
use crate::sys::error::{Context, Result};
use kind::{Kind, SEEN};
use propose::{Column, Found, key, string};

/// A table with more rows than this is sampled, not read from its beginning.
const LARGE: i64 = 20_000;

/// A column: the index of its table, and its name.
type ColumnKey = (usize, String);

/// The result of a scan.
#[derive(Debug, Default)]
pub struct Proposals {
    /// The number of columns that need a decision.
    pub open: usize,
    /// The number of columns that have a decision already. The proposal leaves them out.
    pub decided: usize,
    /// Tables that have a section in `staging.toml` already. Their proposed lines belong there.
    pub continued: Vec<String>,
    /// The lines of `staging.toml`.
    pub toml: String,
}

/// Proposes a decision for every column that needs one and has none in `masks`.
///
/// # Errors
/// `NoSuchTable` for a table that does not exist on staging; `Failed` for one that cannot be read.
pub fn scan(
    mut session: Session,
    selection: &Selection,
    masks: Option<&Masks>,
) -> Result<Proposals> {
    rows::begin(&mut session, None)?;
    let tables = find::chosen(&mut session, selection)?;
    let none = Masks::default();
    let decided = tables.iter().map(|table| masks.unwrap_or(&none).of(table));
    let decided: Vec<BTreeMap<&str, &Decision>> = decided.collect::<Result<_>>()?;
    let columns = columns(&mut session, &tables)?;
    let mut found = BTreeMap::new();
    for (at, table) in tables.iter().enumerate() {
        let open = |name: &&String| !decided[at].contains_key(name.as_str());
        let open: Vec<&String> = table.textual.iter().filter(open).collect();
        if open.is_empty() {
            continue;
        }
        let counts =
            look(&mut session, table, &open).context(format!("cannot scan {}", table.name))?;
        for (name, mut counted) in open.into_iter().zip(counts) {
            let at = (at, name.clone());
            counted.respect(columns.get(&at), Kind::by_name(&table.unqualified, name));
            found.insert(at, counted);
        }
    }
    let groups = groups(&mut session, &tables)?;
    Ok(write(&tables, &Knowledge { decided, columns, found, groups }))
}

impl Found {
    /// Corrects guesses by the column's type: an array is no JSON, and a JSON column is nothing
    /// else.
    fn respect(&mut self, column: Option<&Column>, by_name: Option<Kind>) {
        let form = column.map_or("", |column| column.form.as_str());
        self.by_name = by_name;
        self.counts.retain(|(kind, _)| *kind != Kind::Json || form == "text");
        if form == "json" {
            self.counts.push((Kind::Json, self.filled));
            self.by_name = by_name.or(Some(Kind::Json));
        }
    }
}

/// The data from which proposals are made.
struct Knowledge<'a> {
    decided: Vec<BTreeMap<&'a str, &'a Decision>>,
    columns: BTreeMap<ColumnKey, Column>,
    found: BTreeMap<ColumnKey, Found>,
    /// Groups of columns that foreign keys compare with each other.
    groups: Vec<BTreeSet<ColumnKey>>,
}

fn write(tables: &[Table], known: &Knowledge<'_>) -> Proposals {
    let mut proposals = Proposals::default();
    proposals.toml.push_str(
        "# Proposed by `database pull_staging --scan`, from names and from up to 1000 rows of each table.\n\
         # What was not found may still be there: read every line before you keep it.\n",
    );
    for (place, table) in tables.iter().enumerate() {
        proposals.decided += known.decided[place].len();
        let mut lines = String::new();
        for name in &table.textual {
            let at = (place, name.clone());
            if let Some(found) = known.found.get(&at) {
                lines += &known.line(&at, found);
                proposals.open += 1;
            }
        }
        if !lines.is_empty() {
            proposals.toml += &format!("\n[table.{}]\n{lines}", string(&table.name));
            if !known.decided[place].is_empty() {
                proposals.continued.push(table.name.clone());
            }
        }
    }
    proposals
}

impl Knowledge<'_> {
    fn line(&self, at: &ColumnKey, found: &Found) -> String {
        let column = self.columns.get(at).cloned().unwrap_or_default();
        let group = self.groups.iter().find(|group| group.contains(at));
        let (decision, note) = match group {
            Some(group) => {
                (self.alike(&column, group), "; as on the other side of its foreign key")
            }
            None => (column.decision(found.kind()), ""),
        };
        let (why, key) = (found.why(), key(&at.1));
        match decision {
            Some(decision) => format!("# {why}{note}\n{key} = {decision}\n"),
            None => format!("# {why}{note}; no proposal: decide yourself\n# {key} = \"…\"\n"),
        }
    }

    /// The decision for a column of a group: the existing one, or one that suits all columns.
    fn alike(&self, column: &Column, group: &BTreeSet<ColumnKey>) -> Option<String> {
        let decided =
            group.iter().find_map(|(table, name)| self.decided[*table].get(name.as_str()));
        match decided {
            Some(Decision::Keep) => return Some("\"keep\"".to_owned()),
            Some(Decision::Hash) => return Some("\"hash\"".to_owned()),
            Some(_) => return None,
            None => {}
        }
        let sensitive = |at: &ColumnKey| {
            let kind = self.found.get(at).and_then(Found::kind);
            kind.is_some_and(|kind| !matches!(kind, Kind::Text | Kind::Json))
        };
        if !group.iter().any(sensitive) {
            return Some("\"keep\"".to_owned());
        }
        let columns = || group.iter().filter_map(|at| self.columns.get(at));
        let length = columns().filter_map(|column| column.length).min();
        columns().all(|column| column.form == "text").then(|| column.hash(length))
    }
}

fn columns(session: &mut Session, tables: &[Table]) -> Result<BTreeMap<ColumnKey, Column>> {
    let oids = table::oids(tables);
    let mut columns = BTreeMap::new();
    for row in session.query(sql!("pull/scanned"), &[&oids])? {
        let (oid, name): (u32, String) = (column(&row, "oid")?, column(&row, "column")?);
        let Some(place) = oids.iter().position(|own| *own == oid) else { continue };
        let known = Column {
            name: name.clone(),
            form: column(&row, "form")?,
            length: column(&row, "length")?,
            required: column(&row, "required")?,
            unique: column(&row, "is_unique")?,
        };
        columns.insert((place, name), known);
    }
    Ok(columns)
}

/// Examines a sample of a table. If the sample of a large table is empty, it examines the first
/// rows.
fn look(session: &mut Session, table: &Table, names: &[&String]) -> Result<Vec<Found>> {
    let rows = access::states(session, &[table.oid])?.pop().and_then(|state| state.rows);
    if let Some(rows) = rows.filter(|rows| *rows > LARGE) {
        // a random sample may come out smaller, so ask for more rows than needed
        let percent = 100.0 * 1500.0 / rows as f64;
        let sample = format!(" TABLESAMPLE SYSTEM ({percent:.6}) REPEATABLE (0)");
        let found = count(session, table, names, &sample)?;
        if found.iter().any(|found| found.filled > 0) {
            return Ok(found);
        }
    }
    count(session, table, names, "")
}

fn count(
    session: &mut Session,
    table: &Table,
    names: &[&String],
    sample: &str,
) -> Result<Vec<Found>> {
    let value = |(place, name): (usize, &&String)| {
        format!("({place}, pg_catalog.left(t.{}::text, 4000))", quote_ident(name))
    };
    let values: Vec<String> = names.iter().enumerate().map(value).collect();
    let sql = fill(
        sql!("pull/scan"),
        &[("@table@", &table.rows()), ("@sample@", sample), ("@values@", &values.join(", "))],
    );
    let mut all = vec![Found::default(); names.len()];
    for row in session.query(&sql, &[])? {
        let place: i32 = column(&row, "place")?;
        let Some(found) = usize::try_from(place).ok().and_then(|place| all.get_mut(place)) else {
            continue;
        };
        found.filled = column(&row, "filled")?;
        for (kind, name) in SEEN {
            found.counts.push((kind, column(&row, name)?));
        }
    }
    Ok(all)
}

/// Groups the pulled columns that foreign keys compare with each other.
fn groups(session: &mut Session, tables: &[Table]) -> Result<Vec<BTreeSet<ColumnKey>>> {
    let place = |oid: u32| tables.iter().position(|table| table.oid == oid);
    let mut groups: Vec<BTreeSet<ColumnKey>> = Vec::new();
    for link in links::foreign_keys(session)? {
        let ends = (place(link.referring), place(link.referred));
        let (Some(from), Some(to)) = ends else { continue };
        for (own, other) in link.columns.into_iter().zip(link.referred_columns) {
            let pair = BTreeSet::from([(from, own), (to, other)]);
            let (joined, mut apart): (Vec<_>, Vec<_>) =
                groups.into_iter().partition(|group| !group.is_disjoint(&pair));
            apart.push(joined.into_iter().flatten().chain(pair).collect());
            groups = apart;
        }
    }
    Ok(groups)
}
