//! `database status --all`: prints everything that db-tool keeps on this machine for this user.

use std::time::Duration;

use crate::cli::output::text::{size, span};
use crate::cli::output::{table, ui};
use crate::cli::resolve::Resolve;
use crate::command::inventory::{self, Item};
use crate::sys::error::Result;

pub(super) fn show(resolve: &Resolve, json: bool) -> Result<()> {
    note_own_cluster(resolve);
    let items = inventory::run(&resolve.collector());
    if json {
        return ui::data(|out| {
            let text = serde_json::to_string(&items).map_err(std::io::Error::other)?;
            writeln!(out, "{text}")
        });
    }
    if items.is_empty() {
        return ui::data(|out| writeln!(out, "nothing of db-tool is on this machine"));
    }
    let heads = ["kind", "state", "size", "age", "last use", "leases", "path", "project"];
    let text = table::render(&heads, items.iter().map(row));
    ui::data(|out| out.write_all(text.as_bytes()))
}

/// A project that was moved is recognised when a command runs in its new place.
fn note_own_cluster(resolve: &Resolve) {
    let Ok(layout) = resolve.layout() else { return };
    if layout.data().join("PG_VERSION").is_file() {
        let project = resolve.workspace().ok().map(|workspace| workspace.root);
        resolve.clusters().note(&layout, project.as_deref());
    }
}

fn row(item: &Item) -> [String; 8] {
    let time = |seconds: Option<u64>| {
        seconds.map_or_else(|| "-".to_owned(), |seconds| span(Duration::from_secs(seconds)))
    };
    let holders: Vec<_> = item.holders.iter().map(|holder| holder.pid.to_string()).collect();
    [
        item.kind.word().to_owned(),
        item.state.word().to_owned(),
        size(item.bytes),
        time(item.age_seconds),
        time(item.idle_seconds),
        holders.join(", "),
        item.path.clone(),
        item.project.clone().unwrap_or_default(),
    ]
}
