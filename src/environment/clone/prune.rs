//! Drops what nobody needs any more: clones that are over, what killed commands have left, and
//! templates of databases that are gone.

use std::time::Instant;

use super::hint::Hints;
use super::note::{Database, Role};
use super::{server, template};
use crate::cluster::run::activity;
use crate::cluster::{Layout, Liveness};
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::Result;

/// The minutes after which a database without a note is one that a killed command has left. Between
/// CREATE DATABASE and the comment are milliseconds.
const FORGOTTEN: f64 = 10.0;

/// Whether the server of a cluster runs and a clone is over. Looks at files only.
pub fn is_due(layout: &Layout) -> bool {
    layout.clones().is_dir()
        && Hints::of(layout).any_is_over()
        && matches!(Liveness::of(&layout.data()), Ok(Liveness::Running(_)))
}

/// Drops the clones of a running server that are over, until `deadline`. Returns their names.
pub fn prune_layout(layout: &Layout, deadline: Option<Instant>) -> Result<Vec<String>> {
    prune(&mut activity::session(layout, "postgres")?, layout, deadline)
}

pub(super) fn prune(
    session: &mut Session,
    layout: &Layout,
    deadline: Option<Instant>,
) -> Result<Vec<String>> {
    let hints = Hints::of(layout);
    let known = hints.all();
    let all = server::databases(session)?;
    let is_over = |database: &Database| match &database.note {
        // the hint of a killed command says that it is over before the comment does
        Some(note) => note.is_over() || known.iter().any(|hint| hint.is_over_for(database)),
        None => {
            let hint = known.iter().find(|hint| hint.name == database.name);
            let is_forgotten = database.idle_minutes.is_some_and(|minutes| minutes > FORGOTTEN);
            hint.map_or(is_forgotten, |hint| hint.note.is_over())
        }
    };
    let mut dropped = Vec::new();
    for database in all.iter().filter(|database| is_over(database)) {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(dropped);
        }
        if server::drop_database(session, layout, &database.name)? {
            dropped.push(database.name.clone());
        }
    }
    for hint in known.iter().filter(|hint| hint.note.is_over()) {
        if all.iter().all(|database| database.name != hint.name) {
            hints.remove(&hint.name);
        }
    }
    for database in all.iter().filter(|database| database.is(Role::Template)) {
        let original = database.note.as_ref().map_or("", |note| &note.database);
        let row = session.query_one(sql!("cluster/database-exists"), &[&original])?;
        if !column(&row, "found")? {
            template::drop_unless_pinned(session, layout, &database.name)?;
        }
    }
    Ok(dropped)
}
