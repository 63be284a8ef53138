//! A comparison as text. `+` marks objects on side B only, `-` those on side A only, `~` those that
//! differ.

use std::fmt::Write as _;

use anstyle::AnsiColor;
use serde_json::json;
use similar::TextDiff;

use crate::command::diff::{Report, Weight};
use crate::compare::drift::{Difference, by_object};
use crate::compare::facts::{Identity, What};
use crate::compare::origin::Origin;
use crate::compare::rows::{Change, Side, TableDiff};
use crate::sys::error::{Error, Result};

/// Formats the report. Returns an empty text if nothing differs.
pub(in crate::cli) fn text(report: &Report) -> String {
    if report.schema.is_empty() && report.rows.is_empty() {
        return String::new();
    }
    let mut text = format!("--- {}\n+++ {}\n", report.a, report.b);
    if !report.schema.is_empty() {
        text.push_str("\n--- SCHEMA ---\n");
    }
    for (identity, differences) in by_object(&report.schema) {
        object(&mut text, identity, &differences);
    }
    if !report.rows.is_empty() {
        text.push_str("\n--- IMMUTABLE TABLE DATA ---\n");
    }
    report.rows.iter().for_each(|table| rows(&mut text, table));
    text
}

/// Formats the report as JSON; `docs/reference/json.md` describes its fields.
pub(in crate::cli) fn json(report: &Report, weight: Weight) -> Result<String> {
    let schema: Vec<_> = report
        .schema
        .iter()
        .map(|difference| {
            let (change, property, before, after) = match &difference.what {
                What::Added => ("added", None, None, None),
                What::Removed => ("removed", None, None, None),
                What::Changed { property, before, after } => {
                    ("changed", Some(property), before.as_ref(), after.as_ref())
                }
            };
            json!({
                "class": difference.class, "kind": difference.identity.kind.label(),
                "name": difference.identity.name, "change": change, "property": property,
                "before": before, "after": after, "hint": difference.hint, "origin": difference.origin,
            })
        })
        .collect();
    let all = json!({
        "a": report.a, "b": report.b, "counting": weight.counting, "other": weight.other,
        "schema": schema, "rows": report.rows, "ignored": report.ignored,
    });
    let text = serde_json::to_string_pretty(&all);
    text.map(|text| text + "\n")
        .map_err(|error| Error::unexpected(format!("cannot write JSON: {error}")))
}

/// Colours each line by its sign.
pub(in crate::cli) fn coloured(text: &str) -> String {
    let line = |line: &str| {
        let colour = match line.trim_start().chars().next() {
            Some('+') => AnsiColor::Green,
            Some('-') => AnsiColor::Red,
            Some('~') => AnsiColor::Yellow,
            _ => return format!("{line}\n"),
        };
        let style = colour.on_default();
        format!("{style}{line}{style:#}\n")
    };
    text.lines().map(line).collect()
}

fn object(text: &mut String, identity: &Identity, differences: &[&Difference]) {
    let identity = line(&identity.to_string());
    for difference in differences {
        let class = difference.class.as_str();
        let _ = match &difference.what {
            What::Added => writeln!(text, "+ {identity}  [{class}]"),
            What::Removed => writeln!(text, "- {identity}  [{class}]"),
            What::Changed { property, before, after } => {
                let _ = writeln!(text, "~ {identity}: {}  [{class}]", line(property));
                values(text, before.as_deref(), after.as_deref());
                Ok(())
            }
        };
        if let Some(hint) = difference.hint {
            let _ = writeln!(text, "    hint: {hint}");
        }
        let Origin { a, b } = &difference.origin;
        for (side, origin) in [("A", a), ("B", b)] {
            let _ = origin.as_ref().map(|origin| writeln!(text, "    {side}: {origin}"));
        }
    }
}

/// Writes two short values on one line, longer ones as a unified diff.
fn values(text: &mut String, before: Option<&str>, after: Option<&str>) {
    let (before, after) = (before.unwrap_or("(none)"), after.unwrap_or("(none)"));
    if !before.contains('\n') && !after.contains('\n') && before.len() + after.len() < 150 {
        let _ = writeln!(text, "    {} → {}", line(before), line(after));
        return;
    }
    let diff = TextDiff::from_lines(before, after);
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        for one in hunk.to_string().lines().filter(|one| !one.starts_with('\\')) {
            let _ = writeln!(text, "    {}", line(one));
        }
    }
}

/// Puts text from the database on one line and escapes control characters, which a terminal would
/// obey.
pub(in crate::cli) fn line(text: &str) -> String {
    let mut line = String::new();
    for one in text.chars() {
        match one.is_control() && one != '\t' {
            true => line.extend(one.escape_debug()),
            false => line.push(one),
        }
    }
    line
}

fn rows(text: &mut String, table: &TableDiff) {
    let name = line(&table.table);
    let _ = match table.only_on {
        None => writeln!(text, "~ {name}"),
        Some(Side::A) => writeln!(text, "- {name} (on this side only)"),
        Some(Side::B) => writeln!(text, "+ {name} (on this side only)"),
    };
    for change in &table.changes {
        let _ = match change {
            Change::Added { cells } => writeln!(text, "    + {}", row(&table.columns, cells)),
            Change::Removed { cells } => writeln!(text, "    - {}", row(&table.columns, cells)),
            Change::Changed { key, cells } => {
                let changed = cells.iter().map(|cell| {
                    let (before, after) = (value(cell.before.as_ref()), value(cell.after.as_ref()));
                    format!("{}: {before} → {after}", line(&cell.column))
                });
                let changed = changed.collect::<Vec<_>>().join(", ");
                writeln!(text, "    ~ {}; {changed}", row(&table.key, key))
            }
        };
    }
    if table.more > 0 {
        let _ = writeln!(text, "    … and {} more rows", table.more);
    }
}

fn row(columns: &[String], cells: &[Option<String>]) -> String {
    let cells = columns.iter().zip(cells);
    cells
        .map(|(column, cell)| format!("{}={}", line(column), value(cell.as_ref())))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Formats a value on one line, so that it differs from NULL.
fn value(cell: Option<&String>) -> String {
    let Some(text) = cell else { return "NULL".to_owned() };
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '\'';
    if text != "NULL" && !text.is_empty() && !text.contains(is_odd) {
        return text.clone();
    }
    let escaped = text.escape_debug().to_string().replace("\\'", "''").replace("\\\"", "\"");
    format!("'{escaped}'")
}
