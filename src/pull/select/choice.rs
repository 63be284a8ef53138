//! The rows of one table that the rules of the user choose.

use super::table::Table;
use crate::postgres::sql::quote::quote_ident;
use crate::pull::{PullOptions, Rule};

/// Checks whether the user restricted the rows of a table.
pub(in crate::pull) fn is_restricted(table: &Table, options: &PullOptions) -> bool {
    options.conditions.iter().chain(&options.limits).any(|rule| rule.table == table.name)
}

/// The user's choice of rows of one table, as SQL.
pub(in crate::pull) struct Choice {
    pub(in crate::pull) condition: String,
    pub(in crate::pull) order: String,
    pub(in crate::pull) limit: Option<String>,
}

/// Builds the choice from the rules of a table.
pub(in crate::pull) fn choice(table: &Table, options: &PullOptions) -> Choice {
    let columns =
        |names: &[String]| names.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
    let order = match table.key.as_slice() {
        // not every type has an order, but every row has a text
        [] => format!("ROW({})::pg_catalog.text COLLATE pg_catalog.\"C\"", columns(&table.columns)),
        key => columns(key),
    };
    let of = |rules: &[Rule]| {
        rules.iter().find(|rule| rule.table == table.name).map(|rule| rule.text.clone())
    };
    // a line break ends a comment in the user's condition
    let conditions = of(&options.conditions).map(|condition| format!("({condition}\n)"));
    let conditions: Vec<String> =
        conditions.into_iter().chain(table.increment.condition.clone()).collect();
    let condition = match conditions.as_slice() {
        [] => String::new(),
        all => format!(" WHERE {}", all.join(" AND ")),
    };
    let limit = of(&options.limits).map(|limit| format!(" LIMIT {limit}"));
    Choice { condition, order, limit }
}

pub(in crate::pull) fn plain(name: &str) -> String {
    format!("t.{}", quote_ident(name))
}
