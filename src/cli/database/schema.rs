//! `database schema`: prints, writes and compares the schema file.

use std::path::Path;

use similar::TextDiff;

use crate::cli::args::schema::SchemaVerb;
use crate::cli::migrator::settings;
use crate::cli::output::diff::line;
use crate::cli::output::ui;
use crate::cli::path::absolute;
use crate::cli::resolve::Resolve;
use crate::command::schema::{SchemaDump, Stale};
use crate::project::schema::SchemaFile;
use crate::sys::error::{Error, Result};

/// The number of objects that an error names.
const NAMED: usize = 20;

pub(super) fn run(resolve: &Resolve, verb: SchemaVerb) -> Result<()> {
    match verb {
        SchemaVerb::Dump { output } => {
            let output = output.filter(|path| path != Path::new("-"));
            dump(resolve, output.as_deref())
        }
        SchemaVerb::Check { output } => {
            let file = match output {
                Some(path) => absolute(&path),
                None => settings::schema_file(resolve)?.ok_or_else(|| {
                    Error::missing("no schema file is named")
                        .hint("database schema check -o FILE")
                        .hint("or set schema_file in the section migrator of database.toml")
                })?,
            };
            check(resolve, &SchemaFile::new(file))
        }
    }
}

fn source(resolve: &Resolve) -> Result<SchemaDump> {
    Ok(SchemaDump {
        conninfo: resolve.connection()?,
        toolchain: resolve.client()?,
        temporary: resolve.temporary_directory(),
    })
}

fn dump(resolve: &Resolve, output: Option<&Path>) -> Result<()> {
    let Some(path) = output else {
        let text = source(resolve)?.text()?;
        return ui::data(|out| out.write_all(text.as_bytes()));
    };
    let file = SchemaFile::new(absolute(path));
    file.check()?;
    let state = if source(resolve)?.write(&file)? { "written" } else { "up to date" };
    ui::status(&format!("{state}: {}", path.display()));
    Ok(())
}

fn check(resolve: &Resolve, file: &SchemaFile) -> Result<()> {
    let path = file.path().display();
    let Some(stale) = source(resolve)?.compare(file)? else {
        ui::status(&format!("up to date: {path}"));
        return Ok(());
    };
    let text = difference(&stale, &path.to_string());
    ui::data(|out| out.write_all(text.as_bytes()))?;
    let objects = &stale.objects;
    let what = match objects.len() {
        1 => format!("{path} is stale: 1 object differs"),
        number => format!("{path} is stale: {number} objects differ"),
    };
    let named = objects.iter().take(NAMED).map(|name| line(name));
    let error = named.fold(Error::failed(what), Error::detail);
    let error = match objects.len().checked_sub(NAMED) {
        None | Some(0) => error,
        Some(more) => error.detail(format!("and {more} more")),
    };
    Err(error.hint(format!("write it anew and commit it: database schema dump -o {path}")))
}

fn difference(stale: &Stale, path: &str) -> String {
    let diff = TextDiff::from_lines(&stale.before, &stale.after);
    let text = diff.unified_diff().context_radius(3).header(path, "the database").to_string();
    text.lines().map(|one| line(one) + "\n").collect()
}
