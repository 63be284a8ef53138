//! The file `staging.toml`: one decision for each column whose values may be personal.
//!
//! It fails closed. Every column that can hold text needs a decision, so a new column stops the
//! pull instead of coming along unnoticed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::postgres::sql::quote::{quote_ident, quote_literal};
use crate::pull::select::pattern::Pattern;
use crate::pull::select::table::{DescribedTable, Table};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::shown::toml_error;

/// A mask: the treatment of one column's values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::pull) enum Decision {
    /// Pull the values unchanged.
    Keep,
    /// Pull `NULL` instead.
    Null,
    /// Pull digests; equal values have equal digests.
    Hash,
    /// Pull this text instead of every value.
    Fixed(String),
    /// Pull the value of this SQL expression over the row `t`.
    Sql(String),
}

/// A project's file, as far as it has masks.
#[derive(Deserialize)]
struct Project {
    pull: Option<PullSection>,
}

#[derive(Deserialize)]
struct PullSection {
    mask: Option<BTreeMap<String, BTreeMap<String, Decision>>>,
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let (line, message) = toml_error(text, error.span(), error.message());
        Error::conflict(format!("line {line}: {message}")).hint(
            "a decision is \"keep\", \"null\", \"hash\", { fixed = \"…\" } or { sql = \"…\" }",
        )
    })
}

/// The masks of a project.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Masks {
    /// By table pattern, then by column.
    #[serde(default)]
    table: BTreeMap<String, BTreeMap<String, Decision>>,
}

impl Masks {
    /// Reads `staging.toml`. Returns `None` if there is no such file.
    ///
    /// # Errors
    /// `Conflict` if the file is invalid.
    pub fn read(file: &Path) -> Result<Option<Self>> {
        if !file.exists() {
            return Ok(None);
        }
        let text = crate::sys::process::read_text(file).on("read", file)?;
        parse(&text).map(Some).map_err(|error| error.context(file.display().to_string()))
    }

    /// Reads the section `pull.mask` of a project's file. Returns `None` if there is no such section.
    ///
    /// # Errors
    /// `Conflict` if the section is invalid.
    pub fn of_project(text: &str) -> Result<Option<Self>> {
        let Project { pull } = parse(text)?;
        Ok(pull.and_then(|pull| pull.mask).map(|table| Self { table }))
    }

    /// Sets the expression that the pull reads for each column of `tables`.
    ///
    /// # Errors
    /// `Conflict` for columns that have no decision, have two decisions, or do not exist. The error
    /// names them.
    pub(in crate::pull) fn apply(&self, tables: &mut [Table]) -> Result<()> {
        let mut open = Vec::new();
        for table in tables {
            let undecided = self.undecided(table)?;
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

    /// The columns of a table that still need a decision, as quoted identifiers.
    pub(in crate::pull) fn undecided(&self, table: &DescribedTable) -> Result<Vec<String>> {
        let decisions = self.of(table)?;
        let undecided = table.textual.iter().filter(|name| !decisions.contains_key(name.as_str()));
        Ok(undecided.map(|name| quote_ident(name)).collect())
    }

    /// The decisions about a table, by column.
    pub(in crate::pull) fn of(&self, table: &DescribedTable) -> Result<BTreeMap<&str, &Decision>> {
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
    /// The SQL expression to read. `None` means the column itself.
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
            // a line break ends a comment that the user may have written
            Self::Sql(sql) => Some(format!("({sql}\n)")),
        }
    }
}
