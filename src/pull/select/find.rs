//! The tables that the user asked for, as the catalogs of staging describe them.

use std::collections::{BTreeMap, BTreeSet};

use super::closure;
use super::links::{Links, Relation, foreign_keys};
use super::order::order;
use super::pattern::Pattern;
use super::sequence;
use super::table::{CatalogTable, DescribedTable, Table, oids};
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_ident;
use crate::pull::read::access;
use crate::sys::error::{Error, Kind, Result};

/// A table to match with the patterns.
#[derive(Clone)]
struct Candidate {
    table: CatalogTable,
    /// It belongs to the bundle or to an extension. Wildcards do not match such tables.
    is_bundle_or_extension: bool,
    /// The partitioned tables above it.
    parents: Vec<u32>,
}

impl Candidate {
    /// Checks whether a pattern selects it.
    fn is(&self, pattern: &Pattern) -> bool {
        self.table.is(pattern) && (!self.is_bundle_or_extension || pattern.is_exact())
    }
}

/// The patterns that select tables.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Each of these must match a table.
    pub include: Vec<Pattern>,
    /// These need not match a table.
    pub exclude: Vec<Pattern>,
    /// Also pull the rows that pulled rows refer to.
    pub closure: bool,
}

impl Selection {
    fn excludes(&self, table: &CatalogTable) -> bool {
        self.exclude.iter().any(|pattern| table.is(pattern))
    }
}

/// The selected tables.
pub(in crate::pull) struct Found {
    pub(in crate::pull) tables: Vec<CatalogTable>,
    /// The foreign keys, if the pull follows them.
    links: Option<Links>,
}

/// Finds the selected tables with all details. Referenced tables come first.
///
/// # Errors
/// `NoSuchTable` for a pattern without a table; `Failed` for tables that the role may not read;
/// `Conflict` for a table with large objects.
pub(in crate::pull) fn chosen(session: &mut Session, selection: &Selection) -> Result<Vec<Table>> {
    let found = find(session, selection)?;
    access::require(session, &found.tables)?;
    planned(session, found)
}

/// Looks up the details of tables and orders them. Referenced tables come first.
///
/// # Errors
/// `Conflict` for a table with large objects, which are stored outside of its rows.
pub(in crate::pull) fn planned(session: &mut Session, found: Found) -> Result<Vec<Table>> {
    let oids = oids(&found.tables);
    let mut tables = described(session, found.tables, &oids)?;
    sequence::read(session, &mut tables, &oids)?;
    let tables = in_order(session, tables, &oids)?;
    let mut tables: Vec<Table> = tables.into_iter().map(Table::whole).collect();
    if let Some(links) = found.links {
        closure::bind(&mut tables, links);
    }
    Ok(tables)
}

/// Finds the selected tables. Reads no details about them.
///
/// # Errors
/// `NoSuchTable` for a pattern without a table.
pub(in crate::pull) fn find(session: &mut Session, selection: &Selection) -> Result<Found> {
    let candidates = candidates(session)?;
    let tables = matching(candidates.clone(), selection)?;
    if selection.closure {
        closed(session, candidates, &tables, selection)
    } else {
        Ok(Found { tables, links: None })
    }
}

/// Adds the tables to which rows can refer, except excluded ones.
fn closed(
    session: &mut Session,
    candidates: Vec<Candidate>,
    named: &[CatalogTable],
    selection: &Selection,
) -> Result<Found> {
    let named = named.iter().map(|table| table.oid).collect();
    let keys = foreign_keys(session)?;
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
    let tables = candidates.into_iter().map(|one| one.table);
    let tables = tables.filter(|table| reached.contains(&table.oid)).collect();
    Ok(Found { tables, links: Some(links) })
}

fn relations(candidates: &[Candidate]) -> BTreeMap<u32, Relation> {
    let relation = |one: &Candidate| {
        let (rows, parents) = (one.table.rows(), one.parents.clone());
        (one.table.oid, Relation { rows, parents, leaves: Vec::new() })
    };
    let mut relations: BTreeMap<u32, Relation> = candidates.iter().map(relation).collect();
    for leaf in candidates.iter().filter(|one| !one.table.partitioned) {
        for parent in leaf.parents.iter().chain([&leaf.table.oid]) {
            if let Some(parent) = relations.get_mut(parent) {
                parent.leaves.push(leaf.table.oid);
            }
        }
    }
    relations
}

fn candidates(session: &mut Session) -> Result<Vec<Candidate>> {
    let rows = session.query(sql!("pull/tables"), &[])?;
    let candidate = |row| {
        let table = CatalogTable {
            oid: column(row, "oid")?,
            schema: column(row, "schema")?,
            unqualified: column(row, "name")?,
            visible: column(row, "visible")?,
            name: column(row, "qualified")?,
            partitioned: column(row, "partitioned")?,
            immutable: column(row, "immutable")?,
            estimate: column::<Option<i64>>(row, "estimate")?.and_then(|rows| rows.try_into().ok()),
        };
        let is_bundle_or_extension = column(row, "is_bundle_or_extension")?;
        Ok(Candidate { table, is_bundle_or_extension, parents: column(row, "parents")? })
    };
    rows.iter().map(candidate).collect()
}

/// Removes the patterns that match no table and returns them.
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

/// The error for patterns that match no table. `None` if there are no such patterns.
pub(in crate::pull) fn no_such(absent: &[String]) -> Option<Error> {
    let names = absent.join(", ");
    let error = Error::new(Kind::NoSuchTable, format!("there is no table {names} on staging"))
        .hint("name it with its schema, as in shop.orders or shop.order_*; views and other objects that are not tables cannot be pulled");
    (!absent.is_empty()).then_some(error)
}

/// Matches the patterns. Leaves out a partition whose parent is pulled.
fn matching(candidates: Vec<Candidate>, selection: &Selection) -> Result<Vec<CatalogTable>> {
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
    let topmost = kept.into_iter().filter(|one| !one.parents.iter().any(|oid| oids.contains(oid)));
    let tables: Vec<CatalogTable> = topmost.map(|one| one.table).collect();
    if tables.is_empty() {
        return Err(Error::new(Kind::NoSuchTable, "no table is left to pull").hint(
            "--exclude-table in STAGING_DUMP_FLAGS excludes all tables that STAGING_DUMP_TABLES names",
        ));
    }
    Ok(tables)
}

/// Reads the columns and the key of each table.
fn described(
    session: &mut Session,
    tables: Vec<CatalogTable>,
    oids: &[u32],
) -> Result<Vec<DescribedTable>> {
    let mut tables: BTreeMap<u32, CatalogTable> =
        tables.into_iter().map(|table| (table.oid, table)).collect();
    let mut described = Vec::new();
    for row in session.query(sql!("pull/shape"), &[&oids])? {
        let oid: u32 = column(&row, "oid")?;
        let Some(catalog) = tables.remove(&oid) else { continue };
        let references: Vec<String> = column(&row, "oids")?;
        for name in references {
            refuse_large_objects(session, &catalog, &name)?;
        }
        described.push(DescribedTable {
            catalog,
            columns: column(&row, "columns")?,
            types: column(&row, "types")?,
            textual: column(&row, "textual")?,
            key: column(&row, "key")?,
            sequences: Vec::new(),
        });
    }
    Ok(described)
}

fn refuse_large_objects(session: &mut Session, table: &CatalogTable, name: &str) -> Result<()> {
    let query = sql!("pull/large-object")
        .replace("@table@", &table.rows())
        .replace("@column@", &quote_ident(name));
    if column(&session.query_one(&query, &[])?, "found")? {
        return Err(Error::conflict(format!(
            "column {name} of {} refers to large objects, which db-tool does not pull",
            table.name
        ))
        .hint("exclude the table: --exclude-table in STAGING_DUMP_FLAGS"));
    }
    Ok(())
}

fn in_order(
    session: &mut Session,
    tables: Vec<DescribedTable>,
    oids: &[u32],
) -> Result<Vec<DescribedTable>> {
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
    let mut tables: BTreeMap<String, DescribedTable> =
        tables.into_iter().map(|table| (table.name.clone(), table)).collect();
    Ok(order(&references).iter().filter_map(|name| tables.remove(name)).collect())
}
