//! Aggregates. PostgreSQL prints no definition for them, so the statement is built from the
//! catalog's properties.

use super::mention::chains;
use super::spread::short;
use crate::compare::facts::{Identity, Kind, Object};
use crate::postgres::sql::quote::quote_literal;

/// Properties that name a function, with their keywords.
const FUNCTIONS: [(&str, &str); 8] = [
    ("transition function", "SFUNC"),
    ("final function", "FINALFUNC"),
    ("combine function", "COMBINEFUNC"),
    ("serial function", "SERIALFUNC"),
    ("deserial function", "DESERIALFUNC"),
    ("moving transition function", "MSFUNC"),
    ("moving inverse function", "MINVFUNC"),
    ("moving final function", "MFINALFUNC"),
];

/// Properties whose text is used unchanged, with their keywords.
const PLAIN: [(&str, &str); 4] = [
    ("transition type", "STYPE"),
    ("transition space", "SSPACE"),
    ("moving transition type", "MSTYPE"),
    ("moving transition space", "MSSPACE"),
];

pub(super) fn create(name: &str, object: &Object) -> Option<String> {
    let identity = Identity { kind: Kind::Aggregate, name: name.to_owned() };
    let arguments = object.get("arguments").filter(|text| !text.is_empty()).unwrap_or("*");
    let function = |text: &str| chains(text).into_iter().next();
    let mut parts = Vec::new();
    for (property, word) in FUNCTIONS {
        let value = object.get(property).and_then(function);
        parts.extend(value.map(|value| format!("{word} = {value}")));
    }
    for (property, word) in PLAIN {
        parts.extend(object.get(property).map(|value| format!("{word} = {value}")));
    }
    for (property, word) in
        [("initial condition", "INITCOND"), ("moving initial condition", "MINITCOND")]
    {
        let value = object.get(property).map(quote_literal);
        parts.extend(value.map(|value| format!("{word} = {}", value.trim())));
    }
    for (property, prefix) in
        [("final function options", ""), ("moving final function options", "M")]
    {
        let Some(options) = object.get(property) else { continue };
        let how = match options.chars().next()? {
            'r' => "READ_ONLY",
            's' => "SHAREABLE",
            _ => "READ_WRITE",
        };
        parts.push(format!("{prefix}FINALFUNC_MODIFY = {how}"));
        parts.extend(options.ends_with(" extra").then(|| format!("{prefix}FINALFUNC_EXTRA")));
    }
    if let Some(operator) = object.get("sort operator").and_then(|text| text.split('(').next()) {
        let schema = if operator.contains('.') { "" } else { "pg_catalog." };
        parts.push(format!("SORTOP = OPERATOR({schema}{operator})"));
    }
    parts.extend(
        object
            .get("parallel")
            .map(|how| format!("PARALLEL = {}", if how == "s" { "SAFE" } else { "RESTRICTED" })),
    );
    parts.extend((object.get("form") == Some("h")).then(|| "HYPOTHETICAL".to_owned()));
    Some(format!("CREATE AGGREGATE {}({arguments}) ({});", short(&identity), parts.join(", ")))
}
