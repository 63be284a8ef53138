//! The schema file that a run of migrations writes.

use super::Cli;
use crate::cli::output::ui;
use crate::command::schema::SchemaDump;
use crate::migration::migrate::Done;
use crate::postgres::connection::conninfo::Conninfo;
use crate::project::schema::SchemaFile;
use crate::sys::error::{Error, Result};

/// A schema file and the database that it shows.
pub(super) struct Schema {
    dump: SchemaDump,
    file: SchemaFile,
}

impl Cli<'_> {
    /// The schema file, if the project has one and this run may write it.
    ///
    /// # Errors
    /// The reason why it could not be written after the run.
    pub(super) fn schema(&self, conninfo: &Conninfo) -> Result<Option<Schema>> {
        let Some(path) = self.settings.schema_file() else { return Ok(None) };
        if self.global.dry_run || self.global.no_schema_file {
            return Ok(None);
        }
        let resolve = self.settings.resolve();
        let prepare = || {
            let (toolchain, temporary) = (resolve.client()?, resolve.temporary_directory());
            let dump = SchemaDump { conninfo: conninfo.clone(), toolchain, temporary };
            let file = SchemaFile::new(path.to_owned());
            file.check()?;
            self.settings.project().connect(conninfo)?;
            dump.check()?;
            Ok(Schema { dump, file })
        };
        prepare().map(Some).map_err(|error: Error| {
            error
                .context("no migration ran: the schema file could not be written afterwards")
                .hint("--no-schema-file runs the migrations without it")
        })
    }
}

/// Writes the file after a run that has changed something, also if the run failed after that.
pub(super) fn written(schema: Option<Schema>, count: usize, done: Result<Done>) -> Result<Done> {
    let Some(Schema { dump, file }) = schema.filter(|_| count > 0) else { return done };
    let path = file.path().display();
    let again = format!("write it when that is solved: database schema dump -o {path}");
    match (dump.write(&file), done) {
        (Ok(is_new), Ok(done)) => {
            if is_new {
                ui::status(&format!("written: {path}"));
            }
            Ok(done)
        }
        (Ok(_), Err(error)) => {
            Err(error.detail(format!("{path} shows the schema with these migrations")))
        }
        (Err(error), Ok(_)) => Err(error
            .context(format!("{count} migrations are done, but {path} is stale"))
            .hint(again)),
        (Err(also), Err(error)) => Err(error
            .detail(format!("{path} is stale, because it could not be written: {also}"))
            .hint(again)),
    }
}
