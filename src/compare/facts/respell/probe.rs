//! Builds the statement that lets the server parse a definition.

use crate::compare::facts::definition::split_name;
use crate::compare::facts::property;
use crate::compare::facts::{Identity, Kind, Object};

/// The name of the objects that are made from definitions.
const NAME: &str = "db-tool second spelling";
const QUOTED: &str = "\"db-tool second spelling\"";
const IN_TEMP: &str = "pg_temp.\"db-tool second spelling\"";

/// A statement that makes an object from a definition.
pub struct Probe {
    /// The statement.
    pub statement: String,
    /// The kind of object in the terms of `second-spelling.sql`.
    pub sort: &'static str,
    /// The object's name.
    pub name: String,
    /// The rest of the property's text, outside of the expression.
    pub besides: String,
}

impl Probe {
    /// Builds a probe. `None` for a property that is not an expression, whose text never changes.
    pub fn of(identity: &Identity, object: &Object, property: &str, value: &str) -> Option<Self> {
        let name = &identity.name;
        let container = object.container.as_ref();
        match (identity.kind, property) {
            (Kind::Column, property::DEFAULT) => expression(value, &container?.name, ""),
            (Kind::Column, property::GENERATED) => {
                let (value, how) = value.rsplit_once(' ')?;
                expression(value, &container?.name, how)
            }
            (Kind::Policy, property::USING | property::WITH_CHECK) => {
                expression(value, &container?.name, "")
            }
            (Kind::Domain, property::DEFAULT) => view(&format!("SELECT ({value})")),
            (Kind::Publication, _) => {
                let (columns, filter) = value.split_once(") where ")?;
                expression(filter, property.strip_prefix("table ")?, columns)
            }
            (Kind::Table, property::PARTITION_KEY) => {
                let table = format!("CREATE TABLE {IN_TEMP} (LIKE {name})");
                probe("partitioned table", format!("{table} PARTITION BY {value}"))
            }
            (_, property::DEFINITION) => definition(identity, container, value),
            _ => None,
        }
    }
}

fn definition(identity: &Identity, container: Option<&Identity>, value: &str) -> Option<Probe> {
    let name = &identity.name;
    match identity.kind {
        Kind::View | Kind::MaterializedView => view(value),
        Kind::Constraint if value.starts_with("CHECK ") || value.starts_with("EXCLUDE ") => {
            let sort = if container?.kind == Kind::Domain { "DOMAIN" } else { "TABLE" };
            let on = format!("{sort} {}", container?.name);
            let constraint = format!("CONSTRAINT {QUOTED} {value}");
            probe("constraint", format!("ALTER {on} ADD {constraint}"))
        }
        Kind::Index => probe("index", named(value)?),
        Kind::Trigger => probe("trigger", named(value)?),
        Kind::Rule => probe("rule", named(value)?),
        Kind::Function | Kind::Procedure if value.starts_with("CREATE OR REPLACE ") => {
            Some(Probe { name: name.clone(), ..probe("routine", value.to_owned())? })
        }
        Kind::Statistics if value.starts_with("CREATE STATISTICS ") => {
            probe(property::STATISTICS, value.replacen(name, IN_TEMP, 1))
        }
        _ => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what has no probe has none beside it")]
fn probe(sort: &'static str, statement: String) -> Option<Probe> {
    Some(Probe { statement, sort, name: NAME.to_owned(), besides: String::new() })
}

fn view(query: &str) -> Option<Probe> {
    probe("view", format!("CREATE VIEW {IN_TEMP} AS {query}"))
}

/// Puts an expression over a relation's columns into a view, because a view can read every kind of
/// relation and does not evaluate the expression.
fn expression(text: &str, relation: &str, besides: &str) -> Option<Probe> {
    let query = format!("SELECT ({text}) FROM {relation}");
    Some(Probe { besides: besides.to_owned(), ..view(&query)? })
}

/// Replaces the name in a definition by the name of the probe.
fn named(definition: &str) -> Option<String> {
    let (head, _, tail) = split_name(definition)?;
    Some([head, QUOTED, tail].concat())
}

/// Replaces the name in `other` by the name in `definition`.
pub fn renamed(definition: &str, other: &str) -> Option<String> {
    let (_, name, _) = split_name(definition)?;
    let (head, _, tail) = split_name(other)?;
    Some([head, name, tail].concat())
}
