//! New rows since the last pull: those at or above the table's high-water mark.
//!
//! Rows at the mark are pulled again, because others may have got the same value since. Loading
//! replaces rows by their key, so that does no harm. If the number of rows at the mark is unchanged
//! and no row is above it, the table has no new rows. Rows that were deleted on staging go
//! unnoticed.

use super::table::Table;
use super::watermark::{Increment, Watermark};
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::{quote_ident, quote_literal};
use crate::pull::read::source::{PullPlan, Source};
use crate::pull::write::state::State;
use crate::sys::error::{Context, Error, Result};

/// The rule that finds new rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// Compare this column, which must grow with every change of a row. Tables without it are
    /// pulled completely.
    Column(String),
    /// Compare a column with a usual name. In immutable tables, compare the creation time or a
    /// serial key.
    Usual,
}

/// Usual names of a column with the time of the last change.
const USUAL: &[&str] = &["updated_at", "modified_at", "changed_at", "last_modified"];

impl Source {
    /// Finds the new rows of each table since `state`.
    ///
    /// # Errors
    /// `Conflict` for a column that no table has, or that is masked.
    pub(in crate::pull) fn find_increments(&mut self, since: &Since, state: &State) -> Result<()> {
        let Self { session, plan, .. } = self;
        let mut complete = Vec::new();
        let tables = std::mem::take(&mut plan.tables);
        for mut table in tables {
            match since.column(&table)? {
                Some(column) => table.increment = increment(session, plan, &table, &column, state)?,
                None => complete.push(table.name.clone()),
            }
            plan.tables.push(table);
        }
        if let Since::Column(name) = since
            && complete.len() == plan.tables.len()
        {
            let unknown = format!("--since {name}: no pulled table with a key has this column");
            return Err(Error::conflict(unknown).hint("name a column that grows with every change"));
        }
        if !complete.is_empty() {
            tracing::info!(
                "pulled completely, because they have no such column or no key: {}",
                complete.join(", ")
            );
        }
        Ok(())
    }
}

impl Since {
    /// The column to compare in a table. `None` if the table has no such column or no key.
    fn column(&self, table: &Table) -> Result<Option<String>> {
        let has = |name: &str| table.columns.iter().any(|column| column == name);
        let found = match self {
            Self::Column(name) => Some(name.clone()).filter(|name| has(name)),
            Self::Usual => usual(table, has),
        };
        let found = found.filter(|_| !table.key.is_empty());
        match found {
            Some(name) if table.masked.contains_key(&name) => Err(Error::conflict(format!(
                "{}.{} is masked, so its high-water mark may not be stored",
                table.name,
                quote_ident(&name)
            ))
            .hint("keep the column in staging.toml, or name another with --since")),
            found => Ok(found),
        }
    }
}

fn usual(table: &Table, has: impl Fn(&str) -> bool) -> Option<String> {
    let changed = USUAL.iter().find(|name| has(name)).map(|name| (*name).to_owned());
    let created = || has("created_at").then(|| "created_at".to_owned());
    let number = || match table.key.as_slice() {
        [key] if table.sequences.iter().any(|sequence| sequence.numbers(key)) => Some(key.clone()),
        _ => None,
    };
    changed.or_else(|| table.immutable.then(|| created().or_else(number)).flatten())
}

fn increment(
    session: &mut Session,
    plan: &PullPlan,
    table: &Table,
    name: &str,
    state: &State,
) -> Result<Increment> {
    let fingerprint = plan.fingerprint(table);
    let mark = state.mark(&fingerprint).filter(|mark| mark.column == name);
    let from = mark.and_then(|mark| mark.value.as_deref());
    let is_new = match from {
        Some(value) => {
            format!(
                "(t.{0} OPERATOR(pg_catalog.>=) {1} OR t.{0} IS NULL)",
                quote_ident(name),
                quote_literal(value)
            )
        }
        None => "true".to_owned(),
    };
    let template = sql!("pull/mark");
    let query = template
        .replace("@table@", &table.rows())
        .replace("@column@", &quote_ident(name))
        .replacen("@new@", &is_new, 1);
    let row = session
        .query_one(&query, &[])
        .context(format!("cannot tell what is new in {}", table.name))?;
    let now = Watermark {
        column: name.to_owned(),
        value: column(&row, "value")?,
        edge: column(&row, "edge")?,
    };
    let fresh: i64 = column(&row, "fresh")?;
    let is_empty = mark.is_some_and(|mark| *mark == now && fresh == mark.edge);
    Ok(Increment { fingerprint, condition: from.map(|_| is_new), is_empty, mark: Some(now) })
}
