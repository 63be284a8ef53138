//! What becomes of each column's values before they leave staging: `staging.toml`.
//!
//! It fails closed: a column that can hold text of any kind needs a decision, so that a new one stops
//! the pull instead of coming along.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::postgres::sql::quote::{quote_ident, quote_literal};
use crate::pull::select::pattern::Pattern;
use crate::pull::select::table::Table;
use crate::sys::error::{Error, IoContext, Result};

/// What becomes of a column's values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::pull) enum Decision {
    /// They come as they are.
    Keep,
    /// None comes.
    Null,
    /// Equal ones come as equal digests.
    Hash,
    /// All are this text.
    Fixed(String),
    /// They are what this expression makes of the row `t`.
    Sql(String),
}

/// The decisions of a project.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Masks {
    /// By pattern of tables, then by column.
    #[serde(default)]
    table: BTreeMap<String, BTreeMap<String, Decision>>,
}

impl Masks {
    /// Reads a project's decisions; none without the file.
    ///
    /// # Errors
    /// `Conflict` for a file that cannot be understood.
    pub fn read(file: &Path) -> Result<Option<Self>> {
        if !file.exists() {
            return Ok(None);
        }
        let text = crate::sys::process::read_text(file).on("read", file)?;
        let masks = toml::from_str(&text).map_err(|error| {
            Error::conflict(format!("cannot understand {}", file.display()))
                .detail(error.to_string())
                .hint("a decision is \"keep\", \"null\", \"hash\", { fixed = \"…\" } or { sql = \"…\" }")
        });
        masks.map(Some)
    }

    /// Sets what each column of `tables` is read as.
    ///
    /// # Errors
    /// `Conflict`, naming them, for columns that need a decision, that two decide about, or that are
    /// not there.
    pub(in crate::pull) fn apply(&self, tables: &mut [Table]) -> Result<()> {
        let mut open = Vec::new();
        for table in tables {
            let undecided = self.open(table)?;
            open.extend(undecided.iter().map(|name| format!("{}.{name}", table.name)));
            for (column, decision) in self.of(table)? {
                if let Some(sql) = decision.expression(column) {
                    table.mask(column, sql);
                }
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        Err(Error::conflict("columns without a decision in staging.toml: nothing was pulled")
            .detail(open.join("\n"))
            .hint("decide for each: \"keep\", \"null\", \"hash\", { fixed = \"…\" } or { sql = \"…\" }"))
    }

    /// The columns of a table that need a decision, quoted.
    pub(in crate::pull) fn open(&self, table: &Table) -> Result<Vec<String>> {
        let decisions = self.of(table)?;
        let undecided = table.textual.iter().filter(|name| !decisions.contains_key(name.as_str()));
        Ok(undecided.map(|name| quote_ident(name)).collect())
    }

    /// The decisions about a table, by column.
    pub(in crate::pull) fn of(&self, table: &Table) -> Result<BTreeMap<&str, &Decision>> {
        let mut all = BTreeMap::new();
        for (pattern, decisions) in &self.table {
            if !table.is(&Pattern::parse(pattern)?) {
                continue;
            }
            for (column, decision) in decisions {
                let name = &table.name;
                if !table.columns.contains(column) {
                    return Err(Error::conflict(format!(
                        "staging.toml: {name} has no column {column}"
                    ))
                    .hint("correct its name, or take the line out"));
                }
                if all.insert(column.as_str(), decision).is_some() {
                    return Err(Error::conflict(format!(
                        "staging.toml: {name}, {column}: decided twice"
                    ))
                    .hint("several patterns match this table: leave one decision"));
                }
            }
        }
        Ok(all)
    }
}

impl Decision {
    /// What stands in the query; none: the column itself.
    fn expression(&self, column: &str) -> Option<String> {
        match self {
            Self::Keep => None,
            Self::Null => Some("NULL".to_owned()),
            Self::Hash => Some(
                sql!("pull/hash")
                    .lines()
                    .filter(|line| !line.starts_with("--"))
                    .collect::<String>()
                    .replace("@column@", &quote_ident(column)),
            ),
            Self::Fixed(text) => Some(quote_literal(text)),
            // a comment in it must not reach further
            Self::Sql(sql) => Some(format!("({sql}\n)")),
        }
    }
}
