//! What staging has: its tables, as its catalogs tell, and those that are to be pulled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::closure;
use super::closure::{Closure, Links, Relation};
use super::order::order;
use super::pattern::Pattern;
use super::since::Share;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_ident;
use crate::pull::read::access;
use crate::sys::error::{Error, Kind, Result};

/// A table to pull.
#[derive(Debug, Clone)]
pub struct Table {
    pub(in crate::pull) oid: u32,
    schema: String,
    own_name: String,
    /// Whether it is found without its schema.
    visible: bool,
    /// Its name, qualified and quoted.
    pub name: String,
    partitioned: bool,
    /// Whether its rows change in migration mode only.
    pub immutable: bool,
    /// The columns that are pulled.
    pub columns: Vec<String>,
    /// What each of them holds as it is read; empty where that cannot be told.
    pub(in crate::pull) types: Vec<String>,
    /// The places of those whose values are not compared once they are loaded.
    pub(in crate::pull) uncompared: Vec<usize>,
    /// Those that may hold text of some kind.
    pub(in crate::pull) textual: Vec<String>,
    /// What is read instead of a column, by its name: SQL.
    pub(in crate::pull) masked: BTreeMap<String, String>,
    /// The columns that tell rows apart; empty where nothing does.
    pub key: Vec<String>,
    /// About how many rows it has, where staging knows.
    pub(in crate::pull) estimate: Option<u64>,
    /// What of it is read.
    pub(in crate::pull) share: Share,
    /// The sequences that belong to its columns.
    pub sequences: Vec<Sequence>,
    /// What rows come along, where they do.
    pub(in crate::pull) closure: Option<Arc<Closure>>,
}

impl Table {
    /// Whether a pattern means it.
    pub(in crate::pull) fn is(&self, pattern: &Pattern) -> bool {
        pattern.matches(&self.schema, &self.own_name, self.visible)
    }

    /// Its name alone, as it is.
    pub(in crate::pull) fn own_name(&self) -> &str {
        &self.own_name
    }

    /// Lets a column be read as what an expression makes of it: text, unless it is nothing at all.
    pub(in crate::pull) fn mask(&mut self, column: &str, expression: String) {
        let place = self.columns.iter().position(|own| own == column);
        let read = place.and_then(|place| self.types.get_mut(place));
        if let Some(read) = read.filter(|_| expression != "NULL")
            && !(read == "text" || read.starts_with("character varying"))
        {
            read.clear();
        }
        self.masked.insert(column.to_owned(), expression);
    }

    /// As a query names it: without the rows of tables that inherit from it, which are tables of their
    /// own, but with those of its partitions.
    pub(in crate::pull) fn rows(&self) -> String {
        if self.partitioned { self.name.clone() } else { format!("ONLY {}", self.name) }
    }
}

/// A sequence that a column takes its values from.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// The column.
    pub column: String,
    /// Its name, qualified and quoted.
    pub name: String,
    /// Where it stands.
    pub last: i64,
    /// Whether that value was given out.
    pub called: bool,
}

/// A table with its place.
#[derive(Clone)]
struct Candidate {
    table: Table,
    /// Whether it is of the bundle or of an extension, which nobody means by a `*`.
    is_equipment: bool,
    /// The tables that this is a partition of.
    whole: Vec<u32>,
}

impl Candidate {
    /// Whether a pattern asks for it.
    fn is(&self, pattern: &Pattern) -> bool {
        self.table.is(pattern) && (!self.is_equipment || pattern.is_exact())
    }
}

/// What is to be pulled.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Every one has to match a table.
    pub include: Vec<Pattern>,
    /// These need not.
    pub exclude: Vec<Pattern>,
    /// Whether what rows refer to comes along.
    pub closure: bool,
}

impl Selection {
    fn excludes(&self, table: &Table) -> bool {
        self.exclude.iter().any(|pattern| table.is(pattern))
    }
}

/// The tables that were asked for, what is referred to first.
///
/// # Errors
/// `NoSuchTable` for what is not there; `Failed` for tables that may not be read; `Conflict` for
/// one whose rows are not all of it.
pub fn chosen(session: &mut Session, selection: &Selection) -> Result<Vec<Table>> {
    let tables = find(session, selection)?;
    access::require(session, &tables)?;
    described(session, tables)
}

/// Looks up all else about tables, and puts what is referred to first.
///
/// # Errors
/// `Conflict` for a table whose rows are not all of it.
pub(in crate::pull) fn described(
    session: &mut Session,
    mut tables: Vec<Table>,
) -> Result<Vec<Table>> {
    let oids = oids(&tables);
    shape(session, &mut tables, &oids)?;
    sequences(session, &mut tables, &oids)?;
    let mut tables = in_order(session, tables, &oids)?;
    closure::bind(&mut tables);
    Ok(tables)
}

/// How the catalogs know them.
pub(in crate::pull) fn oids(tables: &[Table]) -> Vec<u32> {
    tables.iter().map(|table| table.oid).collect()
}

/// The tables that were asked for, of which no more is known than that they are there.
///
/// # Errors
/// `NoSuchTable` for what is not there.
pub(in crate::pull) fn find(session: &mut Session, selection: &Selection) -> Result<Vec<Table>> {
    let candidates = candidates(session)?;
    let named = matching(candidates.clone(), selection)?;
    if selection.closure { closed(session, candidates, &named, selection) } else { Ok(named) }
}

/// The tables, and those that rows can refer to. What is excluded stays out.
fn closed(
    session: &mut Session,
    candidates: Vec<Candidate>,
    named: &[Table],
    selection: &Selection,
) -> Result<Vec<Table>> {
    let named = named.iter().map(|table| table.oid).collect();
    let keys = closure::foreign_keys(session)?;
    let links = Links::new(relations(&candidates), keys, named);
    let table = |oid: u32| candidates.iter().map(|one| &one.table).find(|table| table.oid == oid);
    let reached = links.reached(|key| {
        let referred = table(key.referred).filter(|table| selection.excludes(table));
        if let (Some(referred), Some(referring)) = (referred, table(key.referring)) {
            let (referred, referring) = (&referred.name, &referring.name);
            tracing::warn!("{referred} is excluded, though rows of {referring} refer to it");
        }
        referred.is_none()
    });
    let closure = Arc::new(Closure { links, tables: Vec::new() });
    let tables = candidates.into_iter().map(|one| one.table);
    let tables = tables.filter(|table| reached.contains(&table.oid));
    Ok(tables.map(|table| Table { closure: Some(Arc::clone(&closure)), ..table }).collect())
}

fn relations(candidates: &[Candidate]) -> BTreeMap<u32, Relation> {
    let relation = |one: &Candidate| {
        let (rows, within) = (one.table.rows(), one.whole.clone());
        (one.table.oid, Relation { rows, within, leaves: Vec::new() })
    };
    let mut relations: BTreeMap<u32, Relation> = candidates.iter().map(relation).collect();
    for leaf in candidates.iter().filter(|one| !one.table.partitioned) {
        for whole in leaf.whole.iter().chain([&leaf.table.oid]) {
            if let Some(whole) = relations.get_mut(whole) {
                whole.leaves.push(leaf.table.oid);
            }
        }
    }
    relations
}

fn candidates(session: &mut Session) -> Result<Vec<Candidate>> {
    let rows = session.query(sql!("pull/tables"), &[])?;
    let candidate = |row| {
        let table = Table {
            oid: column(row, "oid")?,
            schema: column(row, "schema")?,
            own_name: column(row, "name")?,
            visible: column(row, "visible")?,
            name: column(row, "qualified")?,
            partitioned: column(row, "partitioned")?,
            immutable: column(row, "immutable")?,
            columns: Vec::new(),
            types: Vec::new(),
            uncompared: Vec::new(),
            textual: Vec::new(),
            masked: BTreeMap::new(),
            key: Vec::new(),
            estimate: column::<Option<i64>>(row, "estimate")?.and_then(|rows| rows.try_into().ok()),
            share: Share::default(),
            sequences: Vec::new(),
            closure: None,
        };
        let is_equipment = column(row, "equipment")?;
        Ok(Candidate { table, is_equipment, whole: column(row, "whole")? })
    };
    rows.iter().map(candidate).collect()
}

/// Takes away the patterns that mean no table, and tells them.
pub(in crate::pull) fn take_absent(
    session: &mut Session,
    selection: &mut Selection,
) -> Result<Vec<String>> {
    let absent = absent(&candidates(session)?, selection);
    selection.include.retain(|pattern| !absent.iter().any(|text| text == pattern.text()));
    Ok(absent)
}

fn absent(candidates: &[Candidate], selection: &Selection) -> Vec<String> {
    let matches = |pattern: &Pattern| candidates.iter().any(|one| one.is(pattern));
    let absent = selection.include.iter().filter(|pattern| !matches(pattern));
    absent.map(|pattern| pattern.text().to_owned()).collect()
}

/// The error for patterns that mean no table, if there are any.
pub(in crate::pull) fn no_such(absent: &[String]) -> Option<Error> {
    let names = absent.join(", ");
    let error = Error::new(Kind::NoSuchTable, format!("there is no table {names} on staging"))
        .hint("name it with its schema, as in shop.orders or shop.order_*; what is no table itself, such as a view, is not pulled");
    (!absent.is_empty()).then_some(error)
}

/// A partition is left out where what it is a part of is pulled.
fn matching(candidates: Vec<Candidate>, selection: &Selection) -> Result<Vec<Table>> {
    let absent = absent(&candidates, selection);
    if let Some(error) = no_such(&absent) {
        return Err(error);
    }
    let kept: Vec<Candidate> = candidates
        .into_iter()
        .filter(|one| selection.include.iter().any(|pattern| one.is(pattern)))
        .filter(|one| !selection.excludes(&one.table))
        .collect();
    let oids: BTreeSet<u32> = kept.iter().map(|one| one.table.oid).collect();
    let whole = kept.into_iter().filter(|one| !one.whole.iter().any(|oid| oids.contains(oid)));
    let tables: Vec<Table> = whole.map(|one| one.table).collect();
    if tables.is_empty() {
        return Err(Error::new(Kind::NoSuchTable, "no table is left to pull").hint(
            "--exclude-table in STAGING_DUMP_FLAGS takes away what STAGING_DUMP_TABLES names",
        ));
    }
    Ok(tables)
}

fn shape(session: &mut Session, tables: &mut [Table], oids: &[u32]) -> Result<()> {
    let query = sql!("pull/shape");
    for row in session.query(query, &[&oids])? {
        let oid: u32 = column(&row, "oid")?;
        let Some(table) = tables.iter_mut().find(|table| table.oid == oid) else { continue };
        table.columns = column(&row, "columns")?;
        table.types = column(&row, "types")?;
        table.textual = column(&row, "textual")?;
        table.key = column(&row, "key")?;
        let oids: Vec<String> = column(&row, "oids")?;
        for name in oids {
            refuse_large_objects(session, table, &name)?;
        }
    }
    Ok(())
}

fn refuse_large_objects(session: &mut Session, table: &Table, name: &str) -> Result<()> {
    let query = sql!("pull/large-object")
        .replace("@table@", &table.rows())
        .replace("@column@", &quote_ident(name));
    if column(&session.query_one(&query, &[])?, "found")? {
        return Err(Error::conflict(format!(
            "column {name} of {} means large objects, which are not pulled",
            table.name
        ))
        .hint("exclude the table: --exclude-table in STAGING_DUMP_FLAGS"));
    }
    Ok(())
}

fn sequences(session: &mut Session, tables: &mut [Table], oids: &[u32]) -> Result<()> {
    for row in session.query(sql!("pull/sequences"), &[&oids])? {
        let (oid, name): (u32, String) = (column(&row, "oid")?, column(&row, "sequence")?);
        let Some(table) = tables.iter_mut().find(|table| table.oid == oid) else { continue };
        let value = session.query_one(&format!("SELECT last_value, is_called FROM {name}"), &[])?;
        table.sequences.push(Sequence {
            column: column(&row, "column")?,
            name,
            last: column(&value, "last_value")?,
            called: column(&value, "is_called")?,
        });
    }
    Ok(())
}

fn in_order(session: &mut Session, tables: Vec<Table>, oids: &[u32]) -> Result<Vec<Table>> {
    let names: BTreeMap<u32, String> =
        tables.iter().map(|table| (table.oid, table.name.clone())).collect();
    let mut references: BTreeMap<String, BTreeSet<String>> =
        names.values().map(|name| (name.clone(), BTreeSet::new())).collect();
    for row in session.query(sql!("pull/references"), &[&oids])? {
        let (from, to): (u32, u32) = (column(&row, "referring")?, column(&row, "referred")?);
        if let Some(referred) = references.get_mut(&names[&from]) {
            referred.insert(names[&to].clone());
        }
    }
    let mut tables: BTreeMap<String, Table> =
        tables.into_iter().map(|table| (table.name.clone(), table)).collect();
    Ok(order(&references).iter().filter_map(|name| tables.remove(name)).collect())
}
