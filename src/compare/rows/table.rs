//! A table whose rows are compared.

use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_ident;
use crate::postgres::sql::template::fill;
use crate::sys::error::Result;

/// The table's name, columns and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its qualified and quoted name.
    pub name: String,
    /// The columns to compare.
    pub columns: Vec<String>,
    /// The columns that identify a row. Empty if there is no key.
    pub key: Vec<String>,
}

impl Table {
    /// The table with the columns that both sides have.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Self {
        let columns: Vec<String> =
            self.columns.iter().filter(|name| other.columns.contains(name)).cloned().collect();
        let is_key = self.key == other.key && self.key.iter().all(|name| columns.contains(name));
        let key = if is_key { self.key.clone() } else { Vec::new() };
        Self { name: self.name.clone(), columns, key }
    }

    /// The columns: first those of the key, then the others.
    pub fn ordered(&self) -> Vec<&String> {
        let rest = self.columns.iter().filter(|name| !self.key.contains(name));
        self.key.iter().chain(rest).collect()
    }

    /// Builds the query of the rows as arrays of text. The order is the same on every server: by
    /// the bytes of the key. Without a key, a digest of the row comes first and gives the order,
    /// because sorting by all columns would take several times as long.
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
        // order by UTF-8 bytes, as the comparison does, in any encoding of the database
        let bytes = |cell: &String| format!("pg_catalog.convert_to({cell}, 'UTF8') NULLS FIRST");
        let order: Vec<String> = cells[..self.width()].iter().map(bytes).collect();
        let (cells, order) = (cells.join(", "), order.join(", "));
        let values = [("cells", &*cells), ("table", &self.name), ("order", &order)];
        fill(sql!("rows/select"), &values)
    }

    /// The number of leading cells that order a selected row.
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

/// Computes a digest of each table's rows, independent of their order.
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
