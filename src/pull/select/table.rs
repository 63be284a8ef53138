//! The tables of staging, read from its catalogs, and the selection of those to pull.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use super::links::Links;
use super::pattern::Pattern;
use super::watermark::Increment;

/// A table as the catalogs list it.
#[derive(Debug, Clone)]
pub struct CatalogTable {
    pub(in crate::pull) oid: u32,
    pub(in crate::pull) schema: String,
    /// Its name without the schema, not quoted.
    pub(in crate::pull) unqualified: String,
    /// The search path finds it without its schema.
    pub(in crate::pull) visible: bool,
    /// Its qualified and quoted name.
    pub name: String,
    pub(in crate::pull) partitioned: bool,
    /// Its rows change only in migration mode.
    pub immutable: bool,
    /// The planner's estimate of the number of rows.
    pub(in crate::pull) estimate: Option<u64>,
}

impl CatalogTable {
    /// Whether the pattern matches this table.
    pub(in crate::pull) fn is(&self, pattern: &Pattern) -> bool {
        pattern.matches(&self.schema, &self.unqualified, self.visible)
    }

    /// Its name in a query. Leaves out rows of tables that inherit from it, which are tables of
    /// their own, but includes its partitions.
    pub(in crate::pull) fn rows(&self) -> String {
        if self.partitioned { self.name.clone() } else { format!("ONLY {}", self.name) }
    }
}

/// A table with its columns, its key and its sequences.
#[derive(Debug, Clone)]
pub struct DescribedTable {
    pub(in crate::pull) catalog: CatalogTable,
    /// The columns to pull.
    pub columns: Vec<String>,
    /// The types of the columns as they are read. Empty for a type that is unknown, because an
    /// expression replaces the column.
    pub(in crate::pull) types: Vec<String>,
    /// The columns that can hold text.
    pub(in crate::pull) textual: Vec<String>,
    /// The columns that identify a row. Empty if no key does.
    pub key: Vec<String>,
    /// The sequences from which columns take their values.
    pub sequences: Vec<Sequence>,
}

impl Deref for DescribedTable {
    type Target = CatalogTable;

    fn deref(&self) -> &CatalogTable {
        &self.catalog
    }
}

/// A table to pull, with all that decides which of its rows and columns are read, and how.
#[derive(Debug, Clone)]
pub struct Table {
    described: DescribedTable,
    /// SQL expressions that replace columns, by column.
    pub(in crate::pull) masked: BTreeMap<String, String>,
    /// The rows that the pull reads.
    pub(in crate::pull) increment: Increment,
    /// The indexes of the columns that cannot be compared after loading.
    pub(in crate::pull) uncompared: Vec<usize>,
    /// The closure, if the pull follows foreign keys.
    pub(in crate::pull) closure: Option<Arc<Closure>>,
}

impl Deref for Table {
    type Target = DescribedTable;

    fn deref(&self) -> &DescribedTable {
        &self.described
    }
}

impl AsRef<CatalogTable> for CatalogTable {
    fn as_ref(&self) -> &CatalogTable {
        self
    }
}

impl AsRef<CatalogTable> for DescribedTable {
    fn as_ref(&self) -> &CatalogTable {
        &self.catalog
    }
}

impl AsRef<CatalogTable> for Table {
    fn as_ref(&self) -> &CatalogTable {
        self
    }
}

impl Table {
    /// Plans to read all rows and columns of a table.
    pub(in crate::pull) fn whole(described: DescribedTable) -> Self {
        Self {
            described,
            masked: BTreeMap::new(),
            increment: Increment::default(),
            uncompared: Vec::new(),
            closure: None,
        }
    }

    /// Replaces a column by an expression, which yields text or is `NULL`.
    pub(in crate::pull) fn mask(&mut self, column: &str, expression: String) {
        let place = self.columns.iter().position(|own| own == column);
        let read = place.and_then(|place| self.described.types.get_mut(place));
        if let Some(read) = read.filter(|_| expression != "NULL")
            && !(read == "text" || read.starts_with("character varying"))
        {
            read.clear();
        }
        self.masked.insert(column.to_owned(), expression);
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
    /// Whether `nextval` has returned the last value already.
    pub called: bool,
}

impl Sequence {
    /// Checks whether the column takes its values from it, as far as the catalogs know.
    pub(in crate::pull) fn numbers(&self, column: &str) -> bool {
        !self.is_only_named && self.column.as_deref() == Some(column)
    }
}

pub(in crate::pull) fn oids<T: AsRef<CatalogTable>>(tables: &[T]) -> Vec<u32> {
    tables.iter().map(|table| table.as_ref().oid).collect()
}

/// The foreign keys, and the tables that are pulled.
#[derive(Debug)]
pub(in crate::pull) struct Closure {
    pub(in crate::pull) links: Links,
    pub(in crate::pull) tables: Vec<Table>,
}
