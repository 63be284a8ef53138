//! A table as far as its rows are compared.

use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_ident;
use crate::postgres::sql::template::fill;
use crate::sys::error::Result;

/// A table, its columns and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Qualified and quoted.
    pub name: String,
    /// The columns that count.
    pub columns: Vec<String>,
    /// Those of them that tell rows apart; empty where only whole rows do.
    pub key: Vec<String>,
}

impl Table {
    /// The table as both sides have it: the columns that are on both, by name.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Self {
        let columns: Vec<String> =
            self.columns.iter().filter(|name| other.columns.contains(name)).cloned().collect();
        let is_key = self.key == other.key && self.key.iter().all(|name| columns.contains(name));
        let key = if is_key { self.key.clone() } else { Vec::new() };
        Self { name: self.name.clone(), columns, key }
    }

    /// Key columns first, then the others.
    pub fn ordered(&self) -> Vec<&String> {
        let rest = self.columns.iter().filter(|name| !self.key.contains(name));
        self.key.iter().chain(rest).collect()
    }

    /// The rows as arrays of text, in an order that is the same everywhere: by the bytes of the key.
    /// Without a key, a digest of the row comes first and orders, since sorting by all columns takes
    /// several times as long.
    pub fn select(&self) -> String {
        let mut cells = self.cells();
        if self.key.is_empty() {
            cells.insert(
                0,
                fill(
                    "pg_catalog.md5(ARRAY[@cells@]::text[]::text)",
                    &[("cells", &cells.join(", "))],
                ),
            );
        }
        // as we compare, whatever the encoding of the database
        let bytes = |cell: &String| format!("pg_catalog.convert_to({cell}, 'UTF8') NULLS FIRST");
        let order: Vec<String> = cells[..self.width()].iter().map(bytes).collect();
        let (cells, order) = (cells.join(", "), order.join(", "));
        let values = [("cells", &*cells), ("table", &self.name), ("order", &order)];
        fill(sql!("rows/select"), &values)
    }

    /// How many cells of a selected row say where it stands.
    pub fn width(&self) -> usize {
        self.key.len().max(1)
    }

    fn digest(&self, place: usize) -> String {
        let (cells, place) = (self.cells().join(", "), place.to_string());
        let values = [("cells", &*cells), ("table", &self.name), ("place", &place)];
        fill(sql!("rows/digest"), &values)
    }

    fn cells(&self) -> Vec<String> {
        self.ordered().iter().map(|name| format!("{}::text", quote_ident(name))).collect()
    }
}

/// A digest of each table's rows, whatever their order.
pub fn digests(session: &mut Session, tables: &[Table]) -> Result<Vec<String>> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let each: Vec<String> =
        tables.iter().enumerate().map(|(place, table)| table.digest(place)).collect();
    let rows = session.query(&(each.join("\nUNION ALL\n") + "\nORDER BY place"), &[])?;
    rows.iter().map(|row| column(row, "digest")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], key: &[&str]) -> Table {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Table { name: "s.t".to_owned(), columns: owned(columns), key: owned(key) }
    }

    #[test]
    fn both_sides_decide_on_columns_and_key() {
        let a = table(&["id", "a", "b"], &["id"]);
        assert_eq!(a.shared_with(&table(&["b", "id"], &["id"])), table(&["id", "b"], &["id"]));
        assert_eq!(a.shared_with(&table(&["id", "a"], &["a"])), table(&["id", "a"], &[]));
    }

    #[test]
    fn names_are_quoted() {
        let odd = table(&["say \"x\"", "Key"], &["Key"]);
        let select = odd.select();
        assert!(select.contains("ARRAY[\"Key\"::text, \"say \"\"x\"\"\"::text]"), "{select}");
        let order = "ORDER BY pg_catalog.convert_to(\"Key\"::text, 'UTF8') NULLS FIRST";
        assert!(select.contains(order), "{select}");
        let select = table(&["a"], &[]).select();
        let digest = "pg_catalog.md5(ARRAY[\"a\"::text]::text[]::text)";
        assert!(select.contains(&format!("ARRAY[{digest}, \"a\"::text]")), "{select}");
    }
}
