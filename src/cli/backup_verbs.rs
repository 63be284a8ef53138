//! The verbs of `database` about backups: values resolved, the command run, its report printed.

use std::path::{Path, PathBuf};

use super::env::absolute;
use super::resolve::Resolve;
use super::ui;
use super::verbs::timing;
use crate::backup::Taken;
use crate::command::backup;
use crate::error::Result;
use crate::steps::Steps;

pub(super) fn run_backup(resolve: &Resolve, path: Option<PathBuf>) -> Result<()> {
    let path = place(resolve, path.as_deref())?;
    let connection = resolve.connection()?;
    let mut steps = Steps::default();
    let taken = backup::run(&resolve.client()?, &connection, &path, &mut steps)?;
    ui::status(&format!("backed up: {}{}", path.display(), timing(&steps)));
    ui::status(&contents(&taken));
    Ok(())
}

fn place(resolve: &Resolve, path: Option<&Path>) -> Result<PathBuf> {
    path.map_or_else(|| resolve.backup_directory(), |path| Ok(absolute(path)))
}

fn contents(taken: &Taken) -> String {
    let databases = taken.sidecar.databases.keys().cloned().collect::<Vec<_>>().join(", ");
    format!("PostgreSQL {}, {}, of {databases}", taken.sidecar.server, size(taken.size))
}

/// Bytes in the unit that people say.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}
