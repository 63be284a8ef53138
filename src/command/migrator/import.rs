//! `migrator import`: takes over the migrations of another tool, and its history.

use std::path::Path;

use serde::Serialize;

use super::change;
use crate::migration::import::files::Files;
use crate::migration::import::found::NotTaken;
use crate::migration::import::history::{self, Applied};
use crate::migration::import::place;
use crate::migration::import::read::{Imports, ReadOptions, read};
use crate::migration::import::tool::Tool;
use crate::migration::import::write::{self, Writing};
use crate::migration::name::Layout;
use crate::migration::project::RunOptions;
use crate::postgres::connection::conninfo::Conninfo;
use crate::sys::error::{Error, Result};

/// What to import.
#[derive(Debug)]
pub struct ImportOptions<'a> {
    /// The current directory.
    pub base: &'a Path,
    /// The directory of the other tool, if the user named one.
    pub source: Option<&'a Path>,
    /// The other tool, if the user named one.
    pub tool: Option<Tool>,
    /// Our migration directory.
    pub directory: &'a Path,
    /// The layout that the settings demand.
    pub layout: Option<Layout>,
    /// The values of the other tool's placeholders.
    pub placeholders: &'a [(String, String)],
    /// Write nothing.
    pub dry_run: bool,
}

/// The result of an import.
#[derive(Debug, Serialize)]
pub struct ImportReport {
    /// The other tool.
    pub tool: &'static str,
    /// The directory of the other tool.
    pub source: String,
    pub migrations: Vec<ImportedMigration>,
    /// Files that have no counterpart.
    pub not_taken: Vec<NotTaken>,
    /// Changes that a person should know of.
    pub notes: Vec<String>,
    /// The names of migrations that the other tool has applied.
    pub applied: Vec<String>,
    /// Rows of the other tool's table that no file has.
    pub elsewhere: Vec<String>,
}

/// A migration of ours.
#[derive(Debug, Serialize)]
pub struct ImportedMigration {
    pub version: i64,
    pub name: String,
    /// The file of the other tool, relative to its directory.
    pub origin: String,
    /// Whether it runs in a transaction.
    pub transaction: bool,
}

/// An import that has not written anything yet.
#[derive(Debug)]
pub struct Prepared<'a> {
    options: &'a ImportOptions<'a>,
    tool: Tool,
    imports: Imports,
    writing: Writing,
    applied: Option<Applied>,
    pub report: ImportReport,
}

/// Reads the directory of the other tool.
///
/// # Errors
/// `Conflict` (exit 2) for what cannot be taken over, and for versions that our migration directory
/// has already; `Missing` (exit 3) without a directory or without migrations.
pub fn prepare<'a>(options: &'a ImportOptions<'a>) -> Result<Prepared<'a>> {
    let place = place::find(options.base, options.directory, options.source, options.tool)?;
    let files = Files::read(&place.directory, place::entries(place.tool))?;
    let read_options = ReadOptions { layout: options.layout, placeholders: options.placeholders };
    let imports = read(place.tool, &files, &read_options)?;
    let writing = write::check(options.directory, &imports.migrations)?;
    let migrations = imports.migrations.iter().map(|one| ImportedMigration {
        version: one.name.version,
        name: one.name.full.clone(),
        origin: one.found.up.origin.clone(),
        transaction: !one.up.starts_with("-- migrator:"),
    });
    let report = ImportReport {
        tool: place.tool.name(),
        source: place.directory.display().to_string(),
        migrations: migrations.collect(),
        not_taken: imports.not_taken.clone(),
        notes: imports.notes.clone(),
        applied: Vec::new(),
        elsewhere: Vec::new(),
    };
    Ok(Prepared { options, tool: place.tool, imports, writing, applied: None, report })
}

impl Prepared<'_> {
    /// Reads the other tool's table and compares it with the files.
    ///
    /// # Errors
    /// `Conflict` (exit 2) if they do not fit, `Missing` (exit 3) without the table.
    pub fn read_history(&mut self, project: &RunOptions, conninfo: &Conninfo) -> Result<()> {
        let mut session = project.connect(conninfo)?;
        let rows = history::rows(&mut session, self.tool)?;
        let applied = history::compare(self.tool, &self.imports, &rows)?;
        let is_applied = |version| applied.versions.iter().any(|(other, _)| *other == version);
        let names = self.imports.migrations.iter().map(|one| &one.name);
        let names = names.filter(|name| is_applied(name.version));
        self.report.applied = names.map(|name| name.full.clone()).collect();
        self.report.elsewhere.clone_from(&applied.elsewhere);
        self.applied = Some(applied);
        Ok(())
    }

    /// Writes the migrations.
    ///
    /// # Errors
    /// `Conflict` (exit 2) if they are there already, unless there is a history to record.
    pub fn write(&self) -> Result<()> {
        let directory = self.options.directory;
        match self.writing {
            Writing::Same if self.applied.is_some() => Ok(()),
            Writing::Same => Err(Error::conflict(format!(
                "{} has these migrations already",
                directory.display()
            ))
            .hint("with --history, import records which of them are applied")),
            Writing::New if self.options.dry_run => Ok(()),
            Writing::New => write::write(directory, &self.imports.migrations),
        }
    }

    /// Records what the other tool has applied. Returns the number of recorded migrations.
    ///
    /// # Errors
    /// `Conflict` (exit 2) if the database has no history and the bundle is off.
    pub fn record(&self, project: &RunOptions, conninfo: &Conninfo) -> Result<usize> {
        let Some(applied) = &self.applied else { return Ok(0) };
        change::imported(project, conninfo, applied.versions.clone())?.make()
    }
}
