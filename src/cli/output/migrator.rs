//! The output of the migrator as text. Pure.

use super::table;
use crate::command::migrator::inspect::{Finding, Info, Listed};
use crate::command::migrator::verify::Verdict;
use crate::migration::history::Event;
use crate::migration::migrate::Planned;

/// The migrations on disk, one on each line: the name, and the files that are missing. Scripts read
/// these lines.
pub(in crate::cli) fn list(listed: &[Listed]) -> String {
    let lines = listed.iter().map(|entry| match entry.missing().as_slice() {
        [] => format!("{}\n", entry.name),
        missing => format!("{}: missing {}\n", entry.name, missing.join(" ")),
    });
    lines.collect()
}

/// The state of each migration.
pub(in crate::cli) fn info(all: &[Info]) -> String {
    let head =
        ["Version", "Name", "State", "Previous", "Started", "Completed", "Duration", "By", "Error"];
    let rows = all.iter().map(|info| {
        let state = match (info.on_disk, info.deleted) {
            (true, _) => info.state.to_owned(),
            (false, true) => format!("{} (deleted)", info.state),
            (false, false) => format!("{} (no file)", info.state),
        };
        [
            info.version.to_string(),
            info.description.clone(),
            state,
            info.previous.map(|version| version.to_string()).unwrap_or_default(),
            info.started.clone().unwrap_or_default(),
            info.completed.clone().unwrap_or_default(),
            info.milliseconds.map(table::milliseconds).unwrap_or_default(),
            info.by.clone().unwrap_or_default(),
            table::first_line(info.error.as_deref()),
        ]
    });
    table::render(&head, rows)
}

/// The events of the history.
pub(in crate::cli) fn history(events: &[Event]) -> String {
    let head = ["Event", "When", "Migration", "Action", "State", "By", "Remark"];
    let rows = events.iter().map(|event| {
        [
            event.id.to_string(),
            event.happened.clone(),
            event.name.clone(),
            event.action.clone(),
            event.state.clone(),
            event.actor.clone(),
            table::first_line(event.error.as_deref().or(event.note.as_deref())),
        ]
    });
    table::render(&head, rows)
}

/// The plan of a dry run, as SQL.
pub(in crate::cli) fn plan(steps: &[Planned], bundle: bool) -> String {
    let first = "-- first: the hectic bundle (`migrator init --dry-run` prints it)\n";
    let mut parts: Vec<String> = bundle.then(|| first.to_owned()).into_iter().collect();
    parts.extend(steps.iter().map(|step| {
        let alone = if step.transactional { "" } else { ", without a transaction" };
        format!("-- {} {}{alone}\n{}\n", step.direction, step.name, step.sql.trim_end())
    }));
    parts.join("\n")
}

/// The findings of `validate`.
pub(in crate::cli) fn findings(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let weight = if finding.warning { "warning" } else { "error" };
        format!("{weight}: {}: {}\n", finding.name, finding.problem)
    });
    lines.collect()
}

/// The result of verifying one migration.
pub(in crate::cli) fn verdict(verdict: &Verdict) -> String {
    let mut text = match verdict.reversible {
        true => format!("ok      {}\n", verdict.name),
        false => format!("FAILED  {}\n", verdict.name),
    };
    let mut add = |title: &str, lines: &[String]| {
        if !lines.is_empty() {
            text.push_str(&format!("  {title}:\n"));
            text.extend(
                lines.iter().flat_map(|line| line.lines()).map(|line| format!("    {line}\n")),
            );
        }
    };
    add("differs after the down from before the up", &verdict.after_down);
    add("differs after the second up from after the first", &verdict.after_up_again);
    add("differences that do not count", &verdict.notes);
    add("could not be tried", verdict.error.as_slice());
    text
}
