//! The tables of staging, read from its catalogs, and the selection of those to pull.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::links::Links;
use super::pattern::Pattern;
use super::watermark::Increment;

/// A table to pull.
#[derive(Debug, Clone)]
pub struct Table {
    pub(in crate::pull) oid: u32,
    pub(in crate::pull) schema: String,
    pub(in crate::pull) unqualified: String,
    /// The search path finds it without its schema.
    pub(in crate::pull) visible: bool,
    /// Its qualified and quoted name.
    pub name: String,
    pub(in crate::pull) partitioned: bool,
    /// Its rows change only in migration mode.
    pub immutable: bool,
    /// The columns to pull.
    pub columns: Vec<String>,
    /// The types of the columns as they are read. Empty for a type that is unknown, because an
    /// expression replaces the column.
    pub(in crate::pull) types: Vec<String>,
    /// The indexes of the columns that cannot be compared after loading.
    pub(in crate::pull) uncompared: Vec<usize>,
    /// The columns that can hold text.
    pub(in crate::pull) textual: Vec<String>,
    /// SQL expressions that replace columns, by column.
    pub(in crate::pull) masked: BTreeMap<String, String>,
    /// The columns that identify a row. Empty if no key does.
    pub key: Vec<String>,
    /// The planner's estimate of the number of rows.
    pub(in crate::pull) estimate: Option<u64>,
    /// The rows that the pull reads.
    pub(in crate::pull) increment: Increment,
    /// The sequences from which columns take their values.
    pub sequences: Vec<Sequence>,
    /// The closure, if the pull follows foreign keys.
    pub(in crate::pull) closure: Option<Arc<Closure>>,
}

impl Table {
    /// Checks whether a pattern matches it.
    pub(in crate::pull) fn is(&self, pattern: &Pattern) -> bool {
        pattern.matches(&self.schema, &self.unqualified, self.visible)
    }

    /// Its name without the schema, not quoted.
    pub(in crate::pull) fn unqualified(&self) -> &str {
        &self.unqualified
    }

    /// Replaces a column by an expression, which yields text or is `NULL`.
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

    /// Its name in a query. Leaves out rows of tables that inherit from it, which are tables of
    /// their own, but includes its partitions.
    pub(in crate::pull) fn rows(&self) -> String {
        if self.partitioned { self.name.clone() } else { format!("ONLY {}", self.name) }
    }
}

/// A sequence from which a column takes its values.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// The column. `None` if a trigger takes the values, for columns that nobody knows.
    pub column: Option<String>,
    /// The catalogs do not know that the column uses it: the text of a function names it.
    pub is_only_named: bool,
    /// Its qualified and quoted name.
    pub name: String,
    /// The last value.
    pub last: i64,
    /// The last value was given out already.
    pub called: bool,
}

impl Sequence {
    /// Checks whether the column takes its values from it, as far as the catalogs know.
    pub(in crate::pull) fn numbers(&self, column: &str) -> bool {
        !self.is_only_named && self.column.as_deref() == Some(column)
    }
}

pub(in crate::pull) fn oids(tables: &[Table]) -> Vec<u32> {
    tables.iter().map(|table| table.oid).collect()
}

/// The foreign keys, and the tables that are pulled.
#[derive(Debug)]
pub(in crate::pull) struct Closure {
    pub(in crate::pull) links: Links,
    pub(in crate::pull) tables: Vec<Table>,
}
