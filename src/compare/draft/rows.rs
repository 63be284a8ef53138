//! Rows of reference data: deletes, changes and adds them by key.

use crate::compare::facts::property;
use std::collections::{BTreeMap, BTreeSet};

use super::side::Side;
use crate::compare::facts::{Identity, Kind};
use crate::compare::rows::{Change, TableDiff};
use crate::postgres::sql::quote::{quote_ident, quote_literal};

/// The settings with which the comparison printed the values of the rows.
const SPELLING: [&str; 4] = [
    "SET LOCAL datestyle = 'ISO, YMD';",
    "SET LOCAL intervalstyle = 'postgres';",
    "SET LOCAL timezone = 'UTC';",
    "SET LOCAL bytea_output = 'hex';",
];

/// The statements, and the tables for which not all differing rows are known. Referenced tables get
/// their new rows first and lose their old rows last.
pub(super) fn statements(side: &Side, tables: &[TableDiff]) -> (Vec<String>, Vec<String>) {
    let (whole, cut): (Vec<_>, Vec<_>) = tables.iter().partition(|table| table.more == 0);
    let whole: Vec<&TableDiff> = whole.into_iter().filter(|t| exists(side, &t.table)).collect();
    let sorted = sorted(side, &whole);
    let (mut removed, mut changed, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for table in sorted {
        let mut gone = Vec::new();
        for change in &table.changes {
            match change {
                Change::Removed { cells } => gone.push(delete(table, cells)),
                Change::Changed { key, cells } => {
                    let set = cells.iter().map(|cell| {
                        format!("{} = {}", quote_ident(&cell.column), value(cell.after.as_ref()))
                    });
                    let set = set.collect::<Vec<_>>().join(", ");
                    let found = condition(&table.key, key);
                    changed.push(format!("UPDATE ONLY {} SET {set} WHERE {found};", table.table));
                }
                Change::Added { cells } => added.push(insert(side, table, cells)),
            }
        }
        removed.splice(0..0, gone);
    }
    let mut all = Vec::new();
    if !removed.is_empty() || !changed.is_empty() || !added.is_empty() {
        all.extend(SPELLING.map(str::to_owned));
    }
    all.extend(removed.into_iter().chain(changed).chain(added));
    let cut = cut.into_iter().map(|table| {
        format!("rows of {}: {} are too many", table.table, table.changes.len() + table.more)
    });
    (all, cut.collect())
}

fn exists(side: &Side, name: &str) -> bool {
    side.facts.get(&table(name)).is_some()
}

fn table(name: &str) -> Identity {
    Identity { kind: Kind::Table, name: name.to_owned() }
}

/// Orders the tables; referenced tables come first.
fn sorted<'a>(side: &Side, tables: &[&'a TableDiff]) -> Vec<&'a TableDiff> {
    let at: BTreeMap<Identity, usize> =
        tables.iter().zip(0..).map(|(t, at)| (table(&t.table), at)).collect();
    let mut graph = super::order::Graph::default();
    for (_, own, other) in side.references() {
        if let (Some(from), Some(to)) = (at.get(own), at.get(other)) {
            graph.edge(*to, *from, super::order::Strength::Must);
        }
    }
    let names: Vec<&str> = tables.iter().map(|t| t.table.as_str()).collect();
    graph.sorted(&names).into_iter().map(|at| tables[at]).collect()
}

fn value(cell: Option<&String>) -> String {
    cell.map_or_else(|| "NULL".to_owned(), |text| quote_literal(text).trim_start().to_owned())
}

fn condition(columns: &[String], cells: &[Option<String>]) -> String {
    let pairs = columns.iter().zip(cells);
    let pairs =
        pairs.map(|(name, cell)| format!("{} = {}", quote_ident(name), value(cell.as_ref())));
    pairs.collect::<Vec<_>>().join(" AND ")
}

fn delete(table: &TableDiff, cells: &[Option<String>]) -> String {
    let name = &table.table;
    if !table.key.is_empty() {
        let found = condition(&table.key, cells);
        return format!("DELETE FROM ONLY {name} WHERE {found};");
    }
    // delete only one of several equal rows
    let pairs = table.columns.iter().zip(cells).map(|(column, cell)| {
        format!("{}::text IS NOT DISTINCT FROM {}", quote_ident(column), value(cell.as_ref()))
    });
    let found = pairs.collect::<Vec<_>>().join(" AND ");
    let found = if found.is_empty() { "true".to_owned() } else { found };
    let one = format!("(SELECT ctid FROM ONLY {name} WHERE {found} LIMIT 1)");
    format!("DELETE FROM ONLY {name} {};", ["WHERE ctid =", &one].join(" "))
}

fn insert(side: &Side, table: &TableDiff, cells: &[Option<String>]) -> String {
    let is_of = |column: &str, property: &str| {
        let name = side.columns(&self::table(&table.table));
        name.iter().any(|(identity, object)| {
            let own = super::name::bare(super::name::own(identity, object));
            own == column && object.get(property).is_some()
        })
    };
    let pairs: Vec<_> = table.columns.iter().zip(cells).collect();
    let pairs: Vec<_> = pairs.into_iter().filter(|(c, _)| !is_of(c, property::GENERATED)).collect();
    if pairs.is_empty() {
        return format!("INSERT INTO {} DEFAULT VALUES;", table.table);
    }
    let numbered: BTreeSet<_> =
        pairs.iter().filter(|(c, _)| is_of(c, property::IDENTITY)).collect();
    let overriding = if numbered.is_empty() { "" } else { "OVERRIDING SYSTEM VALUE " };
    let columns: Vec<_> = pairs.iter().map(|(name, _)| quote_ident(name)).collect();
    let values: Vec<_> = pairs.iter().map(|(_, cell)| value(cell.as_ref())).collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    let what = format!("({columns}) {overriding}VALUES ({values})");
    format!("INSERT INTO {} {what};", table.table)
}
