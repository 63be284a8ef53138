//! Aggregates. PostgreSQL prints no definition for them, so the statement is built from the
//! catalog's properties.

use super::mention::chains;
use super::spread::short;
use crate::compare::facts::property;
use crate::compare::facts::{Identity, Kind, Object};
use crate::postgres::sql::quote::quote_literal;

/// Properties that name a function, with their keywords.
const FUNCTIONS: [(&str, &str); 8] = [
    (property::TRANSITION_FUNCTION, "SFUNC"),
    (property::FINAL_FUNCTION, "FINALFUNC"),
    (property::COMBINE_FUNCTION, "COMBINEFUNC"),
    (property::SERIAL_FUNCTION, "SERIALFUNC"),
    (property::DESERIAL_FUNCTION, "DESERIALFUNC"),
    (property::MOVING_TRANSITION_FUNCTION, "MSFUNC"),
    (property::MOVING_INVERSE_FUNCTION, "MINVFUNC"),
    (property::MOVING_FINAL_FUNCTION, "MFINALFUNC"),
];

/// Properties whose text is used unchanged, with their keywords.
const PLAIN: [(&str, &str); 4] = [
    (property::TRANSITION_TYPE, "STYPE"),
    (property::TRANSITION_SPACE, "SSPACE"),
    (property::MOVING_TRANSITION_TYPE, "MSTYPE"),
    (property::MOVING_TRANSITION_SPACE, "MSSPACE"),
];

pub(super) fn create(name: &str, object: &Object) -> Option<String> {
    let identity = Identity { kind: Kind::Aggregate, name: name.to_owned() };
    let arguments = object.get(property::ARGUMENTS).filter(|text| !text.is_empty()).unwrap_or("*");
    let function = |text: &str| chains(text).into_iter().next();
    let mut parts = Vec::new();
    for (property, word) in FUNCTIONS {
        let value = object.get(property).and_then(function);
        parts.extend(value.map(|value| format!("{word} = {value}")));
    }
    for (property, word) in PLAIN {
        parts.extend(object.get(property).map(|value| format!("{word} = {value}")));
    }
    for (property, word) in [
        (property::INITIAL_CONDITION, "INITCOND"),
        (property::MOVING_INITIAL_CONDITION, "MINITCOND"),
    ] {
        let value = object.get(property).map(quote_literal);
        parts.extend(value.map(|value| format!("{word} = {}", value.trim())));
    }
    for (property, prefix) in
        [(property::FINAL_FUNCTION_OPTIONS, ""), (property::MOVING_FINAL_FUNCTION_OPTIONS, "M")]
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
    if let Some(operator) =
        object.get(property::SORT_OPERATOR).and_then(|text| text.split('(').next())
    {
        let schema = if operator.contains('.') { "" } else { "pg_catalog." };
        parts.push(format!("SORTOP = OPERATOR({schema}{operator})"));
    }
    parts.extend(
        object
            .get(property::PARALLEL)
            .map(|how| format!("PARALLEL = {}", if how == "s" { "SAFE" } else { "RESTRICTED" })),
    );
    parts.extend((object.get(property::FORM) == Some("h")).then(|| "HYPOTHETICAL".to_owned()));
    Some(format!("CREATE AGGREGATE {}({arguments}) ({});", short(&identity), parts.join(", ")))
}
