//! `database pull_staging --check`: prints the result of the check as tables.

use crate::cli::output::text::size;
use crate::cli::output::{table, ui};
use crate::cli::resolve::Resolve;
use crate::command::pull_staging::{Checked, PullStaging};
use crate::pull::{Health, TableHealth};
use crate::sys::error::Result;

pub(in crate::cli) fn run(resolve: &Resolve, pull: &PullStaging) -> Result<()> {
    let client = resolve.client().ok();
    let target = resolve.connection().ok();
    let mut checked = pull.check(client.as_ref(), target.as_ref())?;
    let facts = table::render(&["What", "Found"], facts(pull, &checked).into_iter());
    let tables = table::render(
        &["Table", "Rows", "Size", "Verdict"],
        checked.health.tables.iter().map(line),
    );
    ui::data(|out| write!(out, "{facts}\n{tables}"))?;
    checked.health.verdict()
}

fn facts(pull: &PullStaging, checked: &Checked) -> Vec<[String; 2]> {
    let milliseconds = |time: std::time::Duration| table::milliseconds(time.as_secs_f64() * 1000.0);
    let Health { version, role, rate, estimate, standby, shares_snapshot, tables, .. } =
        &checked.health;
    let mut facts = Vec::new();
    let mut fact = |what: &str, found: String| facts.push([what.to_owned(), found]);
    if let (Some(host), Some(took)) = (&pull.ssh_host, checked.ssh) {
        fact("ssh", format!("{host}, reached in {}", milliseconds(took)));
    }
    let standby = if *standby { ", a standby" } else { "" };
    let reached = milliseconds(checked.server);
    fact("staging", format!("PostgreSQL {version}{standby}, as {role}, reached in {reached}"));
    if let Some(psql) = &checked.psql {
        fact("psql", psql.clone());
    }
    if let Some(target) = &checked.target {
        fact("target", format!("PostgreSQL {target}"));
    }
    let shared = if *shares_snapshot { "can be shared by jobs" } else { "not shared by jobs" };
    fact("snapshot", shared.to_owned());
    let all: i64 = tables.iter().map(|table| table.bytes).sum();
    let (all, rate) = (size(all.unsigned_abs()), size(rate.round() as u64));
    let seconds = estimate.as_secs_f64().ceil();
    fact("time", format!("about {seconds} s, of {all} on disk at no more than {rate}/s, one job"));
    facts
}

fn line(table: &TableHealth) -> [String; 4] {
    let rows = table.rows.map(|rows| format!("about {rows}")).unwrap_or_default();
    let verdict = match table.obstacles.as_slice() {
        [] => "ok".to_owned(),
        all => all.join("; "),
    };
    [table.name.clone(), rows, size(table.bytes.unsigned_abs()), verdict]
}
