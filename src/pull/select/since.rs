//! Which rows of a table are new since the last pull: those from its high-water mark on.
//!
//! Rows at the mark come again, because others may have got the same value since; loading replaces
//! rows by their key, so that does no harm. A table that nothing is new in is told by the number of
//! rows at its mark. What is deleted on staging is not seen.

use super::table::Table;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::{quote_ident, quote_literal};
use crate::pull::read::source::{Chosen, Source};
use crate::pull::write::state::{Mark, State};
use crate::sys::error::{Context, Error, Result};

/// What tells new rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// A column that grows with every change of a row, where a table has it.
    Column(String),
    /// A column called as they usually are; for rows that never change, their creation or number.
    Usual,
}

/// What columns are called that say when a row was changed last.
const USUAL: &[&str] = &["updated_at", "modified_at", "changed_at", "last_modified"];

/// What is to be read of a table.
#[derive(Debug, Clone, Default)]
pub(in crate::pull) struct Share {
    /// What the table is read by as a whole.
    pub(in crate::pull) how: String,
    /// Which rows, as SQL; none: all.
    pub(in crate::pull) condition: Option<String>,
    /// Nothing is new.
    pub(in crate::pull) is_empty: bool,
    /// How far the table is read then.
    pub(in crate::pull) mark: Option<Mark>,
}

impl Share {
    /// Whether what was read by `how` stays, because only what is new is read.
    pub(in crate::pull) fn stays(&self, how: &str) -> bool {
        self.how == how && (self.is_empty || self.condition.is_some())
    }
}

impl Source {
    /// Finds what is new in each table since `state`.
    ///
    /// # Errors
    /// `Conflict` for a column that no table has, or that is masked.
    pub(in crate::pull) fn share(&mut self, since: &Since, state: &State) -> Result<()> {
        let Self { session, chosen, .. } = self;
        let mut whole = Vec::new();
        let tables = std::mem::take(&mut chosen.tables);
        for mut table in tables {
            match since.column(&table)? {
                Some(column) => table.share = share(session, chosen, &table, &column, state)?,
                None => whole.push(table.name.clone()),
            }
            chosen.tables.push(table);
        }
        if let Since::Column(name) = since
            && whole.len() == chosen.tables.len()
        {
            let unknown = format!("--since {name}: no pulled table with a key has this column");
            return Err(Error::conflict(unknown).hint("name a column that grows with every change"));
        }
        if !whole.is_empty() {
            tracing::info!(
                "pulled whole, for want of such a column or of a key: {}",
                whole.join(", ")
            );
        }
        Ok(())
    }
}

impl Since {
    /// The column of a table; none where nothing tells.
    fn column(&self, table: &Table) -> Result<Option<String>> {
        let has = |name: &str| table.columns.iter().any(|column| column == name);
        let found = match self {
            Self::Column(name) => Some(name.clone()).filter(|name| has(name)),
            Self::Usual => usual(table, has),
        };
        let found = found.filter(|_| !table.key.is_empty());
        match found {
            Some(name) if table.masked.contains_key(&name) => Err(Error::conflict(format!(
                "{}.{} is masked: its values may not be remembered",
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
        [key] if table.sequences.iter().any(|sequence| sequence.column == *key) => {
            Some(key.clone())
        }
        _ => None,
    };
    changed.or_else(|| table.immutable.then(|| created().or_else(number)).flatten())
}

fn share(
    session: &mut Session,
    chosen: &Chosen,
    table: &Table,
    name: &str,
    state: &State,
) -> Result<Share> {
    let how = chosen.how(table);
    let mark = state.mark(&how).filter(|mark| mark.column == name);
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
    let now = Mark {
        column: name.to_owned(),
        value: column(&row, "value")?,
        edge: column(&row, "edge")?,
    };
    let fresh: i64 = column(&row, "fresh")?;
    let is_empty = mark.is_some_and(|mark| *mark == now && fresh == mark.edge);
    Ok(Share { how, condition: from.map(|_| is_new), is_empty, mark: Some(now) })
}
