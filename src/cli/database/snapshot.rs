//! The verbs of `database snapshot`: they resolve values, run the command and print its report.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::cli::args::snapshot::SnapshotVerb;
use crate::cli::guard::{check_inherits, refuse_elsewhere, refuse_other_cluster};
use crate::cli::output::text::{size, span, time_of, timing};
use crate::cli::output::{table, ui};
use crate::cli::resolve::Resolve;
use crate::cluster::{ClusterSpec, is_meant_by};
use crate::command::snapshot::{self, Listed, Restored, Target};
use crate::postgres::connection::conninfo::Conninfo;
use crate::sys::error::Result;

pub(in crate::cli) fn run(
    resolve: &Resolve,
    verb: &SnapshotVerb,
    inherits: &[String],
) -> Result<()> {
    let restores = matches!(verb, SnapshotVerb::Restore { .. });
    if !restores {
        check_inherits(resolve, inherits)?;
    }
    match verb {
        SnapshotVerb::Save { name, replace } => save(resolve, name, *replace)?,
        SnapshotVerb::Restore { name } => restore(resolve, name)?,
        SnapshotVerb::List { json } => list(resolve, *json)?,
        SnapshotVerb::Rm { name } => {
            snapshot::remove(&spec(resolve)?, name)?;
            ui::status(&format!("removed: {name}"));
        }
    }
    if restores { check_inherits(resolve, inherits) } else { Ok(()) }
}

fn save(resolve: &Resolve, name: &str, replace: bool) -> Result<()> {
    let steps = snapshot::save(target(resolve)?, name, replace)?;
    ui::status(&format!("saved: {name}{}", timing(&steps)));
    resolve.watch_again()
}

fn restore(resolve: &Resolve, name: &str) -> Result<()> {
    let target = target(resolve)?;
    let (layout, port) = (&target.spec.layout, target.spec.settings.port);
    let connection = resolve.project_connection()?;
    let meant = connection.filter(|conninfo| is_meant_by(layout, port, conninfo));
    let role = meant.map(Conninfo::user);
    let options = resolve.options()?;
    let Restored { url, warnings, saved, steps } =
        snapshot::restore(target, name, (role, options.as_deref()), &resolve.keys())?;
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = span(now.saturating_sub(Duration::from_secs(saved)));
    ui::status(&format!("restored {name}, {age} old: {url}{}", timing(&steps)));
    resolve.watch_again()
}

fn list(resolve: &Resolve, json: bool) -> Result<()> {
    let spec = resolve.spec(resolve.layout()?)?;
    let all = snapshot::list(&spec)?;
    if all.is_empty() && !json {
        let place = spec.layout.working_directory().display();
        ui::status(&format!("no snapshots in {place}"));
        return Ok(());
    }
    ui::data(|out| {
        if json { writeln!(out, "{}", as_json(&all)) } else { write!(out, "{}", as_text(&all)) }
    })
}

fn as_json(all: &[Listed]) -> serde_json::Value {
    let objects = all.iter().map(|one| {
        let Listed { name, saved, bytes, version } = one;
        json!({ "name": name, "saved": time_of(*saved, 'T', "Z"), "epoch": saved,
                "bytes": bytes, "version": version })
    });
    objects.collect()
}

fn as_text(all: &[Listed]) -> String {
    let rows = all.iter().map(|one| {
        [one.name.clone(), time_of(one.saved, ' ', ""), size(one.bytes), one.version.clone()]
    });
    table::render(&["Name", "Saved (UTC)", "Size", "PostgreSQL"], rows)
}

fn target(resolve: &Resolve) -> Result<Target> {
    Ok(Target {
        spec: spec(resolve)?,
        toolchain: resolve.toolchain()?,
        force: resolve.env.switch("PG_FORCE"),
    })
}

/// The development cluster. Refuses a project or a command line that names another one.
fn spec(resolve: &Resolve) -> Result<ClusterSpec> {
    refuse_elsewhere(resolve)?;
    let layout = resolve.layout()?;
    refuse_other_cluster(resolve, &layout)?;
    resolve.spec(layout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_for_people_and_one_for_programs() {
        let all = [Listed {
            name: "a".into(),
            saved: 1_700_000_000,
            bytes: 40_000_000,
            version: "17".into(),
        }];
        assert_eq!(
            as_text(&all),
            "Name  Saved (UTC)          Size   PostgreSQL\na     2023-11-14 22:13:20  40 MB  17\n"
        );
        assert_eq!(
            as_json(&all).to_string(),
            r#"[{"bytes":40000000,"epoch":1700000000,"name":"a","saved":"2023-11-14T22:13:20Z","version":"17"}]"#
        );
    }
}
