//! Sequences: their next values must be within their bounds and beyond the values in the rows.
//!
//! The position of a sequence is not a part of the schema and differs between servers, so the
//! statements here read it when they run.

use crate::compare::facts::property;
use std::collections::BTreeSet;

use super::name::{container, own};
use super::options::sequence_options;
use super::plan::Plan;
use crate::compare::facts::{Identity, Kind, Object};
use crate::compare::rows::{Change, TableDiff};
use crate::postgres::sql::quote::quote_literal;
use crate::postgres::sql::template::fill;

/// Moves a sequence beyond the values of a column, never back.
const ADVANCE: &str = sql!("draft/advance");
/// Moves a sequence that is outside of its bounds to its beginning.
const BEGIN: &str = sql!("draft/begin");

fn number(sequence: &Object, property: &str) -> Option<i64> {
    sequence.get(property)?.parse().ok()
}

fn descends(sequence: &Object) -> bool {
    number(sequence, property::INCREMENT).is_some_and(|increment| increment < 0)
}

fn literal(name: &str) -> String {
    quote_literal(name).trim_start().to_owned()
}

/// Changes the bounds, the start and the other options from one side to the other.
pub(super) fn change(identity: &Identity, before: &Object, after: &Object) -> Vec<String> {
    let name = &identity.name;
    let options = sequence_options(after);
    let mut all = Vec::new();
    let mut restart = String::new();
    if begins_anew(before, after) {
        let start = after.get(property::START).unwrap_or("1");
        restart = format!(" RESTART {start}");
    } else if let Some((bound, beyond)) = lifted(before, after) {
        let known = [before, after];
        let fits = |value: i64| {
            let within = |s: &&Object| {
                number(s, property::MINIMUM) <= Some(value)
                    && Some(value) <= number(s, property::MAXIMUM)
            };
            known.iter().all(within)
        };
        let value = number(after, property::START).filter(|start| fits(*start)).unwrap_or(bound);
        let (value, bound) = (value.to_string(), bound.to_string());
        let values = [
            ("sequence", literal(name)),
            ("value", value),
            ("name", name.clone()),
            ("beyond", beyond.to_owned()),
            ("bound", bound),
        ];
        all.push(filled(BEGIN, &values));
    }
    let what = options.trim_start();
    all.push(format!("ALTER SEQUENCE {name} {what}{restart};"));
    all
}

/// The bound at which a sequence begins, if it moved forward, with the operator for values before
/// it.
fn lifted(before: &Object, after: &Object) -> Option<(i64, &'static str)> {
    let (property, beyond) =
        if descends(after) { (property::MAXIMUM, ">") } else { (property::MINIMUM, "<") };
    let (old, new) = (number(before, property)?, number(after, property)?);
    let is_lifted = if descends(after) { new < old } else { new > old };
    is_lifted.then_some((new, beyond))
}

/// Checks whether the old and the new range of values do not overlap.
fn begins_anew(before: &Object, after: &Object) -> bool {
    let ends = |sequence| {
        Some((number(sequence, property::MINIMUM)?, number(sequence, property::MAXIMUM)?))
    };
    match (ends(before), ends(after)) {
        (Some(old), Some(new)) => new.0 > old.1 || new.1 < old.0,
        _ => false,
    }
}

fn filled(template: &str, values: &[(&str, String)]) -> String {
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fill(template, &values).trim_end().to_owned()
}

/// The statements for sequences that may be behind the values of their column: the sequence numbers
/// the column only on the second side, or the draft adds rows with numbers.
pub(super) fn behind(plan: &Plan, rows: &[TableDiff]) -> Vec<(Identity, Vec<String>)> {
    let filled: BTreeSet<&str> = rows
        .iter()
        .filter(|table| {
            table.changes.iter().any(|change| !matches!(change, Change::Removed { .. }))
        })
        .map(|table| table.table.as_str())
        .collect();
    let mut found = Vec::new();
    for (column, object) in plan.to.facts.iter().filter(|(i, _)| i.kind == Kind::Column) {
        let Some((sequence, to)) = plan.to.sequence_of(column, object) else { continue };
        let is_filled = filled.contains(container(object));
        if is_number(plan, object) && (is_filled || is_behind(plan, column, sequence, to)) {
            found.push((sequence.clone(), vec![advance(column, object, sequence, to)]));
        }
    }
    found
}

/// Checks whether an existing column gets another sequence, or one that begins anew.
fn is_behind(plan: &Plan, column: &Identity, sequence: &Identity, to: &Object) -> bool {
    let Some(before) = plan.from.facts.get(column) else { return false };
    if plan.rebuilt.contains(column) {
        return false;
    }
    let Some((old, from)) = plan.from.sequence_of(column, before) else { return true };
    let is_new = plan.made.contains(sequence) || plan.dropped.contains(sequence);
    let is_moved = begins_anew(from, to) || lifted(from, to).is_some();
    old != sequence || is_new || is_moved || descends(from) != descends(to)
}

/// Checks whether the values of a column are numbers, directly or through domains.
fn is_number(plan: &Plan, column: &Object) -> bool {
    let mut name = column.get(property::TYPE).unwrap_or_default();
    for _ in 0..100 {
        let domain = Identity { kind: Kind::Domain, name: name.to_owned() };
        match plan.to.facts.get(&domain).and_then(|domain| domain.get(property::TYPE)) {
            Some(base) => name = base,
            None => break,
        }
    }
    let name = name.split('(').next().unwrap_or_default();
    ["smallint", "integer", "bigint", "numeric"].contains(&name)
}

fn advance(column: &Identity, object: &Object, sequence: &Identity, to: &Object) -> String {
    let (last, beyond) = if descends(to) { ("min", "<=") } else { ("max", ">=") };
    let values = [
        ("sequence", literal(&sequence.name)),
        ("last", last.to_owned()),
        ("column", own(column, object).to_owned()),
        ("table", container(object).to_owned()),
        ("beyond", beyond.to_owned()),
        ("name", sequence.name.clone()),
    ];
    filled(ADVANCE, &values)
}

/// Checks whether an identity column has another sequence on the other side.
pub(super) fn is_exchanged(plan: &Plan, column: &Identity) -> bool {
    let (Some(before), Some(after)) = plan.both(column) else { return false };
    let (old, new) =
        (plan.from.identity_sequence(column, before), plan.to.identity_sequence(column, after));
    matches!((old, new), (Some((old, _)), Some((new, _))) if old != new)
}
